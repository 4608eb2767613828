"""The model folders that ship, made by their command."""

import csv
import json
from pathlib import Path

import pytest

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import read_head
from rasa_emotion.audio import highpass, load_audio, trim_silence
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.model_folder import read_model_folder
from research.acoustic import ship as shipping


def test_a_model_folder_from_nothing(
    tones: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training, export, figures and card by the one command, on tones."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    text = recipe.read_text().split("network:")[0].replace("epochs: 2", "epochs: 0\nprobe: {views: [noise]}")
    network = {"encoder": "whisper", "width": 16, "attention_heads": 2, "hidden": [32, 0]}
    (recipes / "tones.yaml").write_text(text + f"network: {json.dumps(network)}\n")
    product = shipping.Product(
        runs={f"fold{n}": shipping.Run("tones", fold=n) for n in (1, 2, 3)} | {"all": shipping.Run("tones")},
        shipped="all",
        kept=("fold1", "fold2", "fold3"),
        scored="tones",
        corpora=("emogator",),
        licence="Apache-2.0",
        summary="Tells tones apart.",
        split="By fold.",
        data_note="Tones.",
    )
    monkeypatch.setitem(shipping.PRODUCTS, "tones", product)
    monkeypatch.setattr(shipping, "RECIPES", recipes)
    shipping.ship("tones", data=tones, runs=tmp_path / "runs", out=tmp_path / "tones", cache=tmp_path / "cache")

    folder = read_model_folder(tmp_path / "tones", "acoustic")
    figures = folder.settings["figures"]
    assert figures["clips"] == 36
    assert set(figures["ua_by_fold"]) == {"1", "2", "3"}
    assert set(figures["ua_by_condition"]) >= {"mulaw", "noise20", "noise0", "first 1 s"}
    card = (tmp_path / "tones" / "card.md").read_text()
    for part in ("Apache-2.0", "EmoGator", "95 % interval", "8 kHz mu-law", "report models/tones"):
        assert part in card
    with (tmp_path / "tones" / "folds" / "out_of_fold.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len([row for row in rows if row["condition"] == "clean"]) == 36

    # what the file says is what the fold's own model says
    first = rows[0]
    trunk = OnnxNetwork(tmp_path / "tones" / "model.onnx")
    fold = AcousticClassifier(read_head(tmp_path / "tones/folds/heads.npz", f"fold{first['fold']}", trunk), name="fold")
    heard = fold.logits(trim_silence(highpass(load_audio(tones / first["path"]))))  # as clips are kept
    assert [float(first[emotion]) for emotion in EMOTIONS] == pytest.approx(list(heard), abs=1e-2)
    classifier = AcousticClassifier.load(tmp_path / "tones")
    assert classifier.classify(load_audio(tones / first["path"])).model == "tones"
