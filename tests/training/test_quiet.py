"""Warnings are held back inside, errors never, and everything is as before afterwards."""

import logging

import pytest

from rasa_emotion.training.quiet import without_warnings


@pytest.mark.parametrize("name", ["", "of.a.library"])
def test_only_warnings_are_held_back_and_only_inside(name: str) -> None:
    logger = logging.getLogger(name)
    before = [logger.isEnabledFor(level) for level in (logging.INFO, logging.WARNING, logging.ERROR)]
    with without_warnings():
        assert not logger.isEnabledFor(logging.WARNING)
        assert logger.isEnabledFor(logging.ERROR)
    assert [logger.isEnabledFor(level) for level in (logging.INFO, logging.WARNING, logging.ERROR)] == before
