"""What one figure on the customers' test half hides: how they say it, and how much resembles the training half."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.corpora.text import LabelledText, read_sentences
from rasa_emotion.evaluation.markdown import table
from rasa_emotion.evaluation.metrics import accuracy, bootstrap, macro_f1, unweighted_accuracy
from rasa_emotion.training.text.build import Scored

TRAIN, TEST = "train*.csv", "test.csv"
SAMPLES = 1000
RUNS = (5, 4)
"""So many words in a row that also stand in a sentence of the training half mark a test sentence as alike."""

_WORD = re.compile(r"[\w'’]+")


def read_styles(file: Path) -> dict[str, str]:
    """The style of each row, by the row's id as `read_sentences` gives it."""
    with file.open(encoding="utf-8", newline="") as stream:
        styles = [row["style"] for row in csv.DictReader(stream)]
    return {row.id: style for row, style in zip(read_sentences(file), styles, strict=True)}


def style_table(before: Scored, after: Scored, utterances: Path) -> str:
    """Markdown: how many of each style two models get right, with 95 % intervals over sentences of the second.

    Args:
        before: the test half as the earlier model scores it.
        after: as the model that ships does; the same rows.
        utterances: the folder of both halves.
    """
    styles = read_styles(utterances / TEST)
    said = np.array([styles[row.id] for row in after.rows])
    right = [scored.logits.argmax(1) == scored.truth for scored in (before, after)]
    rows = []
    for style in sorted(set(said), key=lambda style: -int((said == style).sum())):
        chosen = said == style
        found = after.logits[chosen].argmax(1)
        interval = bootstrap(accuracy, after.truth[chosen], found, samples=SAMPLES)
        rows.append([style, str(int(chosen.sum())), f"{right[0][chosen].mean():.3f}", str(interval)])
    return table(["style", "sentences", "right, before", "right, now"], rows)


def alike(tested: Sequence[LabelledText], trained: Sequence[LabelledText], words: int) -> NDArray[np.bool_]:
    """Whether each tested sentence has `words` words in a row in common with any that was trained on; shape [tested].

    >>> alike([LabelledText("a", "Oh, where is it?", {})], [LabelledText("b", "so where is it", {})], 3).tolist()
    [True]
    """
    known = set().union(*(_runs(row.text, words) for row in trained))
    return np.array([not known.isdisjoint(_runs(row.text, words)) for row in tested])


def overlap_table(after: Scored, utterances: Path) -> str:
    """Markdown: the figures on the test half without the sentences that are alike some of the training parts."""
    trained = [row for part in sorted(utterances.glob(TRAIN)) for row in read_sentences(part)]
    parts = {"all": np.ones(len(after.rows), dtype=bool)}
    for words in RUNS:
        parts[f"without those that share {words} words in a row with a training sentence"] = ~alike(
            after.rows, trained, words
        )
    predicted = after.logits.argmax(1)
    rows = []
    for name, kept in parts.items():
        figures = [
            str(bootstrap(metric, after.truth[kept], predicted[kept], samples=SAMPLES))
            for metric in (macro_f1, unweighted_accuracy)
        ]
        rows.append([name, f"{int(kept.sum())} ({kept.mean():.1%})", *figures])
    return table(["test sentences", "how many", "macro-F1", "UA"], rows)


def _runs(text: str, words: int) -> set[tuple[str, ...]]:
    found = _WORD.findall(text.lower())
    return {tuple(found[start : start + words]) for start in range(len(found) - words + 1)}
