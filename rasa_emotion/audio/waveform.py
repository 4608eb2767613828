"""Mono samples with their rate: what every decoder makes and every model reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz; the rate that every acoustic model takes."""


@dataclass(frozen=True)
class Waveform:
    """Mono audio.

    Args:
        samples: float32, shape [samples], -1 to 1, all finite.
        sample_rate: Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int = SAMPLE_RATE

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate
