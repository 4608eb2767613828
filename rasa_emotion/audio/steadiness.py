"""Whether a sound is made of steady tones, which no voice is: its pitch never stays for a tenth of a second."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.waveform import SAMPLE_RATE

LOOKED_AT, FEWEST = 16, 4
"""Places in a piece of sound; of less nothing is said."""

SILENT_PART = 1e-4
"""Of the loudest window's energy (-40 dB); a place with a window below it lies at a tone's end and tells nothing."""

MOST_GROWTH = 2.0
"""From one window to the next; what begins anew is no going on."""


@dataclass(frozen=True)
class Look:
    """How closely a sound is looked at, and from where on it is steady.

    Args:
        window: samples of each of three windows, at a quarter of the rate.
        hop: between them.
        share: of the places, which have to be steady: between short notes there are places that are not.
        steady: how well the third window has to follow from the first two, of 1.
    """

    window: int
    hop: int
    share: float
    steady: float


SHORT = Look(window=128, hop=64, share=0.3, steady=0.99)
"""Over 64 ms, for notes and bursts of a tenth of a second. Chosen on 1,255 pieces of speech in ten corpora.
`python -m research.steadiness.measure` counts what is lost of others: their highest value, and families of sounds.
Tones and struck strings reach 0.995. A melody with vibrato or bursts of 0.05 s do not."""

LONG = Look(window=256, hop=128, share=0.5, steady=0.94)
"""Over 128 ms, for tones in noise: of speech that is worth this look few reach 0.73, and one piece 0.928."""

WORTH_A_LONG_LOOK = 0.9
"""At the short look. 96 of 100 pieces of speech stay below and cost no more."""

# Every fourth sample will do: what folds down from above 2 kHz is steady or not as it was before.
_STEP = 4
_FRAME = round(FRAME_SECS * SAMPLE_RATE)
_HALF = _FRAME // 2
_TINY = np.float32(1e-24)

# By the golden ratio, as evenly as the same distance each time would be, which may be that of a signal's bursts.
_SPREAD = np.arange(LOOKED_AT) * 0.618034 % 1


def is_steady(samples: NDArray[np.float32], spoken: NDArray[np.bool_]) -> bool:
    """Whether the sound of a piece goes on as tones do.

    In each of three windows every frequency of a tone turns by the same angle and grows or fades by the same factor, so
    that the third follows from the first two. This is the prediction by which onsets of notes are found (J. P. Bello et
    al., "On the use of phase and energy for musical onset detection in the complex domain", 2004); here it is asked
    whether it holds.

    Args:
        samples: 16 kHz, float32, shape [samples].
        spoken: the frames of 20 ms that are asked about, bool, shape [frames].

    >>> tone = np.sin(np.arange(16000) * 0.3).astype(np.float32)
    >>> is_steady(tone, np.ones(50, np.bool_))
    True
    """
    seen = steadiness(samples, spoken, SHORT)
    return seen > SHORT.steady or (seen > WORTH_A_LONG_LOOK and steadiness(samples, spoken, LONG) > LONG.steady)


def begins_steadily(samples: NDArray[np.float32]) -> bool:
    """Whether sound that has just begun goes on as tones do, looked at every 10 ms.

    Args:
        samples: 16 kHz, float32, shape [samples]; too few for `FEWEST` looks are not.
    """
    return steadiness(samples, np.ones(len(samples) // _HALF, np.bool_), SHORT, _HALF) > SHORT.steady


def steadiness(samples: NDArray[np.float32], spoken: NDArray[np.bool_], look: Look, frame: int = _FRAME) -> float:
    """How well the third window follows from the first two, 1 at most; 0 where there is too little sound.

    Args:
        frame: samples of each of `spoken`.
    """
    frequencies, places = _transform(look)
    starts = np.flatnonzero(spoken) * frame
    starts = starts[starts + places[-1, -1] < len(samples)]
    count = min(LOOKED_AT, len(starts))
    if count < FEWEST:
        return 0.0
    if count < len(starts):
        starts = starts[(_SPREAD * len(starts)).astype(np.intp)]
    # The transform as a product of real matrices: numpy's own works in double precision and takes twice as long. Window
    # by window, since OpenBLAS wakes other threads for a product of more than 2^18 multiplications.
    turned = np.stack([samples[starts[:, None] + window] @ frequencies for window in places], axis=1)
    real, imaginary = turned[..., : look.window // 2 - 1], turned[..., look.window // 2 - 1 :]
    power = real * real + imaginary * imaginary
    first = power[:, 0] + _TINY
    # second * (second / first), and no more growth than there may be
    scale = 1 / (first * np.maximum(np.sqrt(power[:, 1] / first) / np.float32(MOST_GROWTH), 1))
    squared = (real[:, 1] + imaginary[:, 1]) * (real[:, 1] - imaginary[:, 1]) * scale
    crossed = 2 * real[:, 1] * imaginary[:, 1] * scale
    apart = real[:, 2] - (squared * real[:, 0] + crossed * imaginary[:, 0])
    aside = imaginary[:, 2] - (crossed * real[:, 0] - squared * imaginary[:, 0])
    energy = power.sum(axis=2)
    missed = (apart * apart + aside * aside).sum(axis=1) / (energy[:, 2] + _TINY)
    missed = np.sort(missed[energy.min(axis=1) > SILENT_PART * energy.max()])
    return 1 - float(missed[round(look.share * len(missed)) - 1]) if len(missed) >= FEWEST else 0.0


@lru_cache(maxsize=2)
def _transform(look: Look) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Window to real and imaginary parts, [window, window - 2], and its three windows' samples, [3, window]."""
    angles = 2 * np.pi * np.outer(np.arange(look.window), np.arange(1, look.window // 2)) / look.window
    tapered = np.hanning(look.window)[:, None] * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    places = _STEP * (np.arange(3)[:, None] * look.hop + np.arange(look.window))
    return tapered.astype(np.float32), places
