"""System D: CNN and LSTM on the MFCC of overlapping sliding windows, with or without CAEmoCyGAN; its two baselines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from research.systems.brain import NeuralModel
from research.systems.caemocygan import GanSettings, Labels, Windows, missing_windows
from research.systems.caemocygan_brain import train_translator
from research.systems.labels import SEXES
from research.systems.models import LastOutput, OverTime
from research.systems.windows import clip_means, cut, until_silence

if TYPE_CHECKING:
    from research.systems.recipe import SystemRecipe

N_MFCC = 40
GANS = "gan"
"""Folder of the GANs in the folder of a run."""


def cepstrum(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first 40 MFCC of log-mel features, shape [..., bins] to [..., 40]: their orthonormal DCT, as librosa's."""
    return np.asarray(dct(mel, axis=-1, norm="ortho")[..., :N_MFCC], dtype=np.float32)


class CnnLstm(NeuralModel):
    """The network of one window. The paper gives no sizes; here 64 and 128 channels of 5 frames and 64 LSTM units."""

    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        return nn.Sequential(
            OverTime(
                *(nn.Conv1d(dims, 64, 5, padding=2), nn.BatchNorm1d(64), nn.ReLU(), nn.MaxPool1d(2)),
                *(nn.Conv1d(64, 128, 5, padding=2), nn.BatchNorm1d(128), nn.ReLU(), nn.MaxPool1d(2)),
                nn.Dropout(0.3),
            ),
            LastOutput(nn.LSTM(128, 64, batch_first=True)),
            nn.Dropout(0.3),
            nn.Linear(64, classes),
        )


class SlidingCnnLstm:
    """Each window of a clip learns the clip's class; a clip's probabilities are the mean of its windows'.

    Takes log-mel features and computes the MFCC itself, so that the GAN generates mel and the network hears MFCC.

    Args:
        recipe: gives epochs, batch size, learning rate and optimiser of the network.
        window: frames of a window.
        hop: frames between the beginnings of two windows.
        gan: settings of `GanSettings`; a CAEmoCyGAN trained on the training part then fills small classes. None leaves
            it out. Unless said, it trains a third as many epochs as the network.
        share: what classes are filled up to, as a share of the largest.
    """

    def __init__(
        self,
        recipe: "SystemRecipe",
        *,
        window: int,
        hop: int,
        gan: Mapping[str, Any] | None = None,
        share: float = 1.0,
    ) -> None:
        self.window, self.hop, self.share = window, hop, share
        self.gan = None if gan is None else GanSettings(**{"epochs": max(1, recipe.epochs // 3), **gan})
        self.folder = recipe.folder / GANS if recipe.folder else None
        self.classes = recipe.classes
        self.network = CnnLstm(recipe)
        self.parameters = 0
        self.generated = 0

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        windows, owners = cut(list(x), frames=self.window, hop=self.hop)
        labels = y[owners]
        made, made_labels = self._generate(windows, labels, classes=classes, seed=seed)
        self.generated = len(made)
        self.network.fit(
            cepstrum(np.concatenate([windows, made])),
            np.concatenate([labels, made_labels]),
            classes=classes,
            seed=seed,
        )
        self.parameters = self.network.parameters

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        windows, owners = cut(list(x), frames=self.window, hop=self.hop)
        return clip_means(self.network.probabilities(cepstrum(windows)), owners)

    def _generate(self, windows: Windows, labels: Labels, *, classes: int, seed: int) -> tuple[Windows, Labels]:
        if self.gan is None:
            return windows[:0], labels[:0]
        groups = sexes(self.classes, classes)
        translator = train_translator(windows, labels, groups=groups, settings=self.gan, seed=seed, folder=self.folder)
        return missing_windows(windows, labels, translator, groups=groups, share=self.share, seed=seed)


def sexes(names: Sequence[str], classes: int) -> list[int]:
    """The group of each class: voices of one sex, where every name ends in one; else all are one group."""
    ends = [name.rpartition("_")[2] for name in names]
    if len(ends) == classes and set(ends) <= set(SEXES):
        return [SEXES.index(end) for end in ends]
    return [0] * classes


class _Summarised:
    """A classifier of scikit-learn on mean and standard deviation of a clip's MFCC over its frames: 80 numbers."""

    def __init__(self, recipe: "SystemRecipe") -> None:
        self.parameters = 0
        self.classes = 0
        self.estimator: Any = None

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        found = np.zeros((len(x), self.classes))
        found[:, self.estimator.classes_] = self.estimator.predict_proba(summaries(x))
        return found


class SummaryTree(_Summarised):
    """System D's first baseline: a decision tree, grown to its end as scikit-learn does unless told otherwise."""

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        self.classes = classes
        self.estimator = DecisionTreeClassifier(random_state=seed).fit(summaries(x), y)
        self.parameters = int(self.estimator.tree_.node_count)


class SummaryForest(_Summarised):
    """System D's second baseline: a random forest.

    Args:
        recipe: its settings are not needed.
        trees: how many.
    """

    def __init__(self, recipe: "SystemRecipe", *, trees: int = 300) -> None:
        super().__init__(recipe)
        self.trees = trees

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        self.classes = classes
        self.estimator = RandomForestClassifier(self.trees, random_state=seed).fit(summaries(x), y)
        self.parameters = sum(int(tree.tree_.node_count) for tree in self.estimator.estimators_)


def summaries(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean and standard deviation of each clip's 40 MFCC, without the silence that fills it: [clips, 80]."""
    clips = [cepstrum(until_silence(clip)) for clip in x]
    return np.stack([np.concatenate([clip.mean(axis=0), clip.std(axis=0)]) for clip in clips])
