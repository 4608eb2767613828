"""Whether what the voice says gives away the line: a classifier of the line from the probabilities of the emotions, and
ordinary speech on the lines of angry clips.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rasa_emotion.evaluation.metrics import resamples
from research.voice.make.yardstick import CALM, CONFIDENT, NEGATIVE, NEUTRAL, UNKNOWN, Rule

LINES = {
    "telephone (8 kHz mu-law) or microphone": ("clean", "mulaw"),
    "microphone, or noise at 20 dB": ("clean", "noise20"),
}
"""What a classifier tells apart, by the conditions of `out_of_fold.csv`."""

SAMPLES = 1000


def told(rows: list[dict[str, str]], probabilities: NDArray[np.float64], lines: Sequence[str]) -> dict[str, Any]:
    """How often a classifier names the line, [value, low, high], where chance is 1 over the number of lines.

    It reads the eight probabilities of a clip and learns on the speakers of the other folds; the interval is a
    bootstrap over speakers.
    """
    names = np.array([row["condition"] for row in rows])
    own = np.flatnonzero(np.isin(names, list(lines)))
    read, wanted = np.log(probabilities[own] + 1e-4), names[own]
    folds = np.array([int(rows[index]["fold"]) for index in own])
    right = np.zeros(len(own))
    for fold in np.unique(folds):
        held = folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        right[held] = model.fit(read[~held], wanted[~held]).predict(read[held]) == wanted[held]
    speakers = [rows[index]["speaker"] for index in own]
    drawn = [right[part].mean() for part in resamples(len(own), speakers, SAMPLES, 0)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "clips": len({rows[index]["name"] for index in own}),
        "chance": round(1 / len(lines), 4),
        "told": [round(float(value), 4) for value in (right.mean(), low, high)],
    }


def lines_told(rows: list[dict[str, str]], said: NDArray[np.float64], rule: Rule) -> dict[str, dict[str, Any]]:
    """`told` of each of `LINES`."""
    probabilities = rule.probabilities(said)
    return {name: told(rows, probabilities, lines) for name, lines in LINES.items()}


def ordinary_on_lines(rows: list[dict[str, str]], said: NDArray[np.float64], rule: Rule) -> dict[str, dict[str, Any]]:
    """Of ordinary speech on each line: the share that stays ordinary or unknown, and that is confidently negative."""
    answers, probabilities = rule.answers(said), rule.probabilities(said)
    calm = np.isin(answers, (NEUTRAL, CALM, UNKNOWN))
    bad = np.isin(probabilities.argmax(axis=1), NEGATIVE) & (probabilities.max(axis=1) >= CONFIDENT)
    names = np.array([row["condition"] for row in rows])
    found = {}
    for name in dict.fromkeys(names):
        own = np.flatnonzero(names == name)
        found[str(name)] = {
            "clips": len(own),
            "ordinary": _with_interval(calm[own]),
            "bad": _with_interval(bad[own]),
            "unknown": round(float((answers[own] == UNKNOWN).mean()), 4),
        }
    return found


def _with_interval(hits: NDArray[np.bool_]) -> list[float]:
    """A share with its bootstrap over clips: seven synthetic voices are too few to draw."""
    drawn = [hits[rows].mean() for rows in resamples(len(hits), None, SAMPLES, 0)]
    return [round(float(value), 4) for value in (hits.mean(), *np.percentile(drawn, [2.5, 97.5]))]
