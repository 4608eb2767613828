"""The packet of an escalation."""

import functools
import json
import re
from pathlib import Path

import jsonschema
import pytest
from calls import START, Call, fault_call
from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_emotion.conversation.history import escalation_key
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.handoff import build
from rasa_emotion.handoff.build import due, minimal_packet, packet_of
from rasa_emotion.handoff.packet import Packet

SCHEMA = Path(build.__file__).with_name("packet.schema.json")


def made(call: Call, *, number: int = -1, endpoints: Endpoints = Endpoints(), make=packet_of) -> Packet:  # noqa: B008
    """The packet of one of the call's decisions, checked against the schema."""
    recorded = list(due(call.events))[number]
    packet = make(call.events, sender="ada", recorded=recorded, endpoints=endpoints)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(json.dumps(packet.to_dict())))
    assert Packet.from_dict(json.loads(json.dumps(packet.to_dict()))) == packet
    return packet


def test_who_where_and_why() -> None:
    call = fault_call()
    packet = made(call, endpoints=Endpoints(links={"console": "https://bot.example.com/{sender}#{key}"}))
    event = next(event for event in call.events if event.get("name") == "escalation")
    assert packet.key == escalation_key("ada", event)
    assert (packet.kind, packet.sender, packet.channel, packet.rule) == ("handover", "ada", "emotion", "anger")
    assert (packet.urgency, packet.created) == ("high", event["timestamp"])
    assert packet.reason == "The caller was angry in 2 of the last 3 turns."
    assert packet.links == {"console": f"https://bot.example.com/ada#{packet.key}"}


def test_links_hold_any_sender() -> None:
    call = fault_call()
    (recorded,) = due(call.events)
    endpoints = Endpoints(links={"x": "https://a/{sender}"})
    packet = packet_of(call.events, sender="+49 {key}/?", recorded=recorded, endpoints=endpoints)
    assert packet.links == {"x": "https://a/%2B49%20%7Bkey%7D%2F%3F"}


def test_what_was_said_with_the_bots_last_words() -> None:
    said = [(line.speaker, line.text, line.turn) for line in made(fault_call()).transcript]
    assert said == [
        ("caller", "hello", 1),
        ("bot", "Hello!", None),
        ("caller", "my line is dead", 2),
        ("bot", "Which number?", None),
        ("caller", "this is outrageous", 3),
        ("bot", "I put you through.", None),
    ]


def test_the_packet_is_the_same_whenever_it_is_made() -> None:
    early, late = fault_call(), fault_call()
    late.says("hello?", emotion="sad").slot("line_type", "mobile").bot("Yes?").add("session_started")
    assert made(early) == made(late)


def test_turns_that_were_reverted_are_in_the_transcript_but_their_slots_are_not() -> None:
    call = Call().says("my line is dead", "report_fault").slot("line_type", "broadband")
    call.says("gnarf", "nlu_fallback", "angry").slot("line_type", "gnarf").add("rewind").bot("Pardon?")
    call.says("no!", "deny", "angry").decides()
    packet = made(call)
    assert [line.text for line in packet.transcript] == ["my line is dead", "gnarf", "Pardon?", "no!"]
    assert packet.slots == {"line_type": "broadband"}
    assert len(packet.timeline) == 3


def test_the_session_of_the_decision_alone() -> None:
    call = Call().says("old").decides().add("session_started").slot("escalation", {"action": "handover"})
    call.says("new", emotion="angry").decides("alert", rule="second")
    packets = [made(call, number=number) for number in (0, 1)]
    assert [[line.text for line in packet.transcript] for packet in packets] == [["old"], ["new"]]
    assert [packet.kind for packet in packets] == ["handover", "alert"]


def test_the_mood_begins_anew_after_a_hand_back_but_the_transcript_does_not() -> None:
    call = Call().says("you idiots", emotion="angry", probability=0.95).decides().add("resume")
    call.says("thanks", emotion="happy").says("a human, please").decides(rule="request")
    packet = made(call)
    assert [line.text for line in packet.transcript] == ["you idiots", "thanks", "a human, please"]
    assert packet.timeline[0].mood != "calm"
    assert packet.timeline[1].mood == "calm"


@pytest.mark.parametrize("choice", ["emotion_off", "emotion_on"])
def test_what_was_heard_before_a_choice_about_it_is_not_told(choice: str) -> None:
    call = Call().says("you idiots", emotion="angry", probability=0.95).says("stop that", choice)
    packet = made(call.says("a human", "ask_human", "happy").decides(rule="request"))
    assert [turn.emotion for turn in packet.timeline] == ["unknown", "neutral", "happy"]
    assert packet.timeline[0].anger == 0
    assert "0.9" not in packet.summary
    assert {turn.mood for turn in packet.timeline} == {"calm"}
    assert choice not in packet.summary.replace(" ", "_")


def test_how_the_caller_sounded() -> None:
    turn = made(fault_call()).timeline[-1]
    assert (turn.turn, turn.emotion, turn.confidence, turn.anger) == (3, "angry", 0.84, 0.84)
    assert turn.modalities == ("text",)
    assert turn.evidence == {"text": {"emotion": "angry", "confidence": 0.84, "reliability": 1.0}}


def test_what_the_bot_knows_without_what_it_needs_for_itself() -> None:
    packet = made(fault_call())
    assert packet.slots == {"line_type": "broadband"}
    assert packet.form == {"name": "fault_form", "asked": "callback_number", "filled": {"line_type": "broadband"}}
    assert made(Call().says("a human!").decides()).form is None


def test_what_has_no_words_is_named() -> None:
    call = Call().says("/voice_without_words").bot(None, image="https://example.com/a.png")
    call.bot("Choose", buttons=[{"title": "Yes"}, {"title": "No"}]).bot(None).says("/ask_human").decides()
    assert [line.text for line in made(call).transcript] == [
        "[no words]",
        "[image]",
        "Choose [buttons: Yes, No]",
        "/ask_human",
    ]


def test_a_voice_without_words_whatever_its_channel_calls_it() -> None:
    call = Call().add("user", text="/sigh", message_id="emotion-1", input_channel="emotion", parse_data={}).decides()
    assert [line.text for line in made(call).transcript] == ["[no words]"]


def test_two_sentences() -> None:
    assert made(fault_call()).summary == (
        'The caller has spoken three turns about "report fault" and was in the form "fault form" (asked: callback '
        "number). Anger rose from 0.03 to 0.84 and the mood is tense; the bot handed over because of the rule "
        '"anger": the caller was angry in 2 of the last 3 turns.'
    ).replace("tense", made(fault_call()).mood)


def test_a_caller_who_is_afraid() -> None:
    packet = made(Call().says("x", "affirm", "fear", 0.9).decides("alert"))
    assert packet.summary.startswith("The caller has spoken one turn without a request that the bot knows. Fear is at")
    assert "the bot raised an alert" in packet.summary


def test_names_are_struck_out_that_any_turn_gave() -> None:
    call = Call().says("I am Ada").slot("first_name", "Ada").add("rewind").says("Ada! 0171 2345678").decides()
    packet = made(call, endpoints=Endpoints(redact={"names_from_slots": ["first_name"]}))
    assert [line.text for line in packet.transcript] == ["I am [name]", "[name]! [phone number]"]
    assert packet.redacted == {"name": 2, "phone number": 1}


def test_decisions_that_people_are_told_of() -> None:
    call = Call().says("a").decides("offer").decides("ask").decides("handover", dry_run=True).decides("alert")
    assert [recorded.decision.action for recorded in due(call.events)] == ["alert"]


def test_where_the_conversation_cannot_be_put_together() -> None:
    packet = made(fault_call(), make=minimal_packet)
    assert packet.transcript == ()
    assert "tracker store" in packet.summary


DEEP = functools.reduce(lambda inner, _: [inner], range(400), [])


@pytest.mark.parametrize(
    "value", [{"a": {1, 2}}, float("nan"), [float("inf")], 10**1800, DEEP, "half \ud83d", object()]
)
def test_slots_that_no_json_holds(value: object) -> None:
    """A strict reader would refuse the whole packet for one of them."""
    packet = made(Call().slot("odd", value).says("hello").decides())
    told = json.dumps(packet.to_dict(), allow_nan=False, ensure_ascii=False).encode()
    assert "odd" in json.loads(told)["slots"]
    assert told.count(b"[") < 100
    assert all(abs(number) <= 2**53 for number in map(int, re.findall(rb": (\d+)", told)))


def test_slots_keep_what_json_holds() -> None:
    value = {"on": True, "none": None, "count": 2**53, "sum": 12.5, "names": ["Ada", ("Bob",)]}
    packet = made(Call().slot("plain", value).says("hello").decides())
    assert packet.slots["plain"] == {**value, "names": ["Ada", ["Bob"]]}


events = st.one_of(
    st.tuples(st.just("says"), st.text(max_size=20), st.sampled_from(["greet", "nlu_fallback", "emotion_off"])).map(
        lambda drawn: lambda call: call.says(drawn[1], drawn[2])
    ),
    st.sampled_from(EMOTIONS).map(lambda emotion: lambda call: call.says("words", emotion=emotion)),
    st.text(max_size=20).map(lambda text: lambda call: call.bot(text)),
    st.sampled_from(["rewind", "session_started", "restart", "resume", "reset_slots", "pause", "undo"]).map(
        lambda kind: lambda call: call.add(kind)
    ),
    st.tuples(st.sampled_from(["a", "requested_slot", "emotion"]), st.none() | st.integers() | st.text(max_size=9)).map(
        lambda drawn: lambda call: call.slot(*drawn)
    ),
    st.sampled_from(["form", None]).map(lambda name: lambda call: call.add("active_loop", name=name)),
    st.sampled_from(["handover", "alert"]).map(lambda action: lambda call: call.decides(action)),
)


@settings(max_examples=50)
@given(st.lists(events, max_size=25))
def test_any_conversation_gives_packets_that_fit_the_schema(added: list) -> None:
    call = Call(START)
    for add in added:
        add(call)
    call.says("at last").decides()
    for number in range(len(list(due(call.events)))):
        made(call, number=number)
