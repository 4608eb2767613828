"""How an estimate degrades over telephone lines and in noise: one stretch of a recording, in each condition."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, speech_mask
from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.telephone import over_line
from rasa_emotion.estimate import Evidence
from rasa_emotion.protocol import Analyzer

STRETCH_SECS = 8.0
"""Of a longer recording, the stretch of this length with the most speech is heard."""

SNRS_DB: tuple[float | None, ...] = (None, 20.0, 15.0, 10.0, 5.0, 0.0)
"""Ratios of speech to added noise; None for none."""


LINES: Mapping[str, Callable[[Waveform], Waveform]] = MappingProxyType(
    {
        "as it is": lambda waveform: waveform,
        "G.711 mu-law": lambda waveform: over_line(waveform, "ULAW"),
        "G.711 A-law": lambda waveform: over_line(waveform, "ALAW"),
        "GSM 06.10": lambda waveform: over_line(waveform, "GSM610"),
    }
)
"""The lines by name."""


def with_noise(waveform: Waveform, ratio_db: float, *, seed: int = 0) -> Waveform:
    """The waveform with pink noise, as rooms and streets have it, so far below its speech.

    Args:
        waveform: 16 kHz.
        ratio_db: mean power of the speech over that of the noise.
        seed: the same noise each time.
    """
    speech = _speech_power(waveform)
    noise = _pink(len(waveform.samples), np.random.default_rng(seed))
    gain = np.sqrt(speech / 10 ** (ratio_db / 10))
    mixed = waveform.samples + (gain * noise).astype(np.float32)
    return Waveform(np.clip(mixed, -1, 1).astype(np.float32))


def degraded(analyzer: Analyzer, waveform: Waveform, words: Evidence | None = None) -> dict[str, Any]:
    """What is heard of the stretch with the most speech, in each line and noise; the noise comes before the line.

    Returns:
        "start_secs", "end_secs"; "lines" and "snrs_db" (null for no noise); "cells", one row for each line with one
        entry for each ratio: "voice" and "both", each "emotion", "confidence" and "probabilities".
    """
    start, end = _most_speech(waveform)
    stretch = Waveform(waveform.samples[start:end])
    sounds = [line(_noisy(stretch, ratio)) for line in LINES.values() for ratio in SNRS_DB]
    heard = [found if isinstance(found, Evidence) else None for found in analyzer.hear_many(sounds)]
    cells = [{"voice": _told(analyzer, [one]), "both": _told(analyzer, [one, words])} for one in heard]
    width = len(SNRS_DB)
    return {
        "start_secs": round(start / SAMPLE_RATE, 3),
        "end_secs": round(end / SAMPLE_RATE, 3),
        "lines": list(LINES),
        "snrs_db": list(SNRS_DB),
        "cells": [cells[row * width : (row + 1) * width] for row in range(len(LINES))],
    }


def _noisy(waveform: Waveform, ratio_db: float | None) -> Waveform:
    return waveform if ratio_db is None else with_noise(waveform, ratio_db)


def _told(analyzer: Analyzer, pieces: list[Evidence | None]) -> dict[str, Any]:
    estimate = analyzer.fuse(pieces)
    return {
        "emotion": estimate.emotion,
        "confidence": round(estimate.confidence, 4),
        "probabilities": {name: round(value, 4) for name, value in estimate.probabilities.items()},
    }


def _speech_power(waveform: Waveform) -> float:
    """Mean square of the frames in which somebody speaks, or of all where nobody does."""
    frame = round(FRAME_SECS * SAMPLE_RATE)
    spoken = np.repeat(speech_mask(waveform), frame)[: len(waveform.samples)]
    samples = waveform.samples[: len(spoken)][spoken] if spoken.any() else waveform.samples
    return float(np.mean(samples.astype(np.float64) ** 2))


def _pink(count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Noise of mean square 1 whose power halves with each octave from 50 Hz on."""
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 50.0)), count)
    scaled: NDArray[np.float64] = noise / np.sqrt(np.mean(noise**2))
    return scaled


def _most_speech(waveform: Waveform) -> tuple[int, int]:
    """First and last sample of the stretch."""
    frame = round(FRAME_SECS * SAMPLE_RATE)
    size = round(STRETCH_SECS * SAMPLE_RATE)
    count = len(waveform.samples)
    if count <= size:
        return 0, count
    spoken = np.concatenate([[0], np.cumsum(speech_mask(waveform).astype(int))])
    width = size // frame
    last = max(1, len(spoken) - width)
    starts = spoken[width : width + last] - spoken[:last]
    start = min(int(np.argmax(starts)) * frame, count - size)
    return start, start + size
