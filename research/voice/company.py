"""Write docs/company-voice.md: the voice that companies may use beside the one before it, on the same kept embedding.

python -m research.voice.company --before FOLDER --after FOLDER --features runs/features-emogator

Both folders have one head that was fitted without some speakers. Each sound is scored where neither had heard the
speaker: the corpora that the new voice learned from by their speakers of the fold held out, all others whole.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.acoustic.heads import HEADS, head_names, read_head
from rasa_emotion.training.voice.features import Rows, read_rows
from research.voice import render
from research.voice.conditions import logits, long_turns
from research.voice.make.answered import SPEAKERS, Answers
from research.voice.make.answers import Embedded, answered, scored_rows
from research.voice.make.company import HELD_OUT_FOLD
from research.voice.make.yardstick import ANGRY, NEUTRAL, Rule, unknown
from research.voice.page import MIN_CONFIDENCE, Row, among, bad, drawn, ordinary, paired, recall, strict, with_interval

RESULT = Path("research/voice/company.json")
LONG = ("ravdess", "nemo")
HEARD = "emogator"
"""The corpus that both heads learned from, so that neither is compared on it."""

ORDINARY = {
    "digits": "people reading digits, speakers unheard",
    "prompts": "recorded announcements, speakers unheard",
    "calls": "public service calls, never heard",
    "test-nanotts": "a synthesiser never heard (SVOX Pico)",
    "test-piper": "a synthesiser never heard (Piper)",
}
ACTED = {
    "ravdess": "RAVDESS, never heard",
    "emodb": "EmoDB, speakers unheard",
    "nemo": "nEMO, never heard",
    "urdu": "URDU, never heard",
    "iesc": "IESC, never heard",
}


def rows() -> list[Row]:
    """The rows in the order of the page."""
    found = []
    for corpus, name in ORDINARY.items():
        found.append(Row(f"ordinary: {name}, mu-law", ordinary, corpus, "line"))
        found.append(Row(f"bad: {name}, mu-law", bad, corpus, "line", lower=True))
    for corpus, name in ACTED.items():
        found.append(Row(f"UA: {name}", strict, corpus, "clean"))
        found.append(Row(f"UA: {name}, mu-law", strict, corpus, "line"))
        found.append(Row(f"UA among its emotions: {name}", among, corpus, "clean"))
        found.append(Row(f"recall of angry: {name}", recall(ANGRY), corpus, "clean"))
        found.append(Row(f"recall of angry: {name}, mu-law", recall(ANGRY), corpus, "line"))
        if corpus != "iesc":
            found.append(Row(f"recall of neutral: {name}", recall(NEUTRAL), corpus, "clean"))
    return found


def unheard(scored: Rows, corpora: Sequence[str]) -> Rows:
    """The rows whose speakers a head without the fold held out, and of these corpora, has not heard."""
    known = np.isin(scored.corpus, corpora)
    return scored.where((~known | (scored.fold == HELD_OUT_FOLD)) & (scored.corpus != HEARD))


def said(folder: Path, scored: Rows) -> tuple[Answers, Rule]:
    """What a folder's head without some speakers says of kept embeddings, and the rule that makes answers of it."""
    file = folder / "folds" / HEADS
    head = read_head(file, head_names(file)[0], Embedded())
    logits = head.run(["logits"], list(scored.statistics))[0].astype(np.float64)
    manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return answered(scored, logits, SPEAKERS), Rule(float(manifest["temperature"]), MIN_CONFIDENCE)


def compare(before: tuple[Answers, Rule], after: tuple[Answers, Rule]) -> list[dict[str, Any]]:
    """Each row with both values, their intervals over speakers, a paired test and the share of `unknown`."""
    found = []
    for row in rows():
        parts = [(answers.of(corpus=row.corpus, view=row.view), rule) for answers, rule in (before, after)]
        speakers = parts[0][0].speaker
        if not len(speakers):
            continue
        values = [drawn(row.hits(part, rule), speakers) for part, rule in parts]
        found.append(
            {
                "row": row.name,
                "n": len(speakers),
                "speakers": len(set(speakers)),
                **{name: with_interval(value) for name, value in zip(("before", "after"), values, strict=True)},
                "p": paired(*values),
                "unknown": [round(unknown(part, rule), 4) for part, rule in parts],
            }
        )
    return found


def long_ones(folder: Path, conditions: Path, rule: Rule) -> dict[str, Any]:
    """How many long angry turns are angry, of the corpora that the shipped head never heard."""
    found = long_turns(*logits(folder, conditions, "joined"), rule)
    return {name: counts for name, counts in found.items() if name.split()[1] in LONG}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write docs/company-voice.md and research/voice/company.json.")
    for name in ("before", "after", "features"):
        parser.add_argument(f"--{name}", type=Path, required=name != "features", default=Path("runs/features-emogator"))
    parser.add_argument("--conditions", type=Path, help="of `research.voice.make.conditions`: long turns")
    options = parser.parse_args(arguments)
    kept = read_rows(options.features)
    corpora = json.loads((options.after / "model.json").read_text(encoding="utf-8"))["corpora"]
    scored = unheard(kept.where(scored_rows(kept)), corpora)
    voices = {name: said(getattr(options, name), scored) for name in ("before", "after")}
    result: dict[str, Any] = {"rows": compare(voices["before"], voices["after"])}
    if options.conditions:
        result["long"] = {
            name: long_ones(getattr(options, name), options.conditions, rule) for name, (_, rule) in voices.items()
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    render.main()


if __name__ == "__main__":
    main()
