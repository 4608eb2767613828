"""What one change to a system did: two files of its answers to the same clips, with and without.

python -m research.systems.effect WITH.csv WITHOUT.csv
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rasa_emotion.corpora.rows import read_rows
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import IntArray, accuracy, class_recall, mcnemar, unweighted_accuracy


@dataclass(frozen=True)
class Side:
    """How one of the two did: shares from 0 to 1, and the recall of each class that occurs."""

    ua: float
    accuracy: float
    recall: dict[str, float]


@dataclass(frozen=True)
class Effect:
    """Two systems on the same clips.

    Args:
        clips: how many.
        changed: the system with the change.
        without: the system without it.
        only_changed: clips that it alone has right.
        only_without: clips that the other alone has right.
        p: of McNemar's exact two-sided test that both are right equally often.
    """

    clips: int
    changed: Side
    without: Side
    only_changed: int
    only_without: int
    p: float


def effect(changed: str | Path, without: str | Path) -> Effect:
    """Compare two CSV files with the columns path, truth and predicted.

    Raises:
        ConfigError: a file or column is missing, or the two are not about the same clips.
    """
    first, second = _answers(changed), _answers(without)
    if {path: truth for path, (truth, _) in first.items()} != {path: truth for path, (truth, _) in second.items()}:
        raise ConfigError(f"'{changed}' and '{without}' differ in clips or truth: score both on the same split.")
    names = sorted({name for answers in (first, second) for pair in answers.values() for name in pair})
    truth, with_it, without_it = (
        np.array([names.index(answers[path][column]) for path in sorted(first)], dtype=np.int64)
        for answers, column in ((first, 0), (first, 1), (second, 1))
    )
    return Effect(
        clips=len(truth),
        changed=_side(truth, with_it, names),
        without=_side(truth, without_it, names),
        only_changed=int(np.sum((with_it == truth) & (without_it != truth))),
        only_without=int(np.sum((with_it != truth) & (without_it == truth))),
        p=mcnemar(truth, with_it, without_it),
    )


def _answers(file: str | Path) -> dict[str, tuple[str, str]]:
    return {row["path"]: (row["truth"], row["predicted"]) for _, row in read_rows(file, ("path", "truth", "predicted"))}


def _side(truth: IntArray, predicted: IntArray, names: Sequence[str]) -> Side:
    recalls = class_recall(truth, predicted, len(names))
    return Side(
        ua=round(unweighted_accuracy(truth, predicted), 4),
        accuracy=round(accuracy(truth, predicted), 4),
        recall={name: round(float(r), 4) for name, r in zip(names, recalls, strict=True) if not np.isnan(r)},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compare two systems' answers to the same clips.")
    parser.add_argument("changed", help="CSV of the system with the change")
    parser.add_argument("without", help="CSV of the system without it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    found = effect(options.changed, options.without)
    if options.json:
        print(json.dumps(asdict(found), indent=1))
        return
    print(f"{found.clips} clips          with   without")
    for name in ("ua", "accuracy"):
        print(f"{name:16} {getattr(found.changed, name):8.3f} {getattr(found.without, name):8.3f}")
    for name, recall in found.changed.recall.items():
        print(f"{name:16} {recall:8.3f} {found.without.recall[name]:8.3f}")
    print(f"right alone      {found.only_changed:8} {found.only_without:8}   McNemar p = {found.p:.3f}")


if __name__ == "__main__":
    main()
