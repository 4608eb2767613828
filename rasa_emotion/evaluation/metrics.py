"""Figures over labels and probabilities: plain functions of arrays that need numpy alone."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Answers = NDArray[Any]
"""Predicted classes, shape [n], or probabilities, shape [n, classes]: whatever the metric takes."""
Metric = Callable[[IntArray, Answers], float]


def softmax(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Probabilities of logits, shape [n, classes]; a higher temperature flattens them."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: FloatArray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def confusion(truth: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Counts, shape [truth, predicted]."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_recall(truth: IntArray, predicted: IntArray, classes: int) -> FloatArray:
    """Recall of each class, shape [classes]; NaN for classes that do not occur in `truth`."""
    counts = confusion(truth, predicted, classes)
    with np.errstate(invalid="ignore"):
        recalls: FloatArray = np.diag(counts) / counts.sum(axis=1)
    return recalls


def unweighted_accuracy(truth: IntArray, predicted: IntArray) -> float:
    """UA: the mean of the recalls of the classes that occur in `truth`.

    >>> unweighted_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
    0.5
    """
    return float(np.nanmean(class_recall(truth, predicted, _classes(truth, predicted))))


def accuracy(truth: IntArray, predicted: IntArray) -> float:
    """The share of right predictions."""
    return float(np.mean(truth == predicted))


def macro_f1(truth: IntArray, predicted: IntArray) -> float:
    """The mean of the F1 of the classes that occur in `truth` or in `predicted`, as scikit-learn's `f1_score` has it.

    A class that is predicted and never true counts with 0.

    >>> macro_f1(np.array([0, 0, 1]), np.array([0, 0, 2]))
    0.3333333333333333
    """
    counts = confusion(truth, predicted, _classes(truth, predicted))
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * np.diag(counts)[both > 0] / both[both > 0]).mean())


def weighted_f1(truth: IntArray, predicted: IntArray) -> float:
    """The mean of the F1 of the classes, each weighted by how often it occurs in `truth`.

    >>> round(weighted_f1(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])), 3)
    0.643
    """
    counts = confusion(truth, predicted, _classes(truth, predicted))
    support, both = counts.sum(axis=1), counts.sum(axis=0) + counts.sum(axis=1)
    f1 = 2 * np.diag(counts) / np.maximum(both, 1)
    return float((f1 * support).sum() / support.sum())


def label_f1(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> FloatArray:
    """F1 of each label where several may be true of a row, shape [labels]; 0 where it neither occurs nor is predicted.

    Args:
        truth: whether each label is true, shape [rows, labels].
        predicted: whether it was predicted, of the same shape.

    >>> label_f1(np.array([[True, False], [True, True]]), np.array([[True, False], [False, True]])).round(3).tolist()
    [0.667, 1.0]
    """
    f1: FloatArray = 2 * (truth & predicted).sum(0) / np.maximum(truth.sum(0) + predicted.sum(0), 1)
    return f1


THRESHOLDS = np.arange(2, 97, 2) / 100
"""Thresholds that are tried for labels of which several may be true."""


def choose_thresholds(
    truth: NDArray[np.bool_], probabilities: FloatArray, *, folds: int = 5, seed: int = 0
) -> FloatArray:
    """The threshold of each label, shape [labels]: one for all or one each, whichever has the better macro-F1.

    Which of the two is better is judged on rows that their thresholds were not chosen on; a rare label's own threshold
    may fit little but its few rows.

    Args:
        truth: whether each label is true, shape [rows, labels].
        probabilities: of each label, of the same shape.
        folds: the two ways are compared by cross-validation over the rows.
        seed: of the folds.
    """
    fold = np.random.default_rng(seed).permutation(len(truth)) % folds
    ways = (_one_threshold, _own_thresholds)
    figures = []
    for way in ways:
        predicted = np.zeros_like(truth)
        for number in range(folds):
            chosen = way(truth[fold != number], probabilities[fold != number])
            predicted[fold == number] = probabilities[fold == number] >= chosen
        figures.append(label_f1(truth, predicted).mean())
    return ways[int(np.argmax(figures))](truth, probabilities)


def _one_threshold(truth: NDArray[np.bool_], probabilities: FloatArray) -> FloatArray:
    figures = [label_f1(truth, probabilities >= threshold).mean() for threshold in THRESHOLDS]
    return np.full(truth.shape[1], THRESHOLDS[int(np.argmax(figures))])


def _own_thresholds(truth: NDArray[np.bool_], probabilities: FloatArray) -> FloatArray:
    figures = np.stack([label_f1(truth, probabilities >= threshold) for threshold in THRESHOLDS])
    chosen: FloatArray = THRESHOLDS[figures.argmax(0)]
    return chosen


def _classes(truth: IntArray, predicted: IntArray) -> int:
    return int(max(truth.max(), predicted.max())) + 1


def average_auc(truth: IntArray, probabilities: FloatArray) -> float:
    """The area under the ROC curve of each class against the rest, averaged over the classes that occur in `truth`.

    The area is the share of pairs of a row of the class and another that the scores put in the right order, ties
    counting half (the Mann-Whitney statistic), 0 to 1. NaN where only one class occurs.

    Args:
        truth: the classes' numbers, shape [n].
        probabilities: shape [n, classes].

    >>> average_auc(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    0.5
    """
    present = np.unique(truth)
    if len(present) < 2:
        return math.nan
    return float(np.mean([_auc(truth == number, probabilities[:, number]) for number in present]))


def _auc(positive: NDArray[np.bool_], scores: FloatArray) -> float:
    _, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[position]  # from 1, tied scores share the mean of theirs
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True)
class ReliabilityBins:
    """Answers by confidence, in bins of equal width from 0 to 1: shape [bins] each, 0 where a bin is empty.

    Args:
        count: of the answers.
        confidence: mean probability of the answer.
        right: share of right answers.
    """

    count: IntArray
    confidence: FloatArray
    right: FloatArray


def reliability_bins(truth: IntArray, probabilities: FloatArray, bins: int = 15) -> ReliabilityBins:
    """What a reliability diagram shows."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    some = np.maximum(count, 1)
    return ReliabilityBins(
        count,
        np.bincount(index, weights=confidence, minlength=bins) / some,
        np.bincount(index, weights=right, minlength=bins) / some,
    )


def calibration_error(truth: IntArray, probabilities: FloatArray, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width (Guo et al., 2017), 0 to 1."""
    found = reliability_bins(truth, probabilities, bins)
    return float(np.sum(found.count * np.abs(found.right - found.confidence)) / len(truth))


def fit_temperature(truth: IntArray, logits: FloatArray) -> float:
    """The temperature with the least negative log-likelihood, searched on a logarithmic grid from 0.2 to 5."""
    rows = np.arange(len(truth))
    grid = np.geomspace(0.2, 5.0, 400)
    losses = [-np.log(softmax(logits, t)[rows, truth] + 1e-12).mean() for t in grid]
    return float(round(grid[int(np.argmin(losses))], 4))


FEW_SPEAKERS = 10
"""With fewer, a bootstrap over speakers is rough."""


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def rough(speakers: int) -> str:
    """What to add to an interval over so few speakers that drawing them again tells little; else nothing.

    >>> rough(4)
    '; 4 speakers: rough'
    """
    return f"; {speakers} speaker{'s' * (speakers != 1)}: rough" if speakers < FEW_SPEAKERS else ""


def bootstrap(
    metric: Metric,
    truth: IntArray,
    predicted: Answers,
    *,
    groups: Sequence[str] | None = None,
    crossed: Sequence[int] | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """A metric with its percentile interval over what `resamples` draws."""
    draws = resamples(len(truth), groups, samples, seed, crossed=crossed)
    drawn = np.array([metric(truth[rows], predicted[rows]) for rows in draws])
    values = drawn[~np.isnan(drawn)]  # a sample may lack a class that the metric needs
    low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (math.nan, math.nan)
    return Interval(metric(truth, predicted), float(low), float(high))


def resamples(
    rows: int, groups: Sequence[str] | None, samples: int, seed: int, *, crossed: Sequence[int] | None = None
) -> Iterator[IntArray]:
    """Row numbers of bootstrap samples.

    Args:
        rows: how many there are.
        groups: of each row (its speaker); drawn whole. Without them single rows are drawn.
        samples: how many samples.
        seed: of what is drawn.
        crossed: a second group of each row (its sentence), drawn apart from the first: a row then counts as often as
            its group times its second one (A. B. Owen, "The pigeonhole bootstrap", 2007).
    """
    generator = np.random.default_rng(seed)
    if groups is not None and crossed is not None:
        factors = [np.unique(names, return_inverse=True)[1] for names in (groups, crossed)]
        for _ in range(samples):
            times = np.zeros(rows, dtype=np.int64)
            while not times.any():  # where rows are few, those drawn may have no partner
                times = np.prod([_times(factor, generator)[factor] for factor in factors], axis=0)
            yield np.repeat(np.arange(rows), times)
        return
    units = [np.array([i]) for i in range(rows)]
    if groups is not None:
        names = np.asarray(groups)
        units = [np.flatnonzero(names == name) for name in np.unique(names)]
    for _ in range(samples):
        yield np.concatenate([units[i] for i in generator.integers(0, len(units), len(units))])


def _times(numbers: IntArray, generator: np.random.Generator) -> IntArray:
    """How often each of the groups, which are numbered from 0, is drawn."""
    groups = int(numbers.max()) + 1
    return np.bincount(generator.integers(0, groups, groups), minlength=groups)


@dataclass(frozen=True)
class Difference:
    """A figure of one system less that of another on the same rows, its 95 % interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    metric: Metric,
    truth: IntArray,
    first: Answers,
    second: Answers,
    *,
    groups: Sequence[str] | None = None,
    crossed: Sequence[int] | None = None,
    samples: int = 2000,
    seed: int = 0,
) -> Difference:
    """What `first` gains on `second` when both are scored on the same bootstrap samples, see `resamples`.

    The p-value is twice the share of samples in which the difference has the other sign or is nought, with one added to
    both counts, so that it is never below 2 / (samples + 1) (Davison and Hinkley, "Bootstrap Methods", 1997, 4.2).
    """
    drawn = [
        metric(truth[rows], first[rows]) - metric(truth[rows], second[rows])
        for rows in resamples(len(truth), groups, samples, seed, crossed=crossed)
    ]
    differences = np.array(drawn)
    low, high = np.percentile(differences, [2.5, 97.5])
    tail = 1 + min(int(np.sum(differences <= 0)), int(np.sum(differences >= 0)))
    p = min(1.0, 2 * tail / (samples + 1))
    return Difference(metric(truth, first) - metric(truth, second), float(low), float(high), p)


def mcnemar(truth: IntArray, first: IntArray, second: IntArray) -> float:
    """Two-sided exact p-value that two systems err equally often on the same rows."""
    only_first = int(np.sum((first == truth) & (second != truth)))
    only_second = int(np.sum((first != truth) & (second == truth)))
    total = only_first + only_second
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(only_first, only_second) + 1)) / 2**total
    return float(min(1.0, 2 * tail))
