"""Write docs/voice.md: today's voice beside another one, from the answers of both.

python -m research.voice.page --before FOLDER ANSWERS.npz --after FOLDER ANSWERS.npz

RAVDESS is read from the folders: what the heads of their folds said of it stands there.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import resamples
from rasa_emotion.training.voice.answered import SPEAKERS, Answers, joined
from rasa_emotion.training.voice.yardstick import (
    ANGRY,
    NEUTRAL,
    Figure,
    Rule,
    among,
    bad,
    interval,
    ordinary,
    recall,
    strict,
    unknown,
)
from research.voice import render
from research.voice.conditions import by_condition, logits, long_turns
from research.voice.render import RESULT
from research.voice.shortcuts import lines_told, ordinary_on_lines

CSV = "out_of_fold.csv"
"""Of the folds' folder, as `rasa_emotion.training.acoustic.report` writes it."""

VIEWS = {"clean": "clean", "mulaw": "line"}
"""Names of views by those of `out_of_fold.csv`."""

SAMPLES = 1000
MIN_CONFIDENCE = 0.35


@dataclass(frozen=True)
class Row:
    """One row of the page: a figure over one corpus in one view.

    Args:
        name: for people.
        lower: whether less is better.
        own: of the new voice, what its heads had not heard; the old voice had heard none of it but RAVDESS.
    """

    name: str
    figure: Figure
    corpus: str
    view: str
    own: str = SPEAKERS
    lower: bool = False


def rows() -> list[Row]:
    """The rows in the order of the page."""
    kinds = {
        "digits": "people reading digits",
        "calls": "turns of public service calls",
        "prompts": "recorded announcements",
        "test-nanotts": "a synthesiser never heard (SVOX Pico)",
        "test-piper": "a synthesiser never heard (Piper)",
    }
    found = []
    for corpus, name in kinds.items():
        found.append(Row(f"ordinary: {name}, mu-law", ordinary, corpus, "line"))
        found.append(Row(f"bad: {name}, mu-law", bad, corpus, "line", lower=True))
    for corpus in ("digits", "calls", "prompts"):
        found.append(Row(f"ordinary: {kinds[corpus]}, kind left out", ordinary, corpus, "line", own=corpus))
        found.append(Row(f"bad: {kinds[corpus]}, kind left out", bad, corpus, "line", own=corpus, lower=True))
    for corpus, name in (
        ("ravdess", "RAVDESS"),
        ("emodb", "EmoDB"),
        ("nemo", "nEMO"),
        ("urdu", "URDU"),
        ("iesc", "IESC"),
    ):
        found.append(Row(f"UA: {name}, speakers unheard", strict, corpus, "clean"))
        found.append(Row(f"UA: {name}, mu-law", strict, corpus, "line"))
        found.append(Row(f"recall of angry: {name}", recall(ANGRY), corpus, "clean"))
        found.append(Row(f"recall of angry: {name}, mu-law", recall(ANGRY), corpus, "line"))
        if corpus != "iesc":
            found.append(Row(f"recall of neutral: {name}", recall(NEUTRAL), corpus, "clean"))
    for corpus, name in (("emodb", "EmoDB"), ("nemo", "nEMO"), ("urdu", "URDU"), ("iesc", "IESC")):
        found.append(Row(f"UA among its emotions: {name}, corpus left out", among, corpus, "clean", own=corpus))
        if corpus in {"emodb", "nemo"}:
            found.append(Row(f"recall of angry: {name}, corpus left out", recall(ANGRY), corpus, "clean", own=corpus))
    return found


@dataclass(frozen=True)
class Voice:
    """A voice's answers and the rule that makes answers of its logits."""

    answers: Answers
    rule: Rule

    @classmethod
    def read(cls, folder: Path, answers: Path) -> "Voice":
        manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        stored = Answers.load(answers)
        elsewhere = stored.where(stored.corpus != "ravdess")
        return cls(joined([elsewhere, on_ravdess(folder)]), Rule(float(manifest["temperature"]), MIN_CONFIDENCE))

    def of(self, row: Row, unheard: str) -> Answers:
        return self.answers.of(corpus=row.corpus, view=row.view, unheard=unheard)


def compare(before: Voice, after: Voice) -> list[dict[str, Any]]:
    """Each row with both values, their intervals over speakers, a paired test and the share of `unknown`."""
    found = []
    for row in rows():
        old, new = before.of(row, SPEAKERS), after.of(row, row.own)
        if not len(new.emotion) or not len(old.emotion):
            continue
        order = {name: place for place, name in enumerate(old.name)}
        new = new.where(np.array([name in order for name in new.name]))
        old = old.where(np.array([order[name] for name in new.name]))
        values = [interval(part, voice.rule, row.figure) for part, voice in ((old, before), (new, after))]
        found.append(
            {
                "row": row.name,
                "n": len(new.emotion),
                "speakers": len(set(new.speaker)),
                "before": [round(v, 4) for v in (values[0].value, values[0].low, values[0].high)],
                "after": [round(v, 4) for v in (values[1].value, values[1].low, values[1].high)],
                "p": paired(old, new, row.figure, (before.rule, after.rule)),
                "unknown": [round(unknown(old, before.rule), 4), round(unknown(new, after.rule), 4)],
            }
        )
    return found


def paired(old: Answers, new: Answers, figure: Figure, rules: tuple[Rule, Rule]) -> float:
    """Two-sided p-value of the difference, from bootstrap samples of speakers that both are scored on."""
    before, after = old.bare(), new.bare()
    differences = np.array(
        [
            figure(after.where(drawn), rules[1]) - figure(before.where(drawn), rules[0])
            for drawn in resamples(len(new.emotion), list(new.speaker), SAMPLES, 1)
        ]
    )
    differences = differences[~np.isnan(differences)]
    tail = 1 + min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return round(min(1.0, 2 * tail / (len(differences) + 1)), 4)


def out_of_fold(folder: Path) -> tuple[list[dict[str, str]], NDArray[np.float64]]:
    """What the heads of a folder's folds said of RAVDESS under each condition, as `acoustic.report` kept it."""
    with (folder / "folds" / CSV).open(newline="", encoding="utf-8") as stream:
        rows = [{**row, "name": row["path"]} for row in csv.DictReader(stream)]
    return rows, np.array([[float(row[emotion]) for emotion in EMOTIONS] for row in rows])


def on_ravdess(folder: Path) -> Answers:
    """The same as answers: undisturbed and through mu-law."""
    rows, said = out_of_fold(folder)
    chosen = [number for number, row in enumerate(rows) if row["condition"] in VIEWS]
    own = [rows[number] for number in chosen]
    return Answers(
        logits=said[chosen],
        emotion=np.array([EMOTIONS.index(row["emotion"]) for row in own]),
        corpus=np.full(len(own), "ravdess"),
        view=np.array([VIEWS[row["condition"]] for row in own]),
        speaker=np.array([row["speaker"] for row in own]),
        name=np.array([row["name"] for row in own]),
        unheard=np.full(len(own), SPEAKERS),
    )


def measure(folder: Path, rule: Rule, conditions: Path | None) -> dict[str, Any]:
    """UA by condition and whether the line shows, on RAVDESS; with `conditions`, long turns and ordinary speech too."""
    heard = out_of_fold(folder)
    found = {"conditions": by_condition(*heard, rule), "told": lines_told(*heard, rule)}
    if conditions is not None:
        found["long"] = long_turns(*logits(folder, conditions, "joined"), rule)
        found["ordinary"] = ordinary_on_lines(*logits(folder, conditions, "ordinary"), rule)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write docs/voice.md and research/voice/result.json.")
    parser.add_argument("--before", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument("--after", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument(
        "--conditions", type=Path, help="of `training.voice.conditions`: long turns, lines of angry clips"
    )
    options = parser.parse_args(arguments)
    voices = {name: Voice.read(*getattr(options, name)) for name in ("before", "after")}
    measured = {
        name: measure(getattr(options, name)[0], voices[name].rule, options.conditions) for name in ("before", "after")
    }
    result = {
        "rows": compare(voices["before"], voices["after"]),
        **{part: {name: measured[name][part] for name in measured} for part in measured["after"]},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    render.main()


if __name__ == "__main__":
    main()
