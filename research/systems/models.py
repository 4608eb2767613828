"""The models of systems A, B and C.

The papers name layers more often than their sizes; what they leave open is chosen here and said at each class.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor, nn

from research.systems.brain import NeuralModel

if TYPE_CHECKING:
    from research.systems.recipe import SystemRecipe


class CnnLstm(NeuralModel):
    """System A: convolutions over time, then an LSTM whose last output is classified.

    The paper gives no sizes; here two blocks of 5 frames, 64 and 128 wide, and 128 LSTM units.
    """

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        return nn.Sequential(
            OverTime(_block1d(dims, 64), _block1d(64, 128), nn.Dropout(0.3)),
            LastOutput(nn.LSTM(128, 128, batch_first=True)),
            nn.Dropout(0.3),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, classes),
        )


class ModifiedAlexNet(NeuralModel):
    """System B: AlexNet's five convolutions (A. Krizhevsky, "One weird trick", 2014) on a spectrogram.

    The paper does not say what it modified. Here the image has one channel, and the mean over the last maps replaces
    the two layers of 4096, which are made for images of one size. The learning rate falls tenfold every 30 epochs.
    """

    def __init__(self, recipe: "SystemRecipe", *, step: int = 30, gamma: float = 0.1) -> None:
        schedule = partial(torch.optim.lr_scheduler.StepLR, step_size=step, gamma=gamma)
        super().__init__(recipe, schedule=schedule)

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        pool = partial(nn.MaxPool2d, kernel_size=3, stride=2)
        return nn.Sequential(
            AsImage(),
            *(nn.Conv2d(1, 64, 11, stride=4, padding=2), nn.ReLU(), pool()),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool()),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(256, classes),
        )


class Cnn1d(NeuralModel):
    """System C: convolutions over time alone. The paper gives no sizes; here 64, 128 and 256, 5 frames each."""

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        return nn.Sequential(
            OverTime(_block1d(dims, 64), _block1d(64, 128), _block1d(128, 256), nn.Dropout(0.3)),
            nn.Flatten(),
            nn.Linear(256 * (frames // 8), 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, classes),
        )


class Cnn2d(NeuralModel):
    """System C's best: convolution, batch normalisation, ReLU, pooling and dropout over features as an image.

    The paper gives no sizes; here 16, 32 and 64 channels of 3 by 3 and a dense layer of 128.
    """

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        # one value a frame (the zero crossing rate) has nothing to pool across
        pools = [2 if dims >= 2 ** (depth + 1) else 1 for depth in range(3)]
        blocks = [
            nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d((2, pool))
            )
            for before, after, pool in zip((1, 16, 32), (16, 32, 64), pools, strict=True)
        ]
        for pool in pools:
            dims //= pool
        return nn.Sequential(
            AsImage(),
            *blocks,
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(64 * (frames // 8) * dims, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, classes),
        )


class CnnBiLstm(NeuralModel):
    """System C: a bidirectional LSTM of 128 units, dropout, 128 dense units with a leaky ReLU, dropout.

    The convolution before it has no sizes in the paper; here 64 channels of 5 frames.
    """

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        return nn.Sequential(
            OverTime(_block1d(dims, 64)),
            LastOutput(nn.LSTM(64, 128, batch_first=True, bidirectional=True)),
            nn.Dropout(0.5),
            nn.Linear(256, 128),
            nn.LeakyReLU(0.1),
            nn.Dropout(0.5),
            nn.Linear(128, classes),
        )


class Forest:
    """System C's baseline: a random forest on flattened features."""

    def __init__(self, recipe: "SystemRecipe", *, trees: int = 100) -> None:
        self.trees = trees
        self.parameters = 0
        self.forest: Any = None
        self.classes = 0

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        self.forest = RandomForestClassifier(self.trees, random_state=seed).fit(x.reshape(len(x), -1), y)
        self.classes = classes
        self.parameters = sum(tree.tree_.node_count for tree in self.forest.estimators_)

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        found = np.zeros((len(x), self.classes))
        found[:, self.forest.classes_] = self.forest.predict_proba(x.reshape(len(x), -1))
        return found


class OverTime(nn.Module):
    """Layers over [batch, dims, frames] for features of [batch, frames, dims]."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.layers(features.transpose(1, 2))
        return found.transpose(1, 2)


class AsImage(nn.Module):
    """[batch, frames, dims] to [batch, 1, frames, dims]."""

    def forward(self, features: Tensor) -> Tensor:
        return features[:, None].contiguous(memory_format=torch.channels_last)


class LastOutput(nn.Module):
    """What a recurrent layer has heard at the end, of both directions: [batch, frames, dims] to [batch, units]."""

    def __init__(self, recurrent: nn.LSTM) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(self, features: Tensor) -> Tensor:
        _, (hidden, _) = self.recurrent(features)
        return torch.cat(list(hidden), dim=-1)


def _block1d(before: int, after: int) -> nn.Sequential:
    layers: Sequence[nn.Module] = (nn.Conv1d(before, after, 5, padding=2), nn.BatchNorm1d(after), nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool1d(2))
