"""Every figure of the fusion: each strategy on each set of pairs, the tests between them, conflicts, calibration."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import (
    accuracy,
    average_auc,
    bootstrap,
    calibration_error,
    macro_f1,
    mcnemar,
    paired_bootstrap,
    unweighted_accuracy,
)
from rasa_emotion.fusion.conflict import CONFLICTS, LEVEL
from research.fusion.material import Floats, Material
from research.fusion.pairs import ABSENT, ANY, Pairs, opposed, pair
from research.fusion.shipped import (
    MAX_FALSE_CONFLICTS,
    Shipped,
    cross_fit_fusion,
    degraded,
    evidence,
    scored,
    threshold,
)
from research.fusion.strategies import Recipe, cross_fitted, cross_fused
from research.fusion.weighted import Strategy

NEUTRAL_SHARE = 0.25
SAMPLES = 500
"""Bootstrap samples: p-values of the paired bootstrap are never below 0.004."""

ALONE = ("voice alone", "words alone")
SHIPS = "what ships: by trust, conflicts resolved"
DECIDING = "all conditions"
"""The set on which the fusion that ships is chosen: undisturbed and degraded pairs alike."""

ROC_POINTS = 101


def evaluation_sets(voices: Material, words: Material) -> dict[str, Pairs]:
    """What is scored, by name. Absent conditions (noise without recordings of it) are left out."""
    usual = pair(voices, words, neutral_share=NEUTRAL_SHARE)
    sets = {
        "words agree": pair(voices, words, neutral_share=0.0),
        "a quarter neutral words": usual,
        DECIDING: usual.under(heard=ANY, read=ANY),
        "sarcastic": opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words),
    }
    for name, title in {"mulaw": "telephone", "noise5": "noise, 5 dB", "first 1 s": "first second"}.items():
        if name in voices.conditions:
            sets[title] = usual.under(heard=voices.conditions.index(name))
    for condition, name in list(enumerate(words.conditions))[1:]:
        sets[f"recogniser, {name}"] = usual.under(read=condition)
    sets["no words"] = usual.under(read=ABSENT)
    sets["no voice"] = sets["words agree"].under(heard=ABSENT)
    return sets


def measure(voices: Material, words: Material, recipes: Sequence[Recipe]) -> dict[str, Any]:
    """Figures of every recipe and of what ships, each pair fused by constants that were fitted on other parts."""
    usual, agreeing = (pair(voices, words, neutral_share=share) for share in (NEUTRAL_SHARE, 0.0))
    sets = evaluation_sets(voices, words)
    ships = cross_fit_fusion(usual, agreeing)
    fitted: dict[str, Sequence[Strategy]] = {SHIPS: ships}
    for recipe in tqdm(recipes, desc="fit"):
        fitted[recipe.title] = cross_fitted(recipe, degraded(usual))
    scored_sets = {}
    for name, pairs in tqdm(sets.items(), desc="score"):
        fused = dict(zip(ALONE, pairs.probabilities, strict=True))
        fused |= {title: cross_fused(list(strategies), pairs) for title, strategies in fitted.items()}
        scored_sets[name] = score(pairs, fused, tested=list(fused) if name == DECIDING else [*ALONE, SHIPS])
    return {
        "pairs": len(usual.labels),
        "clips": len(voices.labels),
        "sentences": len(words.labels),
        "sentences_by_emotion": {
            emotion: int((words.labels == number).sum()) for number, emotion in enumerate(EMOTIONS)
        },
        "speakers": len(set(voices.groups)),
        "sets": scored_sets,
        "conflict": {
            "kinds": {kind: conflict_figures(kind, voices, words, ships) for kind in CONFLICTS},
            **irony(voices, words, ships),
            **false_conflicts(voices, words, ships),
            **level_voices(voices, words, ships),
        },
        "latency_ms": latency_ms(ships[0], usual),
    }


def score(pairs: Pairs, fused: Mapping[str, Floats], *, tested: Sequence[str]) -> dict[str, Any]:
    """Figures of each strategy on one set; those that are tested differ so much from the better single modality and
    from what ships."""
    truth = pairs.labels
    present = [name for name, there in zip(ALONE, pairs.present, strict=True) if there.any()]
    best = max(present, key=lambda name: unweighted_accuracy(truth, fused[name].argmax(axis=1)))
    rows = {}
    for name, probabilities in fused.items():
        if name in ALONE and name not in present:
            continue
        predicted = probabilities.argmax(axis=1)
        found = {"value": unweighted_accuracy(truth, predicted)}
        if name in tested:
            found = asdict(bootstrap(unweighted_accuracy, truth, predicted, **drawn(pairs)))
        rows[name] = {
            "ua": found,
            "accuracy": accuracy(truth, predicted),
            "macro_f1": macro_f1(truth, predicted),
            "ece": calibration_error(truth, probabilities),
            "neutral": float((predicted == EMOTIONS.index("neutral")).mean()),
            "against": {
                other: difference(pairs, probabilities, fused[other])
                for other in dict.fromkeys((best, SHIPS))
                if name in tested and other != name
            },
        }
    return {"pairs": len(truth), "best_alone": best, "strategies": rows}


def difference(pairs: Pairs, first: Floats, second: Floats) -> dict[str, float]:
    """What the first gains in UA on the second: by paired bootstrap (see `drawn`), and McNemar's p over pairs."""
    truth, one, other = pairs.labels, first.argmax(axis=1), second.argmax(axis=1)
    found = paired_bootstrap(unweighted_accuracy, truth, one, other, **drawn(pairs))
    return {**asdict(found), "mcnemar": mcnemar(truth, one, other)}


def drawn(*sets: Pairs) -> dict[str, Any]:
    """How the bootstrap draws these pairs: speakers and, apart from them, sentences, as pairs share both."""
    speakers = [speaker for pairs in sets for speaker in pairs.speakers]
    sentences = [int(sentence) for pairs in sets for sentence in pairs.sentences]
    return {"groups": speakers, "crossed": sentences, "samples": SAMPLES}


@dataclass(frozen=True)
class Flags:
    """Scores and flags of one kind of conflict, shape [pairs], each part by thresholds of the others."""

    scores: Floats
    flagged: NDArray[np.bool_]


def flags(kind: str, pairs: Pairs, ships: Sequence[Shipped], thresholds: Sequence[float] | None = None) -> Flags:
    """Flag pairs by the thresholds that ship, or by others, one for each part."""
    scores = np.zeros(len(pairs.labels))
    flagged = np.zeros(len(pairs.labels), dtype=bool)
    for part, strategy in enumerate(ships):
        rows = pairs.parts == part
        scores[rows] = scored(pairs.where(rows), strategy.fusion.powers)[kind]
        limit = strategy.fusion.conflicts[kind] if thresholds is None else thresholds[part]
        flagged[rows] = scores[rows] >= limit
    return Flags(scores, flagged)


def conflict_figures(kind: str, voices: Material, words: Material, ships: Sequence[Shipped]) -> dict[str, Any]:
    """How well one kind of conflict is told from pairs that agree, on parts that no threshold was chosen on."""
    conflict = CONFLICTS[kind]
    agreeing = pair(voices, words, neutral_share=0.0)
    contrary = opposed(voices, words, conflict.voice, conflict.words)
    limits = [
        threshold(scored(agreeing.where(agreeing.parts != part), ship.fusion.powers)[kind], MAX_FALSE_CONFLICTS)
        for part, ship in enumerate(ships)
    ]
    negative, positive = (flags(kind, pairs, ships, limits) for pairs in (agreeing, contrary))
    truth = np.repeat([0, 1], [len(negative.scores), len(positive.scores)])
    both = np.concatenate([negative.scores, positive.scores])
    area = bootstrap(
        average_auc,
        truth,
        np.stack([-both, both], axis=1),
        **drawn(agreeing, contrary),
    )
    ones = np.ones(len(positive.flagged), dtype=np.int64)
    found = bootstrap(_share, ones, positive.flagged, **drawn(contrary))
    shipped_negative, shipped_positive = (flags(kind, pairs, ships).flagged for pairs in (agreeing, contrary))
    return {
        "pairs": len(contrary.labels),
        "area": asdict(area),
        "flagged at 5 %": asdict(found),
        "false alarms at 5 %": float(negative.flagged.mean()),
        "flagged as it ships": float(shipped_positive.mean()),
        "false alarms as it ships": float(shipped_negative.mean()),
        "roc": roc(negative.scores, positive.scores),
    }


def _share(_: NDArray[np.int64], flagged: NDArray[Any]) -> float:
    return float(flagged.mean())


def roc(negative: Floats, positive: Floats) -> list[list[float]]:
    """Points [false alarms, found] of the curve, from 0 to 1."""
    limits = np.quantile(negative, np.linspace(0, 1, ROC_POINTS))[::-1]
    return [[round(float((s >= limit).mean()), 4) for s in (negative, positive)] for limit in limits]


def irony(voices: Material, words: Material, ships: Sequence[Shipped]) -> dict[str, Any]:
    """What the fused label of sarcastic pairs is, flagged or not; the voice's own label beside it."""
    conflict = CONFLICTS["sarcastic"]
    pairs = opposed(voices, words, conflict.voice, conflict.words)
    found: dict[str, list[float]] = {}
    neutral = EMOTIONS.index("neutral")
    for part, strategy in enumerate(ships):
        rows = pairs.where(pairs.parts == part)
        said = rows.probabilities.argmax(axis=2)
        plain = Shipped(replace(strategy.fusion, conflicts={})).fuse(rows).argmax(axis=1)
        fused = strategy.fuse(rows).argmax(axis=1)
        flagged = np.array([estimate.conflict_kind == "sarcastic" for estimate in strategy.estimates(rows)])
        meant = np.isin(said[0], [EMOTIONS.index(e) for e in conflict.voice])
        for name, values in {
            "flagged": flagged,
            "flagged, and the voice alone says angry or disgust": flagged & meant,
            "label is angry or disgust": np.isin(fused, [EMOTIONS.index(e) for e in conflict.voice]),
            "label is the voice's": fused == said[0],
            "label is the voice's, of the flagged": (fused == said[0])[flagged],
            "neutral": fused == neutral,
            "voice alone hears neutral": said[0] == neutral,
            "without conflicts: label is angry or disgust": np.isin(plain, [EMOTIONS.index(e) for e in conflict.voice]),
        }.items():
            found.setdefault(name, []).extend(values.astype(float))
    return {"irony": {name: float(np.mean(values)) for name, values in found.items()}}


def level_voices(voices: Material, words: Material, ships: Sequence[Shipped]) -> dict[str, Any]:
    """How often the words' emotion is the fused one where they name a feeling in a neutral voice, and what it costs.

    The last two rows are neutral clips with neutral words: how many of them are said to be a feeling of the words.
    """
    negative = [EMOTIONS.index(emotion) for emotion in LEVEL.words]
    named = opposed(voices, words, LEVEL.voice, LEVEL.words)
    plain = opposed(voices, words, LEVEL.voice, LEVEL.voice)
    found: dict[str, list[float]] = {}
    for part, strategy in enumerate(ships):
        without = Shipped(replace(strategy.fusion, level=None))
        rows, calm = named.where(named.parts == part), plain.where(plain.parts == part)
        truth = words.labels[rows.sentences]
        for name, values in {
            "label is the words' emotion": strategy.fuse(rows).argmax(axis=1) == truth,
            "the same, were the voice not held back": without.fuse(rows).argmax(axis=1) == truth,
            "neutral words, label is a feeling of the words": np.isin(strategy.fuse(calm).argmax(axis=1), negative),
            "neutral words, were the voice not held back": np.isin(without.fuse(calm).argmax(axis=1), negative),
        }.items():
            found.setdefault(name, []).extend(values.astype(float))
    return {"level": {name: float(np.mean(values)) for name, values in found.items()}}


def false_conflicts(voices: Material, words: Material, ships: Sequence[Shipped]) -> dict[str, Any]:
    """How often pairs that are no conflict are flagged, as anything."""
    agreeing = pair(voices, words, neutral_share=0.0)
    neutral = frozenset({"neutral"})
    sets = {
        "voice and words agree": agreeing,
        "neutral words, any voice": pair(voices, words, neutral_share=1.0),
        "positive words, neutral voice": opposed(voices, words, neutral, CONFLICTS["sarcastic"].words),
        "negative words, neutral voice": opposed(voices, words, neutral, CONFLICTS["masked"].words),
    }
    sets |= {
        f"agree; {name}": agreeing.under(heard=condition)
        for condition, name in enumerate(voices.conditions)
        if name in {"noise5", "first 1 s"}
    }
    sets |= {f"agree; recogniser, {words.conditions[-1]}": agreeing.under(read=len(words.conditions) - 1)}
    return {
        "flagged": {
            name: float(np.mean([flags(kind, pairs, ships).flagged for kind in CONFLICTS], axis=1).sum())
            for name, pairs in sets.items()
        }
    }


def latency_ms(strategy: Shipped, pairs: Pairs, runs: int = 1000) -> dict[str, float]:
    """Median and 95th percentile of the CPU time of fusing one turn."""
    turns = evidence(pairs.where(np.arange(len(pairs.labels)) < runs))
    times = []
    for pieces in turns:
        start = time.process_time()
        strategy.fusion.fuse(pieces)
        times.append(1000 * (time.process_time() - start))
    return {"p50": round(float(np.median(times)), 3), "p95": round(float(np.percentile(times, 95)), 3)}
