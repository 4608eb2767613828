"""Write docs/voice.md: today's voice beside another one, from the answers of both.

python -m research.voice.page --before FOLDER ANSWERS.npz --after FOLDER ANSWERS.npz --conditions runs/conditions
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.evaluation.metrics import resamples
from rasa_emotion.training.voice.answers import SPEAKERS, Answers
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
from research.voice.conditions import by_condition, logits, long_turns
from research.voice.shortcuts import lines_told, ordinary_on_lines

PAGE = Path("docs/voice.md")
RESULT = Path("research/voice/result.json")
TEMPLATE = Path(__file__).with_name("voice.template.md")
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
        return cls(Answers.load(answers), Rule(float(manifest["temperature"]), MIN_CONFIDENCE))

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
    differences = np.array(
        [
            figure(new.where(drawn), rules[1]) - figure(old.where(drawn), rules[0])
            for drawn in resamples(len(new.emotion), list(new.speaker), SAMPLES, 1)
        ]
    )
    differences = differences[~np.isnan(differences)]
    tail = 1 + min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return round(min(1.0, 2 * tail / (len(differences) + 1)), 4)


def write(result: dict[str, Any], page: Path = PAGE) -> None:
    """The page from the figures."""
    text = TEMPLATE.read_text(encoding="utf-8")
    parts = {
        "ROWS": _rows(result["rows"]),
        "CONDITIONS": _conditions(result["conditions"]),
        "LONG": _long(result["long"]),
        "TOLD": _told(result["told"]),
        "ORDINARY": _ordinary(result["ordinary"]),
    }
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(part))
    page.write_text(text, encoding="utf-8")


def _rows(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| row | n, speakers | before | now | p | unknown, before and now |", "|---|---|---|---|---|---|"]
    for row in rows:
        shares = " and ".join(f"{share:.3f}" for share in row["unknown"])
        old, new = _value(row["before"]), _value(row["after"])
        lines.append(f"| {row['row']} | {row['n']:,}, {row['speakers']} | {old} | {new} | {row['p']:.3f} | {shares} |")
    return lines


def _conditions(found: dict[str, dict[str, float]]) -> list[str]:
    lines = ["| condition | before | now |", "|---|---|---|"]
    return lines + [f"| {name} | {found['before'][name]:.3f} | {value:.3f} |" for name, value in found["after"].items()]


def _long(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["| turns | before | now |", "|---|---|---|"]
    for name, (right, count) in found["after"].items():
        old_right, old_count = found["before"][name]
        lines.append(f"| {name} | {old_right} of {old_count} | {right} of {count} |")
    return lines


def _told(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["| line | clips | chance | before | now |", "|---|---|---|---|---|"]
    for name, now in found["after"].items():
        old = _value(found["before"][name]["told"])
        lines.append(f"| {name} | {now['clips']} | {now['chance']:.3f} | {old} | {_value(now['told'])} |")
    return lines


def _ordinary(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "| line | clips | ordinary before | now | bad before | now | unknown now |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, now in found["after"].items():
        cells = [_value(found[voice][name][row]) for row in ("ordinary", "bad") for voice in ("before", "after")]
        lines.append(f"| {name} | {now['clips']} | {' | '.join(cells)} | {now['unknown']:.3f} |")
    return lines


def _value(found: Sequence[float]) -> str:
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


def measure(folder: Path, rule: Rule, conditions: Path) -> dict[str, Any]:
    """UA by line and length, what becomes of long turns, whether the line shows, and ordinary speech on every line."""
    on_lines = logits(folder, conditions, "lines")
    return {
        "conditions": by_condition(*on_lines, rule) | by_condition(*logits(folder, conditions, "cut"), rule),
        "long": long_turns(*logits(folder, conditions, "joined"), rule),
        "told": lines_told(*on_lines, rule),
        "ordinary": ordinary_on_lines(*logits(folder, conditions, "ordinary"), rule),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write docs/voice.md and research/voice/result.json.")
    parser.add_argument("--before", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument("--after", nargs=2, type=Path, required=True, metavar=("FOLDER", "ANSWERS"))
    parser.add_argument("--conditions", type=Path, default=Path("runs/conditions"))
    options = parser.parse_args(arguments)
    voices = {name: Voice.read(*getattr(options, name)) for name in ("before", "after")}
    measured = {
        name: measure(getattr(options, name)[0], voices[name].rule, options.conditions) for name in ("before", "after")
    }
    result = {
        "rows": compare(voices["before"], voices["after"]),
        **{part: {name: measured[name][part] for name in measured} for part in measured["after"]},
    }
    RESULT.write_text(json.dumps(result, indent=1), encoding="utf-8")
    write(result)


if __name__ == "__main__":
    main()
