"""The tone that fits the caller's emotion."""

from rasa_emotion.emotions import FAMILIES, UNKNOWN
from rasa_emotion.estimate import EmotionEstimate

TONES: frozenset[str] = frozenset(FAMILIES.values())
"""The families that a reply may be written for: angry, upset, worried, pleased."""


def reply_tones(estimate: EmotionEstimate, *, min_confidence: float = 0.0) -> tuple[str, ...]:
    """Names that a variation of a reply may carry to fit this turn, best first; empty when the plain one fits.

    The emotion itself comes before its family.

    >>> reply_tones(EmotionEstimate.from_probabilities({"sad": 0.8, "calm": 0.2}, {}))
    ('sad', 'upset')
    """
    if estimate.emotion == UNKNOWN or estimate.confidence < min_confidence:
        return ()
    names = (estimate.emotion, FAMILIES.get(estimate.emotion, estimate.emotion))
    return tuple(dict.fromkeys(names))
