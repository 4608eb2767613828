"""The plots of recordings without labels."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rasa_emotion.evaluation.plots import BLUE, FAINT, INK, ORANGE, VERMILION, drawn
from rasa_emotion.evaluation.unlabelled import COMPARABLE, NEGATIVE, ORDINARY, SURE
from rasa_emotion.evaluation.unlabelled_advice import spoken

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn(5.4, 5.0)
def spread_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Share of the turns with each answer, the most frequent first."""
    spread = dict(sorted(found["spread"].items(), key=lambda pair: pair[1]))
    axes = figure.subplots()
    places = np.arange(len(spread))
    values = 100 * np.array(list(spread.values()))
    colours = [BLUE if name in ORDINARY else VERMILION if name in NEGATIVE else ORANGE for name in spread]
    axes.barh(places, values, height=0.62, color=colours, alpha=0.85)
    for place, value in zip(places, values, strict=True):
        axes.text(value + 1.2, place, f"{value:.0f} %", va="center")
    axes.set_yticks(places, [spoken(name) for name in spread])
    axes.set(xlim=(0, max(30, values.max() * 1.2)), xlabel="share of the turns, %")
    for colour, label in ((BLUE, "ordinary"), (VERMILION, "negative"), (ORANGE, "others")):
        axes.barh([0], [0], color=colour, label=label)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncol=3)


@drawn(5.4, 5.0)
def confidence_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """How many answers had which confidence, with the median and the limit of what counts as sure."""
    counts = np.array(found["confidence"]["histogram"])
    axes = figure.subplots()
    width = 100 / len(counts)
    axes.bar(width * (np.arange(len(counts)) + 0.5), counts, width=0.9 * width, color=BLUE, alpha=0.85)
    median = 100 * found["confidence"]["median"]
    axes.axvline(median, color=INK, linewidth=1.5, label=f"median {median:.0f} %")
    axes.axvline(100 * SURE, color=VERMILION, linestyle="--", linewidth=1.5, label="counts as sure")
    axes.set(xlim=(0, 100), xlabel="confidence of the most probable emotion, %", ylabel="turns")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncol=2)


@drawn(8.8, 5.0)
def line_dots(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Shares of no opinion and of surely negative answers in each group of turns; small groups are pale."""
    rows = [
        (kind, label, group)
        for kind, groups in found["lines"].items()
        for label, group in groups.items()
        if group["turns"]
    ]
    axes = figure.subplots()
    places = np.arange(len(rows))[::-1]
    for name, marker, colour, label in (
        ("unknown", "s", BLUE, "no opinion"),
        ("alarming", "o", VERMILION, "surely negative"),
    ):
        for place, (_, _, group) in zip(places, rows, strict=True):
            pale = 1.0 if group["turns"] >= COMPARABLE else 0.35
            axes.plot(100 * group[name], place, marker, color=colour, markersize=8, alpha=pale)
        axes.plot([], [], marker, color=colour, markersize=8, label=label)
    axes.hlines(places, 0, 100, color=FAINT, linewidth=0.6, alpha=0.5)
    for place, (row, following) in zip(places, pairwise(rows), strict=False):
        if row[0] != following[0]:
            axes.axhline(place - 0.5, color=FAINT, linewidth=1)
    axes.set_yticks(places, [f"{kind}: {label} ({group['turns']:,})" for kind, label, group in rows])
    axes.set(xlim=(-2, 102), ylim=(-0.6, len(rows) - 0.4), xlabel="share of the group's turns, %")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.12), ncol=2)
