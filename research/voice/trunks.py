"""What a linear head makes of trunks by their statistics of undisturbed clips: `research.voice.trunks FOLDER...`

Each folder is one that `research.voice.make.features` wrote with `--view clean`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rasa_emotion.evaluation.metrics import unweighted_accuracy
from rasa_emotion.training.voice.features import Rows, read_rows
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits

PENALTIES = (0.01, 0.03, 0.1, 0.3)


def linear_ua(rows: Rows, penalty: float) -> float:
    """UA of one corpus, each speaker heard by a head that was fitted without his or her fold."""
    said = np.zeros(len(rows), np.int64)
    for fold in np.unique(rows.fold):
        recipe = LinearRecipe(weights={str(rows.corpus[0]): 1.0}, penalty=penalty)
        own = rows.fold == fold
        head = fit_linear(rows.where(~own), recipe)
        said[own] = linear_logits(head, rows.statistics[own]).argmax(axis=1)
    return unweighted_accuracy(rows.emotion, said)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="UA of linear heads on kept statistics, best of a few penalties.")
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    for folder in options.folders:
        rows = read_rows(folder, ["clean"])
        for corpus in np.unique(rows.corpus):
            own = rows.where((rows.corpus == corpus) & ~rows.augmented)
            best = max(linear_ua(own, penalty) for penalty in PENALTIES)
            print(f"{folder} {corpus}: {best:.3f} of {len(own):,} clips")


if __name__ == "__main__":
    main()
