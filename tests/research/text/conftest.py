"""Fixtures of the tiny text model."""

from tiny_text_model import built, tiny_model  # noqa: F401 -- fixtures
