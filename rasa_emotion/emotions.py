"""The vocabulary: eight emotions, their place on the circumplex, their families, and each corpus' labels."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

EMOTIONS: tuple[str, ...] = ("angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The eight emotions, in the order that every array of probabilities in this package follows."""

UNKNOWN = "unknown"
"""What an estimate says when it has no evidence or is too unsure."""

# Mean pleasure and arousal that people gave to the words angry, relaxed, disgusted, fearful, happy, sad and surprised,
# rounded as published, on scales from -1 to 1 (J. A. Russell and A. Mehrabian, "Evidence for a three-factor theory of
# emotions", Journal of Research in Personality 11, 1977). Their list has no "calm", for which "relaxed" stands, and no
# "neutral", which is the origin of the scales.
COORDINATES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "angry": (-0.51, 0.59),
        "calm": (0.68, -0.46),
        "disgust": (-0.60, 0.35),
        "fear": (-0.64, 0.60),
        "happy": (0.81, 0.51),
        "neutral": (0.0, 0.0),
        "sad": (-0.63, -0.27),
        "surprise": (0.40, 0.67),
    }
)
"""Valence and arousal of each emotion, both -1 to 1."""

FAMILIES: Mapping[str, str] = MappingProxyType(
    {"angry": "angry", "disgust": "upset", "sad": "upset", "fear": "worried", "happy": "pleased"}
)
"""The family whose tone of reply fits an emotion; emotions that are not listed need no special tone."""

NEGATIVE: frozenset[str] = frozenset({"angry", "disgust", "fear", "sad"})
POSITIVE: frozenset[str] = frozenset({"calm", "happy"})

SENTIMENTS: tuple[str, ...] = ("negative", "neutral", "positive")
"""What the emotions come down to where only liking and disliking count."""

GOEMOTIONS: Mapping[str, str] = MappingProxyType(
    {
        "anger": "angry",
        "annoyance": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "nervousness": "fear",
        "joy": "happy",
        "amusement": "happy",
        "excitement": "happy",
        "love": "happy",
        "gratitude": "happy",
        "optimism": "happy",
        "pride": "happy",
        "admiration": "happy",
        "sadness": "sad",
        "grief": "sad",
        "disappointment": "sad",
        "remorse": "sad",
        "embarrassment": "sad",
        "surprise": "surprise",
        "relief": "calm",
        "neutral": "neutral",
    }
)
"""GoEmotions' labels on the eight; labels that are not listed are left out."""

BY_NAME: Mapping[str, str] = MappingProxyType(
    {
        "anger": "angry",
        "angry": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "joy": "happy",
        "happiness": "happy",
        "happy": "happy",
        "love": "happy",
        "optimism": "happy",
        "neutral": "neutral",
        "sad": "sad",
        "sadness": "sad",
        "surprise": "surprise",
        "calm": "calm",
    }
)
"""Labels of corpora that map by name (MELD, the tweets, EmoContext) on the eight."""


def coordinates(probabilities: Mapping[str, float]) -> tuple[float, float]:
    """Expected valence and arousal under a distribution over the emotions, each -1 to 1.

    >>> coordinates({"angry": 1.0})
    (-0.51, 0.59)
    """
    valence = sum(p * COORDINATES[emotion][0] for emotion, p in probabilities.items())
    arousal = sum(p * COORDINATES[emotion][1] for emotion, p in probabilities.items())
    return round(valence, 6), round(arousal, 6)


def sentiments(probabilities: Mapping[str, float]) -> dict[str, float]:
    """The share of each sentiment in a distribution over the emotions.

    Positive is the sum of `POSITIVE` (calm, happy), negative that of `NEGATIVE` (angry, disgust, fear, sad), neutral
    the rest: neutral itself, and surprise, which may be of either kind.

    >>> sentiments({"happy": 0.5, "surprise": 0.5})
    {'negative': 0.0, 'neutral': 0.5, 'positive': 0.5}
    """
    shares = {
        "negative": sum(p for emotion, p in probabilities.items() if emotion in NEGATIVE),
        "neutral": sum(p for emotion, p in probabilities.items() if emotion not in NEGATIVE | POSITIVE),
        "positive": sum(p for emotion, p in probabilities.items() if emotion in POSITIVE),
    }
    return {name: round(float(share), 6) for name, share in shares.items()}


def sentiment(probabilities: Mapping[str, float]) -> str:
    """The sentiment with the largest share; "neutral" where two are equal, "unknown" without any probability.

    >>> sentiment({"angry": 0.3, "sad": 0.3, "neutral": 0.4})
    'negative'
    """
    shares = sentiments(probabilities)
    largest = [name for name, share in shares.items() if share == max(shares.values())]
    return (largest[0] if len(largest) == 1 else "neutral") if probabilities else UNKNOWN


def as_probabilities(values: NDArray[np.float64]) -> dict[str, float]:
    """An array of eight probabilities, in the order of `EMOTIONS`, as a JSON-safe dictionary."""
    return {emotion: round(float(p), 6) for emotion, p in zip(EMOTIONS, values, strict=True)}


def as_array(probabilities: Mapping[str, float]) -> NDArray[np.float64]:
    """The inverse of `as_probabilities`: float64, shape [8]; emotions that are not named count as 0."""
    return np.array([probabilities.get(emotion, 0.0) for emotion in EMOTIONS], dtype=np.float64)
