"""Figures on the customers' wording by kind: denials, what is past, thanks before complaints, single words.

Trainings are compared by the parts that choose: `python -m rasa_emotion.training.text.wording runs/text/words_more`.
The folder of a model says what is left of it in int8: `python -m rasa_emotion.training.text.wording models/text`.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.corpora.text import LabelledText, read_sentences, read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.evaluation.markdown import p_value, table
from rasa_emotion.evaluation.metrics import bootstrap, macro_f1, mcnemar, unweighted_accuracy
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE
from rasa_emotion.training.text.build import score_single
from rasa_emotion.training.text.data import inner_split, spoken, tokenize
from rasa_emotion.training.text.model import TextEmotionModel, load_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.recipe import Recipe

SAMPLES = 1000
RECIPE = Recipe(train=(), labels=EMOTIONS, spell_emoji=True)
"""What sentences are tokenized by: as those of the trainings with customers' wording."""
NEUTRAL = EMOTIONS.index("neutral")
STRICT, SPOKEN = "all, the label alone", "all, as a recogniser prints them"

Logits = Callable[..., NDArray[np.float32]]


@dataclass(frozen=True)
class Wording:
    """The turns of one half: the rows, the kind of each, and which emotions are right, bool [rows, 8]."""

    rows: list[LabelledText]
    kinds: NDArray[np.str_]
    right: NDArray[np.bool_]


def read_wording(file: Path) -> Wording:
    """The turns of a CSV file with the columns text, emotion, also and kind; see `tests/data/customer_wording`."""
    rows = read_sentences(file)
    with file.open(encoding="utf-8", newline="") as stream:
        columns = [(row["kind"], row["also"].split()) for row in csv.DictReader(stream)]
    named = [{*row.target, *also} for row, (_, also) in zip(rows, columns, strict=True)]
    right = np.array([[emotion in names for emotion in EMOTIONS] for names in named])
    return Wording(rows, np.array([kind for kind, _ in columns]), right)


def wording_table(before: Logits, after: Logits, file: Path) -> str:
    """Markdown: how many turns of each kind two models get right, with 95 % intervals over turns of the second.

    The rows of all turns also say whether the two differ, by McNemar's test.

    Args:
        before: logits of a text, shape [8], by the earlier model.
        after: the same by the model that ships.
        file: the turns, every one of which holds a word for both models.
    """
    wording = read_wording(file)
    answers = [_answers(logits, wording.rows) for logits in (before, after)]
    found = [_hits(wording.right, said) for said in answers]
    kinds = sorted(set(wording.kinds), key=lambda kind: (-int((wording.kinds == kind).sum()), kind))
    lines = [_line(kind, [hits[wording.kinds == kind] for hits in found]) for kind in kinds]
    lines.append(_line("**all**", found, tested=True))
    truth = np.array([EMOTIONS.index(next(iter(row.target))) for row in wording.rows])
    lines.append(_line(STRICT, [said == truth for said in answers], tested=True))
    printed = [replace(row, text=spoken(row.text) or row.text) for row in wording.rows]
    recognised = [_hits(wording.right, _answers(logits, printed)) for logits in (before, after)]
    lines.append(_line(SPOKEN, recognised, tested=True))
    return table(["kind", "turns", "right, before", "right, now", "McNemar p"], lines)


def _answers(logits: Logits, rows: Sequence[LabelledText]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = score_single(logits, rows).logits.argmax(1)
    return numbers


def _hits(right: NDArray[np.bool_], answers: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = right[np.arange(len(answers)), answers]
    return found


def _line(name: str, hits: Sequence[NDArray[np.bool_]], *, tested: bool = False) -> list[str]:
    truth = np.ones(len(hits[0]), dtype=np.int64)
    first, second = (found.astype(np.int64) for found in hits)
    interval = bootstrap(lambda _, found: float(found.mean()), truth, second, samples=SAMPLES)
    differs = p_value(mcnemar(truth, first, second)) if tested else ""
    return [name, str(len(truth)), f"{first.mean():.3f}", str(interval), differs]


def choice(model: TextEmotionModel | TextClassifier, folder: Path, data: Path) -> str:
    """What a training is chosen by, in words: `dev*.csv`, as written and as printed, and the inner splits.

    Args:
        model: the network, in float32, or what was built of one, in int8.
        folder: of `dev.csv`, others whose names begin so, and the training parts, `train.csv` among them.
        data: of the corpora.
    """
    comments = inner_split(read_text_corpus(data, "goemotions_train"), RECIPE.inner_share, RECIPE.inner_seed)[1]
    single = [row for row in comments if len(row.target) == 1]
    truth = np.array([EMOTIONS.index(next(iter(row.target))) for row in single])
    found = _predicted(model, single)
    chosen = "; ".join(_chosen_by(model, file) for file in sorted(folder.glob("dev*.csv")))
    inner = ", ".join(f"{file.stem} {_inner(model, file):.3f}" for file in sorted(folder.glob("train*.csv")))
    return (
        f"{chosen}; inner wording: {inner}; "
        f"inner comments {macro_f1(truth, found):.3f} / {unweighted_accuracy(truth, found):.3f}"
    )


def _chosen_by(model: TextEmotionModel | TextClassifier, file: Path) -> str:
    """Share of right answers among turns to choose by, as written, as printed, and by kind."""
    dev = read_wording(file)
    printed = [replace(row, text=spoken(row.text) or row.text) for row in dev.rows]
    hits = _hits(dev.right, _predicted(model, dev.rows))
    kinds = ", ".join(f"{kind} {hits[dev.kinds == kind].mean():.2f}" for kind in sorted(set(dev.kinds)))
    spoke = _hits(dev.right, _predicted(model, printed))
    return f"{file.stem} {hits.mean():.3f}, as printed {spoke.mean():.3f} ({kinds})"


def _inner(model: TextEmotionModel | TextClassifier, file: Path) -> float:
    """Share of right answers among the rows of a training part that no training saw."""
    wording = read_wording(file)
    held = inner_split(wording.rows, RECIPE.inner_share, RECIPE.inner_seed)[1]
    right = wording.right[[wording.rows.index(row) for row in held]]
    return float(_hits(right, _predicted(model, held)).mean())


def _predicted(model: TextEmotionModel | TextClassifier, rows: Sequence[LabelledText]) -> NDArray[np.int64]:
    if isinstance(model, TextClassifier):
        # signs alone ("?") show no feeling, and a model that is built refuses them
        shown = [int(model.logits(row.text).argmax()) if model.has_words(row.text) else NEUTRAL for row in rows]
        return np.array(shown, dtype=np.int64)
    numbers: NDArray[np.int64] = predict(model, tokenize(rows, RECIPE)).argmax(1)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(prog="rasa_emotion.training.text.wording", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of trainings, or of models")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--wording", type=Path, default=Path("tests/data/customer_wording"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        for run in options.runs:
            model = TextClassifier.load(run) if (run / MODEL_FILE).is_file() else load_model(run)
            print(f"{run}: {choice(model, options.wording, options.data)}")
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
