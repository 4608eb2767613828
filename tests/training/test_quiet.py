"""Warnings of libraries without a logger of their own are held back, and nothing else is."""

import logging

import pytest

from rasa_emotion.training.quiet import without_warnings


def test_only_warnings_are_held_back_and_only_inside(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        with without_warnings():
            logging.warning("inside")
            logging.error("an error")
        logging.warning("after")
    assert [record.message for record in caplog.records] == ["an error", "after"]
