"""The narrow trunk: an item is heard alike alone and in a batch; at full width it is the wide network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.whisper import WhisperNetwork
from research.voice.make.distil import wide_states
from research.voice.make.export import export, random_head
from research.voice.make.narrow import narrow, trace
from research.voice.make.network import Trunk

SMALL = {"width": 32, "channels": 24, "entry": 28, "heads": 2, "head_width": 8, "hidden": (48, 0)}


@pytest.fixture
def trunk() -> Trunk:
    torch.manual_seed(0)
    return Trunk(**SMALL).eval()  # type: ignore[arg-type]


def sounds() -> list[np.ndarray]:  # type: ignore[type-arg]
    random = np.random.default_rng(0)
    return [
        random.normal(0, level, size).astype(np.float32) for level, size in ((0.01, 9000), (0.5, 24_000), (0.1, 12_345))
    ]


def test_neighbours_change_nothing(trunk: Trunk) -> None:
    own = sounds()
    padded = torch.zeros(3, 24_000)
    for row, sound in enumerate(own):
        padded[row, : len(sound)] = torch.from_numpy(sound)
    with torch.no_grad():
        together = trunk(padded, torch.tensor([len(sound) for sound in own]))
        alone = [trunk(torch.from_numpy(sound)[None], torch.tensor([len(sound)]))[0] for sound in own]
    for row, found in enumerate(alone):
        np.testing.assert_allclose(together[row], found, atol=1e-4)


def test_a_louder_copy_is_heard_alike(trunk: Trunk) -> None:
    sound = torch.from_numpy(sounds()[1])[None]
    length = torch.tensor([sound.shape[1]])
    with torch.no_grad():
        np.testing.assert_allclose(trunk(sound, length), trunk(sound * 0.25, length), atol=1e-3)


def test_at_full_width_it_is_the_wide_network() -> None:
    torch.manual_seed(1)
    wide = WhisperNetwork({"emotion": 8}, width=32, attention_heads=4, hidden=(48, 0)).eval()
    trunk = Trunk(width=32, channels=32, entry=32, heads=4, head_width=8, hidden=(48, 0)).eval()
    waveform = torch.randn(6, 16_000) * 0.1
    directions = narrow(wide, trunk, trace(wide, [waveform]))
    with torch.no_grad():
        wanted = wide_states(wide, waveform)
        found, _ = trunk.states(waveform, torch.full((6,), 16_000))
    for own, given in zip(wanted, found, strict=True):
        back = given @ directions.T
        off = (own - back)[:, 1:-1]  # Whisper mirrors the ends, the trunk fills them with zeros
        assert float((off**2).mean() / (own**2).mean()) < 0.05


def test_the_export_in_int8_says_the_same_alone_and_in_a_batch(trunk: Trunk, tmp_path: Path) -> None:
    size = 4 * SMALL["width"]  # type: ignore[operator]
    calibration = [np.random.default_rng(2).normal(0, 0.1, (4, 16_000)).astype(np.float32)]
    export(trunk, random_head(size, 16), tmp_path / "model.onnx", calibration=calibration)
    network = OnnxNetwork(tmp_path / "model.onnx")
    assert network.takes_lengths
    together = network.run(["logits", "embedding"], sounds())
    for row, sound in enumerate(sounds()):
        for found, all_found in zip(network.run(["logits", "embedding"], [sound]), together, strict=True):
            np.testing.assert_allclose(found[0], all_found[row], atol=2e-3)
