"""Changing the sample rate, of a whole waveform or block by block."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import AudioError

MIN_RATE, MAX_RATE = 4_000, 192_000
"""Hz; a rate outside of these is a broken header or a wrong setting, not a recording of speech."""


EDGE_SECS = 0.05
"""The first and the last sample are held so long before and after a signal while it is resampled. Against silence, an
offset would begin and end with a click that is louder than a quiet voice."""


def check_sample_rate(sample_rate: int, name: str) -> None:
    """Raises AudioError, calling the audio `name`, when no recording of speech has this rate (Hz)."""
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise AudioError(
            f"{name} has a sample rate of {sample_rate} Hz, which is not between {MIN_RATE} and {MAX_RATE}; "
            f"record or convert it at {SAMPLE_RATE} Hz."
        )


def resample(waveform: Waveform, sample_rate: int = SAMPLE_RATE) -> Waveform:
    """The same sound at another rate (Hz), clipped to -1 to 1.

    >>> resample(Waveform(np.zeros(8000, np.float32), 8000)).seconds
    1.0
    """
    blocks = list(resample_blocks([waveform.samples], waveform.sample_rate, sample_rate))
    return Waveform(np.concatenate(blocks) if blocks else np.zeros(0, np.float32), sample_rate)


def resample_blocks(
    blocks: Iterable[NDArray[np.float32]], from_rate: int, to_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Resample consecutive blocks of mono samples, float32, shape [samples], as one signal without seams."""
    if from_rate == to_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_rate, to_rate, num_channels=1, dtype="float32")
    step = from_rate // math.gcd(from_rate, to_rate)  # so many samples are a whole number of new ones
    edge = math.ceil(EDGE_SECS * from_rate / step) * step
    taken, made, last = 0, -edge * to_rate // from_rate, np.zeros(0, np.float32)
    for block in blocks:
        if not len(block):
            continue
        found = stream.resample_chunk(block if taken else np.concatenate([np.repeat(block[:1], edge), block]))
        yield _clipped(found[max(0, -made) :])
        taken, made, last = taken + len(block), made + len(found), block[-1:]
    if taken:
        found = stream.resample_chunk(np.repeat(last, edge), last=True)
        whole = int(taken * to_rate / from_rate + 0.5)
        yield _clipped(found[max(0, -made) : whole - made])


def _clipped(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    # The filter overshoots where the input is already at full scale.
    return np.clip(samples, -1.0, 1.0)
