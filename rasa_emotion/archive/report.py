"""The report on an archive: one page that loads nothing, and its figures for programs."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from rasa_emotion.archive import plots
from rasa_emotion.archive.figures import LISTEN_TO, archive_figures
from rasa_emotion.evaluation.report import table

PAGE, FIGURES = "report.html", "figures.json"
FAILED_SHOWN = 50


def write_archive_report(folder: Path, *, new: int, known: int) -> dict[str, Any]:
    """Write `report.html` and `figures.json` from the folder's tables; returns what the second holds.

    Args:
        folder: of the tables.
        new, known: recordings of this run and of runs before, which the figures say as well.
    """
    found = {**archive_figures(folder), "new": new, "known": known}
    (folder / FIGURES).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(archive_page(found), encoding="utf-8")
    return found


def archive_summary(found: Mapping[str, Any]) -> str:
    """How much there was, in one line."""
    parts = [f"{found['calls']:,} calls of {found['hours']:.1f} h with {found['speech_hours']:.1f} h of speech"]
    if found["failed"]:
        parts.append(f"{len(found['failed']):,} recordings could not be scored")
    return "; ".join(parts)


def archive_page(found: Mapping[str, Any]) -> str:
    """The HTML of the report."""
    room = resources.files("rasa_emotion")
    house = (room / "evaluation" / "report.html").read_text(encoding="utf-8")
    template = Template((room / "archive" / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=house.split("<style>")[1].split("</style>")[0].replace("$$", "$"),
        summary=escape(archive_summary(found)),
        cards="\n".join(f'<div><dt>{label}</dt><dd class="value">{value}</dd></div>' for label, value in _cards(found)),
        plots=_plots(found) if found["turns"] else "<section><p>Nobody was heard to speak.</p></section>",
        listen_to=_listen_to(found["listen_to"]),
        failed=_failed(found["failed"]),
    )


def _cards(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    calls = found["calls"]
    return [
        ("calls", f"{calls:,}"),
        ("turns", f"{found['turns']:,}"),
        ("calls that the rules would have escalated", _of(found["escalated"], calls)),
        (
            "calls that ended hostile or distressed",
            _of(found["moods"]["hostile"] + found["moods"]["distressed"], calls),
        ),
    ]


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.0f} %)" if whole else "–"


def _plots(found: Mapping[str, Any]) -> str:
    emotions = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found["emotions"].items() if share)
    moods = ", ".join(f"{name} {count:,}" for name, count in found["moods"].items())
    pair = [
        _section("What was heard", plots.emotion_bars, found, f"Share of the speech by emotion: {emotions}."),
        _section("How calls ended", plots.mood_bars, found, f"Calls by the mood of their end: {moods}."),
    ]
    course = _section(
        "The course of a call", plots.course_curves, found, "Median and quartiles of the mood over the tenths of calls."
    )
    rules = ", ".join(f"{rule} {count:,}" for rule, count in found["rules"].items())
    when = (
        _section("When a human should have taken over", plots.escalation_bars, found, f"Escalations by rule: {rules}.")
        if found["escalated"]
        else ""
    )
    return f'<div class="pair">{"".join(pair)}</div>{course}{when}'


def _section(title: str, draw: Callable[[Mapping[str, Any]], bytes], found: Mapping[str, Any], alt: str) -> str:
    source = base64.b64encode(draw(found)).decode("ascii")
    return (
        f'<section><h2>{title}</h2><figure><img src="data:image/png;base64,{source}" alt="{escape(alt)}">'
        f"<figcaption>{escape(alt)}</figcaption></figure></section>"
    )


def _listen_to(calls: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(call['path'])}</code></td><td>{call['peak_anger']:.2f}</td>"
        f"<td>{call['peak_anger_secs']:.0f} s</td><td>{escape(str(call['mood']))}</td><td>{_secs(call)}</td>"
        f'<td class="reason">{escape(call["escalation_reason"] or "")}</td></tr>'
        for call in calls
    )
    columns = ("recording", "anger at its peak", "from", "mood at the end", "escalated at", "why")
    note = f"The {LISTEN_TO} calls with the angriest turns, for an ear to judge."
    return table("Listen to these", note, columns, rows) if calls else ""


def _secs(call: Mapping[str, Any]) -> str:
    return "–" if call["escalation_secs"] is None else f"{call['escalation_secs']:.0f} s"


def _failed(failures: Sequence[Mapping[str, str]]) -> str:
    rows = "".join(
        f'<tr><td><code>{escape(one["path"])}</code></td><td class="reason">{escape(one["error"])}</td></tr>'
        for one in failures[:FAILED_SHOWN]
    )
    more = f" The first {FAILED_SHOWN} are listed, all are in {FIGURES}." if len(failures) > FAILED_SHOWN else ""
    note = f"These recordings could not be scored and count in no figure.{more}"
    return table("Not scored", note, ("recording", "why"), rows) if failures else ""
