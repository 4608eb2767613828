"""A recipe becomes a measured model folder, or figures where its labels are not the eight emotions."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.model_folder import MANIFEST
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.text import produce
from rasa_emotion.training.text.model import TextEmotionModel, save_model

SETTINGS = "epochs: 1\nbatch_size: 8\ninner_share: 0.5\n"


@pytest.fixture
def place(tiny_model: TextEmotionModel, tmp_path: Path) -> Path:
    """Corpora, two recipes and a tiny start."""
    (tmp_path / "text").mkdir()
    lines = [f"sentence {i} of kind {emotion}\t{emotion}" for emotion in EMOTIONS for i in range(4)]
    (tmp_path / "text" / "meld_train.tsv").write_text("text\tlabel\n" + "\n".join(lines) + "\n")
    joys = (
        "text\tlabel\n" + "\n".join(f"so {label} {i}\t{label}" for label in ("joy", "anger") for i in range(8)) + "\n"
    )
    for part in ("train", "dev"):
        (tmp_path / "text" / f"dair_emotion_{part}.tsv").write_text(joys)
    save_model(tiny_model, tmp_path / "start")
    head = f"start: {tmp_path / 'start'}\n{SETTINGS}"
    labels = ", ".join(EMOTIONS)
    (tmp_path / "eight.yaml").write_text(f"{head}labels: [{labels}]\ntrain:\n  - corpus: meld_train\n")
    (tmp_path / "two.yaml").write_text(f"{head}labels: [joy, anger]\ntrain:\n  - corpus: dair_emotion_train\n")
    return tmp_path


def test_the_verb_writes_a_folder_that_loads(place: Path) -> None:
    out = place / "model"
    order = ["train", "text", str(place / "eight.yaml"), "--data", str(place), "--out", str(out)]
    result = CliRunner().invoke(app, [*order, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["folder"] == str(out)
    assert not found["commercial"]
    assert found["figures"]["inner"]["rows"] == 16
    assert found["figures"]["int8_agreement"] >= 0.9
    assert found["figures"]["latency_ms"]["p50"] > 0
    assert TextClassifier.load(out).classify("this is a sentence").modality == "text"
    card = (out / "card.md").read_text()
    assert "meld" in card
    assert "research" in (out / "LICENSE").read_text()
    again = CliRunner().invoke(app, order)
    assert again.exit_code == 0
    assert "research and evaluation only" in " ".join(again.stdout.split())
    refused = CliRunner().invoke(app, [*order, "--set", "epochs: 2"])
    assert isinstance(refused.exception, ConfigError)
    assert "another settings" in str(refused.exception)


def test_other_labels_give_figures(place: Path) -> None:
    found = produce.train_recipe(str(place / "two.yaml"), place, place / "scored", part="dair_emotion_dev")
    assert found["folder"] is None
    assert found["rows"] == 16
    stored = json.loads((place / "scored" / "figures.json").read_text())
    assert stored["accuracy"] == found["accuracy"]
    inner = produce.train_recipe(str(place / "two.yaml"), place, place / "inner")
    assert inner["inner"][0]["epoch"] == 1


def test_orders_that_cannot_be_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'nothing'.*goemotions"):
        produce.train_recipe("nothing", place, place / "out")
    with pytest.raises(ConfigError, match="trains on 'meld_train'"):
        produce.train_recipe(str(place / "eight.yaml"), place, place / "out", part="meld_train")
    with pytest.raises(ConfigError, match="inner_share"):
        produce.train_recipe(str(place / "eight.yaml"), place, place / "out", changes="inner_share: 0.0")
    with pytest.raises(ConfigError, match=r"has the label '.*', which the recipe's `labels` lack"):
        produce.train_recipe(str(place / "two.yaml"), place, place / "wrong", changes="labels: [joy, fear]")
    monkeypatch.setattr(produce, "predict", lambda model, rows, pool: torch.eye(8)[[0] * len(rows)].numpy())
    with pytest.raises(ModelError, match="of the answers stay the same"):
        produce.train_recipe(str(place / "eight.yaml"), place, place / "broken")
    assert (place / "broken" / MANIFEST).is_file()


GERMAN = "Ich warte seit einer Stunde auf eine Antwort"


def test_a_german_model_reads_german(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    order = ["train", "text", str(place / "eight.yaml"), "--data", str(place), "--out", str(place / "model")]
    result = CliRunner().invoke(app, [*order, "--set", "languages: [de]"])
    assert result.exit_code == 0, result.output
    german = TextClassifier.load(place / "model")
    assert german.languages == ("de",)
    assert json.loads((place / "model" / MANIFEST).read_text())["summary"].startswith("Sentences in de")
    found = german.classify(GERMAN)
    assert found.reliability == 1
    assert found.foreign_language is None
    assert EmotionAnalyzer.load(place / "model").analyze(text=GERMAN).probabilities
    french = german.classify("Je voudrais parler avec une personne au sujet de ma facture, s'il vous plaît")
    assert (french.reliability, french.foreign_language) == (0, "fr")
    assert "that the text model does not read (de)" in caplog.text


@pytest.mark.parametrize("languages", ["de", "[]", "[5]", "[German]"])
def test_languages_are_codes(place: Path, languages: str) -> None:
    with pytest.raises(ConfigError, match="languages"):
        produce.train_recipe(str(place / "eight.yaml"), place, place / "out", changes=f"languages: {languages}")
