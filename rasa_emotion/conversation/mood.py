"""The mood of a conversation: recent turns weigh more, unsure turns less."""

from collections.abc import Iterable
from dataclasses import dataclass

from rasa_emotion.estimate import EmotionEstimate

MOODS: tuple[str, ...] = ("calm", "tense", "upset", "hostile", "distressed")

DECAY = 0.6
"""A turn weighs this much less than the turn after it."""

MEMORY = 20
"""Turns that are worth reading: what is older weighs less than a ten-thousandth."""

UPSET, TENSE = -0.31, -0.13
"""Valence from which on a caller is upset or tense: about a half and a fifth of the valence of sad and disgust."""


@dataclass(frozen=True)
class Mood:
    """How the caller has been lately.

    Args:
        state: one of `MOODS`.
        turns: number of turns with an estimate.
        angry_turns: how many of them were angry.
        anger, fear: smoothed probabilities, 0 to 1.
        valence, arousal: smoothed, each -1 to 1.
    """

    state: str
    turns: int
    angry_turns: int
    anger: float
    fear: float
    valence: float
    arousal: float


def mood(estimates: Iterable[EmotionEstimate]) -> Mood:
    """The mood after these turns, oldest first. Turns without probabilities change nothing.

    >>> angry = EmotionEstimate.from_probabilities({"angry": 1.0}, {})
    >>> mood([angry, angry]).state
    'hostile'
    """
    heard = [estimate for estimate in estimates if estimate.probabilities and estimate.confidence > 0]
    weights = [estimate.confidence * DECAY**age for age, estimate in enumerate(reversed(heard))][::-1]
    total = sum(weights)

    def smooth(values: Iterable[float]) -> float:
        return round(sum(w * v for w, v in zip(weights, values, strict=True)) / total, 6) if total else 0.0

    anger = smooth(estimate.probabilities.get("angry", 0.0) for estimate in heard)
    fear = smooth(estimate.probabilities.get("fear", 0.0) for estimate in heard)
    valence = smooth(estimate.valence for estimate in heard)
    return Mood(
        state=_state(anger, fear, valence),
        turns=len(heard),
        angry_turns=sum(estimate.emotion == "angry" for estimate in heard),
        anger=anger,
        fear=fear,
        valence=valence,
        arousal=smooth(estimate.arousal for estimate in heard),
    )


def _state(anger: float, fear: float, valence: float) -> str:
    if anger >= 0.5 and anger >= fear:
        return "hostile"
    if fear >= 0.4:
        return "distressed"
    if valence <= UPSET:
        return "upset"
    if valence <= TENSE or anger >= 0.25:
        return "tense"
    return "calm"
