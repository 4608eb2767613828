"""Export the trunk with a head to ONNX: waveforms and lengths in, logits and the embedding out."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ModelError
from rasa_emotion.training.voice.heads import Fitted, Head
from rasa_emotion.training.voice.network import Trunk

OPSET = 17
TOLERANCE = 2e-4
CHECKED_SECS = (0.5, 1.0, 3.0, 5.0)


class Served(nn.Module):
    """What runs in use: the embedding is normalised as the head reads it."""

    def __init__(self, trunk: Trunk, fitted: Fitted) -> None:
        super().__init__()
        self.trunk, self.head = trunk, fitted.head
        trunk.mean.copy_(torch.from_numpy(fitted.mean))
        trunk.deviation.copy_(torch.from_numpy(fitted.deviation))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.trunk(waveform, lengths)
        return self.head(embedding), embedding


def export(trunk: Trunk, fitted: Fitted, file: Path) -> float:
    """Write the model and compare it with its original, alone and in a batch with a longer and louder neighbour.

    Returns the largest difference of a logit or of a value of the embedding.

    Raises:
        ModelError: it differs by more than `TOLERANCE`.
    """
    served = Served(trunk, fitted).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a free batch; the check below runs several
        torch.onnx.export(
            served,
            (torch.randn(2, 2 * SAMPLE_RATE) * 0.1, torch.tensor([2 * SAMPLE_RATE, SAMPLE_RATE])),
            str(file),
            input_names=["waveform", "lengths"],
            output_names=["logits", "embedding"],
            dynamic_axes={
                "waveform": {0: "batch", 1: "samples"},
                "lengths": {0: "batch"},
                "logits": {0: "batch"},
                "embedding": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    difference = largest_difference(served, file, CHECKED_SECS)
    if difference > TOLERANCE:
        raise ModelError(f"'{file}' differs from its original by {difference:.1e}: do not ship it, report the export.")
    return difference


def largest_difference(served: nn.Module, file: Path, seconds: Sequence[float]) -> float:
    """Of each length alone by torch and in one batch of all lengths by ONNX Runtime, on noise."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    sounds = [
        random.normal(0, 0.02 * (i + 1), int(secs * SAMPLE_RATE)).astype(np.float32) for i, secs in enumerate(seconds)
    ]
    found = session.run(["logits", "embedding"], padded(sounds))
    worst = 0.0
    for row, sound in enumerate(sounds):
        with torch.no_grad():
            alone = served(torch.from_numpy(sound)[None], torch.tensor([len(sound)]))
        worst = max(worst, *(float(np.abs(a[0].numpy() - b[row]).max()) for a, b in zip(alone, found, strict=True)))
    return worst


def padded(sounds: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.generic]]:
    """The network's inputs for sounds of any lengths."""
    waveform = np.zeros((len(sounds), max(len(sound) for sound in sounds)), np.float32)
    for row, sound in enumerate(sounds):
        waveform[row, : len(sound)] = sound
    return {"waveform": waveform, "lengths": np.array([len(sound) for sound in sounds], dtype=np.int64)}


def random_head(size: int, hidden: int) -> Fitted:
    """A head that was fitted to nothing, for measuring."""
    return Fitted(np.zeros(size, np.float32), np.ones(size, np.float32), Head(size, hidden).eval())
