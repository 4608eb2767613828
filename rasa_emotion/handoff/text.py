"""A packet as text: what a person must know first stands first, and what is too long is shortened from its middle."""

import html
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from rasa_emotion.handoff.packet import Packet

MIN_BYTES = 200
"""The smallest limit that a packet can be shortened to."""

SUBJECT_CHARACTERS = 120
MARK = "[... {} characters are left out here ...]"
# What a reader would take for the beginning of a line that somebody else said, or what some helpdesks refuse.
LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LARGEST_INTEGER = 2**53
MOST_NESTED = 32
LEFT_OUT = "[...]"
"""In the place of what is nested more deeply than that."""

_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One line of a text.

    Args:
        heading: it stands above others.
        address: the end of `text`, where a reader can go to.
    """

    text: str
    heading: bool = False
    address: str = ""


def subject(packet: Packet) -> str:
    """One line of at most 120 characters: kind, urgency where it is not normal, and the reason."""
    urgency = "" if packet.urgency == "normal" else f" ({packet.urgency})"
    line = _one_line(f"{packet.kind.capitalize()}{urgency}: {packet.reason}")
    return line if len(line) <= SUBJECT_CHARACTERS else line[: SUBJECT_CHARACTERS - 1] + "…"


def plain(packet: Packet, max_bytes: int | None = None) -> str:
    """The packet as plain text of at most `max_bytes` bytes of UTF-8; a text that is shortened says so."""
    return fit(rows(packet), max_bytes, lambda row: row.text, "\n")


def markdown(packet: Packet, max_bytes: int | None = None) -> str:
    """The packet as Markdown, in which what was said cannot format anything (see `plain`)."""
    return fit(rows(packet), max_bytes, _markdown, "\n")


def as_html(packet: Packet, max_bytes: int | None = None) -> str:
    """The packet as HTML without anything but bold lines and line breaks (see `plain`)."""
    return fit(rows(packet), max_bytes, _html, "<br>\n")


def fit(lines: Sequence[Row], max_bytes: int | None, draw: Callable[[Row], str], separator: str) -> str:
    """Draw lines; as many characters are left out of their middle as it takes to stay within `max_bytes`.

    Raises:
        ValueError: `max_bytes` is smaller than 200.
    """
    if max_bytes is not None and max_bytes < MIN_BYTES:
        raise ValueError(f"a text cannot be shortened to {max_bytes} bytes; allow {MIN_BYTES}")
    text = separator.join(map(draw, lines))
    if max_bytes is None or size(text) <= max_bytes:
        return text
    fitting, least, most = "", 0, sum(len(line.text) for line in lines)
    while least <= most:
        kept = (least + most) // 2
        text = separator.join(map(draw, _without_middle(lines, kept)))
        if size(text) <= max_bytes:
            fitting, least = text, kept + 1
        else:
            most = kept - 1
    return fitting


def shorten(text: str, max_bytes: int | None) -> str:
    """A text of one's own choice within `max_bytes`, shortened as a packet is.

    >>> shorten("a" * 1000, 200)[75:120]
    'aaa\\n[... 844 characters are left out here ...'
    """
    return fit([Row(text)], max_bytes, lambda row: row.text, "\n")


def storable(text: str) -> str:
    """A text that databases take, whatever a client sends: PostgreSQL refuses a NUL, and half of a surrogate pair, as
    from an emoji that was cut in two, cannot be encoded.

    >>> storable("one\\x00 two\\ud83d")
    'one\ufffd two\ufffd'
    """
    return _NOT_STORABLE.sub("\ufffd", text)


def plain_json(value: Any, nested: int = 0) -> Any:
    """A value as every reader of JSON takes it: strict parsers refuse a whole packet for one NaN, half of a surrogate
    pair or nesting without end, and others round integers above 2 ** 53.

    >>> plain_json({"amount": float("nan"), "account": 10**20, "name": "Ada"})
    {'amount': 'nan', 'account': '100000000000000000000', 'name': 'Ada'}
    """
    if isinstance(value, (Mapping, list, tuple)):
        if nested == MOST_NESTED:
            return LEFT_OUT
        if isinstance(value, Mapping):
            return {storable(str(key)): plain_json(inner, nested + 1) for key, inner in value.items()}
        return [plain_json(inner, nested + 1) for inner in value]
    return value if _is_plain(value) else storable(str(value))


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) <= LARGEST_INTEGER)


MAX_WORDS = 10_000
"""Characters of one message from a person to a caller; the rest is given back to whoever wrote it."""


def words_for_caller(text: str) -> tuple[str, int]:
    """What is told to a caller, and how many characters of its end are too many.

    Line breaks become one kind; control characters go, which a terminal would obey and databases refuse.

    >>> words_for_caller("Hello\\r\\nAda\\x07")
    ('Hello\\nAda', 0)
    """
    clean = CONTROLS.sub("", LINE_BREAKS.sub("\n", text)).strip()
    return clean[:MAX_WORDS].rstrip(), max(0, len(clean) - MAX_WORDS)


def size(text: str) -> int:
    """Bytes of UTF-8; what UTF-8 cannot hold counts as a question mark."""
    return len(text.encode("utf-8", "replace"))


def escape_markdown(text: str) -> str:
    r"""A text in which nothing formats, links or mentions any more.

    >>> escape_markdown("*no* <b>")
    '\\*no\\* &lt;b&gt;'
    """
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|~@])", r"\\\1", text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rows(packet: Packet) -> list[Row]:
    """The lines of a packet, in the order in which a person needs them."""
    return [Row(_clean(row.text), row.heading, row.address) for row in _rows(packet)]


def _rows(packet: Packet) -> Iterator[Row]:
    yield Row(subject(packet), heading=True)
    yield Row(packet.reason)
    yield Row(packet.summary)
    yield Row(f"Urgency: {packet.urgency}. Mood: {packet.mood}. Rule: {packet.rule}.")
    yield Row(f"Caller: {packet.sender} on {packet.channel}, {_when(packet.created)}.")
    yield from (Row(f"{name}: {address}", address=address) for name, address in packet.links.items())
    if packet.timeline:
        yield Row("How the caller sounded", heading=True)
    for turn in packet.timeline:
        heard = ", ".join(_heard(name, turn.evidence.get(name, {})) for name in turn.modalities)
        conflict = f", {turn.conflict}" if turn.conflict else ""
        yield Row(f"{turn.turn}. {turn.emotion} {turn.confidence:.0%} ({heard or 'nothing'}{conflict}): {turn.mood}")
    if packet.form:
        yield Row("Form", heading=True)
        yield from _pairs(packet.form)
    if packet.slots:
        yield Row("What the bot knows", heading=True)
        yield from _pairs(packet.slots)
    yield Row("What was said", heading=True)
    if packet.shortened:
        yield Row(f"({packet.shortened} lines are left out of the middle.)")
    if not packet.transcript:
        yield Row("Nothing.")
    yield from (Row(f"{line.speaker}: {line.text}") for line in packet.transcript)
    if packet.redacted:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in packet.redacted.items())
        yield Row(f"Struck out: {kinds}.")
    yield Row(f"Reference: {packet.key}")


def _heard(modality: str, evidence: Mapping[str, Any]) -> str:
    name = {"acoustic": "voice", "text": "words"}.get(modality, modality)
    return f"{name} {evidence['emotion']}" if "emotion" in evidence else name


def _pairs(values: Mapping[str, Any]) -> Iterator[Row]:
    for name, value in values.items():
        shown = ", ".join(f"{key} = {item}" for key, item in value.items()) if isinstance(value, Mapping) else value
        yield Row(f"{name}: {'' if shown is None else shown}")


def _without_middle(lines: Sequence[Row], kept: int) -> list[Row]:
    """The lines with `kept` characters of their texts, half of them at either end, and a mark between."""
    left_out = sum(len(line.text) for line in lines) - kept
    head = _first(lines, kept - kept // 2)
    tail = _reversed(_first(_reversed(lines), kept // 2))
    return [*head, Row(MARK.format(left_out)), *tail]


def _reversed(lines: Sequence[Row]) -> list[Row]:
    return [replace(row, text=row.text[::-1]) for row in reversed(lines)]


def _first(lines: Sequence[Row], count: int) -> list[Row]:
    """The first `count` characters."""
    taken: list[Row] = []
    for line in lines:
        if count <= 0:
            break
        taken.append(replace(line, text=line.text[:count]))
        count -= len(line.text)
    return taken


def _clean(text: str) -> str:
    """A text whose further lines are indented, so that nobody's words look like another's, without control signs."""
    return CONTROLS.sub("\ufffd", LINE_BREAKS.sub("\n    ", text))


def _one_line(text: str) -> str:
    return " ".join(CONTROLS.sub(" ", text).split())


def _when(created: float) -> str:
    try:
        return datetime.fromtimestamp(created, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def _markdown(row: Row) -> str:
    name, address = _address(row)
    # Two spaces at its end break a line; four at its beginning would make it code.
    text = "  \n".join(escape_markdown(line.strip()) for line in name.split("\n"))
    text += f" <{address}>" if address else ""
    return f"\n**{text}**\n" if row.heading else f"{text}  "


def _html(row: Row) -> str:
    name, address = _address(row)
    text = html.escape(name).replace("\n", "<br>\n&nbsp;&nbsp;&nbsp;&nbsp;")
    text += f'<a href="{html.escape(address)}">{html.escape(address)}</a>' if address else ""
    return f"<b>{text}</b>" if row.heading else text


def _address(row: Row) -> tuple[str, str]:
    """The text before the address, and the address where it is whole and harmless."""
    if row.address and row.text.endswith(row.address) and re.fullmatch(r"https?://[^\s<>\"']+", row.address):
        return row.text.removesuffix(row.address), row.address
    return row.text, ""
