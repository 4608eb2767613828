"""Removing what is too low for a voice: offsets, drift, rumble and the hum of the mains."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import Waveform

REMOVED_HZ, KEPT_HZ = 62.0, 78.0
"""Below the first, hum at 50 and 60 Hz, rumble and drift; above the second, the pitch of the deepest voices."""

STOPBAND_DB = 70.0
MAINS_HZ, HUM_SECS = (50.0, 60.0), 0.3
"""The hum that goes on beyond either end of a sound, as the first and last seconds say; three of its beats."""

LOW_RATE = 400
"""Hz, about; the rate at which the low part is separated, at a fiftieth of what it would cost at the full rate."""


def highpass(waveform: Waveform) -> Waveform:
    """The waveform without what lies below `REMOVED_HZ`; from `KEPT_HZ` on it stays as it is, without any delay.

    Measures of a voice (its level, pauses, noise) and the network all look at what this function returns, in training
    as in serving, so that an offset or hum on the line changes neither. Filtering twice changes nothing more. Where an
    offset had pushed the samples to full scale, the result may exceed -1 to 1.

    The low part is found as in any multirate filter (R. E. Crochiere and L. R. Rabiner, "Multirate Digital Signal
    Processing", 1983): decimated, low-passed by a Kaiser window, interpolated, and then subtracted.

    >>> offset = Waveform(np.full(16000, 0.03, np.float32))
    >>> float(np.abs(highpass(offset).samples).max()) < 1e-6
    True
    """
    count = len(waveform.samples)
    if count == 0:
        return waveform
    filters = _filters(waveform.sample_rate)
    factor = filters.into.shape[0]
    # Whole blocks, continued at both ends: a jump to zero there would be a click in the result.
    before, after = filters.margin * factor, filters.margin * factor + -count % factor
    longer = _continued(waveform.samples, waveform.sample_rate, before, after)
    low = _interpolated(_lowpassed(_decimated(longer.reshape(-1, factor), filters.into), filters.sharp), filters.back)
    kept = low[:count]
    np.subtract(waveform.samples, kept, out=kept)  # in its place: memory of this size is slow to get
    return Waveform(kept, waveform.sample_rate)


class _Filters:
    """The three filters of one sample rate, float32.

    Args:
        sample_rate: Hz.

    Attributes:
        into: decimating low-pass, shape [factor, taps]: weights of one block of samples in `taps` neighbouring outputs.
        sharp: low-pass at the low rate, shape [taps], odd.
        back: interpolating low-pass, shape [taps, factor].
        margin: blocks to add at each end.
    """

    def __init__(self, sample_rate: int) -> None:
        factor = max(1, round(sample_rate / LOW_RATE))
        low_rate = sample_rate / factor
        middle = (REMOVED_HZ + KEPT_HZ) / 2
        self.sharp = _kaiser_lowpass(middle / low_rate, (KEPT_HZ - REMOVED_HZ) / low_rate, multiple=1).astype(
            np.float32
        )
        # Nothing may fold into what the sharp filter lets pass: the stopband begins at low_rate - KEPT_HZ.
        wide = _kaiser_lowpass(low_rate / 2 / sample_rate, (low_rate - 2 * KEPT_HZ) / sample_rate, multiple=2 * factor)
        blocks = wide.reshape(-1, factor)
        self.into: NDArray[np.float32] = np.ascontiguousarray(blocks.T, dtype=np.float32)
        # Each sample between two low ones is a weighted mean of them: a constant stays the same constant.
        self.back: NDArray[np.float32] = np.ascontiguousarray((blocks / blocks.sum(axis=0))[::-1], dtype=np.float32)
        self.margin = len(self.sharp) // 2 + len(blocks) - 1


@lru_cache(maxsize=16)
def _filters(sample_rate: int) -> _Filters:
    return _Filters(sample_rate)


def _kaiser_lowpass(cutoff: float, transition: float, *, multiple: int) -> NDArray[np.float64]:
    """A windowed sinc with sum 1; cut-off and transition in cycles per sample.

    Its length by Kaiser's formula (J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window
    function", 1974), rounded up to a `multiple`; an odd one for the multiple 1.
    """
    beta = 0.1102 * (STOPBAND_DB - 8.7)
    needed = int(np.ceil((STOPBAND_DB - 7.95) / (2.285 * 2 * np.pi * transition)))
    taps = needed | 1 if multiple == 1 else -(-needed // multiple) * multiple
    time = np.arange(taps) - (taps - 1) / 2
    response = np.sinc(2 * cutoff * time) * np.kaiser(taps, beta)
    found: NDArray[np.float64] = response / response.sum()
    return found


def _decimated(blocks: NDArray[np.float32], into: NDArray[np.float32]) -> NDArray[np.float32]:
    """One low sample for each place where all taps find a block."""
    taps = into.shape[1]
    parts = blocks @ into
    count = len(blocks) - taps + 1
    low = parts[:count, 0].copy()
    for tap in range(1, taps):
        low += parts[tap : tap + count, tap]
    return low


def _lowpassed(low: NDArray[np.float32], sharp: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.convolve(low, sharp, mode="valid")


def _interpolated(low: NDArray[np.float32], back: NDArray[np.float32]) -> NDArray[np.float32]:
    taps = back.shape[0]
    neighbours = np.lib.stride_tricks.sliding_window_view(low, taps)
    found: NDArray[np.float32] = (np.ascontiguousarray(neighbours) @ back).ravel()
    return found


def _continued(samples: NDArray[np.float32], sample_rate: int, before: int, after: int) -> NDArray[np.float32]:
    """The samples with so many more at either end, where hum goes on and everything else is mirrored."""
    longer = np.pad(samples, (before, after), mode="symmetric")
    window = round(HUM_SECS * sample_rate)
    if len(samples) < window:
        return longer
    for end, count in ((longer[::-1], before), (longer, after)):  # views: what is written into them stays
        waves, weights = _hum(window, count, sample_rate)
        end[len(end) - count :] += waves @ (weights @ end[len(end) - count - window : len(end) - count])
    return longer


@lru_cache(maxsize=64)
def _hum(window: int, count: int, sample_rate: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What to add to a mirror so that hum goes on as a wave does.

    Returns:
        The difference of each wave between its continuation and its mirror, shape [count, waves], and the weights of
        the last `window` samples in each wave's amplitude by least squares, shape [waves, window].
    """
    seconds = np.arange(1 - window, count + 1) / sample_rate
    phases = 2 * np.pi * np.multiply.outer(seconds, MAINS_HZ)
    waves = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
    known, ahead = waves[:window], waves[window:]
    mirrored = np.pad(known, ((0, count), (0, 0)), mode="symmetric")[window:]
    drift = np.vander(seconds[:window], 2)
    weights = np.linalg.pinv(np.concatenate([known, drift], axis=1))[: known.shape[1]]
    return (ahead - mirrored).astype(np.float32), weights.astype(np.float32)
