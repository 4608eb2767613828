"""Score one way to fit heads by all rows of the yardstick, on kept features.

    python -m research.voice.make.choose prior --features runs/features --set '{"prior": 0.5}'

A voice is chosen by ordinary speech, anger on the line and the corpora left out, and only reported on RAVDESS.
"""

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from rasa_emotion.training.voice.features import read_rows
from rasa_emotion.training.voice.heads import write_heads
from research.voice.make.answered import joined
from research.voice.make.answers import answer_folds, answer_left_out, fit_folds, scored_rows
from research.voice.make.blend import SHIPPED, Blend
from research.voice.make.yardstick import Rule, calibrate, table

logger = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.35


def choose(name: str, blend: Blend, *, features: Path, out: Path, left_out: bool) -> dict[str, Any]:
    """Fit, answer, and write `NAME.npz` (the answers) and `NAME.json` (the rows); returns the rows."""
    rows = read_rows(features)
    scored = rows.where(scored_rows(rows))
    folds = fit_folds(rows, blend)
    write_heads(out / f"{name}.heads", folds)
    parts = [answer_folds(scored, folds)]
    if left_out:
        parts.append(answer_left_out(rows, blend))
    answers = joined(parts)
    answers.save(out / f"{name}.npz")
    rule = Rule(calibrate(answers, blend.calibrated_on()), MIN_CONFIDENCE)
    found = {"name": name, "temperature": round(rule.temperature, 4), **table(answers, rule)}
    (out / f"{name}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score a way to fit heads by all rows of the yardstick.")
    parser.add_argument("name", help="of the try")
    parser.add_argument("--features", type=Path, default=Path("runs/features"))
    parser.add_argument("--out", type=Path, default=Path("runs/yardstick"))
    parser.add_argument("--set", type=json.loads, help="of `Blend`, as JSON; as what ships without it")
    parser.add_argument("--quick", action="store_true", help="without the corpora left out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(options.threads)
    blend = SHIPPED if options.set is None else Blend.read(options.set)
    found = choose(options.name, blend, features=options.features, out=options.out, left_out=not options.quick)
    for row, value in found.items():
        print(f"{row:32} {value}")


if __name__ == "__main__":
    main()
