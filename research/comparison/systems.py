"""What the recipes of the published systems measured: a JSON file each, and its answers clip by clip in a CSV."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.corpora.rows import read_rows
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import IntArray

CORPUS = "ravdess"
"""What systems are compared on: every one of them is scored on it, and it has official speaker-disjoint folds."""

SPEAKER = ("speaker", "speaker-script")
RANDOM, AUGMENTED = "random", "random-augmented"
LANGUAGE, TRAINING, PARTITIONS = "language", "training", "partitions"
PROTOCOLS = (RANDOM, AUGMENTED, *SPEAKER, LANGUAGE, TRAINING, PARTITIONS)
OTHER = len(EMOTIONS)
"""Number of an answer that is none of the eight emotions."""


@dataclass(frozen=True)
class Measured:
    """One figure with its split. Shares and intervals are 0 to 1; what was not measured is None.

    Args:
        corpus: what was scored.
        protocol: one of `PROTOCOLS`.
        labels: name of the label scheme, such as "eight".
        split: the split in words.
        clips, speakers: how many were scored.
        ua_interval: the bootstrap 95 % interval of the UA.
    """

    corpus: str
    protocol: str
    labels: str
    split: str
    clips: int
    speakers: int
    ua: float
    ua_interval: tuple[float, float] | None
    accuracy: float
    macro_f1: float
    auc: float | None
    ece: float | None


@dataclass(frozen=True)
class System:
    """A published system, trained again.

    Args:
        letter: which of the five papers.
        name: of its recipe and files.
        reported: the paper's figure, as text.
        paper_split: how the paper split its data, as text.
        latency_ms: "p50" and "p95" of one 3 s clip on one core.
        deviations: what differs from the paper.
        command: that measures it again.
        rows: everything that was measured.
        answers: CSV with its speaker-disjoint answers on `CORPUS`; None where there is none.
    """

    letter: str
    name: str
    title: str
    reported: str
    paper_split: str
    parameters: int
    latency_ms: Mapping[str, float]
    deviations: Sequence[str]
    command: str
    rows: Sequence[Measured]
    answers: Path | None

    def row(self, *protocols: str) -> Measured | None:
        """The first row under one of the protocols, on `CORPUS` where it was scored there, else on any corpus."""
        fitting = [row for row in self.rows if row.protocol in protocols]
        return next((row for row in fitting if row.corpus == CORPUS), fitting[0] if fitting else None)


@dataclass(frozen=True)
class Answers:
    """A system's answers, as numbers in `EMOTIONS` (a sex behind the emotion left out) or `OTHER`, by path."""

    truth: Mapping[str, int]
    predicted: Mapping[str, int]

    def of(self, paths: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Truth and prediction of these clips, shape [n] each."""
        truth, predicted = ([part[path] for path in paths] for part in (self.truth, self.predicted))
        return np.array(truth, dtype=np.int64), np.array(predicted, dtype=np.int64)


def read_systems(folder: str | Path) -> list[System]:
    """The systems whose results lie in a folder, by letter and name.

    Raises:
        ConfigError: a file is no such result.
    """
    systems = [_system(file) for file in sorted(Path(folder).glob("*.json"))]
    return sorted(systems, key=lambda system: (system.letter, system.name))


def _system(file: Path) -> System:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        answers = file.with_suffix(".csv")
        return System(
            letter=str(data["system"]),
            name=str(data["name"]),
            title=str(data["title"]),
            reported=str(data["reported"]),
            paper_split=str(data["paper_split"]),
            parameters=int(data["parameters"]),
            latency_ms={name: float(data["latency_ms"][name]) for name in ("p50", "p95")},
            deviations=[data["deviations"]] if isinstance(data["deviations"], str) else list(data["deviations"]),
            command=str(data["command"]),
            rows=[_measured(row) for row in data["rows"]],
            answers=answers if answers.is_file() else None,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"'{file}' is not the result of a system's recipe ({type(error).__name__}: {error}): run the recipe again."
        ) from error


def _measured(row: Mapping[str, Any]) -> Measured:
    if row["protocol"] not in PROTOCOLS:
        raise ValueError(f"protocol '{row['protocol']}' is not one of {', '.join(PROTOCOLS)}")
    interval = row.get("ua_interval")
    auc, ece = (None if row.get(name) is None else float(row[name]) for name in ("auc", "ece"))
    return Measured(
        corpus=str(row["corpus"]),
        protocol=row["protocol"],
        labels=str(row["labels"]),
        split=str(row["split"]),
        clips=int(row["clips"]),
        speakers=int(row["speakers"]),
        ua=float(row["ua"]),
        ua_interval=None if interval is None else (float(interval[0]), float(interval[1])),
        accuracy=float(row["accuracy"]),
        macro_f1=float(row["macro_f1"]),
        auc=auc,
        ece=ece,
    )


def read_answers(file: str | Path) -> Answers:
    """Read the columns path, truth and predicted.

    Labels are emotions, or an emotion and a sex, as in "angry_female". An answer that is none of the eight emotions
    counts as wrong; a clip whose truth is none of them is left out.

    Raises:
        ConfigError: the file or a column is missing.
    """
    rows = [row for _, row in read_rows(file, ("path", "truth", "predicted"))]
    kept = [row for row in rows if _number(row["truth"]) != OTHER]
    return Answers(
        truth={row["path"]: _number(row["truth"]) for row in kept},
        predicted={row["path"]: _number(row["predicted"]) for row in kept},
    )


def _number(label: str) -> int:
    emotion = label.split("_", maxsplit=1)[0]
    return EMOTIONS.index(emotion) if emotion in EMOTIONS else OTHER
