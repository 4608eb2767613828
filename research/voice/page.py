"""Write docs/voice.md: today's voice beside another one, from the answers of both.

python -m research.voice.page --before FOLDER ANSWERS.npz --after FOLDER ANSWERS.npz

RAVDESS is read from the folders: what the heads of their folds said of it stands there.
"""

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from research.voice import render
from research.voice.conditions import by_condition, logits, long_turns
from research.voice.make.answered import SPEAKERS, Answers, joined
from research.voice.make.yardstick import (
    ANGRY,
    CALM,
    CONFIDENT,
    NEGATIVE,
    NEUTRAL,
    UNKNOWN,
    Rule,
    unknown,
)
from research.voice.shortcuts import lines_told, ordinary_on_lines

CSV = "out_of_fold.csv"
"""Of the folds' folder, as `rasa_emotion.training.acoustic.report` writes it."""

RESULT = Path("research/voice/result.json")
VIEWS = {"clean": "clean", "mulaw": "line"}
"""Names of views by those of `out_of_fold.csv`."""

SAMPLES = 1000
MIN_CONFIDENCE = 0.35


NOT_ASKED = -1


@dataclass(frozen=True)
class Hits:
    """Which answers are right, shape [n], and what they count towards: the figure is the mean over the kinds.

    `NOT_ASKED` marks rows that do not count.
    """

    right: NDArray[np.bool_]
    kinds: NDArray[np.int64]


Count = Callable[[Answers, Rule], Hits]


def ordinary(answers: Answers, rule: Rule) -> Hits:
    """Neutral, calm or unknown."""
    right = np.isin(rule.answers(answers.logits), (NEUTRAL, CALM, UNKNOWN))
    return Hits(right, np.zeros(len(right), np.int64))


def bad(answers: Answers, rule: Rule) -> Hits:
    """Angry, disgusted, fearful or sad, confidently."""
    probabilities = rule.probabilities(answers.logits)
    sure = probabilities.max(axis=1) >= CONFIDENT
    return Hits(np.isin(probabilities.argmax(axis=1), NEGATIVE) & sure, np.zeros(len(sure), np.int64))


def strict(answers: Answers, rule: Rule) -> Hits:
    """Each emotion a kind, choosing among all eight and unknown."""
    return Hits(rule.answers(answers.logits) == answers.emotion, answers.emotion)


def among(answers: Answers, rule: Rule) -> Hits:
    """Each emotion a kind, choosing among the corpus' own."""
    present = np.unique(answers.emotion)
    return Hits(present[answers.logits[:, present].argmax(axis=1)] == answers.emotion, answers.emotion)


def recall(emotion: int) -> Count:
    """Of one emotion."""

    def count(answers: Answers, rule: Rule) -> Hits:
        kinds = np.where(answers.emotion == emotion, 0, NOT_ASKED)
        return Hits(rule.answers(answers.logits) == emotion, kinds)

    return count


@dataclass(frozen=True)
class Row:
    """One row of the page: a figure over one corpus in one view.

    Args:
        name: for people.
        hits: what counts.
        own: of the new voice, what its heads had not heard; the old voice had heard none of it but RAVDESS.
        lower: whether less is better.
    """

    name: str
    hits: Count
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
        order = {name: place for place, name in enumerate(old.name)}
        new = new.where(np.array([name in order for name in new.name], dtype=bool))
        if not len(new.emotion):
            continue
        old = old.where(np.array([order[name] for name in new.name]))
        values = [drawn(row.hits(part, voice.rule), new.speaker) for part, voice in ((old, before), (new, after))]
        found.append(
            {
                "row": row.name,
                "n": len(new.emotion),
                "speakers": len(set(new.speaker)),
                **{name: with_interval(value) for name, value in zip(("before", "after"), values, strict=True)},
                "p": paired(*values),
                "unknown": [round(unknown(old, before.rule), 4), round(unknown(new, after.rule), 4)],
            }
        )
    return found


def drawn(hits: Hits, speakers: NDArray[np.str_]) -> NDArray[np.float64]:
    """The figure, followed by those of `SAMPLES` bootstrap samples of speakers, the same ones for the same speakers."""
    names, of = np.unique(speakers, return_inverse=True)
    classes, kind = np.unique(hits.kinds, return_inverse=True)
    counts = np.zeros((2, len(names), len(classes)))
    np.add.at(counts[0], (of, kind), hits.right)
    np.add.at(counts[1], (of, kind), 1)
    times = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), SAMPLES)
    times = np.concatenate([np.ones((1, len(names))), times])
    asked = classes != NOT_ASKED
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.nanmean((times @ counts[0] / (times @ counts[1]))[:, asked], axis=1)
    return found


def with_interval(values: NDArray[np.float64]) -> list[float]:
    """The figure with its 95 % interval."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return [round(float(value), 4) for value in (values[0], low, high)]


def paired(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """Two-sided p-value of the difference over the same samples of speakers."""
    differences = (new - old)[1:]
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
    """UA by condition and whether the line shows, on RAVDESS; with `conditions`, the sounds of that folder too."""
    heard = out_of_fold(folder)
    found = {"conditions": by_condition(*heard, rule), "told": lines_told(*heard, rule)}
    if conditions is not None:
        for part in ("lines", "cut"):
            found[part] = by_condition(*logits(folder, conditions, part), rule)
        found["long"] = long_turns(*logits(folder, conditions, "joined"), rule)
        found["ordinary"] = ordinary_on_lines(*logits(folder, conditions, "ordinary"), rule)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write docs/voice.md and research/voice/result.json.")
    parser.add_argument("--before", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument("--after", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument("--conditions", type=Path, help="of `research.voice.make.conditions`: every line, long turns")
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
