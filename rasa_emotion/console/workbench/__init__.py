"""The workbench: everything that can be seen in one recording, as JSON-safe data. No web framework but in `upload`."""
