"""Figures of a text model's logits: of one label a row, or of several with their thresholds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.evaluation.metrics import (
    accuracy,
    choose_thresholds,
    label_f1,
    macro_f1,
    unweighted_accuracy,
    weighted_f1,
)
from rasa_emotion.training.text.data import TrainingText
from rasa_emotion.training.text.objective import tasks_of
from rasa_emotion.training.text.recipe import Recipe

CHOSEN_BY = {"macro_f1": macro_f1, "weighted_f1": weighted_f1, "accuracy": accuracy}
"""What `choose_by` may name in a recipe."""


def targets_of(rows: Sequence[TrainingText]) -> NDArray[np.float32]:
    """Targets, shape [rows, labels]."""
    return np.stack([row.target for row in rows])


def single_labels(rows: Sequence[TrainingText]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the rows with one label only, and that label: what hard figures are computed on."""
    targets = targets_of(rows)
    single = np.flatnonzero((targets.max(1) == 1) & (targets.sum(1) == 1))
    return single, targets[single].argmax(1)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of labels that are true or not each by itself, shape as given."""
    return 1 / (1 + np.exp(-logits))


def epoch_figures(rows: Sequence[TrainingText], logits: NDArray[np.float64], recipe: Recipe) -> dict[str, float]:
    """What to choose an epoch by, on the inner split; the mean of each task's.

    Several labels use the thresholds that suit these rows best.
    """
    if recipe.multi_label:
        true, probabilities = targets_of(rows) > 0, sigmoid(logits)
        found = probabilities >= choose_thresholds(true, probabilities)
        return {"macro_f1": float(label_f1(true, found).mean())}
    single, truth = single_labels(rows)
    tasks = tasks_of(recipe.labels).numpy()
    answers = np.where(tasks[truth][:, None] == tasks, logits[single], -np.inf).argmax(1)
    of_tasks = []
    for task in np.unique(tasks[truth]):
        own = tasks[truth] == task
        figures = {name: metric(truth[own], answers[own]) for name, metric in CHOSEN_BY.items()}
        of_tasks.append({**figures, "ua": unweighted_accuracy(truth[own], answers[own])})
    return {name: float(np.mean([figures[name] for figures in of_tasks])) for name in of_tasks[0]}


def rounded(figures: dict[str, float]) -> dict[str, Any]:
    """Figures with four digits, for people and files."""
    return {name: round(value, 4) for name, value in figures.items()}
