"""Which parts of a recording and which words drove an estimate: each is left out once.

The effect of a part is how much the probability of the estimated emotion falls without it; it is negative where the
part speaks against the emotion. Effects do not add up to the probability: parts repeat and support each other.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rasa_emotion.audio import SAMPLE_RATE, Waveform
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.protocol import Analyzer, Words

PARTS = 12
"""In which a recording is cut."""

SHORTEST_PART_SECS = 0.4
LONGEST_SECS = 30.0
"""Of recordings whose parts are left out: each part costs a hearing of the whole."""

MOST_WORDS = 60


def emotion_of(estimate: EmotionEstimate) -> str | None:
    """The emotion whose drivers are looked for: the estimate's, or the most probable one where that is unknown."""
    if not estimate.probabilities:
        return None
    return max(estimate.probabilities, key=lambda name: estimate.probabilities[name])


def voice_drivers(
    analyzer: Analyzer, waveform: Waveform, words: Evidence | None, estimate: EmotionEstimate
) -> list[dict[str, Any]]:
    """The effect of each part of a recording: "start_secs", "end_secs" and "effect", -1 to 1.

    A part is left out by silencing it, so that the others stay where they are. Empty for recordings over 30 s.
    """
    emotion = emotion_of(estimate)
    if emotion is None or waveform.seconds > LONGEST_SECS:
        return []
    spans = list(_spans(len(waveform.samples)))
    if len(spans) < 2:
        return []
    heard = analyzer.hear_many([_silenced(waveform, *span) for span in spans])
    return [
        {
            "start_secs": round(start / SAMPLE_RATE, 3),
            "end_secs": round(end / SAMPLE_RATE, 3),
            "effect": _effect(analyzer, estimate, emotion, [_known(without), words]),
        }
        for (start, end), without in zip(spans, heard, strict=True)
    ]


def word_drivers(
    analyzer: Analyzer, text: str, voice: Evidence | None, estimate: EmotionEstimate
) -> list[dict[str, Any]]:
    """The effect of each word: "text" and "effect", -1 to 1. Of longer texts, the first 60 words are left out.

    Empty for a single word: without it, there is nothing to read.
    """
    emotion, words = emotion_of(estimate), text.split()
    if emotion is None or len(words) < 2:
        return []
    count = min(MOST_WORDS, len(words))
    read = analyzer.read_many([Words(" ".join(_without(words, place))) for place in range(count)])
    return [
        {"text": word, "effect": _effect(analyzer, estimate, emotion, [voice, _known(without)])}
        for word, without in zip(words[:count], read, strict=True)
    ]


def _spans(count: int) -> Iterator[tuple[int, int]]:
    """First and last sample of each part, all of about the same length."""
    parts = max(1, min(PARTS, int(count / (SHORTEST_PART_SECS * SAMPLE_RATE))))
    edges = np.linspace(0, count, parts + 1).round().astype(int).tolist()
    return pairwise(edges)


def _silenced(waveform: Waveform, start: int, end: int) -> Waveform:
    samples = waveform.samples.copy()
    samples[start:end] = 0
    return Waveform(samples)


def _without(words: Sequence[str], place: int) -> list[str]:
    return [*words[:place], *words[place + 1 :]]


def _known(found: Evidence | RasaEmotionError | None) -> Evidence | None:
    return found if isinstance(found, Evidence) else None


def _effect(analyzer: Analyzer, estimate: EmotionEstimate, emotion: str, pieces: Sequence[Evidence | None]) -> float:
    without = analyzer.fuse(pieces).probabilities.get(emotion, 0.0)
    return round(estimate.probabilities[emotion] - without, 4)
