"""The plots of an archive's report."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rasa_emotion.evaluation.plots import BLUE, FAINT, INK, ORANGE, VERMILION, drawn
from rasa_emotion.evaluation.unlabelled import NEGATIVE, ORDINARY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"calm": BLUE, "tense": ORANGE}
"""Of moods; those that are missing are vermilion."""


@drawn(5.4, 4.6)
def emotion_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Share of the speech in turns with each emotion, the most frequent first."""
    shares = dict(sorted(found["emotions"].items(), key=lambda pair: pair[1]))
    colours = [BLUE if name in ORDINARY else VERMILION if name in NEGATIVE else ORANGE for name in shares]
    _bars(figure, {name: 100 * share for name, share in shares.items()}, colours, "share of the speech, %", "{:.0f} %")


@drawn(5.4, 4.6)
def mood_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """How many calls ended in each mood."""
    counts = dict(reversed(found["moods"].items()))
    _bars(figure, counts, [COLOURS.get(name, VERMILION) for name in counts], "calls that ended so", "{:,.0f}")


@drawn(8.8, 4.2)
def course_curves(figure: "Figure", found: Mapping[str, Any]) -> None:
    """Median and quartiles of the mood over the tenths of the calls."""
    parts = figure.subplots(1, 2)
    for axes, name, colour, limits in zip(
        parts, ("valence", "anger"), (BLUE, VERMILION), ((-1, 1), (0, 1)), strict=True
    ):
        known = [(10 * part + 5, quartiles) for part, quartiles in enumerate(found["course"][name]) if quartiles]
        if known:
            places = [place for place, _ in known]
            low, median, high = np.array([quartiles for _, quartiles in known]).T
            axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0, label="half of the turns")
            axes.plot(places, median, color=colour, linewidth=2, marker="o", label="median")
            axes.legend(frameon=False, loc="best")
        axes.axhline(0, color=FAINT, linewidth=1)
        axes.set(xlim=(0, 100), ylim=limits, xlabel="of the call, %", ylabel=f"{name} of the mood")


@drawn(8.8, 3.6)
def escalation_bars(figure: "Figure", found: Mapping[str, Any]) -> None:
    """When, in minutes of the call, the rules would have escalated."""
    minutes = np.array(found["escalation_secs"]) / 60
    axes = figure.subplots()
    axes.hist(minutes, bins=min(30, max(5, len(minutes) // 4)), color=VERMILION, alpha=0.85)
    axes.axvline(float(np.median(minutes)), color=INK, linewidth=1.5, label=f"median {np.median(minutes):.1f} min")
    axes.set(xlabel="minutes into the call", ylabel="calls", xlim=(0, None))
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)


def _bars(figure: "Figure", values: Mapping[str, float], colours: list[str], label: str, form: str) -> None:
    axes = figure.subplots()
    places, widest = np.arange(len(values)), max(values.values(), default=0.0) or 1.0
    axes.barh(places, list(values.values()), height=0.62, color=colours, alpha=0.85)
    for place, value in zip(places, values.values(), strict=True):
        axes.text(value + 0.02 * widest, place, form.format(value), va="center")
    axes.set_yticks(places, list(values))
    axes.set(xlim=(0, 1.2 * widest), xlabel=label)
