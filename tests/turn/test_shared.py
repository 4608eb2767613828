"""One analyzer per process and choice of models."""

import logging
from types import SimpleNamespace

import pytest
from fake_analyzer import FakeAnalyzer, install

from rasa_emotion.model_folder import write_manifest
from rasa_emotion.turn import shared
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


def model(folder, **more):
    path = folder / "acoustic"
    path.mkdir(parents=True)
    (path / "weights").write_text("w")
    write_manifest(path, ["weights"], **{"name": "acoustic", "kind": "acoustic", "summary": "hears", **more})
    return str(folder)


@pytest.mark.parametrize(
    ("more", "level", "line"),
    [
        (
            {"licence": "CC-BY-NC-SA-4.0", "commercial": False, "cannot_hear": ["whispering", "song"]},
            logging.WARNING,
            "The acoustic model 'acoustic' is under CC-BY-NC-SA-4.0, research and evaluation only. It cannot hear "
            "whispering, song.",
        ),
        (
            {"licence": "Apache-2.0", "commercial": True, "cannot_hear": "children"},
            logging.WARNING,
            "The acoustic model 'acoustic' is under Apache-2.0, companies may use it. It cannot hear children.",
        ),
        (
            {"licence": "Apache-2.0", "commercial": True},
            logging.INFO,
            "The acoustic model 'acoustic' is under Apache-2.0, companies may use it.",
        ),
    ],
)
def test_the_licence_of_the_voice_is_said_once_at_the_start(  # noqa: PLR0917 -- three of them are fixtures
    monkeypatch, caplog, tmp_path, more, level, line
):
    monkeypatch.setattr(shared, "EmotionAnalyzer", SimpleNamespace(load=lambda *args, **kwargs: object()))
    models = model(tmp_path, **more)
    with caplog.at_level(logging.INFO, logger="rasa_emotion.turn.shared"):
        shared_analyzer(models)
        shared_analyzer(models)
    told = [(record.levelno, record.getMessage()) for record in caplog.records if "acoustic model" in record.message]
    assert told == [(level, line)]
