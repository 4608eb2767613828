"""A packet as the person sees it who takes over: what happened in five seconds, then how, then what was said."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn
from rasa_emotion.handoff.text import CONTROLS, LINE_BREAKS

STYLES = {"calm": "green", "tense": "yellow", "upset": "yellow", "distressed": "magenta", "hostile": "red"}
"""Colour of each mood."""

SPEAKERS = {"caller": "bold cyan", "bot": "dim", "human": "bold green"}
MODALITIES = {"acoustic": "voice", "text": "words"}
BAR = " ▁▂▃▄▅▆▇█"
BAR_WIDTH = 10


def packet_view(packet: Packet) -> RenderableType:
    """What a rich console prints. Nothing that was said can colour it or move the cursor.

    >>> from rich.console import Console
    >>> Console().print(packet_view(packet))  # doctest: +SKIP
    """
    return Group(_head(packet), *_body(packet))


def _head(packet: Packet) -> Panel:
    style = STYLES.get(packet.mood, "white")
    urgency = "" if packet.urgency == "normal" else f" · {packet.urgency}"
    course = "".join(BAR[round(turn.anger * (len(BAR) - 1))] for turn in packet.timeline)
    return Panel(
        Group(
            Text(printable(packet.reason), "bold"),
            Text(printable(packet.summary)),
            *([Text.assemble("anger by turn  ", (course, style))] if course.strip() else []),
        ),
        title=Text(f"{packet.kind.upper()}{urgency} · {packet.mood}"),
        title_align="left",
        subtitle=Text(f"{printable(packet.sender)} on {printable(packet.channel)} · {_clock(packet.created)}"),
        subtitle_align="right",
        border_style=style,
    )


def _body(packet: Packet) -> Iterator[RenderableType]:
    if packet.form:
        asked = packet.form.get("asked")
        yield _heading(f"Form {packet.form.get('name')}" + (f", asked for {asked}" if asked else ""))
        yield _pairs(packet.form.get("filled") or {})
    if packet.slots:
        yield _heading("What the bot knows")
        yield _pairs(packet.slots)
    if packet.timeline:
        yield _heading("How the caller sounded")
        yield _timeline(packet)
    yield _heading("What was said")
    yield _transcript(packet)
    if packet.redacted:
        yield Text("Struck out: " + ", ".join(f"{count} × {kind}" for kind, count in packet.redacted.items()), "dim")
    for name, address in packet.links.items():
        yield Text(f"{name}: {printable(address)}")
    yield Text(f"reference {packet.key}", "dim")


def _timeline(packet: Packet) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("turn", "emotion", "anger", "heard in", "mood"):
        table.add_column(heading)
    for turn in packet.timeline:
        bar = "█" * round(turn.anger * BAR_WIDTH)
        table.add_row(
            str(turn.turn),
            f"{turn.emotion} {turn.confidence:.2f}",
            f"{turn.anger:.2f} {bar}",
            Text(_heard(turn)),
            Text(turn.mood, STYLES.get(turn.mood, "")),
        )
    return table


def _heard(turn: TimelineTurn) -> str:
    """What each modality said by itself; that they disagree is worth a word."""
    heard = [
        f"{MODALITIES.get(modality, modality)} {turn.evidence.get(modality, {}).get('emotion', '')}".strip()
        for modality in turn.modalities
    ]
    return ", ".join(heard or ["nothing"]) + (f" ({turn.conflict})" if turn.conflict else "")


def _transcript(packet: Packet) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column(overflow="fold")
    # What is left out is left out after the first third.
    missing_after = len(packet.transcript) // 3 if packet.shortened else None
    for number, line in enumerate(packet.transcript):
        if number == missing_after:
            table.add_row("", "", Text(f"... {packet.shortened} lines are left out ...", "dim italic"))
        table.add_row(*_line(line))
    if packet.shortened and not packet.transcript:
        table.add_row("", "", Text(f"{packet.shortened} lines are left out.", "dim italic"))
    return table


def _line(line: Line) -> tuple[Text, Text, Text]:
    style = SPEAKERS.get(line.speaker, "")
    said = Text(printable(line.text), "" if line.speaker == "caller" else style)
    return Text("" if line.at is None else _clock(line.at)[-8:]), Text(line.speaker, style), said


def _pairs(values: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(Text(printable(name)), Text(printable(value)))
    return table


def _heading(text: str) -> Text:
    return Text(f"\n{printable(text)}", "bold underline")


def printable(value: Any, line_break: str = " ") -> str:
    """A text without what a terminal would obey; `line_break` stands where its lines end."""
    return CONTROLS.sub("\ufffd", LINE_BREAKS.sub(line_break, str(value)))


def _clock(seconds: float) -> str:
    """Local date and time; people compare it with the clock on the wall."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"
