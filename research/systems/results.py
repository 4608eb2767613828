"""The figures of a finished run, and the files that the comparison is made of."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.evaluation.metrics import (
    accuracy,
    average_auc,
    bootstrap,
    calibration_error,
    class_recall,
    macro_f1,
    unweighted_accuracy,
)
from research.systems.augment import Example
from research.systems.labels import merged
from research.systems.protocols import PROTOCOLS
from research.systems.recipe import SystemRecipe

RESULTS = Path(__file__).parent / "results"
"""What the recipes measured: what the comparison is made of."""

PAIRED = "ravdess"
"""The corpus whose speaker-disjoint predictions are kept for paired tests."""


@dataclass(frozen=True)
class Scored:
    """What a protocol's trainings said about their test parts, one after the other.

    Args:
        examples: that were scored; one may occur in several draws.
        parts: the name of the training that scored each.
        truth: class numbers [n].
        probabilities: [n, classes].
        classes: their names.
    """

    examples: Sequence[Example]
    parts: Sequence[str]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    classes: Sequence[str]

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def corpora(self) -> list[str]:
        return sorted({example.clip.corpus for example in self.examples})

    def of(self, corpora: Sequence[str]) -> "Scored":
        """The part that belongs to these corpora."""
        rows = [row for row, example in enumerate(self.examples) if example.clip.corpus in corpora]
        return Scored(
            [self.examples[row] for row in rows],
            [self.parts[row] for row in rows],
            self.truth[rows],
            self.probabilities[rows],
            self.classes,
        )


def comparison_rows(recipe: SystemRecipe, scored: Mapping[str, Scored]) -> list[dict[str, Any]]:
    """The table's rows: one per protocol and scored corpus, and one over all corpora where there are several.

    Classes of emotion and sex are scored as they are and, in rows of their own, as emotions.
    """
    rows = []
    for protocol, found in scored.items():
        groups = [[corpus] for corpus in found.corpora]
        if len(groups) > 1:
            groups.append(found.corpora)
        schemes = [(recipe.labels, found)]
        if recipe.labels == "sixteen":
            schemes.append(("eight", without_sex(found)))
        for (labels, answers), corpora in product(schemes, groups):
            rows.append(
                {
                    "corpus": ", ".join(corpora),
                    "protocol": protocol,
                    "labels": labels,
                    "split": split_sentence(recipe, protocol),
                    **figures(answers.of(corpora)),
                }
            )
    return rows


def without_sex(scored: Scored) -> Scored:
    """Emotions alone: the probabilities of classes that differ in the sex are added up."""
    names = merged(scored.classes)
    emotions = tuple(dict.fromkeys(names))
    numbers = np.array([emotions.index(name) for name in names])
    probabilities = np.zeros((len(scored.truth), len(emotions)))
    for column, number in enumerate(numbers):
        probabilities[:, number] += scored.probabilities[:, column]
    return replace(scored, truth=numbers[scored.truth], probabilities=probabilities, classes=emotions)


def split_sentence(recipe: SystemRecipe, protocol: str) -> str:
    """What was trained on and scored, in plain words."""
    repeats = f", drawn {recipe.repeats} times" if recipe.repeats > 1 else ""
    return PROTOCOLS[protocol].split.format(share=f"{100 * recipe.test_share:.0f} %", repeats=repeats)


def figures(scored: Scored) -> dict[str, Any]:
    """Rounded figures; UA is the mean over the trainings, its interval comes from drawing whole speakers."""
    truth, predicted = scored.truth, scored.predicted
    speakers = [example.clip.speaker for example in scored.examples]
    names = np.array(scored.parts)
    by_part = [unweighted_accuracy(truth[names == name], predicted[names == name]) for name in np.unique(names)]
    interval = bootstrap(unweighted_accuracy, truth, predicted, groups=speakers)
    recalls = class_recall(truth, predicted, len(scored.classes))
    auc = average_auc(truth, scored.probabilities)
    return {
        "clips": len(truth),
        "speakers": len(set(speakers)),
        "ua": round(float(np.mean(by_part)), 4),
        "ua_interval": [round(interval.low, 4), round(interval.high, 4)],
        "accuracy": round(accuracy(truth, predicted), 4),
        "macro_f1": round(macro_f1(truth, predicted), 4),
        "auc": None if np.isnan(auc) else round(auc, 4),  # undefined over a single class
        "ece": round(calibration_error(truth, scored.probabilities), 4),
        "recall": {
            name: round(float(recall), 4)
            for name, recall in zip(scored.classes, recalls, strict=True)
            if not np.isnan(recall)
        },
    }


def write_predictions(file: Path, scored: Scored) -> None:
    """One row per scored example: path (with `#augmentation` for a copy), speaker, fold, truth, predicted, classes."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "speaker", "fold", "truth", "predicted", *scored.classes])
        for row, example in enumerate(scored.examples):
            names = [scored.classes[scored.truth[row]], scored.classes[scored.predicted[row]]]
            values = [f"{value:.6f}" for value in scored.probabilities[row]]
            writer.writerow([example.key, example.clip.speaker, scored.parts[row], *names, *values])


def write_comparison(folder: Path, result: Mapping[str, Any], scored: Mapping[str, Scored]) -> None:
    """`NAME.json` with the rows, and `NAME.csv` with the speaker-disjoint predictions of RAVDESS, if any."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result['name']}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if "speaker" not in scored or PAIRED not in scored["speaker"].corpora:
        return
    found = scored["speaker"].of([PAIRED])
    with (folder / f"{result['name']}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "truth", "predicted"])
        for example, truth, predicted in zip(found.examples, found.truth, found.predicted, strict=True):
            writer.writerow([example.clip.path, found.classes[truth], found.classes[predicted]])
