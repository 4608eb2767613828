"""A Rasa that nobody tried is named in one line, and goes on."""

import logging

import pytest

from rasa_emotion.bot.rasa_versions import TESTED, tell_untried


@pytest.mark.parametrize(("version", "pro"), [("3.6.20", False), ("3.6.21", False), ("3.21.0", True), ("3.21.4", True)])
def test_a_version_that_was_tried_says_nothing(version: str, pro: bool, caplog: pytest.LogCaptureFixture) -> None:
    tell_untried(version, pro=pro)
    assert caplog.records == []


@pytest.mark.parametrize(("version", "pro"), [("3.4.0", False), ("3.9.1", True), ("4.0.0a1", True), ("odd", False)])
def test_one_in_between_is_named(version: str, pro: bool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        tell_untried(version, pro=pro)
    (record,) = caplog.records
    assert record.event == "rasa.version.untried"
    assert f"Rasa{' Pro' if pro else ''} {version} is not" in record.getMessage()
    assert all(tested in record.getMessage() for tested in TESTED.values())
