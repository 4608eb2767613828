"""The report of an evaluation: a page of its own with all plots inside, and its figures for programs.

The page loads nothing: no script, no font, no picture from elsewhere. It names utterances by their paths alone.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation import plots
from rasa_emotion.evaluation.figures import HEADLINE, SHARES, Track, figures
from rasa_emotion.evaluation.predictions import Predictions, write_predictions
from rasa_emotion.evaluation.turns import Skipped

MISSES = 20
SKIPPED_SHOWN = 50
PAGE, FIGURES, PREDICTIONS = "report.html", "figures.json", "predictions.csv"


@dataclass(frozen=True)
class About:
    """What a report says about its predictions.

    Args:
        title: of the page.
        split: what the models were trained on and what they were not, in a sentence or two.
        warnings: what a reader must know before the figures.
        skipped: utterances that could not be scored.
    """

    title: str
    split: str
    warnings: Sequence[str] = ()
    skipped: Sequence[Skipped] = ()


def write_report(folder: Path, predictions: Predictions, about: About, *, track: Track = iter) -> dict[str, Any]:
    """Write the page, the plots, `figures.json` and `predictions.csv` into `folder`, which is made where it is missing.

    Returns:
        What `figures.json` holds: the figures, "split", "warnings", and "skipped" with name and reason of each.

    Raises:
        ConfigError: matplotlib is missing.
    """
    plots.require_matplotlib()
    found = figures(predictions, track=track)
    pictures = {
        "confusion": plots.confusion_matrix(found),
        "recall": plots.recall_bars(found),
        "reliability": plots.reliability(predictions),
    }
    if len(found["ua_by_speaker"]) > 1:
        pictures["speakers"] = plots.speaker_spread(found)
    whole = {
        **found,
        "split": about.split,
        "warnings": list(about.warnings),
        "skipped": [{"name": turn.name, "reason": turn.reason} for turn in about.skipped],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture)
    (folder / FIGURES).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_predictions(folder / PREDICTIONS, predictions)
    (folder / PAGE).write_text(page(found, predictions, about, pictures), encoding="utf-8")
    return whole


def page(found: Mapping[str, Any], predictions: Predictions, about: About, pictures: Mapping[str, bytes]) -> str:
    """The HTML of the report."""
    template = Template((resources.files("rasa_emotion.evaluation") / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(about.title),
        summary=escape(summary(found) + (f"; {len(about.skipped):,} skipped" if about.skipped else "")),
        warnings="\n".join(_warning(text) for text in about.warnings),
        cards="\n".join(_card(name, title, found[name]) for name, title in HEADLINE.items()),
        split=escape(about.split),
        intervals=escape(_intervals(found)),
        confusion=_figure(pictures["confusion"], _confusion_alt(found), _CONFUSION),
        emotions="\n".join(_emotion(found, emotion) for emotion in found["recall"]),
        recall=_figure(pictures["recall"], _recall_alt(found), _RECALL),
        reliability=_figure(pictures["reliability"], _reliability_alt(found), _RELIABILITY),
        speakers=_speakers(found, pictures.get("speakers")),
        misses=_misses(predictions),
        skipped=_skipped(about.skipped),
    )


_CONFUSION = (
    "Each row is a true emotion and adds up to 100 %; below each share, the number of utterances. The diagonal is the "
    "recall."
)
_RECALL = "How many of an emotion's utterances were recognised; in brackets, how many there are."
_RELIABILITY = (
    "Above: how often answers of a given confidence were right. On the dashed line, 70 % sure means 70 % right; below "
    "it, the models are too sure of themselves. Beneath: how many answers had that confidence (15 bins)."
)
_SPEAKERS = "One dot a speaker: the mean recall over the emotions that he or she has here."


def summary(found: Mapping[str, Any]) -> str:
    """How many utterances, speakers and emotions there are."""
    speakers = f" of {found['speakers']:,} speakers" if found["speakers"] else ""
    return f"{found['utterances']:,} utterances{speakers}, {len(found['recall'])} emotions"


def _intervals(found: Mapping[str, Any]) -> str:
    drawn = (
        "whole speakers are drawn, so that they tell what other speakers of this kind would give."
        if found["interval_over"] == "speakers"
        else "single utterances are drawn, since not every one has a speaker: with few speakers they are too narrow."
    )
    return (
        "The range below each figure is its 95 % bootstrap interval, for which "
        + drawn
        + " Unweighted accuracy (UA) is the mean recall over the "
        "emotions that occur, so that rare ones count as much as frequent ones."
    )


def _warning(text: str) -> str:
    return f'<section class="warning" role="note"><h2>Read this first</h2><p>{escape(text)}</p></section>'


def _card(name: str, title: str, part: Mapping[str, float | None]) -> str:
    return (
        f'<div><dt>{title}</dt><dd class="value">{_number(name, part["value"])}</dd>'
        f'<dd class="range">{_number(name, part["low"])} to {_number(name, part["high"])}</dd></div>'
    )


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if name in SHARES else f"{value:.3f}"


def _recall(part: Mapping[str, Any]) -> str:
    value = f"{100 * part['value']:.1f}"
    return value if part["low"] is None else f"{value} ({100 * part['low']:.1f} to {100 * part['high']:.1f})"


def _figure(picture: bytes, alt: str, caption: str) -> str:
    source = base64.b64encode(picture).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{source}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _emotion(found: Mapping[str, Any], emotion: str) -> str:
    recall = found["recall"][emotion]
    right = found["confusion"][emotion][emotion]
    heard = sum(row[emotion] for row in found["confusion"].values())
    precision = f"{100 * right / heard:.1f}" if heard else "–"
    f1 = f"{200 * right / (heard + recall['utterances']):.1f}"
    cells = (f"{recall['utterances']:,}", _recall(recall), precision, f1, _taken_for(found, emotion))
    return f'<tr><th scope="row">{emotion}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _taken_for(found: Mapping[str, Any], emotion: str) -> str:
    others = {name: count for name, count in found["confusion"][emotion].items() if name != emotion}
    name = max(others, key=lambda other: others[other])
    return f"{name} ({100 * others[name] / found['recall'][emotion]['utterances']:.0f})" if others[name] else "–"


def _confusion_alt(found: Mapping[str, Any]) -> str:
    worst = min(found["recall"], key=lambda emotion: found["recall"][emotion]["value"])
    best = max(found["recall"], key=lambda emotion: found["recall"][emotion]["value"])
    return (
        f"Confusion matrix of {found['utterances']:,} utterances. Best recognised: {best}, "
        f"{100 * found['recall'][best]['value']:.0f} %. Least: {worst}, {100 * found['recall'][worst]['value']:.0f} %, "
        f"most often taken for {_taken_for(found, worst)}."
    )


def _recall_alt(found: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{emotion} {100 * part['value']:.0f} %" for emotion, part in found["recall"].items())
    return f"Bar chart of the recall of each emotion with its 95 % interval: {shares}."


def _reliability_alt(found: Mapping[str, Any]) -> str:
    return (
        "Reliability diagram: share of right answers against the confidence of the answer. "
        f"The expected calibration error is {found['ece']['value']:.3f}."
    )


def _speakers(found: Mapping[str, Any], picture: bytes | None) -> str:
    if picture is None:
        return ""
    values = list(found["ua_by_speaker"].values())
    alt = (
        f"UA of each of {len(values)} speakers, lowest first: from {100 * values[0]:.0f} to {100 * values[-1]:.0f} %, "
        f"median {100 * float(np.median(values)):.0f} %."
    )
    return f"<section><h2>From speaker to speaker</h2>{_figure(picture, alt, _SPEAKERS)}</section>"


def _misses(predictions: Predictions) -> str:
    """The wrong answers that gave the true emotion the least probability."""
    truth, predicted = predictions.truth, predictions.predicted
    given = predictions.probabilities[np.arange(len(truth)), truth]
    wrong = [int(row) for row in np.argsort(given, kind="stable") if truth[row] != predicted[row]][:MISSES]
    if not wrong:
        return ""
    rows = "\n".join(
        f"<tr><td><code>{escape(predictions.paths[row])}</code></td><td>{EMOTIONS[truth[row]]}</td>"
        f"<td>{EMOTIONS[predicted[row]]}</td><td>{100 * predictions.probabilities[row, predicted[row]]:.0f} %</td>"
        f"<td>{100 * given[row]:.1f} %</td></tr>"
        for row in wrong
    )
    columns = ("utterance", "true", "heard", "confidence", "given to the true one")
    return table("The worst misses", "Wrong answers that left the true emotion the least probability.", columns, rows)


def _skipped(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    rows = "\n".join(
        f'<tr><td><code>{escape(turn.name)}</code></td><td class="reason">{escape(turn.reason)}</td></tr>'
        for turn in skipped[:SKIPPED_SHOWN]
    )
    more = f" The first {SKIPPED_SHOWN} are listed, all are in figures.json." if len(skipped) > SKIPPED_SHOWN else ""
    note = f"{len(skipped):,} utterances could not be scored and count in no figure.{more}"
    return table("Skipped", note, ("utterance", "why"), rows)


def table(title: str, note: str, columns: Sequence[str], rows: str) -> str:
    """A section of a report with a table: its rows are HTML, the note is text."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<section><h2>{title}</h2><p class="soft">{escape(note)}</p><div class="scroll">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div></section>"
    )
