"""Linear parts beside the heads of the voice, and priors of neutral: the table of docs/experiments.md.

    git archive d2aed57 models/acoustic | tar -x -C runs
    python -m research.voice.make.features --model runs/models/acoustic --out runs/features-first
    python -m research.voice.mixes --features runs/features-first

To be quick, heads are fitted for one fold and for each corpus left out, in 6 epochs, on a share of the large corpora.
So the rows say what a change does to such heads; the voice that ships has better ones.
"""

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import fit_temperature
from rasa_emotion.training.voice.features import Rows, read_rows
from rasa_emotion.training.voice.heads import OTHER, WEIGHTS, HeadRecipe, fit_head
from research.voice.make.answered import SPEAKERS, Answers
from research.voice.make.answers import answered, scored_rows, train_rows
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits
from research.voice.make.yardstick import (
    ANGRY,
    CORPORA_LEFT_OUT,
    Rule,
    among,
    bad,
    calibrate,
    ordinary,
    recall,
    strict,
)

RECIPE = HeadRecipe(epochs=6, either=())
SHARES = {"tess": 0.35, "emogator": 0.5, "nemo": 0.6, "iesc": 0.6, "letters": 0.5, "espeak": 0.6}
ACTED = LinearRecipe(weights={"ravdess": 1.0, "savee": 1.0, "emogator": 1.0}, penalty=0.1)
"""The part called B: few corpora, no ordinary speech."""

FOLD = 0
MIN_CONFIDENCE = 0.35
MIXES = ((0, 0), (0.3, 0.6), (0.5, 0), (0.5, 0.5), (1, 0.5), (1, 1))
PRIORS = (0.0, -0.5, -1.0)
Parts = Mapping[str, Answers]
"""Answers by what was left out: `SPEAKERS` (a fold of them), or a corpus."""


@dataclass(frozen=True)
class Split:
    """What one set of heads learns from, and what it is asked."""

    train: Rows
    asked: Rows


def splits(rows: Rows) -> dict[str, Split]:
    """One fold of speakers, each corpus, and the calls."""
    able, scored = train_rows(rows), scored_rows(rows)
    fold = rows.fold == FOLD
    found = {SPEAKERS: Split(rows.where(able & ~fold), rows.where(scored & (~able | fold)))}
    for corpus in (*CORPORA_LEFT_OUT, "calls"):
        own = rows.corpus == corpus
        found[corpus] = Split(rows.where(able & ~own), rows.where(scored & own))
    return found


def thinned(rows: Rows, random: np.random.Generator) -> Rows:
    """A share of the rows of large corpora."""
    kept = np.ones(len(rows), bool)
    for corpus, share in SHARES.items():
        own = np.flatnonzero(rows.corpus == corpus)
        kept[random.choice(own, int(len(own) * (1 - share)), replace=False)] = False
    return rows.where(kept)


def hidden(found: Mapping[str, Split]) -> Parts:
    """The part called A: the head of the recipe."""
    random = np.random.default_rng(1)
    parts = {}
    for name, split in tqdm(found.items(), desc="heads", mininterval=2):
        head = fit_head(thinned(split.train, random), RECIPE)
        parts[name] = answered(split.asked, head.logits(split.asked.statistics), name)
    return parts


def linear(found: Mapping[str, Split], recipe: LinearRecipe) -> Parts:
    """A linear part."""
    parts = {}
    for name, split in tqdm(found.items(), desc="linear", mininterval=2):
        head = fit_linear(split.train, recipe)
        parts[name] = answered(split.asked, linear_logits(head, split.asked.statistics), name)
    return parts


def mixed(parts: Sequence[tuple[float, Parts]], prior: float) -> Parts:
    """The sum of the parts' logits, each over its own temperature, with a prior of neutral."""
    used = [(weight / _temperature(part[SPEAKERS]), part) for weight, part in parts if weight]
    first = used[0][1]
    found = {}
    for name, answers in first.items():
        logits = sum((scale * part[name].logits for scale, part in used), np.zeros_like(answers.logits))
        logits[:, EMOTIONS.index("neutral")] += prior
        logits[:, EMOTIONS.index("calm")] += prior / 2
        found[name] = replace(answers, logits=logits)
    return found


def _temperature(answers: Answers) -> float:
    acted: NDArray[np.int64] = np.flatnonzero(np.isin(answers.corpus, ("ravdess", "emodb", "nemo")))
    return fit_temperature(answers.emotion[acted], answers.logits[acted])


def line(name: str, parts: Parts) -> str:
    """A row of the table."""
    fold = parts[SPEAKERS]
    rule = Rule(calibrate(fold), MIN_CONFIDENCE)

    def of(corpus: str, view: str, unheard: str = SPEAKERS) -> Answers:
        return parts[unheard].of(corpus=corpus, view=view, unheard=unheard)

    left_out = [of(corpus, "clean", corpus) for corpus in CORPORA_LEFT_OUT]
    calls = of("calls", "line", "calls")
    cells = [
        ", ".join(f"{ordinary(of(corpus, 'line'), rule):.3f}" for corpus in ("digits", "calls", "prompts")),
        f"{bad(of('calls', 'line'), rule):.3f}",
        f"{ordinary(calls, rule):.3f}, {bad(calls, rule):.3f}",
        ", ".join(f"{among(part, rule):.3f}" for part in left_out),
        f"{np.mean([among(part, rule) for part in left_out]):.3f}",
        f"{recall(ANGRY)(left_out[0], rule):.3f}, {recall(ANGRY)(left_out[1], rule):.3f}",
        ", ".join(f"{strict(of(corpus, 'clean'), rule):.3f}" for corpus in ("ravdess", "emodb", "nemo")),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def table(rows: Rows) -> list[str]:
    """The table in Markdown."""
    found = splits(rows)
    every = LinearRecipe(
        weights={str(corpus): WEIGHTS.get(str(corpus), OTHER) for corpus in np.unique(rows.corpus[train_rows(rows)])},
        penalty=0.03,
    )
    a, b, c = hidden(found), linear(found, ACTED), linear(found, every)
    heads = ["ordinary: digits, calls, announcements", "bad: calls", "calls left out: ordinary, bad"]
    heads += ["left out, among: EmoDB, nEMO, URDU, IESC", "mean", "anger of EmoDB, nEMO left out"]
    heads += ["UA heard: RAVDESS, EmoDB, nEMO"]
    lines = [f"| head | {' | '.join(heads)} |", "|---" * 8 + "|"]
    for (share_b, share_c), prior in itertools.product(MIXES, PRIORS):
        if prior and (share_b or share_c):
            continue
        name = f"A + {share_b} B + {share_c} C" if share_b or share_c else "A"
        name += f", prior {prior:g}" if prior else ""
        lines.append(line(name, mixed([(1, a), (share_b, b), (share_c, c)], prior)))
    return [*lines, line("B alone", b), line("C alone", c)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score linear parts beside the heads, and priors of neutral.")
    parser.add_argument("--features", type=Path, default=Path("runs/features-acoustic"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("\n".join(table(read_rows(options.features))))


if __name__ == "__main__":
    main()
