"""Figures of past conversations: who is counted, who is hidden, what feedback says, what other thresholds would do."""

from dataclasses import dataclass

import pytest

from rasa_emotion.console.review.figures import FEWEST_CALLERS, by_day, by_feedback, drift
from rasa_emotion.console.review.past import sessions
from rasa_emotion.console.review.what_if import Change, changed, first_human, what_if
from rasa_emotion.conversation.conditions import Lasting, Requested
from rasa_emotion.conversation.decision import OFFER, Decision
from rasa_emotion.conversation.escalation import EscalationRules, Rule
from rasa_emotion.conversation.history import ESTIMATE_KEY
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate, Evidence

DAY = 86_400.0
START = 1_700_000_000.0


def heard(angry, intent="complain", at=START, channel="rest"):
    said = {"angry": angry, "neutral": 1 - angry}
    pieces = {"text": Evidence("text", said)}
    estimate = EmotionEstimate.from_probabilities(said, pieces).to_dict()
    return {
        "event": "user",
        "text": "words",
        "timestamp": at,
        "input_channel": channel,
        "parse_data": {"intent": {"name": intent}, ESTIMATE_KEY: estimate},
    }


def decided(action="handover", **more):
    value = Decision(action, "anger", "The caller was angry.", "high", **more).to_dict()
    return {"event": "slot", "name": "escalation", "value": value, "timestamp": START}


@dataclass(frozen=True)
class Said:
    sender: str
    turn_at: float
    heard: str
    correct: bool
    emotion: str


def test_a_session_ends_at_each_boundary():
    events = [heard(0.1), {"event": "restart"}, heard(0.2), decided(), {"event": "session_started"}, heard(0.3)]
    found = sessions({"ada": events})
    assert [len(one.turns) for one in found] == [1, 1, 1]
    assert [one.escalated for one in found] == [False, True, False]


def test_slots_that_a_new_session_carries_over_are_no_decision():
    found = sessions({"ada": [heard(0.9), decided(), {"event": "session_started"}, decided(), heard(0.1)]})
    assert [one.escalated for one in found] == [True, False]


@pytest.mark.parametrize("more", [{"action": "alert"}, {"dry_run": True}])
def test_alerts_and_dry_runs_bring_no_human(more):
    assert not sessions({"ada": [heard(0.9), decided(**more)]})[0].escalated


def test_who_opted_out_is_not_counted():
    left = [heard(0.9), heard(0.0, intent="emotion_off")]
    back = [*left, heard(0.0, intent="emotion_on")]
    found = sessions({"ada": left, "bob": [heard(0.9)], "eve": [heard(0.9)], "kim": back}, lambda who: who != "eve")
    assert [one.sender for one in found] == ["bob", "kim"]


def conversations(count, angry=0.9, at=START, **more):
    return {f"{angry}-{at}-{number}": [heard(angry, at=at, **more)] for number in range(count)}


def test_a_day_with_few_callers_is_not_shown():
    past = {**conversations(FEWEST_CALLERS), **conversations(FEWEST_CALLERS - 1, at=START + DAY)}
    full, hidden = by_day(sessions(past))
    assert full["conversations"] == FEWEST_CALLERS
    assert full["emotions"]["angry"] == 1
    assert set(hidden.values()) == {hidden["day"], None}


def test_one_caller_who_calls_often_is_one_caller():
    events = [event for _ in range(9) for event in (heard(0.5), {"event": "session_started"})]
    assert by_day(sessions({"ada": events}))[0]["conversations"] is None


def test_drift_is_told_from_two_days_on():
    past = {**conversations(5, angry=0.1), **conversations(5, angry=0.9, at=START + DAY)}
    days = by_day(sessions(past))
    assert drift(days)["angry"] == 1
    assert drift(days)["neutral"] == -1
    assert drift(days[:1]) is None


def test_feedback_tells_false_and_missed_escalations():
    past = {f"calm-{number}": [heard(0.9), decided()] for number in range(3)}
    past |= {f"angry-{number}": [heard(0.2)] for number in range(3)}
    said = [Said(who, START, "angry", False, "neutral") for who in past if who.startswith("calm")]
    said += [Said(who, START + 1e-6, "neutral", False, "angry") for who in past if who.startswith("angry")]
    said += [Said("nobody", START, "angry", True, "angry"), Said("calm-0", START + 5, "angry", True, "angry")]
    found = by_feedback(sessions(past), said)
    assert found["turns"] == 6
    assert found["escalations"] == {"judged": 3, "false": 3, "quiet_judged": 3, "missed": 3}
    assert found["channels"] == {"rest": {"turns": 6, "right": 0.0}}
    assert found["recall"]["angry"] is None  # three callers


def test_calibration_is_by_fifths_of_confidence():
    past = conversations(5, angry=0.95)
    said = [Said(who, START, "angry", number > 0, "angry") for number, who in enumerate(past)]
    last = by_feedback(sessions(past), said)["calibration"][-1]
    assert last["confidence"] == pytest.approx(0.95)
    assert last["agreed"] == {"turns": 5, "right": 0.8}
    assert by_feedback(sessions(past), said)["calibration"][0]["agreed"] is None


RULES = EscalationRules(rules=(Rule("anger", Lasting(at_least=0.5)),))


@pytest.mark.parametrize(
    ("threshold", "then", "more", "fewer"), [(0.5, 5, 0, 0), (0.3, 10, 5, 0), (0.9, 0, 0, 5), (1.0, 0, 0, 5)]
)
def test_another_threshold_changes_so_many_calls(threshold, then, more, fewer):
    past = sessions({**conversations(5, angry=0.6), **conversations(5, angry=0.4)})
    found = what_if(past, RULES, Change(threshold=threshold))
    assert (found["now"], found["then"], found["more"], found["fewer"]) == (5, then, more, fewer)
    assert found["same"] == 10 - more - fewer


def test_sooner_and_later():
    past = {f"{number}": [heard(0.4), heard(0.7)] for number in range(5)}
    assert what_if(sessions(past), RULES, Change(threshold=0.3))["sooner"] == 5
    assert what_if(sessions(past), RULES, Change(threshold=0.3))["later"] == 0


def test_of_few_callers_nothing_is_told():
    found = what_if(sessions(conversations(4)), RULES, Change(threshold=0.3))
    assert set(found.values()) == {None}


def test_what_was_heard_before_a_choice_decides_nothing():
    twice = EscalationRules(rules=(Rule("anger", Lasting(at_least=0.5, turns=2)),))
    whole = [heard(0.9), heard(0.9)]
    parted = [heard(0.9), heard(0.0, intent="emotion_off"), heard(0.0, intent="emotion_on"), heard(0.9)]
    assert first_human(twice, sessions({"ada": whole})[0]) == 1
    assert first_human(twice, sessions({"ada": parted})[0]) is None


def test_an_accepted_offer_is_the_first_decision():
    offers = EscalationRules(rules=(Rule("anger", Lasting(at_least=0.5), do=OFFER),))
    assert first_human(offers, sessions({"ada": [heard(0.1), heard(0.9), heard(0.1, intent="affirm")]})[0]) == 1


def test_only_rules_on_emotions_have_a_threshold():
    rules = EscalationRules(rules=(Rule("request", Requested(frozenset({"human"}))), *RULES.rules), cap=3)
    found = changed(rules, Change(threshold=0.8, cooldown=0, cap=1))
    assert found.rules[0] == rules.rules[0]
    assert found.rules[1].when.at_least == 0.8
    assert (found.cooldown, found.cap) == (0, 1)
    with pytest.raises(ConfigError):
        changed(rules, Change(threshold=0.0))
