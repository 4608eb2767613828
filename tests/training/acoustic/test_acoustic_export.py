"""The exported model against its original."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from rasa_emotion.acoustic.network import AcousticNetwork
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import shipped_models
from rasa_emotion.training.acoustic import export as exporting

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
