"""Overlapping sliding windows over a clip's frames of features, and one answer for the clip from its windows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]


def until_silence(features: Features) -> Features:
    """A clip's frames without the silence that fills it up to its length: those at the end that are all alike.

    Args:
        features: shape [frames, dims]; at least one frame is kept.
    """
    differs = (features != features[-1]).any(axis=1)
    return features[: 1 + int(np.flatnonzero(differs).max(initial=0))]


def overlapping(features: Features, *, frames: int, hop: int) -> Features:
    """Windows of a clip, shape [windows, frames, dims], that begin `hop` frames apart.

    The last window ends where the clip ends, so it may overlap more. A clip shorter than a window is repeated.

    Args:
        features: shape [frames of the clip, dims].
        frames: length of a window.
        hop: distance between the beginnings of two windows, at most `frames`.

    >>> overlapping(np.arange(7, dtype=np.float32)[:, None], frames=4, hop=2)[:, :, 0].astype(int).tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6]]
    """
    if len(features) < frames:
        features = np.resize(features, (frames, features.shape[1]))
    last = len(features) - frames
    starts = [*range(0, last, hop), last]
    return np.stack([features[start : start + frames] for start in starts])


def cut(clips: Sequence[Features], *, frames: int, hop: int) -> tuple[Features, NDArray[np.int64]]:
    """The windows of all clips, shape [windows, frames, dims], and the number of the clip that each comes from.

    The silence that fills clips up is left out.
    """
    parts = [overlapping(until_silence(clip), frames=frames, hop=hop) for clip in clips]
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return np.concatenate(parts), owners


def clip_means(values: NDArray[np.float64], owners: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean over each clip's windows, shape [clips, classes], of values of shape [windows, classes]."""
    totals = np.zeros((int(owners.max()) + 1, values.shape[1]))
    np.add.at(totals, owners, values)
    means: NDArray[np.float64] = totals / np.bincount(owners)[:, None]
    return means
