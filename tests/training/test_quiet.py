"""Warnings of libraries without a logger of their own are held back, and nothing else is."""

import logging

from rasa_emotion.training.quiet import without_warnings


def passes(level: int) -> bool:
    """Whether the root logger would handle a record, whatever level other tests have left it at."""
    return bool(logging.getLogger().filter(logging.LogRecord("root", level, __file__, 1, "said", None, None)))


def test_only_warnings_are_held_back_and_only_inside() -> None:
    with without_warnings():
        assert not passes(logging.WARNING)
        assert passes(logging.ERROR)
        assert passes(logging.INFO)
    assert passes(logging.WARNING)
