"""Packets that are too large for a helpdesk."""

import pytest
from fakes.packets import packet
from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_emotion.handoff.packet import Line, TimelineTurn
from rasa_emotion.handoff.shorten import shortened, text_bytes
from rasa_emotion.handoff.text import plain


def lines(count: int, text: str = "line") -> tuple[Line, ...]:
    return tuple(Line("caller", f"{text} {number}", None, number) for number in range(1, count + 1))


def test_what_fits_stays() -> None:
    given = packet()
    assert shortened(given, None) is given
    assert shortened(given, text_bytes(given)) is given


def test_how_it_began_and_how_it_ended_stay() -> None:
    given = packet(transcript=lines(300))
    short = shortened(given, 3000)
    assert text_bytes(short) <= 3000
    assert short.transcript[0] == given.transcript[0]
    assert short.transcript[-1] == given.transcript[-1]
    assert short.shortened == 300 - len(short.transcript) > 0
    assert f"{short.shortened} lines are left out" in plain(short)
    # One line more would not have fitted.
    assert text_bytes(short) + len("caller: line 300\n") > 3000


def test_what_is_said_in_few_long_lines() -> None:
    short = shortened(packet(transcript=lines(3, "é" * 5000)), 6000)
    assert text_bytes(short) <= 6000
    assert len(short.transcript) == 3
    assert all("[...]" in line.text for line in short.transcript)


def test_a_long_call_without_room_for_it() -> None:
    turn = TimelineTurn(1, None, "angry", 0.8, 0.8, 0.0, -0.5, 0.5)
    given = packet(timeline=(turn,) * 200, slots={"notes": "x" * 9000}, transcript=lines(50))
    short = shortened(given, 1000)
    assert text_bytes(short) <= 1000
    assert (short.reason, short.summary, short.slots) == (given.reason, given.summary, {})
    assert len(short.timeline) == 3
    assert 0 < len(short.transcript) < 50


@pytest.mark.parametrize("limit", [0, 100])
def test_reason_and_summary_are_never_touched(limit: int) -> None:
    short = shortened(packet(), limit)
    assert (short.reason, short.summary, short.transcript) == (packet().reason, packet().summary, ())
    assert short.shortened == 2


@settings(max_examples=40)
@given(st.lists(st.text(max_size=200), max_size=40), st.integers(min_value=1200, max_value=6000))
def test_any_packet_fits(texts: list[str], limit: int) -> None:
    given = packet(transcript=tuple(Line("caller", text) for text in texts))
    short = shortened(given, limit)
    assert text_bytes(short) <= limit
    assert short.shortened + len(short.transcript) == len(texts)
