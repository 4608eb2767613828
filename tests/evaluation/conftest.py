"""Fixture of predictions with known figures."""

from known_predictions import predictions  # noqa: F401 -- a fixture
