"""The exported model against its original, and the model folder made of it."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import read_head
from rasa_emotion.acoustic.network import AcousticNetwork
from rasa_emotion.audio import highpass, load_audio, trim_silence
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import read_model_folder, shipped_models
from rasa_emotion.training.acoustic import export as exporting
from rasa_emotion.training.acoustic import ship as shipping

SMALL = {"channels": (4, 8), "pools": ((2, 4), (2, 4)), "depths": (1, 2), "projection": 16, "lstm": 8, "embedding": 16}


@pytest.fixture
def network() -> AcousticNetwork:
    torch.manual_seed(0)
    return AcousticNetwork({"emotion": 8, "other": 3}, **SMALL).eval()


def test_equals_the_original_at_any_length_and_batch(network: AcousticNetwork, tmp_path: Path) -> None:
    assert exporting.export(network, tmp_path / "m.onnx") < exporting.TOLERANCE
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    for batch, samples in ((1, 4800), (2, 12_345), (1, 240_000)):
        waveform = np.random.default_rng(1).normal(0, 0.1, (batch, samples)).astype(np.float32)
        logits, embedding = session.run(["logits", "embedding"], {"waveform": waveform})
        with torch.no_grad():
            expected, vector = network(torch.from_numpy(waveform))
        np.testing.assert_allclose(logits, expected["emotion"].numpy(), atol=1e-4)
        np.testing.assert_allclose(embedding, vector.numpy(), atol=1e-4)


def test_a_different_export_is_refused(
    network: AcousticNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "largest_difference", lambda *_: 0.01)
    with pytest.raises(ModelError, match="differs from its original"):
        exporting.export(network, tmp_path / "m.onnx")


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


@pytest.mark.parametrize("name", ["acoustic", "acoustic-emogator"])
def test_the_models_that_ship_say_the_same_on_every_cpu(name: str) -> None:
    graph = onnx.load(shipped_models() / name / "model.onnx").graph
    place = {"MatMulInteger": 1, "DequantizeLinear": 0}  # of the weights, in dynamic and in static quantisation
    multiplied = {node.input[place[node.op_type]] for node in graph.node if node.op_type in place}
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [stored[name] for name in multiplied & stored.keys() if stored[name].dtype == np.int8]
    # AVX2 adds two products of an unsigned and a signed byte in 16 bits: 2 * 255 * 64 fits, 2 * 255 * 127 does not.
    assert len(weights) >= 5
    assert 2 * 255 * max(np.abs(weight.astype(int)).max() for weight in weights) < 2**15
