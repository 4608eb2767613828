"""The analysis as a service of its own, over HTTP: many bots share one. docs/service.md describes it."""
