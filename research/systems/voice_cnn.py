"""System E's convolutional branch on low-level descriptors; the words and the fusion stand elsewhere."""

from typing import cast

import torch
from torch import Tensor, nn

from research.systems.brain import NeuralModel

STRIDE = 2


class VoiceCnn(NeuralModel):
    """Convolutions over time, the mean over the clip, a dense layer.

    The paper's text here names the order of the layers but no sizes; here 64 and 128 channels of 5 frames, each halving
    the frames, and 64 dense units.
    """

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        return Branch(dims, classes)


class Branch(nn.Module):
    """Descriptors [batch, frames, dims] to logits [batch, classes]; silence that fills a clip up does not count."""

    def __init__(self, dims: int, classes: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(_block(dims, 64), nn.Dropout(0.2), _block(64, 128))
        self.dense = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.convolutions(x.transpose(1, 2))
        heard = sounding(x)[:, :: STRIDE * STRIDE].to(hidden.dtype)[:, None]
        pooled = (hidden * heard).sum(dim=2) / heard.sum(dim=2)
        return cast(Tensor, self.dense(pooled))


def sounding(x: Tensor) -> Tensor:
    """Which frames belong to the clip, [batch, frames]: those up to the last that differs from the frame at the end.

    The first frame always counts.
    """
    differs = (x != x[:, -1:]).any(dim=2).long()
    heard = differs.flip(1).cummax(dim=1).values.flip(1).bool()
    first = torch.zeros_like(heard)
    first[:, 0] = True
    return heard | first


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(before, after, 5, stride=STRIDE, padding=2), nn.BatchNorm1d(after), nn.ReLU())
