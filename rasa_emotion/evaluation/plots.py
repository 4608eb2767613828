"""The plots of reports and of the comparison: colours that colour-blind people tell apart, units on every axis.

matplotlib is imported on first use. It draws into memory (Agg), so that no display is needed.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import reliability_bins
from rasa_emotion.evaluation.predictions import Predictions
from rasa_emotion.extras import needs_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# M. Okabe and K. Ito, "Color Universal Design", 2008.
BLUE, ORANGE, VERMILION, INK, FAINT = "#0072B2", "#E69F00", "#D55E00", "#22303C", "#8A97A3"
STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "svg.hashsalt": "rasa-emotion",
}
DPI = 160
# The same figures must give the same file.
UNDATED = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
NAMED_SPEAKERS = 40
"""With more speakers than this their names would overlap; the plot then shows the spread alone."""

P = ParamSpec("P")


def require_matplotlib() -> None:
    """Raises MissingExtraError where matplotlib is not installed."""
    with needs_extra("evaluate", "A report"):
        import_module("matplotlib")


def drawn(
    width: float, height: float, *, kind: str = "png"
) -> Callable[[Callable[Concatenate["Figure", P], None]], Callable[P, bytes]]:
    """Turns a function that draws on a figure of so many inches into one that returns the file: PNG or SVG."""

    def decorate(draw: Callable[Concatenate["Figure", P], None]) -> Callable[P, bytes]:
        @wraps(draw)
        def file(*arguments: P.args, **options: P.kwargs) -> bytes:
            require_matplotlib()
            from matplotlib import rc_context  # noqa: PLC0415
            from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
            from matplotlib.figure import Figure  # noqa: PLC0415

            with rc_context(STYLE):
                figure = Figure(figsize=(width, height), dpi=DPI, constrained_layout=True)
                FigureCanvasAgg(figure)
                draw(figure, *arguments, **options)
                stream = io.BytesIO()
                figure.savefig(stream, format=kind, metadata=UNDATED[kind])
            return stream.getvalue()

        return file

    return decorate


@drawn(8.0, 6.0)
def confusion_matrix(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Share of each true emotion's utterances by what was heard, with the counts."""
    rows = list(found["recall"])
    counts = np.array([[found["confusion"][true][heard] for heard in EMOTIONS] for true in rows])
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 55 else INK
        weight = "bold" if rows[row] == EMOTIONS[column] else "normal"
        place = {"ha": "center", "color": colour}
        axes.text(column, row, f"{share:.0f} %", va="bottom", weight=weight, **place)
        axes.text(column, row + 0.04, f"{counts[row, column]:,}", va="top", size=8, alpha=0.85, **place)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="heard", ylabel="true")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(EMOTIONS) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02)
    bar.set_label("share of the true emotion's utterances, %")
    bar.outline.set_visible(False)


@drawn(5.4, 5.2)
def recall_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Recall of each emotion with its 95 % interval, and that of guessing."""
    recall = found["recall"]
    axes = figure.subplots()
    places = np.arange(len(recall))[::-1]
    values, low, high = (
        np.array([100 * (part["value"] if part[key] is None else part[key]) for part in recall.values()])
        for key in ("value", "low", "high")
    )
    axes.barh(places, values, height=0.62, color=BLUE, alpha=0.85)
    # a bootstrap's interval need not hold the figure itself
    reach = np.maximum([values - low, high - values], 0)
    axes.errorbar(values, places, xerr=reach, fmt="none", ecolor=INK, elinewidth=1.4, capsize=3)
    for place, value, end in zip(places, values, high, strict=True):
        axes.text(max(value, end) + 1.5, place, f"{value:.0f} %", va="center")
    axes.set_yticks(places, [f"{emotion} ({part['utterances']:,})" for emotion, part in recall.items()])
    _guessing(axes, 100 / len(EMOTIONS), vertical=True)
    axes.set(xlim=(0, 115), xlabel="recall, % (bar), with 95 % interval (line)")
    axes.set_xticks(range(0, 101, 20))
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.09))


@drawn(5.4, 5.2)
def reliability(figure: "Figure", predictions: Predictions) -> None:
    """How often the answer was right at each confidence, over how often there was such a confidence."""
    bins = reliability_bins(predictions.truth, predictions.probabilities)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1]})
    width = 100 / len(bins.count)
    centres = width * (np.arange(len(bins.count)) + 0.5)
    used = bins.count > 0
    confidence, right = 100 * bins.confidence[used], 100 * bins.right[used]
    upper.plot([0, 100], [0, 100], color=FAINT, linestyle="--", label="perfectly calibrated")
    upper.vlines(confidence, confidence, right, color=ORANGE, linewidth=5, alpha=0.8, label="gap")
    upper.plot(confidence, right, marker="o", color=BLUE, linewidth=1.6, label="heard")
    upper.set(ylim=(0, 102), ylabel="right answers, %")
    upper.legend(frameon=False, loc="upper left")
    lower.bar(centres, bins.count, width=width * 0.9, color=BLUE, alpha=0.85)
    lower.set(xlim=(0, 100), xlabel="confidence of the answer, %", ylabel="utterances")
    upper.grid(color=FAINT, alpha=0.25)


@drawn(8.6, 4.2)
def speaker_spread(figure: "Figure", found: Mapping[str, Any]) -> None:
    """UA of each speaker, lowest first, and over all speakers with its interval."""
    by_speaker = found["ua_by_speaker"]
    places = np.arange(len(by_speaker))
    values = 100 * np.array(list(by_speaker.values()))
    whole = found["ua"]
    axes = figure.subplots()
    label = f"all: {100 * whole['value']:.1f} % with 95 % interval"
    axes.axhspan(100 * whole["low"], 100 * whole["high"], color=BLUE, alpha=0.12, linewidth=0)
    axes.axhline(100 * whole["value"], color=BLUE, linewidth=1.5, label=label)
    _guessing(axes, 100 / len(EMOTIONS))
    axes.vlines(places, 0, values, color=FAINT, alpha=0.5, linewidth=1)
    axes.plot(places, values, linestyle="none", marker="o", color=VERMILION, markersize=6, label="one speaker")
    if len(by_speaker) <= NAMED_SPEAKERS:
        axes.set_xticks(places, list(by_speaker), rotation=60, ha="right", rotation_mode="anchor", size=8)
    else:
        axes.set_xticks([])
    axes.set(ylim=(0, 102), xlim=(-0.7, len(places) - 0.3), ylabel="UA, %", xlabel="speakers, lowest first")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncol=3)


@dataclass(frozen=True)
class Spread:
    """One line of the plot of leaks: UA by split, 0 to 1; None where it was not measured."""

    label: str
    speaker: float | None
    interval: tuple[float, float] | None = None
    random: float | None = None
    copies: float | None = None


@drawn(8.6, 2.0, kind="svg")
def leaks(figure: "Figure", spreads: Sequence[Spread]) -> None:
    """The same systems under splits that leak and under one that does not, as SVG; the last line is set apart."""
    figure.set_size_inches(8.6, 1.6 + 0.42 * len(spreads))
    axes = figure.subplots()
    for place, spread in enumerate(reversed(spreads)):
        known = [100 * value for value in (spread.speaker, spread.random, spread.copies) if value is not None]
        axes.hlines(place, min(known), max(known), color=FAINT, linewidth=2, alpha=0.6)
        if spread.interval is not None:
            axes.hlines(place, *(100 * end for end in spread.interval), color=BLUE, linewidth=6, alpha=0.3)
    kinds = (
        ("speaker", "o", BLUE, "no speaker on both sides (bar: 95 % interval)"),
        ("random", "s", ORANGE, "speakers on both sides"),
        ("copies", "D", VERMILION, "speakers and copies on both sides"),
    )
    for kind, marker, colour, label in kinds:
        values = [getattr(spread, kind) for spread in reversed(spreads)]
        places = [place for place, value in enumerate(values) if value is not None]
        shown = [100 * value for value in values if value is not None]
        axes.plot(shown, places, marker, color=colour, markersize=8, label=label)
        for place, value in zip(places, shown, strict=True):
            axes.annotate(f"{value:.0f}", (value, place), (0, 7), textcoords="offset points", ha="center", size=8)
    if len(spreads) > 1:
        axes.axhline(0.5, color=FAINT, linewidth=0.8)
    axes.set_yticks(range(len(spreads)), [spread.label for spread in reversed(spreads)])
    axes.set(xlim=(0, 100), ylim=(-0.6, len(spreads) + 0.3), xlabel="UA, %")
    axes.grid(axis="x", color=FAINT, alpha=0.25)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncol=3, framealpha=1, edgecolor="none", fontsize=9
    )


@drawn(5.2, 4.6, kind="svg")
def roc_curves(figure: "Figure", curves: Mapping[str, Sequence[Sequence[float]]], false_alarms: float) -> None:
    """Curves of (false alarms, found), 0 to 1 each, by name, with a line at the false alarms that are allowed; SVG."""
    axes = figure.subplots()
    for colour, (label, points) in zip((BLUE, VERMILION, ORANGE), curves.items(), strict=False):
        alarms, found = np.array(points).T * 100
        axes.plot(alarms, found, color=colour, linewidth=2, label=label)
    axes.axvline(100 * false_alarms, color=FAINT, linestyle=":", linewidth=1.5)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="false alarms among pairs that agree, %", ylabel="conflicts found, %")
    axes.grid(color=FAINT, alpha=0.25)
    axes.legend(loc="lower right", framealpha=1, edgecolor="none")


def _guessing(axes: "Axes", share: float, *, vertical: bool = False) -> None:
    line = axes.axvline if vertical else axes.axhline
    line(share, color=FAINT, linestyle=":", linewidth=1.5, label=f"guessing: {share:.1f} %")
