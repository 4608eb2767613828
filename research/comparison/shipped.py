"""The model that ships, beside a published system on the same clips."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import Difference, average_auc, mcnemar, paired_bootstrap, unweighted_accuracy
from rasa_emotion.evaluation.predictions import Predictions, read_predictions
from rasa_emotion.model_folder import MANIFEST
from research.comparison.systems import Answers, Measured

CONDITIONS = {
    "clean": "as recorded",
    "mulaw": "8 kHz mu-law telephone",
    "noise20": "noise at 20 dB",
    "noise10": "noise at 10 dB",
    "noise5": "noise at 5 dB",
    "noise0": "noise at 0 dB",
}
"""What the fold models heard each clip under, with its name for people."""


EARLIER_TURNS = "callers.json"
"""Of the folds' folder: what `research.acoustic.callers` measured."""


@dataclass(frozen=True)
class Shipped:
    """The model that ships: its manifest, what its fold models heard under each condition, and the UA of the same heads
    without and with what the speaker's earlier clips tell, where that was measured."""

    manifest: dict[str, Any]
    heard: dict[str, Predictions]
    earlier_turns: dict[str, float] | None = None

    @property
    def row(self) -> Measured:
        """Its headline figures, as its card has them."""
        found, clean = self.manifest["figures"], self.heard["clean"]
        return Measured(
            corpus=self.manifest["scored"],
            protocol="speaker",
            labels="eight",
            split=self.manifest["split"],
            clips=found["clips"],
            speakers=found["speakers"],
            ua=found["ua"],
            ua_interval=tuple(found["ua_interval"]),
            accuracy=found["accuracy"],
            macro_f1=found["macro_f1"],
            auc=average_auc(clean.truth, clean.probabilities),
            ece=found["ece"],
        )


@dataclass(frozen=True)
class Paired:
    """The shipped model against a system on the same clips: UA of both, the difference, and McNemar's p-value."""

    clips: int
    classes: int
    ours: float
    theirs: float
    gain: Difference
    mcnemar: float


def read_shipped(folder: Path) -> Shipped:
    """Read a model folder's manifest and the predictions of its fold models.

    Raises:
        ConfigError: one of them is missing.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"'{folder / MANIFEST}' cannot be read ({error}): name the folder of a model.") from error
    file = folder / "folds" / "out_of_fold.csv"
    temperature = float(manifest["temperature"])
    heard = {name: read_predictions(file, condition=name, temperature=temperature) for name in CONDITIONS}
    earlier = folder / "folds" / EARLIER_TURNS
    return Shipped(manifest, heard, json.loads(earlier.read_text(encoding="utf-8")) if earlier.is_file() else None)


def compare(ours: Predictions, answers: Answers) -> Paired | None:
    """Test on the clips and classes that both have; None where there are no such clips.

    Raises:
        ConfigError: both name the same clip, but another emotion.
    """
    rows = [row for row, path in enumerate(ours.paths) if path in answers.truth]
    if not rows:
        return None
    truth, theirs = answers.of([ours.paths[row] for row in rows])
    if not np.array_equal(truth, ours.truth[rows]):
        raise ConfigError(
            "A system and the shipped model were scored on other emotions of the same clips: run both again."
        )
    classes = np.unique(truth)
    own = classes[ours.probabilities[rows][:, classes].argmax(axis=1)]
    groups = [ours.speakers[row] for row in rows]
    return Paired(
        clips=len(rows),
        classes=len(classes),
        ours=unweighted_accuracy(truth, own),
        theirs=unweighted_accuracy(truth, theirs),
        gain=paired_bootstrap(unweighted_accuracy, truth, own, theirs, groups=groups),
        mcnemar=mcnemar(truth, own, theirs),
    )
