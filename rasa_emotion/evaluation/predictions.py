"""What was heard in utterances whose emotion is known, and the CSV files that hold it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rasa_emotion.corpora.rows import Row, emotion_of, read_rows
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import FloatArray, IntArray, softmax

SUM_TOLERANCE = 0.01
"""Probabilities that were rounded for a file sum to 1 within this."""


@dataclass(frozen=True)
class Predictions:
    """Scored utterances.

    Args:
        paths: of the sound files; "line 7" of the manifest where there are only words.
        speakers: "" where unknown.
        truth: numbers in `EMOTIONS`, shape [n].
        probabilities: shape [n, 8]; each row sums to 1.
    """

    paths: Sequence[str]
    speakers: Sequence[str]
    truth: IntArray
    probabilities: FloatArray

    @property
    def predicted(self) -> IntArray:
        """The most probable emotion of each, shape [n]."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def read_predictions(
    file: str | Path, *, condition: str | None = None, temperature: float | None = None
) -> Predictions:
    """Read predictions made elsewhere, such as the `out_of_fold.csv` of a model folder.

    Columns: path, speaker, truth or emotion, and one per emotion with its probability or logit; an emotion without a
    column counts as never predicted. Logits are known by values that are below 0.

    Args:
        condition: keeps the rows with this value in the column `condition`.
        temperature: divides logits before the softmax; 1 by default.

    Raises:
        ConfigError: a column is missing, a value is not valid, several conditions are there and none is named, or a
            temperature is given for probabilities.
    """
    rows = _under(file, read_rows(file, ("path", "speaker")), condition)
    columns = rows[0][1]
    truth = next((name for name in ("truth", "emotion") if name in columns), None)
    emotions = [emotion for emotion in EMOTIONS if emotion in columns]
    if truth is None or len(emotions) < 2:
        raise ConfigError(f"'{file}' line 1 needs a column truth (or emotion) and one for each emotion: add them.")
    values = np.array([[_number(file, line, row, emotion) for emotion in emotions] for line, row in rows])
    probabilities = np.zeros((len(rows), len(EMOTIONS)))
    probabilities[:, [EMOTIONS.index(emotion) for emotion in emotions]] = _probabilities(
        file, [line for line, _ in rows], values, temperature
    )
    return Predictions(
        paths=[row["path"] for _, row in rows],
        speakers=[row["speaker"] for _, row in rows],
        truth=np.array([emotion_of(file, line, row[truth]) for line, row in rows], dtype=np.int64),
        probabilities=probabilities,
    )


def _under(file: str | Path, rows: list[Row], condition: str | None) -> list[Row]:
    found = sorted({row["condition"] for _, row in rows if "condition" in row})
    if condition is None and len(found) > 1:
        raise ConfigError(f"'{file}' holds several conditions: choose --condition {' or '.join(found)}.")
    if condition is not None and condition not in found:
        raise ConfigError(f"'{file}' has no condition '{condition}': it has {', '.join(found) or 'none'}.")
    return [(line, row) for line, row in rows if condition is None or row["condition"] == condition]


def _number(file: str | Path, line: int, row: Mapping[str, str], emotion: str) -> float:
    try:
        number = float(row[emotion])
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ConfigError(f"'{file}' line {line}: '{row[emotion]}' of column {emotion} is not a finite number.")
    return number


def _probabilities(file: str | Path, lines: Sequence[int], values: FloatArray, temperature: float | None) -> FloatArray:
    if (values < 0).any():
        return softmax(values, 1.0 if temperature is None else temperature)
    if temperature is not None:
        raise ConfigError(f"'{file}' holds probabilities: leave --temperature, which is for logits, out.")
    sums = values.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)
    if len(wrong):
        raise ConfigError(f"'{file}' line {lines[wrong[0]]}: the probabilities sum to {sums[wrong[0]]:g}, not to 1.")
    return np.asarray(values / sums[:, None])


def write_predictions(file: str | Path, predictions: Predictions) -> None:
    """Write what `read_predictions` reads, with the column `predicted` for people."""
    with Path(file).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "speaker", "emotion", "predicted", *EMOTIONS])
        columns = (predictions.paths, predictions.speakers, predictions.truth, predictions.predicted)
        for path, speaker, truth, predicted, row in zip(*columns, predictions.probabilities, strict=True):
            writer.writerow([path, speaker, EMOTIONS[truth], EMOTIONS[predicted], *(f"{p:.6f}" for p in row)])
