"""How surely a caller has turned angry: the latest turn's voice and words, against the caller's own earlier ones.

Some people always sound angry, and a single turn is easily misheard. So besides the log-odds of anger in the latest
turn, each modality counts with the caller's usual log-odds (the mean over the earlier turns, drawn towards what callers
usually have) and with the highest of the two turns before. A logistic regression weighs them. Its weights are fitted by
`python -m research.escalation.anger` on simulated calls, and their sum is shifted so that 0.5 is reached in
two of a hundred calm calls there.

Many people say in a level voice how angry they are. So a turn with voice and words is as angry as both together or the
words alone say, whichever is more, the words with a bias of their own: a level voice does not silence plain words.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from rasa_emotion.anger_weights import SHIPPED, WORDS, AngerModel, Models, weights_for
from rasa_emotion.estimate import MODALITIES, EmotionEstimate

RECENT = 2
"""Turns before the latest one whose anger still counts as fresh."""

PRIOR: Mapping[str, float] = MappingProxyType({"acoustic": -3.0, "text": -3.5})
"""Log-odds of anger that callers usually have, about those of calm turns."""

PRIOR_TURNS = 2.0
"""The usual counts as much as so many turns of the caller."""

FURTHEST = 6.0
"""Log-odds are clipped here: beyond, a probability says nothing that data could have taught."""


def anger_score(estimates: Sequence[EmotionEstimate], fitted: Callable[[str], Models] = weights_for) -> float | None:
    """How surely the caller has turned angry by the latest of these turns, 0 to 1; None where nothing was heard in it.

    Args:
        estimates: of the caller's turns, oldest first.
        fitted: gives the weights of an acoustic model by its name.

    >>> calm = EmotionEstimate.from_probabilities({"angry": 0.02, "neutral": 0.98}, {})
    >>> angry = EmotionEstimate.from_probabilities({"angry": 0.97, "neutral": 0.03}, {})
    >>> anger_score([calm, calm, angry]) > 0.5 > anger_score([calm, calm, calm])
    True
    """
    if not estimates or not estimates[-1].probabilities:
        return None
    latest_turn = estimates[-1]
    voice = latest_turn.evidence.get("acoustic")
    models, modalities = fitted(voice.model if voice else SHIPPED), _modalities(latest_turn)
    model = models[modalities]
    total = _weighed(model, estimates)
    if model.words_bias is not None:
        total = max(total, _weighed(replace(models[WORDS], bias=model.words_bias), estimates))
    return 1 / (1 + math.exp(-total))


def _weighed(model: AngerModel, estimates: Sequence[EmotionEstimate]) -> float:
    """The weighted sum before the logistic function."""
    total = model.bias
    for modality, weights in model.modalities.items():
        latest, usual, recent = features([log_odds(estimate, modality) for estimate in estimates], modality)
        total += weights.latest * latest + weights.usual * usual + weights.recent * recent
    return total


def features(odds: Sequence[float | None], modality: str) -> tuple[float, float, float]:
    """Latest, usual and recent log-odds of anger of one modality; None stands for turns without it.

    >>> features([-3.0, -3.0, 2.0], "acoustic")
    (2.0, -3.0, -3.0)
    """
    prior = PRIOR[modality]
    earlier = [value for value in odds[:-1] if value is not None]
    usual = (sum(earlier) + prior * PRIOR_TURNS) / (len(earlier) + PRIOR_TURNS)
    recent = max((value for value in odds[-1 - RECENT : -1] if value is not None), default=prior)
    latest = odds[-1]
    return (prior if latest is None else latest), usual, recent


def log_odds(estimate: EmotionEstimate, modality: str) -> float | None:
    """Log-odds of anger in one modality, drawn towards the usual as far as it is unreliable; None without it.

    An estimate that keeps no evidence counts as words.
    """
    piece = estimate.evidence.get(modality)
    if piece is not None:
        prior = PRIOR[modality]
        return prior + piece.reliability * (_log_odds(piece.probabilities.get("angry", 0.0)) - prior)
    if modality in _modalities(estimate) and estimate.probabilities:
        return _log_odds(estimate.probabilities.get("angry", 0.0))
    return None


def _modalities(estimate: EmotionEstimate) -> frozenset[str]:
    return frozenset(estimate.evidence) or frozenset({MODALITIES[1]})


def _log_odds(probability: float) -> float:
    if probability <= 0 or probability >= 1:
        return -FURTHEST if probability <= 0 else FURTHEST
    return min(FURTHEST, max(-FURTHEST, math.log(probability / (1 - probability))))
