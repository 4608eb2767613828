import json

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.fusion import Fusion
from rasa_emotion.model_folder import write_manifest
from research.fusion import __main__ as command
from research.fusion import measure
from research.fusion.strategies import RECIPES


@pytest.fixture
def models(tmp_path, monkeypatch, voices, words):
    """Folders of both models, whose evidence is made up."""
    for kind in ("acoustic", "text"):
        folder = tmp_path / "models" / kind
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"weights")
        (folder / "LICENSE").write_text("free")
        write_manifest(folder, [], name=kind, kind=kind, licence="none", commercial=False, summary="A toy.")
    monkeypatch.setattr(command, "hear_voices", lambda *_: voices)
    monkeypatch.setattr(command, "read_words", lambda *_: words)
    monkeypatch.setattr(measure, "SAMPLES", 10)
    return tmp_path / "models"


def test_folder_card_and_document_tell_the_same_figures(models, capsys):
    docs = models.parent / "docs"
    recipes = [option for name in ("product", "average") for option in ("--recipe", str(RECIPES / f"{name}.yaml"))]
    command.main([str(models), "--docs", str(docs), "--result", str(docs.parent / "result.json"), "--json", *recipes])
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((docs.parent / "result.json").read_text())
    loaded = Fusion.load(models / "fusion")
    assert loaded.weights == report["constants"]["weights"]
    assert loaded.conflicts == report["constants"]["conflicts"]
    ua = 100 * report["measured"]["sets"]["words agree"]["strategies"][measure.SHIPS]["ua"]["value"]
    for text in ((models / "fusion" / "card.md").read_text(), (docs / "fusion.md").read_text()):
        assert f"{ua:.1f}" in text
        assert "weighted average" in text
        assert "$" not in text
    assert (docs / "fusion.svg").read_text().startswith("<?xml")


def test_another_acoustic_model_has_a_card_alone(models):
    (models / "acoustic").rename(models / "acoustic-emogator")
    docs = models.parent / "docs"
    recipe = str(RECIPES / "product.yaml")
    command.main([str(models), "--acoustic", "acoustic-emogator", "--docs", str(docs), "--recipe", recipe])
    assert Fusion.load(models / "fusion-emogator").weights
    assert not docs.exists()


def test_what_cannot_be_used_ends_in_a_sentence(models, monkeypatch):
    def missing(*_):
        raise ConfigError("The recordings are missing: name their folder with --data.")

    monkeypatch.setattr(command, "hear_voices", missing)
    with pytest.raises(SystemExit, match="The recordings are missing"):
        command.main([str(models)])
