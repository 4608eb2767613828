"""When voice and words say opposite things, and what that likely means."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS, NEGATIVE, POSITIVE
from rasa_emotion.estimate import MODALITIES


@dataclass(frozen=True)
class Conflict:
    """A kind of disagreement.

    Args:
        voice: emotions of the voice.
        words: emotions of the words.
        meant: the modality that tells what the caller feels; None where either may.
    """

    voice: frozenset[str]
    words: frozenset[str]
    meant: str | None


CONFLICTS: Mapping[str, Conflict] = MappingProxyType(
    {
        "sarcastic": Conflict(frozenset({"angry", "disgust"}), POSITIVE, "acoustic"),
        "masked": Conflict(POSITIVE, NEGATIVE, None),
    }
)
"""The kinds by name. Neutral words are in none of them: they say nothing against any voice."""

LEVEL = Conflict(frozenset({"neutral", "calm"}), NEGATIVE, "text")
"""Words that name a feeling in a voice that shows none. It is no conflict: many people are angry in a level voice.

Neutral and calm count together, since a voice that shows nothing may be called either."""


def conflict_scores(probabilities: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """How likely each kind is: P(voice is of the kind) P(words are of the kind), each calibrated on its own.

    Args:
        probabilities: of voice and words, shape [2, ..., emotions].

    Returns:
        Shape [...] by kind, each 0 to 1.

    >>> said = np.zeros((2, 8))
    >>> said[0, EMOTIONS.index("angry")] = said[1, EMOTIONS.index("happy")] = 1.0
    >>> {kind: float(score) for kind, score in conflict_scores(said).items()}
    {'sarcastic': 1.0, 'masked': 0.0}
    """
    return {kind: _score(conflict, probabilities) for kind, conflict in CONFLICTS.items()}


def level_score(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely the words name a feeling that the voice does not show: shape [...], 0 to 1; see `LEVEL`.

    Args:
        probabilities: of voice and words, shape [2, ..., emotions].
    """
    return _score(LEVEL, probabilities)


def _score(conflict: Conflict, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    voice, words = probabilities
    score: NDArray[np.float64] = voice[..., _numbers(conflict.voice)].sum(axis=-1) * (
        words[..., _numbers(conflict.words)].sum(axis=-1)
    )
    return score


def conflict_kind(probabilities: NDArray[np.float64], thresholds: Mapping[str, float]) -> str | None:
    """The kind whose score is furthest above its threshold; None where none reaches it.

    Args:
        probabilities: of voice and words, shape [2, emotions].
        thresholds: by kind; a kind without one is never found.
    """
    above = {
        kind: float(score) - thresholds[kind]
        for kind, score in conflict_scores(probabilities).items()
        if kind in thresholds
    }
    kind = max(above, key=lambda name: above[name], default=None)
    return kind if kind is not None and above[kind] >= 0 else None


def resolved(
    pooled: NDArray[np.float64], probabilities: NDArray[np.float64], kind: str | None, level: float | None = None
) -> NDArray[np.float64]:
    """What the caller likely feels, with the conflict taken into account: shape [emotions], summing to 1.

    A product of opposite opinions is highest where neither is sure, which often is neutral: a feeling that neither
    voice nor words have. So in a conflict neutral is left out, and where one side is meant, that side speaks alone,
    without what the other puts on. Without a conflict, neutral cannot win unless voice or words name it first: it is
    left out then too. And where neutral or calm wins in the end, conflict or not, a level voice does not outvote words
    that name a feeling: then they speak alone.

    Args:
        pooled: the product, shape [emotions].
        probabilities: of voice and words, shape [2, emotions].
        kind: as `conflict_kind` gives it.
        level: the `level_score` from which on the words speak alone, above 0 and up to 1; None: never.
    """
    found = _agreed(pooled, probabilities) if kind is None else _apart(pooled, probabilities, CONFLICTS[kind])
    if EMOTIONS[found.argmax()] in LEVEL.voice and level is not None and level_score(probabilities) >= level:
        return _without(probabilities[MODALITIES.index("text")], LEVEL.voice)
    return found


def _agreed(pooled: NDArray[np.float64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    neutral = EMOTIONS.index("neutral")
    named = pooled.argmax() != neutral or (probabilities.argmax(axis=1) == neutral).any()
    return pooled if named else _without(pooled, {"neutral"})


def _apart(pooled: NDArray[np.float64], probabilities: NDArray[np.float64], conflict: Conflict) -> NDArray[np.float64]:
    if conflict.meant is None:
        return _without(pooled, {"neutral"})
    put_on = conflict.words if conflict.meant == "acoustic" else conflict.voice
    return _without(probabilities[MODALITIES.index(conflict.meant)], {"neutral", *put_on})


def _without(probabilities: NDArray[np.float64], emotions: Set[str]) -> NDArray[np.float64]:
    kept = probabilities.copy()
    kept[_numbers(emotions)] = 0
    conditional: NDArray[np.float64] = kept / kept.sum()
    return conditional


def _numbers(emotions: Set[str]) -> list[int]:
    return [EMOTIONS.index(emotion) for emotion in sorted(emotions)]
