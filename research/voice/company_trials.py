"""Heads for the voice that companies may use, tried in several ways: the table of docs/experiments.md.

    python -m research.voice.company_trials --features runs/features-emogator

Each head is fitted without a fold of speakers. Corpora that it learned from are scored on that fold, all others whole.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rasa_emotion.training.voice.features import Rows, read_rows
from rasa_emotion.training.voice.heads import HeadRecipe, fit_head
from research.voice.make.answered import SPEAKERS, Answers
from research.voice.make.answers import answered, scored_rows
from research.voice.make.company import CALIBRATED_ON, FREE, HELD_OUT_FOLD, NOT_FREE, RECIPE
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits
from research.voice.make.yardstick import (
    ANGRY,
    Rule,
    among,
    bad,
    calibrate,
    ordinary,
    recall,
    strict,
)

ORDINARY = [corpus for corpus in FREE if corpus not in ("emogator", "emodb")]
NEVER_HEARD = ("nemo", "urdu", "iesc")
HIDDEN = "one hidden layer of 128 beside it, 8 epochs"
MIN_CONFIDENCE = 0.35


def trials() -> dict[str, LinearRecipe]:
    """Each way by its name in the table."""
    none = dict.fromkeys(ORDINARY, 0.0)
    return {
        "EmoGator alone": replace(RECIPE, weights={"emogator": 1.0}, prior=0.0),
        "EmoGator and ordinary speech": replace(RECIPE, weights={**RECIPE.weights, "emodb": 0.0}, prior=0.0),
        "EmoGator and EmoDB": replace(RECIPE, weights={**RECIPE.weights, **none}, prior=0.0),
        "all, no prior": replace(RECIPE, prior=0.0),
        "all, prior of neutral -0.5": replace(RECIPE, prior=-0.5),
        "all, prior of neutral -1: **ships**": RECIPE,
        "all, prior of neutral -1.5": replace(RECIPE, prior=-1.5),
        "the same, penalty 0.03": replace(RECIPE, penalty=0.03),
        "the same, penalty 0.3": replace(RECIPE, penalty=0.3),
    }


def scored(rows: Rows, corpora: Sequence[str]) -> Rows:
    """What a head that learned from these corpora without the fold has not heard."""
    return rows.where(scored_rows(rows) & (~np.isin(rows.corpus, corpora) | (rows.fold == HELD_OUT_FOLD)))


def linear(rows: Rows, recipe: LinearRecipe) -> Answers:
    """What a linear head says of the speakers and corpora that it has not heard."""
    weights = {corpus: weight for corpus, weight in recipe.weights.items() if weight}
    head = fit_linear(_train(rows), replace(recipe, weights=weights))
    asked = scored(rows, list(weights))
    return answered(asked, linear_logits(head, asked.statistics), SPEAKERS)


def hidden(rows: Rows) -> Answers:
    """The same with a hidden layer."""
    own = _train(rows)
    recipe = HeadRecipe(weights=RECIPE.weights, epochs=8, either=())
    head = fit_head(own.where(np.isin(own.corpus, FREE)), recipe)
    asked = scored(rows, FREE)
    return answered(asked, head.logits(asked.statistics), SPEAKERS)


def _train(rows: Rows) -> Rows:
    return rows.where((rows.fold != HELD_OUT_FOLD) & ~np.isin(rows.speaker, NOT_FREE))


def line(name: str, answers: Answers) -> str:
    """A row of the table."""
    rule = Rule(calibrate(answers, CALIBRATED_ON), MIN_CONFIDENCE)
    of = {c: answers.of(corpus=c, view="line") for c in ("digits", "calls", "test-nanotts", "test-piper")}
    clean = {c: answers.of(corpus=c, view="clean") for c in ("ravdess", *NEVER_HEARD)}
    cells = [
        ", ".join(f"{ordinary(of[c], rule):.3f}" for c in of),
        ", ".join(f"{bad(of[c], rule):.3f}" for c in of),
        f"{np.mean([among(clean[c], rule) for c in NEVER_HEARD]):.3f}",
        f"{recall(ANGRY)(clean['urdu'], rule):.3f}",
        f"{strict(clean['ravdess'], rule):.3f}, {strict(answers.of(corpus='ravdess', view='line'), rule):.3f}",
        f"{recall(ANGRY)(clean['ravdess'], rule):.3f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def table(rows: Rows, chosen: Mapping[str, LinearRecipe]) -> list[str]:
    """The table in Markdown."""
    heads = ["ordinary: digits, calls, Pico, Piper", "bad", "UA among, mean of nEMO, URDU, IESC", "anger of URDU found"]
    heads += ["UA of RAVDESS, mu-law", "anger of RAVDESS found"]
    lines = [f"| head | {' | '.join(heads)} |", "|---" * 7 + "|"]
    lines += [line(name, linear(rows, recipe)) for name, recipe in chosen.items()]
    return [*lines, line(HIDDEN, hidden(rows))]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score several heads for the voice that companies may use.")
    parser.add_argument("--features", type=Path, default=Path("runs/features-emogator"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("\n".join(table(read_rows(options.features), trials())))


if __name__ == "__main__":
    main()
