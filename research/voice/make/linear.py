"""Linear heads by ridge regression, solved at once: what a linear layer transfers to speech of another kind.

A hidden layer learns which recordings it was shown; with little speech of few people a linear head finds more of the
emotion of people whom it never heard (docs/experiments.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.features import Rows

STEEPNESS = 6.0
"""Logits of a distance of 1 between two emotions; the temperature scales them further."""

FEW = 4096
"""Rows that are multiplied at once."""


@dataclass(frozen=True)
class LinearRecipe:
    """How a linear head is fitted.

    Args:
        weights: how much each corpus counts; its emotions share that equally. Corpora without a weight stay out.
        penalty: of the squared weights of normalised statistics, relative to the mean loss of a row.
        prior: added to the logit of neutral, half of it to that of calm.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    penalty: float = 0.1
    prior: float = 0.0


def fit_linear(rows: Rows, recipe: LinearRecipe) -> dict[str, NDArray[np.float32]]:
    """`weight` [d, 8] and `bias` [8] on the statistics as they come.

    Raises:
        ValueError: no row is of a corpus with a weight.
    """
    counted = _row_weights(rows, recipe)
    if not counted.any():
        raise ValueError("there are no rows of a corpus with a weight")
    rows, counted = rows.where(counted > 0), counted[counted > 0] / counted.sum()
    mean = np.average(rows.statistics, axis=0, weights=counted)
    deviation = rows.statistics.std(axis=0) + 1e-6
    size = rows.statistics.shape[1]
    products, answers = np.zeros((size + 1, size + 1)), np.zeros((size + 1, len(EMOTIONS)))
    for start in range(0, len(rows), FEW):
        part = slice(start, start + FEW)
        x = ((rows.statistics[part] - mean) / deviation).astype(np.float32)
        x = np.concatenate([x, np.ones((len(x), 1), np.float32)], axis=1)
        weighted = x * counted[part, None].astype(np.float32)
        products += weighted.T @ x
        answers += weighted.T @ np.eye(len(EMOTIONS), dtype=np.float32)[rows.emotion[part]]
    penalty = np.full(size + 1, recipe.penalty)
    penalty[-1] = 1e-9  # the constant is not held back
    solved = STEEPNESS * np.linalg.solve(products + np.diag(penalty), answers)
    weight = solved[:-1] / deviation[:, None]
    bias = solved[-1] - mean @ weight
    bias[EMOTIONS.index("neutral")] += recipe.prior
    bias[EMOTIONS.index("calm")] += recipe.prior / 2
    return {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}


def linear_logits(head: Mapping[str, NDArray[np.float32]], statistics: NDArray[np.float32]) -> NDArray[np.float64]:
    """[rows, d] to [rows, 8]."""
    logits: NDArray[np.float64] = (statistics @ head["weight"] + head["bias"]).astype(np.float64)
    return logits


def _row_weights(rows: Rows, recipe: LinearRecipe) -> NDArray[np.float64]:
    """Of each row: the corpus' weight, shared equally by its emotions; 0 where the corpus has none."""
    found = np.zeros(len(rows))
    for corpus, weight in recipe.weights.items():
        own = rows.corpus == corpus
        present = np.unique(rows.emotion[own])
        for emotion in present:
            alike = own & (rows.emotion == emotion)
            found[alike] = weight / len(present) / alike.sum()
    return found
