"""One analyzer per process and choice of models."""

import logging

from fake_analyzer import FakeAnalyzer, install

from rasa_emotion.turn.shared import shared_analyzer


def test_it_is_loaded_once(monkeypatch):
    install(monkeypatch)
    assert shared_analyzer() is shared_analyzer(None, "acoustic")
    assert shared_analyzer(acoustic="other") is not shared_analyzer()


def test_missing_models_cost_one_warning(caplog, tmp_path):
    with caplog.at_level(logging.WARNING, logger="rasa_emotion.turn.shared"):
        assert shared_analyzer(str(tmp_path / "absent")) is None
        assert shared_analyzer(str(tmp_path / "absent")) is None
    lines = [record.getMessage() for record in caplog.records if record.name == "rasa_emotion.turn.shared"]
    assert len(lines) == 1
    assert "goes on without emotions" in lines[0]


def test_models_that_fail_in_an_unforeseen_way_cost_one_line(monkeypatch, caplog):
    install(monkeypatch)
    monkeypatch.setattr(FakeAnalyzer, "load", lambda *args, **kwargs: 1 / 0)
    assert shared_analyzer() is None
    assert shared_analyzer() is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
