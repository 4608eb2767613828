"""The figures that a report gives: each with its bootstrap 95 % interval."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import (
    Answers,
    IntArray,
    Interval,
    Metric,
    accuracy,
    average_auc,
    bootstrap,
    calibration_error,
    class_recall,
    confusion,
    macro_f1,
    unweighted_accuracy,
)
from rasa_emotion.evaluation.predictions import Predictions

Track = Callable[[Sequence[Any]], Iterable[Any]]
"""Passes things on and shows how far it is."""

HEADLINE = {
    "ua": "unweighted accuracy",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "average_auc": "average AUC",
    "ece": "calibration error",
}
"""The names of the headline figures, for people."""

SHARES = frozenset({"ua", "accuracy", "macro_f1"})
"""Those that people read as percentages."""


def figures(predictions: Predictions, *, samples: int = 1000, track: Track = iter) -> dict[str, Any]:
    """All figures, safe for JSON.

    Args:
        samples: of each bootstrap. Speakers are drawn whole where there are at least two and each utterance has one,
            else utterances; "interval_over" says which. The recall of an emotion that fewer than two of them have gets
            no interval.
        track: shows the progress over the figures.

    Returns:
        "utterances" and "speakers" (counts), "interval_over", the headline figures "ua", "accuracy", "macro_f1",
        "average_auc" and "ece" (15 bins) as `{"value", "low", "high"}`, "recall" by emotion in the same form with
        its number of "utterances", "ua_by_speaker", and "confusion" (counts by true and predicted emotion). What
        cannot be computed, such as an AUC over one class, is None.
    """
    truth, predicted = predictions.truth, predictions.predicted
    named = all(predictions.speakers) and len(set(predictions.speakers)) > 1
    groups = list(predictions.speakers) if named else None
    present = [int(number) for number in np.unique(truth)]
    wanted: list[tuple[str, Metric, Answers]] = [
        ("ua", unweighted_accuracy, predicted),
        ("accuracy", accuracy, predicted),
        ("macro_f1", macro_f1, predicted),
        ("average_auc", average_auc, predictions.probabilities),
        ("ece", calibration_error, predictions.probabilities),
        *((EMOTIONS[number], _recall_of(number), predicted) for number in present),
    ]
    found = {
        name: _plain(bootstrap(metric, truth, answers, groups=groups, samples=samples))
        for name, metric, answers in track(wanted)
    }
    for number in present:
        if len({groups[row] if groups else row for row in np.flatnonzero(truth == number)}) < 2:
            found[EMOTIONS[number]] |= {"low": None, "high": None}
    counts = confusion(truth, predicted, len(EMOTIONS))
    return {
        "utterances": len(truth),
        "speakers": len(set(predictions.speakers) - {""}),
        "interval_over": "speakers" if named else "utterances",
        **{name: found[name] for name in HEADLINE},
        "recall": {EMOTIONS[n]: {**found[EMOTIONS[n]], "utterances": int(counts[n].sum())} for n in present},
        "ua_by_speaker": ua_by_speaker(predictions),
        "confusion": {
            true: dict(zip(EMOTIONS, row.tolist(), strict=True)) for true, row in zip(EMOTIONS, counts, strict=True)
        },
    }


def ua_by_speaker(predictions: Predictions) -> dict[str, float]:
    """UA of each known speaker over his or her own emotions, lowest first."""
    speakers = np.asarray(predictions.speakers)
    found = {}
    for speaker in sorted(set(predictions.speakers) - {""}):
        rows = speakers == speaker
        found[speaker] = round(unweighted_accuracy(predictions.truth[rows], predictions.predicted[rows]), 4)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _recall_of(number: int) -> Metric:
    def recall(truth: IntArray, predicted: Answers) -> float:
        return float(class_recall(truth, predicted, len(EMOTIONS))[number])

    return recall


def _plain(interval: Interval) -> dict[str, float | None]:
    values = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}
