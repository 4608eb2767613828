"""Fixtures of the tiny corpus."""

from tiny_tones import probe_recipe, recipe, small_whisper, tones, whisper_content  # noqa: F401 -- fixtures
