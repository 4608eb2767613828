"""Fixtures of the paired voices and words."""

from paired_material import voices, words  # noqa: F401 -- fixtures
