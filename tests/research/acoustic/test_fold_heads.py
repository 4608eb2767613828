"""The folds' heads, kept beside the model that ships."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import head_names, read_head
from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.errors import ModelError
from rasa_emotion.training.acoustic.export import export
from research.acoustic.heads import carried_over, write_heads


@pytest.fixture
def network(small_whisper: dict[str, Any]) -> WhisperNetwork:
    torch.manual_seed(0)
    return WhisperNetwork({"emotion": 8}, **small_whisper).eval()


def test_a_folds_head_says_on_the_shipped_embedding_what_it_said(
    network: WhisperNetwork, small_whisper: dict[str, Any], tmp_path: Path
) -> None:
    other = WhisperNetwork({"emotion": 8}, **small_whisper).eval()
    other.encoder.load_state_dict(network.encoder.state_dict())
    for part, offset in ((network, 0.1), (other, 0.7)):
        part.normalise.running_mean += offset
        part.normalise.running_var *= 1 + offset
    write_heads(tmp_path / "heads.npz", {"fold1": carried_over(network, other, "emotion")})
    export(network, tmp_path / "model.onnx")
    assert head_names(tmp_path / "heads.npz") == ["fold1"]
    head = read_head(tmp_path / "heads.npz", "fold1", OnnxNetwork(tmp_path / "model.onnx"))
    waveform = torch.randn(1, 16_000) * 0.1
    with torch.no_grad():
        expected = other(waveform)[0]["emotion"].numpy()
        scale = float(np.abs(expected).max())
    np.testing.assert_allclose(head.run(["logits"], waveform.numpy())[0], expected, atol=0.1 * scale)
    with pytest.raises(ModelError, match="no head 'fold2'"):
        read_head(tmp_path / "heads.npz", "fold2", OnnxNetwork(tmp_path / "model.onnx"))
    with pytest.raises(ModelError, match="trunks of their own"):
        carried_over(network, WhisperNetwork({"emotion": 8}, **small_whisper), "emotion")
