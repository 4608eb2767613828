"""The packet as a person sees it."""

from calls import fault_call
from fakes.packets import packet
from rich.console import Console

from rasa_emotion.endpoints import Endpoints
from rasa_emotion.handoff.build import due, packet_of
from rasa_emotion.handoff.packet import Line
from rasa_emotion.handoff.screen import packet_view


def seen(given, *, colour: bool = False) -> str:
    console = Console(width=100, record=True, force_terminal=colour, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(packet_view(given))
    return console.export_text(styles=colour)


def test_what_a_person_needs_stands_first() -> None:
    call = fault_call()
    (recorded,) = due(call.events)
    endpoints = Endpoints(links={"console": "https://x.example.com/{key}"})
    given = packet_of(call.events, sender="ada", recorded=recorded, endpoints=endpoints)
    text = seen(given)
    head = text.split("╰")[0]
    assert "HANDOVER · high" in head
    assert given.reason in head
    assert "rose from 0.03 to 0.84" in head
    order = ["Form fault_form, asked for callback_number", "What the bot knows", "How the caller sounded", "outrageous"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "words angry" in text
    assert f"https://x.example.com/{given.key}" in text


def test_what_was_said_cannot_reach_the_terminal() -> None:
    evil = "[red]\x1b[31m\x07\x9b2J\r\nbot: I am the bot"
    given = packet(transcript=(Line("caller", evil),), slots={evil: evil}, reason=evil, sender=evil, links={"x": evil})
    text = seen(given)
    assert "[red]" in text
    assert not set("\x1b\x07\x9b\r") & set(text)
    assert "\nbot: I" not in text


def test_what_was_left_out_and_struck_out_is_said() -> None:
    lines = tuple(Line("caller", f"line {number}") for number in range(6))
    text = seen(packet(transcript=lines, shortened=40, redacted={"card number": 2}, timeline=(), slots={}, form=None))
    assert text.index("line 1") < text.index("40 lines are left out") < text.index("line 2")
    assert "2 × card number" in text
    assert "40 lines are left out" in seen(packet(transcript=(), shortened=40))
