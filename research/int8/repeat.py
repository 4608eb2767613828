"""Does the text model answer on this CPU as on the one that wrote its `heldout_logits.csv`?
`python -m research.int8.repeat models/text --data ../shared/data`.

Writes nothing. Matrix products of eight bits overflow on CPUs with AVX2 alone; on one with VNNI they do not.
"""

import csv
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError, RasaEmotionError
from rasa_emotion.evaluation.metrics import macro_f1, unweighted_accuracy
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.text.build import HELDOUT_FILE, write_heldout


def repeat(folder: Path, data: Path, sentences: Path, *, per_emotion: int) -> str:
    """A line for each part of the rows: how far this CPU's answers are from the stored ones, and the figures of both.

    Raises:
        ModelError: the folder's rows are not those that these arguments choose.
    """
    with TemporaryDirectory() as place:
        here = Path(place) / HELDOUT_FILE
        write_heldout(TextClassifier.load(folder), data, sentences, here, per_emotion=per_emotion)
        now, stored = _read(here), _read(folder / HELDOUT_FILE)
    if [row["id"] for row in now] != [row["id"] for row in stored]:
        raise ModelError(f"'{folder / HELDOUT_FILE}' holds other rows than these data give; name those it was made of.")
    parts = dict.fromkeys(row["part"] for row in stored)
    return "\n".join(
        f"{part}: {_compare([r for r in now if r['part'] == part], [r for r in stored if r['part'] == part])}"
        for part in parts
    )


def _read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _compare(now: list[dict[str, str]], stored: list[dict[str, str]]) -> str:
    truth = np.array([EMOTIONS.index(row["emotion"]) for row in stored])
    here, there = (np.array([[float(row[emotion]) for emotion in EMOTIONS] for row in rows]) for rows in (now, stored))
    same = float((here.argmax(1) == there.argmax(1)).mean())
    figures = [
        f"UA {unweighted_accuracy(truth, logits.argmax(1)):.3f}, macro-F1 {macro_f1(truth, logits.argmax(1)):.3f}"
        for logits in (there, here)
    ]
    return (
        f"{len(truth):,} rows, {same:.1%} of the answers agree, logits {np.abs(here - there).mean():.3f} apart; "
        f"stored {figures[0]}; here {figures[1]}"
    )


def main() -> None:
    parser = ArgumentParser(prog="research.int8.repeat", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sentences", type=Path, default=Path("tests/data/customer_test_sentences.csv"))
    parser.add_argument("--heldout-per-emotion", type=int, default=200)
    options = parser.parse_args()
    try:
        print(repeat(options.folder, options.data, options.sentences, per_emotion=options.heldout_per_emotion))
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
