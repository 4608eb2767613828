"""Fits an `Adapter` to a handful of labelled sentences, in `rasa train` or from Python.

scikit-learn, which comes with Rasa, is imported when something is fitted and at no other time.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.text.adapter import LEAST, Adapter
from rasa_emotion.text.classifier import TextClassifier

MIN_EXAMPLES, MIN_EMOTIONS = 4, 2
"""With less than this there is nothing to learn from."""

CHOOSE_FROM = 8
"""Examples per emotion, in the mean, from which on cross-validation chooses; with fewer the rule did better."""

STRENGTHS = (0.01, 0.03, 0.1)
"""Inverse strengths of the regularisation (scikit-learn's C), for embeddings of mean square 1."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the highest blend, among which cross-validation chooses."""
FOLDS, REPEATS, SEED = 5, 2, 0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def adapt(classifier: TextClassifier, examples: Sequence[tuple[str, str]]) -> Adapter:
    """Fit a head to sentences with their emotions.

    Args:
        classifier: the text model that is adapted.
        examples: (text, emotion) pairs.

    Raises:
        ConfigError: see `check_examples`; or scikit-learn is not installed.
    """
    check_examples(classifier, examples)
    found = [classifier.read(text) for text, _ in examples]
    labels = np.array([EMOTIONS.index(emotion) for _, emotion in examples])
    own, embeddings = (np.stack(parts) for parts in zip(*found, strict=True))
    return fit(embeddings, labels, own, model=classifier.checksum)


def check_examples(classifier: TextClassifier, examples: Sequence[tuple[str, str]]) -> None:
    """Refuse (text, emotion) pairs that teach a text model nothing.

    Raises:
        ConfigError: an emotion is not among the eight, a text holds no word, or there are too few examples.
    """
    for text, emotion in examples:
        if emotion not in EMOTIONS:
            raise ConfigError(f"The example '{text}' has the emotion '{emotion}'; choose from {', '.join(EMOTIONS)}.")
        if not classifier.has_words(text):
            raise ConfigError(f"The example '{text}' holds no word; write what a caller says, or delete it.")
    if lack := too_few([emotion for _, emotion in examples]):
        raise ConfigError(lack)


def too_few(emotions: Sequence[str]) -> str:
    """A sentence that says what is missing; empty where there are enough examples."""
    counts = Counter(emotions)
    if len(counts) >= MIN_EMOTIONS and len(emotions) >= MIN_EXAMPLES:
        return ""
    listed = ", ".join(f"{counts[emotion]} {emotion}" for emotion in EMOTIONS if counts[emotion])
    return (
        f"The examples with an emotion ({listed or 'none'}) are too few to learn from; annotate at least "
        f"{MIN_EXAMPLES} of {MIN_EMOTIONS} or more emotions, better {CHOOSE_FROM} of each."
    )


def fit(
    embeddings: NDArray[np.floating[Any]], labels: Ints, own: Floats, *, model: str = "", choose: bool = True
) -> Adapter:
    """A logistic regression on the embeddings, and how much of it to blend with what the model says.

    With n examples per emotion in the mean, the blend is n / (n + 8). From 8 on, and with two examples of each emotion,
    blend and regularisation are those of the least log-loss in cross-validation on the examples, the blend being
    n / (n + 4) at most: examples of one bot resemble each other more than its callers do, so that cross-validation
    trusts them too much.

    Args:
        embeddings: shape [n, d].
        labels: numbers of the emotions in the order of `EMOTIONS`, shape [n]; two of them or more.
        own: the model's probabilities, shape [n, 8].
        model: checksum of the text model.
        choose: cross-validate where there are enough examples; else the rule for few is taken.
    """
    embeddings = np.asarray(embeddings, dtype=np.float64)
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    mean = float(counts.mean())
    strength, blend = STRENGTHS[1], mean / (mean + 8)
    if choose and mean >= CHOOSE_FROM and counts.min() >= 2:
        strength, blend = _chosen(embeddings, labels, own, highest=mean / (mean + 4))
    return _head(embeddings, labels, strength, blend, model)


def _chosen(embeddings: Floats, labels: Ints, own: Floats, *, highest: float) -> tuple[float, float]:
    """Strength and blend of the least log-loss over folds that share out every emotion; each emotion counts alike."""
    loss = dict.fromkeys([(strength, share * highest) for strength in STRENGTHS for share in SHARES], 0.0)
    for repeat in range(REPEATS):
        folds = _folds(labels, np.random.default_rng((SEED, repeat)))
        for fold in range(FOLDS):
            kept, held = folds != fold, folds == fold
            for strength in STRENGTHS:
                head = _head(embeddings[kept], labels[kept], strength, 1.0, "")
                for share in SHARES:
                    found = _with_blend(head, share * highest).probabilities(embeddings[held], own[held])
                    loss[strength, share * highest] += _loss(found, labels[held], labels)
    return min(loss, key=lambda key: loss[key])


def _folds(labels: Ints, random: np.random.Generator) -> Ints:
    """A number below `FOLDS` for each example; those of an emotion spread over as many folds as they can."""
    folds = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        folds[rows] = (np.arange(len(rows)) + random.integers(FOLDS)) % FOLDS
    return folds


def _loss(probabilities: Floats, truth: Ints, everything: Ints) -> float:
    weight = 1 / np.bincount(everything)[truth]
    return float(-(weight * np.log(np.maximum(probabilities[np.arange(len(truth)), truth], LEAST))).sum())


def _with_blend(head: Adapter, blend: float) -> Adapter:
    return Adapter(head.emotions, head.weights, head.bias, blend, head.model, head.examples)


def _head(embeddings: Floats, labels: Ints, strength: float, blend: float, model: str) -> Adapter:
    with needs_extra("train", "Learning from examples", otherwise="or use an environment with Rasa, which brings it"):
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 -- loads only where something is fitted

    centre = embeddings.mean(0)
    # one scale for all, so that the strengths mean the same whatever the model's embeddings are like
    scale = float(np.sqrt(np.mean((embeddings - centre) ** 2))) or 1.0
    found = LogisticRegression(C=strength, class_weight="balanced", solver="newton-cg").fit(
        (embeddings - centre) / scale, labels
    )
    weights, bias = found.coef_ / scale, found.intercept_
    if len(found.classes_) == 2:  # one sigmoid there is the same as a softmax of two halves
        weights, bias = np.concatenate([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    emotions = tuple(EMOTIONS[number] for number in found.classes_)
    return Adapter(emotions, weights, bias - weights @ centre, round(blend, 4), model, len(labels))
