"""Whether a sound is made of steady tones, which no voice is: its pitch never stays for a tenth of a second."""

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.waveform import SAMPLE_RATE

STEADY = 0.94
"""Of 1; tones and struck strings reach 0.99. Of 2,297 pieces of speech in nine corpora all but one stay below 0.78;
that one, a cry, reaches 0.92."""

LOOKED_AT = 16
"""Places in a piece of sound; half of them have to be steady."""

MOST_GROWTH = 2.0
"""From one window to the next; what begins anew is no going on."""

# Every fourth sample will do: what folds down from above 2 kHz is steady or not as it was before.
_STEP, _WINDOW, _HOP = 4, 256, 128
_SPAN = _STEP * (_WINDOW + 2 * _HOP)
_FRAME = round(FRAME_SECS * SAMPLE_RATE)


def is_steady(samples: NDArray[np.float32], spoken: NDArray[np.bool_]) -> bool:
    """Whether the sound of a piece goes on as tones do.

    In each of three windows of 64 ms, 32 ms apart, every frequency of a tone turns by the same angle and grows or
    fades by the same factor, so that the third follows from the first two. This is the prediction by which onsets of
    notes are found (J. P. Bello et al., "On the use of phase and energy for musical onset detection in the complex
    domain", 2004); here it is asked whether it holds.

    Args:
        samples: 16 kHz, float32, shape [samples].
        spoken: the frames of 20 ms that are asked about, bool, shape [frames].

    >>> tone = np.sin(np.arange(16000) * 0.3).astype(np.float32)
    >>> is_steady(tone, np.ones(50, np.bool_))
    True
    """
    starts = np.flatnonzero(spoken) * _FRAME
    starts = starts[starts + _SPAN <= len(samples)]
    if len(starts) == 0:
        return False
    starts = starts[np.linspace(0, len(starts) - 1, min(LOOKED_AT, len(starts))).astype(int)]
    windows = samples[starts[:, None, None] + _PLACES] * _TAPER
    first, second, third = np.moveaxis(np.fft.rfft(windows), 1, 0)
    power_of_first = _power(first) + _TINY
    growth = np.sqrt(_power(second) / power_of_first)
    # second * (second / first), without a division of complex numbers, which takes most of the time
    expected = second * second * first.conj() / (power_of_first * np.maximum(growth / MOST_GROWTH, 1))
    missed = _power(third - expected).sum(axis=1) / (_power(third).sum(axis=1) + _TINY)
    return bool(np.median(1 - missed) > STEADY)


_PLACES = np.arange(3)[:, None] * _HOP * _STEP + np.arange(_WINDOW) * _STEP
_TAPER = np.hanning(_WINDOW).astype(np.float32)
_TINY = 1e-24


def _power(spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = spectrum.real**2 + spectrum.imag**2
    return found
