"""Readers of the text corpora: one `LabelledText` per row, under the corpus' own labels or under the eight emotions."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from rasa_emotion.emotions import BY_NAME, GOEMOTIONS
from rasa_emotion.errors import ConfigError

# GoEmotions hides names behind a mark that no caller ever says; any first name serves the tokenizer better.
NAMES = ("Alex", "Sam", "Maria", "John", "Anna", "Tom", "Lisa", "David", "Emma", "Chris", "Sarah", "Mike")

# The column that holds what was said, and the one with its label or labels.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "goemotions": ("text", "labels"),
    "meld": ("text", "label"),
    "tweeteval_emotion": ("text", "label"),
    "dair_emotion": ("text", "label"),
    "emocontext": ("turn3", "label"),
}


@dataclass(frozen=True)
class Turn:
    """What was said before a sentence in the same dialogue; `speaker` is empty where the corpus names none."""

    text: str
    speaker: str = ""


@dataclass(frozen=True)
class LabelledText:
    """A sentence and what it expresses.

    Args:
        id: file and row number, such as "goemotions_dev-12", counted from 0.
        text: the sentence.
        target: share per label, summing to 1; several labels make it soft.
        earlier: the turns before it in its dialogue, the oldest first.
        speaker: who says it; empty where the corpus does not name them.
        dialogue: rows of one dialogue share this name and stay on one side of a split; empty for single sentences.
    """

    id: str
    text: str
    target: Mapping[str, float]
    earlier: tuple[Turn, ...] = ()
    speaker: str = ""
    dialogue: str = ""


def read_text_corpus(
    data: Path, name: str, *, as_emotions: bool = True, labels: str | None = None
) -> list[LabelledText]:
    """Rows of `data/text/NAME.tsv`, such as "goemotions_train".

    Args:
        data: the folder of the corpora.
        name: corpus and part, joined by an underscore.
        as_emotions: map the labels on the eight emotions and leave out rows with none; else keep the corpus' own.
        labels: another column of labels than the emotions, such as MELD's "sentiment"; they are kept as they are.

    Raises:
        ConfigError: the corpus is unknown, its file is missing, or it has no such column.
    """
    corpus = name.rpartition("_")[0]
    if corpus not in COLUMNS:
        raise ConfigError(f"Text corpus '{name}' is unknown; name one of {', '.join(COLUMNS)} with _train or _dev.")
    text_column, label_column = COLUMNS[corpus]
    rows = list(_rows(data / "text" / f"{name}.tsv"))
    mapping = (GOEMOTIONS if corpus == "goemotions" else BY_NAME) if as_emotions and labels is None else None
    if labels is not None and any(labels not in row for row in rows):
        raise ConfigError(f"Text corpus '{name}' has no column '{labels}'; MELD has one.")
    found = [
        LabelledText(
            f"{name}-{number}",
            _named(row[text_column], number),
            soft_target(row[labels or label_column], mapping),
            earlier=tuple(Turn(row[column]) for column in ("turn1", "turn2") if column in row),
            speaker=row.get("speaker", ""),
            dialogue=f"{name}-{row['dialogue']}" if "dialogue" in row else "",
        )
        for number, row in enumerate(rows)
    ]
    return [row for row in _with_earlier(found) if row.target]


def read_sentences(path: Path) -> list[LabelledText]:
    """Rows of a CSV file with columns `text` and `emotion`.

    Raises:
        ConfigError: the file is missing.
    """
    return [
        LabelledText(f"{path.stem}-{number}", row["text"], {row["emotion"]: 1.0})
        for number, row in enumerate(_rows(path, delimiter=","))
    ]


def soft_target(labels: str, mapping: Mapping[str, str] | None) -> dict[str, float]:
    """Equal shares of the labels (joined by commas), mapped where a mapping is given.

    >>> soft_target("anger,annoyance,fear,curiosity", GOEMOTIONS)
    {'angry': 0.5, 'fear': 0.5}
    """
    named = labels.split(",")
    mapped = sorted({mapping[label] for label in named if label in mapping} if mapping is not None else set(named))
    return {label: 1 / len(mapped) for label in mapped}


def _with_earlier(rows: list[LabelledText]) -> Iterator[LabelledText]:
    """Rows of a dialogue, which stand in order, with the turns before each."""
    for dialogue, turns in groupby(rows, lambda row: row.dialogue):
        if not dialogue:
            yield from turns
            continue
        said: tuple[Turn, ...] = ()
        for row in turns:
            yield replace(row, earlier=said)
            said = (*said, Turn(row.text, row.speaker))


def _named(text: str, number: int) -> str:
    return text.replace("[NAME]", NAMES[number % len(NAMES)])


def _rows(path: Path, delimiter: str = "\t") -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise ConfigError(f"Text corpus '{path}' is missing; name the folder of the corpora with --data.")
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter=delimiter)
