"""Samples that `views` and `conditions` have written. Needs no torch."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE

MIN_SAMPLES = int(0.4 * SAMPLE_RATE)
"""Shorter sounds are repeated to this length, as in use."""


def read_sounds(folder: Path, corpus: str, view: str) -> list[NDArray[np.float32]]:
    """The samples of one view of a corpus, as `views` wrote them."""
    samples = np.load(folder / f"{corpus}-{view}.npy", mmap_mode="r")
    ends = np.load(folder / f"{corpus}-{view}-ends.npy")
    return [part.astype(np.float32) / 32768 for part in np.split(samples, ends[:-1])]


def enough(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeated to `MIN_SAMPLES` where it is shorter, as in use."""
    return np.resize(sound, max(len(sound), MIN_SAMPLES)) if len(sound) else np.zeros(MIN_SAMPLES, np.float32)


def drawn(names: Sequence[str], most: int) -> NDArray[np.int64]:
    """Numbers of at most so many sounds, by the checksum of their names, in order; of all where `most` is 0."""
    order = np.argsort([zlib.crc32(name.encode()) for name in names], kind="stable")
    return np.sort(order[: most or len(names)])
