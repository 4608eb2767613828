"""One analyzer per process and choice of models."""

import logging

from fake_analyzer import install

from rasa_emotion.components.shared import shared_analyzer


def test_it_is_loaded_once(monkeypatch):
    install(monkeypatch)
    assert shared_analyzer() is shared_analyzer(None, "acoustic")
    assert shared_analyzer(acoustic="other") is not shared_analyzer()


def test_missing_models_cost_one_warning(caplog, tmp_path):
    with caplog.at_level(logging.WARNING, logger="rasa_emotion.components.shared"):
        assert shared_analyzer(str(tmp_path / "absent")) is None
        assert shared_analyzer(str(tmp_path / "absent")) is None
    lines = [record.getMessage() for record in caplog.records if record.name == "rasa_emotion.components.shared"]
    assert len(lines) == 1
    assert "goes on without emotions" in lines[0]
