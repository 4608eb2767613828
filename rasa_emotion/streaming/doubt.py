"""Whether live audio is what its sender announced: another encoding makes noise, another rate another tempo."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE

FULL = 0.5
"""Level (root mean square) of a second that no voice reaches for long. Mu-law that is read as 16 bit numbers, and the
other way round, lie above it, in silence most of all."""

WHITE_LEVEL, WHITE = 0.12, 0.3
"""Level from which a second whose neighbouring samples have a correlation below the second number is noise: voices and
tones have 0.6 and more. Bytes in the wrong order, and numbers that are read as A-law, are such."""

NOISY, OF = 5, 12
"""Seconds of the latest that must be so."""

WATCHED_SECS = 10.0
"""Of the clock, in which audio of the rate that was announced lasts as long; a shorter time says nothing, since lines
gather audio while a network stutters."""

RATIOS = (1 / 6, 1 / 3, 1 / 2, 2.0, 3.0, 6.0)
"""Between the rates in use: 8, 16, 24 and 48 kHz."""

NEAR = 0.06
"""Share by which a measured ratio may differ. Another ratio is a line that sends nothing while nobody speaks."""


class FormatDoubt:
    """Watches the audio of one call, and says once what is likely wrong with it.

    Args:
        sample_rate: Hz, as announced.
        clock: seconds; None where audio does not come as it is spoken, so that its rate cannot be told.
    """

    def __init__(self, sample_rate: int, clock: Callable[[], float] | None = None) -> None:
        self._rate, self._clock = sample_rate, clock
        self._since: float | None = None
        self._secs = 0.0
        self._second: list[NDArray[np.float32]] = []
        self._noisy: deque[bool] = deque(maxlen=OF)
        self._told = False

    def take(self, samples: NDArray[np.float32]) -> str | None:
        """One sentence where the next samples (16 kHz) make the announced format doubtful, the first time only."""
        if self._told or not len(samples):
            return None
        found = self._encoding(samples) or self._pace(len(samples) / SAMPLE_RATE)
        self._told = found is not None
        return found

    def _encoding(self, samples: NDArray[np.float32]) -> str | None:
        self._second.append(samples)
        if sum(map(len, self._second)) < SAMPLE_RATE:
            return None
        # Of a narrow line every other sample was made by the resampler, which would make them alike.
        heard = np.concatenate(self._second)[:: max(1, round(SAMPLE_RATE / self._rate))]
        self._second = []
        power = float(heard @ heard)
        level = float(np.sqrt(power / len(heard)))
        alike = float(heard[1:] @ heard[:-1]) / max(power, 1e-9)
        self._noisy.append(level > FULL or (level > WHITE_LEVEL and alike < WHITE))
        if sum(self._noisy) < NOISY:
            return None
        return "The audio is loud noise; see that its encoding and order of bytes are those that were announced."

    def _pace(self, secs: float) -> str | None:
        if self._clock is None:
            return None
        now = self._clock()
        if self._since is None:
            # What came before the clock began is not counted.
            self._since = now
            return None
        self._secs += secs
        gone = now - self._since
        if gone < WATCHED_SECS:
            return None
        ratio = self._secs / gone
        self._since, self._secs = now, 0.0
        likely = next((known for known in RATIOS if abs(ratio / known - 1) < NEAR), None)
        if likely is None:
            return None
        return (
            f"In a second of the clock comes {ratio:.2f} s of audio at the announced {self._rate} Hz; see whether it "
            f"is rather at {round(self._rate * likely)} Hz."
        )
