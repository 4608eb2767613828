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
        speech_secs: seconds of it in which a voice speaks, where a stream has found that already; None lets who hears
            it look.
    """

    samples: NDArray[np.float32]
    sample_rate: int = SAMPLE_RATE
    speech_secs: float | None = None

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate
