"""A packet that is too large for its helpdesk, made smaller from the middle: how it began and how it ended stay."""

from collections.abc import Callable
from dataclasses import replace

from rasa_emotion.handoff.packet import Line, Packet
from rasa_emotion.handoff.text import plain, size

LONGEST_LINE = 500
"""Characters that a line keeps, where leaving out lines is not enough."""

CUT = " [...] "


def text_bytes(packet: Packet) -> int:
    """The size of a packet as plain text, in bytes of UTF-8."""
    return size(plain(packet))


def shortened(packet: Packet, max_bytes: int | None, measure: Callable[[Packet], int] = text_bytes) -> Packet:
    """The packet, or the largest one of at most `max_bytes` that can be made of it.

    Lines of the transcript go first, from its middle, then the timeline's, then long lines and slots. `shortened` in
    the result says how many lines are missing; the summary and the reason are never touched.

    Args:
        max_bytes: None for any size.
        measure: the size of a packet in the form that counts.
    """
    if max_bytes is None or measure(packet) <= max_bytes:
        return packet
    fitting = _fitting(packet, max_bytes, measure)
    if fitting is not None and fitting.transcript:
        return fitting
    # Even without its lines it is too large, or every single one is: what else is long is cut.
    slim = replace(packet, transcript=tuple(_cut_line(line) for line in packet.transcript), slots={}, form=None)
    for timeline in (packet.timeline, packet.timeline[-3:], ()):
        fitting = _fitting(replace(slim, timeline=timeline), max_bytes, measure)
        if fitting is not None:
            return fitting
    return replace(_with_lines(slim, 0), timeline=(), links={})


def _fitting(packet: Packet, max_bytes: int, measure: Callable[[Packet], int]) -> Packet | None:
    """With as many lines as fit; None where it does not fit without any."""

    def fits(lines: int) -> bool:
        return measure(_with_lines(packet, lines)) <= max_bytes

    if not fits(0):
        return None
    low, high = 0, len(packet.transcript)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return _with_lines(packet, low)


def _with_lines(packet: Packet, count: int) -> Packet:
    """With `count` lines, a third of them from the beginning and the rest from the end."""
    head = count // 3
    tail = count - head
    lines = packet.transcript
    kept = lines if count >= len(lines) else (*lines[:head], *lines[len(lines) - tail :])
    return replace(packet, transcript=kept, shortened=packet.shortened + len(lines) - len(kept))


def _cut_line(line: Line) -> Line:
    if len(line.text) <= LONGEST_LINE:
        return line
    half = (LONGEST_LINE - len(CUT)) // 2
    return replace(line, text=line.text[:half] + CUT + line.text[-half:])
