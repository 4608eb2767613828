"""What it would bring to know the caller's earlier turns: features centred on those, causally, speaker-disjoint.

    python -m research.acoustic.callers --data ../shared/data --out models/acoustic/folds/callers.json

A bot hears a caller several times, so the mean of the earlier turns' features can stand in for what is the speaker's
and not the emotion's. The figure is kept apart from the others: RAVDESS' speakers act every emotion equally often,
which no caller does.
"""

import argparse
import itertools
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.corpora.splits import fold_split
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import unweighted_accuracy
from rasa_emotion.training.acoustic.probe import CLEAN
from rasa_emotion.training.acoustic.produce import RECIPES
from rasa_emotion.training.acoustic.recipe import read_recipe
from research.acoustic.inner import Bench, prepare

RECIPE = RECIPES / "whisper.yaml"
PRIORS = (0.0, 2.0, 8.0)
"""How many turns of an average speaker the earlier turns are mixed with."""


def earlier_offsets(
    statistics: NDArray[np.float32],
    speakers: Sequence[str],
    order: Sequence[int],
    *,
    centre: NDArray[np.float32],
    prior: float,
) -> NDArray[np.float32]:
    """How far each clip's speaker lay from `centre` in the turns before it, drawn towards 0 by `prior`.

    Args:
        statistics: [clips, d].
        speakers: of each clip.
        order: the clips' indices in the order in which they are heard.
        centre: [d], the mean of the training speakers.
        prior: turns of an average speaker.

    >>> turns = np.array([[1.0], [3.0], [2.0]], dtype=np.float32)
    >>> earlier_offsets(turns, ["a", "a", "b"], [0, 1, 2], centre=np.float32([2.0]), prior=0.0).tolist()
    [[0.0], [-1.0], [0.0]]
    """
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    offsets = np.zeros_like(statistics)
    for index in order:
        speaker = speakers[index]
        count = counts.get(speaker, 0)
        if count:
            offsets[index] = sums[speaker] / (count + prior) - centre * (count / (count + prior))
        sums[speaker] = sums.get(speaker, np.zeros(statistics.shape[1])) + statistics[index]
        counts[speaker] = count + 1
    return offsets


def measure(bench: Bench, *, orders: int) -> dict[str, float]:
    """UA, the mean over the folds, without the earlier turns and with each prior (and the mean over the orders)."""
    own, rows = bench.scored, bench.scored_rows
    speakers = [clip.speaker for clip in own]
    folds = sorted({clip.fold for clip in own if clip.fold is not None})
    found: dict[str, list[float]] = {"without": [_score(bench, bench.heard, fold) for fold in folds]}
    for seed, prior, fold in itertools.product(range(orders), PRIORS, folds):
        order = random.Random(seed).sample(range(len(own)), len(own))
        clean = bench.heard[CLEAN].copy()
        centre = clean[rows][[clip.fold != fold for clip in own]].mean(axis=0)
        offsets = earlier_offsets(clean[rows], speakers, order, centre=centre, prior=prior)
        clean[rows] -= offsets
        shifted = {name: values - offsets for name, values in bench.heard.items() if name != CLEAN}
        found.setdefault(f"prior {prior:g}", []).append(_score(bench, {CLEAN: clean, **shifted}, fold))
    return {name: round(float(np.mean(values)), 4) for name, values in found.items()}


def _score(bench: Bench, heard: Mapping[str, NDArray[np.float32]], fold: int) -> float:
    split = fold_split(bench.scored, fold)
    answers = bench.predict(heard, {clip.path for clip in split.train}, {clip.path for clip in split.test})
    truth = np.array([EMOTIONS.index(clip.emotion or "") for clip in split.test])
    return unweighted_accuracy(truth, answers[CLEAN])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure what the caller's earlier turns would bring.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--orders", type=int, default=3, help="random orders of the turns")
    parser.add_argument("--out", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args(arguments)
    bench = prepare(read_recipe(options.recipe), options.data, options.cache)
    figures = json.dumps(measure(bench, orders=options.orders), indent=1)
    if options.out:
        options.out.write_text(figures + "\n", encoding="utf-8")
    print(figures)


if __name__ == "__main__":
    main()
