"""The plot of escalations found against false ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rasa_emotion.evaluation.plots import BLUE, FAINT, ORANGE, VERMILION, drawn
from rasa_emotion.evaluation.simulation import FALSE_GOAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn(6.4, 4.6, kind="svg")
def trade_off(figure: "Figure", simulated: Mapping[str, Mapping[str, Any]]) -> None:
    """Share of the angry calls escalated in time over false escalations per 100 calm calls, as SVG.

    Args:
        simulated: figures by the name of the rules; each has a curve, and the point that was chosen.
    """
    axes = figure.subplots()
    for colour, (name, found) in zip((BLUE, VERMILION, ORANGE, FAINT), simulated.items(), strict=False):
        false = [100 * row["false"] for row in found["curve"]]
        for key, style, told in (("within_2", "-", "within 2"), ("within_3", ":", "within 3")):
            axes.plot(false, [100 * row[key] for row in found["curve"]], style, color=colour, label=f"{name}, {told}")
        (point, low, high), (at, _, _) = found["within_2"], found["false"]
        axes.errorbar(
            [100 * at], [100 * point], [[100 * (point - low)], [100 * (high - point)]], fmt="o", color=colour, capsize=3
        )
    axes.axvline(100 * FALSE_GOAL, color=FAINT, linestyle=":", linewidth=1.5)
    axes.set(
        xlim=(0, 20), ylim=(0, 100), xlabel="false escalations per 100 calm calls", ylabel="angry calls escalated, %"
    )
    axes.grid(color=FAINT, alpha=0.25)
    axes.legend(loc="lower right", framealpha=1, edgecolor="none", fontsize=8)
