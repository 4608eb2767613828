"""What a handful of a bot's own examples brings: `python -m research.few_shot.measure --model FOLDER`.

Draws a few examples of each emotion from `train.csv`, adapts the text model to them as `rasa train` does, and scores it
on `test.csv`; with `--contrastive N` also as `rasa-emotion train text --few-shot` does, on N of each emotion. With
`--inner` the draws come from a part of `train.csv` and its rest is scored, which is where rules and settings are
chosen: nothing is chosen on `test.csv`. The model must not have been trained on `train.csv`, as the one that ships was.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from rasa_emotion.corpora.text import LabelledText, read_sentences
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.evaluation.metrics import calibration_error, paired_bootstrap, unweighted_accuracy
from rasa_emotion.evaluation.plots import BLUE, FAINT, ORANGE, VERMILION, drawn
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adaptation import fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAD, CONTRASTIVE = "head", "contrastive tuning"
SAMPLES = 1000
INNER = 25

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Tune = Callable[[Sequence[tuple[str, str]], int], TextClassifier]
"""(text, emotion) pairs and a seed to a classifier that was tuned on them."""


@dataclass(frozen=True)
class Reading:
    """Sentences as the text model reads them.

    Args:
        texts: the sentences.
        labels: numbers of their emotions, shape [n].
        own: the model's probabilities, shape [n, 8].
        embeddings: shape [n, d].
    """

    texts: list[str]
    labels: Ints
    own: Floats
    embeddings: Floats

    def at(self, rows: Ints) -> "Reading":
        return Reading([self.texts[row] for row in rows], self.labels[rows], self.own[rows], self.embeddings[rows])


@dataclass(frozen=True)
class Row:
    """Figures of one way and number of examples, each a mean over draws; the gain is paired on the scored sentences.

    Args:
        way: `HEAD` or `CONTRASTIVE`.
        per_emotion: how many examples of each emotion.
        before, after: UA of the shipped model and of the adapted one.
        draws: UA after, of each draw.
        gain: after less before.
        low, high, p: 95 % interval and two-sided p-value of the gain, over the scored sentences.
        ece_before, ece_after: expected calibration error.
        blend: share of the head in the answer; None where there is no blend.
    """

    way: str
    per_emotion: int
    before: float
    after: float
    draws: list[float]
    gain: float
    low: float
    high: float
    p: float
    ece_before: float
    ece_after: float
    blend: float | None


@dataclass(frozen=True)
class Draw:
    """What one draw of examples leads to, on the sentences that it is scored on.

    Args:
        truth: the numbers of their emotions, shape [n].
        before, after: probabilities, shape [n, 8].
        blend: share of the head; None where there is no blend.
    """

    truth: Ints
    before: Floats
    after: Floats
    blend: float | None


def read(classifier: TextClassifier, rows: Sequence[LabelledText]) -> Reading:
    """Probabilities and embeddings of sentences with one label each."""
    found = [classifier.read(row.text) for row in rows]
    labels = np.array([EMOTIONS.index(next(iter(row.target))) for row in rows])
    own, embeddings = (np.stack(parts).astype(np.float64) for parts in zip(*found, strict=True))
    return Reading([row.text for row in rows], labels, own, embeddings)


def drawn_rows(labels: Ints, per_emotion: int, seed: int) -> Ints:
    """Row numbers of so many examples of each emotion.

    Raises:
        ConfigError: an emotion has fewer.
    """
    random = np.random.default_rng((seed, per_emotion))
    rows = []
    for label in np.unique(labels):
        found = random.permutation(np.flatnonzero(labels == label))
        if len(found) < per_emotion:
            raise ConfigError(
                f"Of {per_emotion} {EMOTIONS[label]} examples only {len(found)} can be drawn; draw fewer."
            )
        rows.append(found[:per_emotion])
    return np.concatenate(rows)


def head_draws(train: Reading, test: Reading, per_emotion: int, seeds: int) -> Iterator[Draw]:
    """The head that `rasa train` fits, on each draw."""
    for seed in range(seeds):
        shown = train.at(drawn_rows(train.labels, per_emotion, seed))
        head = fit(shown.embeddings, shown.labels, shown.own)
        yield Draw(test.labels, test.own, head.probabilities(test.embeddings, test.own), head.blend)


def tuned_draws(tune: Tune, train: Reading, test: Reading, per_emotion: int, seeds: int) -> Iterator[Draw]:
    """The same for a classifier that is tuned on each draw."""
    for seed in range(seeds):
        shown = train.at(drawn_rows(train.labels, per_emotion, seed))
        pairs = [(text, EMOTIONS[label]) for text, label in zip(shown.texts, shown.labels, strict=True)]
        classifier = tune(pairs, seed)
        yield Draw(test.labels, test.own, np.stack([classifier.read(text)[0] for text in test.texts]), None)


def figures(way: str, per_emotion: int, draws: Sequence[Draw]) -> Row:
    """Means over the draws, and the gain with its interval: the same sentences are resampled before and after."""
    sides = [draw.before for draw in draws], [draw.after for draw in draws]
    truth = np.stack([draw.truth for draw in draws], axis=1)
    before, after = (np.stack([p.argmax(1) for p in side], axis=1) for side in sides)
    difference = paired_bootstrap(_mean_ua, truth, after, before, samples=SAMPLES)
    blends = [draw.blend for draw in draws if draw.blend is not None]
    return Row(
        way=way,
        per_emotion=per_emotion,
        before=_mean_ua(truth, before),
        after=_mean_ua(truth, after),
        draws=[round(unweighted_accuracy(draw.truth, draw.after.argmax(1)), 4) for draw in draws],
        gain=difference.value,
        low=difference.low,
        high=difference.high,
        p=difference.p,
        ece_before=float(np.mean([calibration_error(draw.truth, draw.before) for draw in draws])),
        ece_after=float(np.mean([calibration_error(draw.truth, draw.after) for draw in draws])),
        blend=float(np.mean(blends)) if blends else None,
    )


def table(rows: Sequence[Row]) -> Table:
    """The figures for people."""
    found = Table(box=None, pad_edge=False)
    for heading in ("way", "of each emotion", "UA before", "UA after", "draws", "gain", "p", "ECE", "blend"):
        found.add_column(heading)
    for row in rows:
        found.add_row(
            row.way,
            str(row.per_emotion),
            f"{row.before:.3f}",
            f"{row.after:.3f}",
            f"{min(row.draws):.3f} to {max(row.draws):.3f}",
            f"{row.gain:+.3f} ({row.low:+.3f} to {row.high:+.3f})",
            f"{row.p:.3f}",
            f"{row.ece_before:.3f} to {row.ece_after:.3f}",
            "" if row.blend is None else f"{row.blend:.2f}",
        )
    return found


@drawn(6.4, 3.8, kind="svg")
def plot(figure: "Figure", rows: Sequence[Row]) -> None:
    """UA by the number of examples, with the range of the draws, beside that of the model that ships; SVG."""
    axes = figure.subplots()
    for way, colour, marker in ((HEAD, BLUE, "o"), (CONTRASTIVE, VERMILION, "D")):
        mine = [row for row in rows if row.way == way]
        if mine:
            counts = [row.per_emotion for row in mine]
            low, high = ([100 * end(row.draws) for row in mine] for end in (min, max))
            axes.plot(counts, [100 * row.after for row in mine], marker=marker, color=colour, label=way)
            axes.vlines(counts, low, high, color=colour, alpha=0.4, linewidth=5)
    axes.axhline(100 * rows[0].before, color=ORANGE, linestyle="--", label="as it ships")
    counts = sorted({row.per_emotion for row in rows})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="examples of each emotion", ylabel="UA, % (bar: all draws)")
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    axes.legend(frameon=False)


def inner_halves(reading: Reading) -> tuple[Reading, Reading]:
    """Sentences to draw from, `INNER` of each emotion, and the rest."""
    rows = drawn_rows(reading.labels, INNER, seed=0)
    return reading.at(rows), reading.at(np.setdiff1d(np.arange(len(reading.labels)), rows))


def _mean_ua(truth: Ints, predicted: NDArray[Any]) -> float:
    """The mean over draws, the columns of both."""
    return float(np.mean([unweighted_accuracy(*pair) for pair in zip(truth.T, predicted.T, strict=True)]))


def main() -> None:
    parser = ArgumentParser(prog="research.few_shot.measure", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("tests/data/customer_utterances"))
    parser.add_argument("--model", type=Path, required=True, help="one that was not trained on the examples")
    parser.add_argument("--per-emotion", type=int, nargs="+", default=[2, 4, 8, 16, 32])
    parser.add_argument("--seeds", type=int, default=5, help="draws of each number of examples")
    parser.add_argument("--contrastive", type=int, nargs="*", default=[], metavar="N", help="tune on N of each, too")
    parser.add_argument("--contrastive-seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, help="of both kinds per example, instead of the usual number")
    parser.add_argument("--learning-rate", type=float, help="of the contrastive tuning, instead of the usual one")
    parser.add_argument("--inner", action="store_true", help="score a part of train.csv, to choose by")
    parser.add_argument("--plot", type=Path, help="SVG file to write")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    try:
        rows = _measure(options)
        if options.plot:
            options.plot.write_bytes(plot(rows))
    except RasaEmotionError as error:
        sys.exit(str(error))
    if options.as_json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        Console(soft_wrap=True).print(table(rows))


def _measure(options: Any) -> list[Row]:
    classifier = TextClassifier.load(options.model)
    train = read(classifier, read_sentences(options.data / "train.csv"))
    if options.inner:
        train, test = inner_halves(train)
    else:
        test = read(classifier, read_sentences(options.data / "test.csv"))
    found = []
    for count in options.per_emotion:
        draws = head_draws(train, test, count, options.seeds)
        found.append(figures(HEAD, count, list(tqdm(draws, f"{count} of each", options.seeds))))
    if options.contrastive:
        from rasa_emotion.training.text.contrastive import Tuning, tuner  # noqa: PLC0415 -- loads torch

        given = {name: getattr(options, name) for name in ("pairs", "learning_rate")}
        tune = tuner(options.model, Tuning(**{name: value for name, value in given.items() if value is not None}))
        for count in options.contrastive:
            draws = tuned_draws(tune, train, test, count, options.contrastive_seeds)
            found.append(figures(CONTRASTIVE, count, list(draws)))
    return found


if __name__ == "__main__":
    main()
