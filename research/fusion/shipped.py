"""The fusion that ships: fits `rasa_emotion.fusion.Fusion` and lets it fuse pairs as it fuses turns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rasa_emotion.emotions import EMOTIONS, as_array, as_probabilities
from rasa_emotion.estimate import MODALITIES, EmotionEstimate, Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.conflict import CONFLICTS, conflict_scores, level_score
from rasa_emotion.fusion.product import UNIFORM, pool
from rasa_emotion.fusion.trust import RECOGNISER, SNR
from research.fusion.material import PARTS, Floats, Ints
from research.fusion.pairs import ABSENT, ANY, Pairs
from research.fusion.weighted import GAPS, fit_product, trusted

MAX_FALSE_CONFLICTS = 0.05
"""Share of the agreeing pairs that may be flagged; each kind of conflict gets the same part of it."""

UNKNOWN = np.where(np.array(EMOTIONS) == "neutral", 1e-6, 0.0) + UNIFORM
"""Words in what seems another language, without a voice, leave nothing to go by: a bot goes on as with neutral ones."""

LEAST_PAIRS = 20
"""Fewer answers of about a confidence say nothing of it."""

CONFIDENCES = np.round(np.arange(0.15, 0.96, 0.05), 2)


@dataclass(frozen=True)
class Shipped:
    """A fusion as a strategy: what is measured is what runs in a bot."""

    fusion: Fusion

    def fuse(self, pairs: Pairs) -> Floats:
        return np.stack([as_array(e.probabilities) if e.probabilities else UNKNOWN for e in self.estimates(pairs)])

    def estimates(self, pairs: Pairs) -> list[EmotionEstimate]:
        """The estimate of each pair."""
        return [self.fusion.fuse(pieces) for pieces in evidence(pairs)]


def evidence(pairs: Pairs) -> list[list[Evidence]]:
    """What a turn would bring of each pair."""
    found: list[list[Evidence]] = [[] for _ in pairs.labels]
    rows = (
        (MODALITIES[0], SNR, pairs.voices, pairs.heard, pairs.clips),
        (MODALITIES[1], RECOGNISER, pairs.words, pairs.read, pairs.sentences),
    )
    for modality, name, material, conditions, items in rows:
        for pieces, condition, item in zip(found, conditions, items, strict=True):
            if condition != ABSENT:
                pieces.append(
                    Evidence(
                        modality,
                        as_probabilities(material.probabilities[condition, item]),
                        float(material.reliability[condition, item]),
                        quality={name: float(material.measured[condition, item])},
                    )
                )
    return found


def fit_fusion(pairs: Pairs, agreeing: Pairs) -> Fusion:
    """Constants of the fusion.

    Args:
        pairs: undisturbed pairs, a share of them with neutral words; their degraded copies are fitted on too.
        agreeing: pairs whose voice and words agree, for the thresholds of conflicts; the neutral ones of them for
            that of words in a level voice.
    """
    all_kinds = pairs.under(heard=ANY, read=ANY)
    product = fit_product(degraded(pairs), trust=True)
    weights = {modality: round(float(weight), 4) for modality, weight in zip(MODALITIES, product.weights, strict=True)}
    powers = {name: round(power, 4) for name, power in product.powers.items()}
    fusion = Fusion(weights, round(product.temperature, 4), 0.0, {}, powers)
    alone, share = heard_alone(agreeing, powers), MAX_FALSE_CONFLICTS / len(CONFLICTS)
    fusion = replace(
        fusion,
        conflicts={kind: threshold(score, share) for kind, score in conflict_scores(alone).items()},
        level=threshold(level_score(alone)[agreeing.labels == EMOTIONS.index("neutral")], share),
    )
    return replace(fusion, min_confidence=min_confidence(Shipped(fusion).fuse(all_kinds), pairs.labels))


def degraded(pairs: Pairs) -> Pairs:
    """The pairs under all conditions, some without a voice and some without words: what every strategy is fitted on."""
    return pairs.under(heard=ANY, read=ANY).with_gaps(GAPS)


def cross_fit_fusion(pairs: Pairs, agreeing: Pairs) -> list[Shipped]:
    """For each part, the fusion fitted on all others."""
    return [
        Shipped(fit_fusion(pairs.where(pairs.parts != part), agreeing.where(agreeing.parts != part)))
        for part in range(PARTS)
    ]


def scored(pairs: Pairs, powers: Mapping[str, float]) -> dict[str, Floats]:
    """The score of each kind of conflict, shape [pairs], as the fusion computes it."""
    return conflict_scores(heard_alone(pairs, powers))


def heard_alone(pairs: Pairs, powers: Mapping[str, float]) -> Floats:
    """What voice and words say, each alone and by trust: shape [2, pairs, emotions]."""
    said, trust = pairs.probabilities, trusted(pairs, powers)
    return np.stack([pool(said[[m]], trust[[m]]) for m in range(len(MODALITIES))])


def threshold(scores: Floats, false_alarms: float) -> float:
    """The lowest threshold, to four places, that at most that share of the scores reaches."""
    allowed = int(false_alarms * len(scores))
    highest = float(np.sort(scores)[::-1][allowed])
    return min(1.0, round(math.floor(highest * 1e4) / 1e4 + 1e-4, 4))


def min_confidence(probabilities: Floats, labels: Ints) -> float:
    """The lowest threshold from which on answers of about that confidence are right at least one time in three."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    for lowest in CONFIDENCES:
        near = (confidence >= lowest) & (confidence < lowest + 0.1)
        if near.sum() >= LEAST_PAIRS and right[near].mean() >= 1 / 3:
            return float(lowest)
    return float(CONFIDENCES[-1])
