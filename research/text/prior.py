"""What other shares of the emotions are worth elsewhere: a constant added to each logit, chosen on one part of a corpus
and scored on others: `python -m research.text.prior models/text --data ../shared/data`.

Television (MELD) knows no calm and is neutral in every second turn. What moves a model's answers there costs it on
turns of customers, so the parts that choose its trainings (`tests/data/customer_wording/dev*.csv`) stand beside.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.corpora.text import read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.evaluation.markdown import table
from rasa_emotion.evaluation.metrics import bootstrap, confusion, weighted_f1
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.text.build import score_single
from rasa_emotion.training.text.wording import read_wording

STEPS = np.arange(-15, 16) / 5
"""Constants that are tried for one emotion, the others as they are."""
ROUNDS = 3
SAMPLES = 1000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """A part: its name, logits, shape [rows, 8], and which emotions are right of each row, bool [rows, 8]."""

    name: str
    logits: Array
    right: NDArray[np.bool_]

    @property
    def truth(self) -> NDArray[np.int64]:
        """The emotion of each row, the first of those that are right, shape [rows]."""
        numbers: NDArray[np.int64] = self.right.argmax(1)
        return numbers


def best_shifts(truth: NDArray[np.int64], logits: Array, emotions: Sequence[int]) -> Array:
    """What to add to each logit for the highest weighted F1, shape [8].

    One emotion after the other takes the best of `STEPS`, three times round; 0 for those that may not move.

    Args:
        truth: the emotion of each row, shape [rows].
        logits: shape [rows, 8].
        emotions: numbers of those that may move.
    """
    found = np.zeros(logits.shape[1])
    best = weighted_f1(truth, logits.argmax(1))
    for emotion in [*emotions] * (ROUNDS if len(emotions) > 1 else 1):
        for step in STEPS:
            tried = found.copy()
            tried[emotion] = step
            figure = weighted_f1(truth, (logits + tried).argmax(1))
            if figure > best:
                best, found = figure, tried
    return found


def comparison(chooses: Side, others: Sequence[Side]) -> str:
    """Markdown: each way to shift, what it adds to which emotion, and its figures on every part."""
    neutral = EMOTIONS.index("neutral")
    ways = {
        "as it is": np.zeros(len(EMOTIONS)),
        "without calm": np.where(np.array(EMOTIONS) == "calm", -np.inf, 0.0),
        "neutral alone": best_shifts(chooses.truth, chooses.logits, [neutral]),
        "all": best_shifts(chooses.truth, chooses.logits, range(len(EMOTIONS))),
    }
    rows = [
        [name, _told(shifts), *(_figure(side, shifts) for side in (chooses, *others))] for name, shifts in ways.items()
    ]
    return table(["shift", "added", *(side.name for side in (chooses, *others))], rows)


def confused(side: Side) -> str:
    """Markdown: of the rows of each emotion (down), how many the model takes for which (across)."""
    counts = confusion(side.truth, side.logits.argmax(1), len(EMOTIONS))
    rows = [[emotion, *map(str, line)] for emotion, line in zip(EMOTIONS, counts.tolist(), strict=True) if sum(line)]
    return table([side.name, *EMOTIONS], rows)


def _told(shifts: Array) -> str:
    return ", ".join(f"{name} {shift:+.1f}" for name, shift in zip(EMOTIONS, shifts, strict=True) if shift) or "nothing"


def _figure(side: Side, shifts: Array) -> str:
    found = (side.logits + shifts).argmax(1)
    if (side.right.sum(1) > 1).any():  # turns of which several emotions may be right
        return f"{side.right[np.arange(len(found)), found].mean():.3f} right"
    return str(bootstrap(weighted_f1, side.truth, found, samples=SAMPLES))


def corpus_side(classifier: TextClassifier, data: Path, part: str) -> Side:
    """The rows of a corpus' part that have one label of the eight emotions."""
    scored = score_single(classifier.logits, read_text_corpus(data, part))
    return Side(part, scored.logits, np.eye(len(EMOTIONS), dtype=bool)[scored.truth])


def wording_side(classifier: TextClassifier, files: Sequence[Path]) -> Side:
    """The turns of several files; those without a word are left out."""
    logits, right = [], []
    for file in files:
        wording = read_wording(file)
        read = [classifier.has_words(row.text) for row in wording.rows]
        logits += [classifier.logits(row.text) for row, has in zip(wording.rows, read, strict=True) if has]
        right.append(wording.right[read])
    return Side("own turns", np.stack(logits).astype(np.float64), np.concatenate(right))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="research.text.prior", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--chooses", default="meld_train", help="the part that the constants are chosen on")
    parser.add_argument(
        "--parts", nargs="+", default=["meld_dev", "goemotions_dev"], help="parts that are scored alone"
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--wording", type=Path, default=Path("tests/data/customer_wording"))
    options = parser.parse_args()
    try:
        classifier = TextClassifier.load(options.model)
        chooses, *others = (corpus_side(classifier, options.data, part) for part in (options.chooses, *options.parts))
        own = wording_side(classifier, sorted(options.wording.glob("dev*.csv")))
        print(confused(chooses), comparison(chooses, [*others, own]), sep="\n\n")
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
