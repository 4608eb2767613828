"""Writes the page on contextual and static embeddings from the figures that their comparison wrote.

python -m research.embeddings.page docs
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from rasa_emotion.evaluation.markdown import p_value, percent, table, wrapped
from rasa_emotion.evaluation.plots import BLUE, FAINT, ORANGE, drawn
from research.page import Found, Page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).parent / "embeddings.template.md"
PROTOCOLS: Mapping[str, str] = {"speaker": "by speaker", "speaker-script": "by speaker and script"}
COLOURS = {"speaker": (ORANGE, "s"), "speaker-script": (BLUE, "o")}


def document(found: Found) -> str:
    """The page in Markdown. Raises KeyError or TypeError where a figure is missing."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        headline=_headline(found),
        alt=_alt(found),
        classes=", ".join(found["classes"]),
        guess=f"{100 / len(found['classes']):.0f}",
        table=_results(found),
        embeddings="\n".join(
            wrapped(f"- **{row['title']}**: {row['about']}.", indent="  ") for row in _scripted(found)
        ),
        paired=_paired(found),
        flattered=_flattered(found),
        hidden=_hidden(found),
        split=_split(found),
        recalls=_recalls(found),
    )


def _scripted(found: Found) -> list[Found]:
    """One row per embedding: that of the stricter folds."""
    return [row for row in found["rows"] if row["protocol"] == "speaker-script"]


def _headline(found: Found) -> str:
    contextual, *static = _scripted(found)
    best = max(static, key=lambda row: float(row["recall"][0]))
    p = next(
        row["p"] for row in found["paired"] if (row["against"], row["protocol"]) == (best["title"], best["protocol"])
    )
    return wrapped(
        f"On speakers and dialogues that were not trained on, {contextual['title']} have an average recall of "
        f"{_interval(contextual['recall'])} %; the best of the static embeddings ({best['title']}) has "
        f"{_interval(best['recall'])} %. The difference is {'more' if p < 0.05 else 'not more'} than chance (p "
        f"{'' if p < 0.001 else '= '}{p_value(p)})."
    )


def _alt(found: Found) -> str:
    told = [f"{row['title']} {100 * row['recall'][0]:.0f} %" for row in _scripted(found)]
    return f"Average recall by speaker and by speaker and script; the latter: {', '.join(told)}"


def _results(found: Found) -> str:
    rows = [
        [row["title"], str(row["dims"]), PROTOCOLS[row["protocol"]], _interval(row["recall"]), _interval(row["auc"])]
        for row in found["rows"]
    ]
    return table(["embedding", "dimensions", "folds", "average recall", "average AUC"], rows)


def _paired(found: Found) -> str:
    rows = [
        [row["against"], PROTOCOLS[row["protocol"]], _gain(row), p_value(row["p"]), p_value(row["mcnemar"])]
        for row in found["paired"]
    ]
    return table(["against", "folds", "gain", "p, bootstrap", "p, McNemar"], rows)


def _flattered(found: Found) -> str:
    return table(
        ["embedding", "added", "p, bootstrap"],
        [[row["title"], _gain(row), p_value(row["p"])] for row in found["flattered"]],
    )


def _hidden(found: Found) -> str:
    dialogues, sentences = found["shared_dialogues"], found["shared_sentences"]
    first, second = PROTOCOLS
    sure = [row["title"] for row in found["flattered"] if row["p"] < 0.05 and row["value"] > 0]
    told = f"It is more than chance for {', '.join(sure)}." if sure else "None of it is more than chance."
    return wrapped(
        f"{told} Of the scored sentences, {percent(dialogues[first])} % have others of their own dialogue in training "
        f"under folds by speaker, {percent(dialogues[second])} % under folds by speaker and script; "
        f"{percent(sentences[first])} and {percent(sentences[second])} % are said there word for word. "
        "Each dialogue here is played once, and its speakers say different things: they "
        "share a topic, not lines. In IEMOCAP several pairs of actors play the same script, which is where the paper "
        "found its effect."
    )


def _split(found: Found) -> str:
    return wrapped(
        f"{found['corpus']}, its sentences of the four classes; {found['sentences']:,} of them are scored, of "
        f"{found['speakers']} speakers in {found['dialogues']} dialogues. Speakers and dialogues are dealt to six "
        f"groups each, so that every group of speakers has one of the six main ones. Each of {found['trainings']} "
        "trainings leaves out one group of each and scores what these speakers say in these dialogues, every sentence "
        f"once. It trains on {found['trained_on']:,} sentences, on average: of other speakers in other dialogues or, "
        "by speaker alone, as many drawn from all that other speakers say. Lines of several speakers together "
        "are left out."
    )


def _recalls(found: Found) -> str:
    rows = [
        [row["title"], PROTOCOLS[row["protocol"]], *(percent(row["by_class"][name]) for name in found["classes"])]
        for row in found["rows"]
    ]
    return table(["embedding", "folds", *found["classes"]], rows)


def _interval(figure: Sequence[float]) -> str:
    value, low, high = figure
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _gain(row: Found) -> str:
    return f"{100 * row['value']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"


@drawn(8.0, 2.6, kind="svg")
def plot(figure: "Figure", found: Found) -> None:
    """Average recall of each embedding under both kinds of folds, as SVG."""
    rows = _scripted(found)
    figure.set_size_inches(8.0, 1.5 + 0.45 * len(rows))
    axes = figure.subplots()
    for protocol, (colour, marker) in COLOURS.items():
        shift = 0.12 if protocol == "speaker" else -0.12
        for place, title in enumerate(row["title"] for row in reversed(rows)):
            row = next(r for r in found["rows"] if (r["title"], r["protocol"]) == (title, protocol))
            value, low, high = (100 * part for part in row["recall"])
            axes.hlines(place + shift, low, high, color=colour, linewidth=5, alpha=0.3)
            label = f"folds {PROTOCOLS[protocol]} (bar: 95 % interval)" if place == 0 else None
            axes.plot([value], [place + shift], marker, color=colour, markersize=7, label=label)
            axes.annotate(f"{value:.1f}", (high, place + shift), (5, -3), textcoords="offset points", size=8)
    guess = 100 / len(found["classes"])
    axes.axvline(guess, color=FAINT, linestyle=":", linewidth=1.5, label=f"guessing: {guess:.0f} %")
    axes.set_yticks(range(len(rows)), [row["title"] for row in reversed(rows)])
    axes.set(xlim=(20, 70), ylim=(-0.6, len(rows) - 0.4), xlabel="average recall, %")
    axes.grid(axis="x", color=FAINT, alpha=0.25)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncol=3, framealpha=1, edgecolor="none", fontsize=9
    )


RESULT = Path(__file__).parent / "result.json"

PAGE = Page("embeddings", "the embeddings", "research.embeddings.measure", document, plot)

if __name__ == "__main__":
    PAGE.main(figures=RESULT)
