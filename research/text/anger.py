"""How far the probability of anger puts angry turns before all others, on corpora with labels of their own:
`python -m research.text.anger models/text --part emocontext_dev --data ../shared/data`.

Unlike the card, rows without one of the eight emotions count too, as the turns of a support chat would: EmoContext's
"others" are most of them. It stands in for support chats, which are not here.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.corpora.text import LabelledText, read_text_corpus
from rasa_emotion.emotions import BY_NAME
from rasa_emotion.errors import ConfigError, RasaEmotionError, TextError
from rasa_emotion.evaluation.metrics import average_auc, bootstrap
from rasa_emotion.text import TextClassifier

SAMPLES = 1000


def ranked(
    anger: Callable[[str], float], rows: Sequence[LabelledText]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whether each row is angry, 0 or 1, and how probable the model finds it, both shape [rows].

    A text without any word counts as 0, since no words make anybody angry of themselves.

    Raises:
        ConfigError: no row is angry, or all are.
    """
    angry = np.array([any(BY_NAME.get(label) == "angry" for label in row.target) for row in rows], dtype=np.int64)
    if len(set(angry.tolist())) < 2:
        raise ConfigError("The part needs angry rows and others; name one that has both, such as emocontext_dev.")
    return angry, np.array([_asked(anger, row.text) for row in rows])


def _asked(anger: Callable[[str], float], text: str) -> float:
    try:
        return anger(text)
    except TextError:
        return 0.0


def _anger(classifier: TextClassifier, text: str) -> float:
    return float(classifier.classify(text).probabilities["angry"])


def line(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> str:
    """The area under the ROC curve with its 95 % bootstrap interval over rows."""
    sides = np.stack([1 - probabilities, probabilities], axis=1)
    area = bootstrap(average_auc, truth, sides, samples=SAMPLES)
    return f"area {area}, {int(truth.sum())} angry of {len(truth)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="research.text.anger", description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="folders of models")
    parser.add_argument("--part", default="emocontext_dev")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    try:
        rows = read_text_corpus(options.data, options.part, as_emotions=False)
        for folder in options.models:
            classifier = TextClassifier.load(folder)
            print(f"{folder} on {options.part}: {line(*ranked(partial(_anger, classifier), rows))}")
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
