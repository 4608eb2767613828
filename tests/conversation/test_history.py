"""Turns are read from raw events: Rasa's objects and stored dictionaries alike."""

import json

import pytest
from fake_analyzer import estimate
from rasa.shared.core.events import SlotSet, UserUttered

from rasa_emotion.conversation.commands import command_intent
from rasa_emotion.conversation.history import (
    BOUNDARIES,
    awaits_first_action,
    current_turns,
    earlier_words,
    escalation_key,
    escalations,
    exchanges_backwards,
    last_choice,
    latest_turn,
    standing,
)
from rasa_emotion.emotions import UNKNOWN


def user(emotion=None, intent="inform", where="parse_data"):
    event = {"event": "user", "parse_data": {"intent": {"name": intent}}, "metadata": {}}
    if emotion:
        event[where]["emotion_estimate"] = estimate(emotion).to_dict()
    return event


def action(name="action_listen"):
    return {"event": "action", "name": name}


def since_boundary(events):
    """What comes after the last restart, new session or hand-back."""
    last = max((place for place, event in enumerate(events) if event["event"] in BOUNDARIES), default=-1)
    return events[last + 1 :]


def emotions(events):
    return [turn.estimate.emotion for turn in current_turns(events)]


def test_turns_carry_intent_and_estimate():
    turns = current_turns([user("angry", "complain"), action(), user("happy")])
    assert [(turn.intent, turn.estimate.emotion) for turn in turns] == [("complain", "angry"), ("inform", "happy")]


def test_the_last_turns():
    turns = current_turns([user("angry"), user("sad"), action(), user("happy")], last=2)
    assert [turn.estimate.emotion for turn in turns] == ["sad", "happy"]


def test_an_intent_message_that_a_channel_heard_holds_its_estimate_in_the_metadata():
    assert emotions([{**user("sad", where="metadata"), "message_id": "emotion-5e1c"}]) == ["sad"]


def test_an_estimate_in_a_clients_metadata_is_none():
    # As Rasa's own REST channel stores it where the NLU component does not run, such as with a remote NLU server.
    forged = user("angry", where="metadata")
    assert emotions([forged, {**forged, "message_id": "5e1c"}, {**forged, "message_id": None}]) == [UNKNOWN] * 3


def test_a_reverted_utterance_still_counts():
    assert emotions([user("angry"), action("action_default_fallback"), {"event": "rewind"}, user("angry")]) == [
        "angry",
        "angry",
    ]


def test_restart_new_session_and_hand_back_begin_anew():
    for boundary in ("restart", "session_started", "resume"):
        assert emotions([user("angry"), {"event": boundary}, user("calm")]) == ["calm"]


def test_what_is_no_estimate_is_unknown():
    broken = user()
    broken["parse_data"]["emotion_estimate"] = {"emotion": "angry"}
    assert emotions([user(), broken, {"event": "user"}]) == [UNKNOWN] * 3


def test_latest_turn():
    assert latest_turn([user("angry"), user("happy"), action()]).estimate.emotion == "happy"
    assert latest_turn([user("angry"), {"event": "restart"}]) is None


def test_the_bot_acts_once_per_utterance_first():
    assert awaits_first_action([action(), user(), {"event": "slot", "name": "emotion", "value": "angry"}])
    assert not awaits_first_action([user(), action("utter_greet")])
    # A rejected action did nothing, and the events of its prediction are lost.
    assert awaits_first_action([user(), {"event": "action_execution_rejected", "name": "form"}])
    assert not awaits_first_action([])


def test_escalated_slot_counts_only_when_set_in_this_conversation():
    true, false = ({"event": "slot", "name": "escalated", "value": value} for value in (True, False))
    assert standing([user(), true], "escalated") == ([], True)
    assert not standing([user(), true, false], "escalated")[1]
    assert not standing([user(), true, {"event": "session_started"}, true, user()], "escalated")[1]
    assert not standing([user(), {"event": "slot", "name": "other", "value": True}], "escalated")[1]


def test_decisions_stand_since_the_last_boundary():
    events = [user(), decided(), {"event": "session_started"}, decided(), user(), decided(timestamp=9.0), user()]
    ((found,), _) = standing(events, "escalated")
    assert (found.event["timestamp"], found.turns_ago) == (9.0, 1)
    assert standing(events, "escalated")[0] == escalations(since_boundary(events))


DECIDED = {"action": "alert", "rule": "anger", "reason": "The caller was angry.", "urgency": "high", "dry_run": False}


def decided(value=DECIDED, timestamp=1.5):
    return {"event": "slot", "name": "escalation", "value": value, "timestamp": timestamp}


def test_decisions_are_read_from_their_slot_events():
    (first, second) = escalations([user(), decided(), action(), user(), decided({**DECIDED, "rule": "distress"})])
    assert (first.decision.to_dict(), first.event["timestamp"], first.turns_ago) == (DECIDED, 1.5, 1)
    assert (second.decision.rule, second.turns_ago) == ("distress", 0)


def test_a_reverted_decision_still_counts():
    assert escalations([user(), decided(), action("action_default_fallback"), {"event": "rewind"}, user()])


def test_what_a_new_session_carries_over_is_no_decision():
    events = [user(), decided(), {"event": "session_started"}, decided(), action(), user(), decided(timestamp=9.0)]
    assert [found.event["timestamp"] for found in escalations(events)] == [1.5, 9.0]
    assert [found.event["timestamp"] for found in escalations(since_boundary(events))] == [9.0]


def test_other_values_of_the_slot_are_no_decisions():
    for value in (None, "angry", {}, {**DECIDED, "action": "shout"}, {**DECIDED, "urgency": "somewhat"}):
        assert escalations([user(), decided(value)]) == []


def test_the_key_is_the_same_for_objects_and_dictionaries():
    event = SlotSet("escalation", DECIDED, timestamp=1_700_000_000.123456)
    stored = json.loads(json.dumps(event.as_dict()))
    assert escalation_key("alice", event) == escalation_key("alice", stored)
    assert escalation_key("alice", event) == escalation_key("alice", {**stored, "timestamp": 1_700_000_000.1234563})
    assert escalation_key("alice", event) != escalation_key("bob", event)
    assert escalation_key("alice", event) != escalation_key("alice", {**stored, "timestamp": 1_700_000_001.0})
    assert escalations([UserUttered("hello"), event])[0].decision.to_dict() == DECIDED


def test_turns_say_when_and_whether_they_were_understood():
    turns = current_turns(
        [
            {**user(intent="nlu_fallback"), "timestamp": 3.0},
            action("utter_please_rephrase"),
            user(),
            action("action_default_fallback"),
            {"event": "rewind"},
            user(),
        ]
    )
    assert [(turn.timestamp, turn.fallback) for turn in turns] == [(3.0, True), (None, True), (None, False)]


def test_each_turn_comes_with_what_the_bot_replied_to_it():
    events = [
        {"event": "bot", "text": "Before the caller spoke."},
        {"event": "user", "text": "one"},
        {"event": "bot", "text": "a", "metadata": {"utter_action": "utter_a"}},
        {"event": "bot", "text": None},
        {"event": "user", "text": "two"},
    ]
    assert [[reply.text for reply in replies] for _, replies in exchanges_backwards(events)] == [[], ["", "a"]]
    assert next(reversed(list(exchanges_backwards(events))))[1][-1].metadata == {"utter_action": "utter_a"}


def test_turns_before_a_choice_are_not_held_against_the_caller():
    events = [user("angry"), user("angry"), user(intent="emotion_off"), user("sad")]
    assert emotions(events) == [UNKNOWN, "sad"]


def test_words_before_a_choice_are_not_read_again():
    def said(text, intent="inform"):
        return {**user(intent=intent), "text": text}

    events = [said("I hate this"), said("/emotion_off", "emotion_off"), said("in private"), said("go on", "emotion_on")]
    assert earlier_words(events, last=5) == []
    assert earlier_words([*events, said("hello")], last=5) == ["hello"]


def test_the_last_choice():
    off, on = ({**user(intent=intent), "timestamp": at} for intent, at in (("emotion_off", 1.0), ("emotion_on", 2.0)))
    assert last_choice([off, user(), on, user()]) == (True, 2.0)
    assert last_choice([on, action(), off]) == (False, 1.0)
    assert last_choice([user(), user(intent="emotion_off")]) is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [("/emotion_off", "emotion_off"), (' /a@0.5{"b": "c d"}', "a"), ("/off please", None), ("off", None), ("", None)],
)
def test_the_intent_of_a_command(text, intent):
    assert command_intent(text) == intent
