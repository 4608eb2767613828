"""Families of sounds in which nobody speaks, made with numpy: 16 kHz, float32, 4 s each."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
SECS = 4.0

Samples = NDArray[np.float32]


def _seconds(secs: float = SECS) -> NDArray[np.float64]:
    return np.arange(round(secs * RATE)) / RATE


def _levelled(samples: NDArray[np.float64]) -> Samples:
    levelled: Samples = (0.3 * samples / np.abs(samples).max()).astype(np.float32)
    return levelled


def tones(*hertz: float, secs: float = SECS) -> NDArray[np.float64]:
    """Sines together, the later ones weaker."""
    phases = (np.sin(2 * np.pi * one * _seconds(secs)) / place for place, one in enumerate(hertz, 1))
    return np.asarray(sum(phases))


def notes(roots: list[float], note_secs: float, *, decay: float, vibrato: float, voices: int = 1) -> Samples:
    """Notes one after another, each of eight harmonics.

    Args:
        roots: Hz of each note; they are repeated until the sound is full.
        decay: in 1/s; 0 for notes as an organ holds them.
        vibrato: largest deviation of the phase, in radians, six times a second.
        voices: 3 for the major chord on each root.
    """
    seconds = _seconds(note_secs)
    played = []
    for place in range(round(SECS / note_secs)):
        sound = np.zeros(len(seconds))
        for step in (0, 4, 7)[:voices]:
            hertz = roots[place % len(roots)] * 2 ** (step / 12)
            phase = 2 * np.pi * hertz * seconds + vibrato * np.sin(2 * np.pi * 6 * seconds)
            sound += sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
        played.append(sound * np.exp(-decay * seconds))
    return _levelled(np.concatenate(played))


def _gated(samples: NDArray[np.float64], on_secs: float, off_secs: float) -> NDArray[np.float64]:
    return samples * (_seconds() % (on_secs + off_secs) < on_secs)


_SPECTRA = ((1.0,), (1.0, 2.0), (1.0, 1.27), (1.0, 2.0, 3.0, 4.0))
_TUNE = [2 ** (step / 12) for step in (0, 4, 7, 12, 7, 4, 0, 5, 9, 12, 9, 5, 2, 7, 11, 14)]


def families() -> Iterator[tuple[str, Samples]]:
    """Each sound with its family's name."""
    for hertz, spectrum in product((110, 150, 200, 250, 300, 350, 425, 480, 620, 900, 1400), _SPECTRA):
        whole = tones(*(hertz * ratio for ratio in spectrum))
        yield "held tones", _levelled(whole)
        for on_secs, off_secs in ((1.0, 3.0), (0.5, 0.5), (0.25, 0.25)):
            yield "cadences", _levelled(_gated(whole, on_secs, off_secs))
        for on_secs, off_secs in ((0.1, 0.1), (0.1, 0.2), (0.15, 0.1)):
            yield "bursts of 0.1 s", _levelled(_gated(whole, on_secs, off_secs))
        yield "bursts of 0.05 s", _levelled(_gated(whole, 0.05, 0.05))
    for root, note_secs, decay in product((110, 147, 196, 262, 349, 466), (0.1, 0.15, 0.25, 0.4), (0.0, 2.0, 6.0)):
        tune = [root * ratio for ratio in _TUNE]
        yield "melodies", notes(tune, note_secs, decay=decay, vibrato=0.0)
        for vibrato in (0.3, 1.0, 3.0):
            yield "melodies with vibrato", notes(tune, note_secs, decay=decay, vibrato=vibrato)
    for root, decay, note_secs in product((110, 147, 196, 262, 349, 466), (0.0, 2.0, 6.0), (0.3, 0.6)):
        yield (
            "chords of three notes",
            notes([root * ratio for ratio in _TUNE[::3]], note_secs, decay=decay, vibrato=0.0, voices=3),
        )
    for middle, width, speed in product((400, 600, 800, 1100), (50, 200, 350), (0.25, 1.0, 3.0)):
        phase = 2 * np.pi * middle * _seconds() + width / speed * np.sin(2 * np.pi * speed * _seconds())
        yield "sirens", _levelled(np.sin(phase))
