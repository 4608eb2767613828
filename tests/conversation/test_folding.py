"""A long conversation is read on from where it was; the answers are those of reading all of it."""

import json
from collections import deque
from itertools import count

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.decision import Decision
from rasa_emotion.conversation.folding import FEWEST_EVENTS, Folding
from rasa_emotion.conversation.history import RECENT, current_turns, standing, turns_backwards

DECIDED = Decision("alert", "anger", "The caller was angry.").to_dict()

KINDS = {
    "angry": {"event": "user", "parse_data": {"emotion_estimate": estimate("angry").to_dict()}},
    "calm": {"event": "user", "parse_data": {"emotion_estimate": estimate("calm").to_dict()}},
    "off": {"event": "user", "parse_data": {"intent": {"name": "emotion_off"}}},
    "slot": {"event": "slot", "name": "city", "value": "Bonn"},
    "decided": {"event": "slot", "name": "escalation", "value": DECIDED},
    "unset": {"event": "slot", "name": "escalation", "value": None},
    "escalated": {"event": "slot", "name": "escalated", "value": True},
    "back": {"event": "slot", "name": "escalated", "value": False},
    "fallback": {"event": "action", "name": "action_default_fallback"},
    "listen": {"event": "action", "name": "action_listen"},
    "bot": {"event": "bot", "text": "Yes?"},
    "rewind": {"event": "rewind"},
    "restart": {"event": "restart"},
    "session": {"event": "session_started"},
}

SOME_KINDS = st.lists(st.sampled_from([*KINDS, "calm", "slot", "listen", "bot"]), max_size=30)


def conversation(kinds, begins=1_700_000_000.0):
    return [{**KINDS[kind], "timestamp": begins + place / 8} for place, kind in enumerate(kinds)]


def read_anew(events):
    """As a store gives them: equal, and none of them the same."""
    return deque(json.loads(json.dumps(list(events))))


def answers(events):
    decisions, is_escalated = standing(events, "escalated")
    placed = [(found.decision, found.turns_ago, found.event) for found in decisions]
    return current_turns(events, last=RECENT), placed, is_escalated


def answers_of_all(events):
    """Without anything that is kept: a generator cannot be read on."""
    whole = list(events)
    decisions, is_escalated = standing((event for event in whole), "escalated")
    placed = [(found.decision, found.turns_ago, found.event) for found in decisions]
    turns = [turn for turn, _ in zip(turns_backwards(whole), range(RECENT), strict=False)]
    return turns[::-1], placed, is_escalated


MOMENTS = count(1_000_000_000, 1000)
"""No two conversations begin in the same moment."""


@given(SOME_KINDS, st.lists(SOME_KINDS, min_size=1, max_size=6))
def test_read_on_or_read_anew_the_answers_are_the_same(first, turns):
    begins = next(MOMENTS)
    kinds = ["listen", *first, *["slot", "calm"] * FEWEST_EVENTS]
    for turn in turns:
        kinds += turn
        events = read_anew(conversation(kinds, begins))
        assert answers(events) == answers_of_all(events)


def test_one_that_lost_its_latest_turns_is_read_anew():
    long = ["listen", *["slot", "angry"] * FEWEST_EVENTS, "decided", "escalated"]
    events = conversation(long, begins=2e9)
    assert answers(read_anew(events))[2]
    # As after a backup: other turns followed what it holds.
    again = events[:-2] + [{**event, "timestamp": 3e9} for event in conversation(["calm", "slot", "calm"])]
    assert answers(read_anew(again)) == answers_of_all(again)
    assert answers(read_anew(events[:-9])) == answers_of_all(events[:-9])


def test_two_at_once_that_began_in_the_same_moment():
    one = ["listen", *["slot", "angry"] * FEWEST_EVENTS]
    other = ["listen", *["angry", "slot"] * FEWEST_EVENTS, "restart"]
    for kinds in (one, other, [*one, "decided"], [*other, "calm"]):
        events = conversation(kinds, begins=4e9)
        assert answers(read_anew(events)) == answers_of_all(events)


def test_events_without_a_moment_are_read_as_a_whole():
    counting = Folding(0, lambda number, event: number + 1)
    story = [{"event": "user"}] * (2 * FEWEST_EVENTS)
    assert [counting.of(story), counting.of(story[1:])] == [2 * FEWEST_EVENTS, 2 * FEWEST_EVENTS - 1]


class Untouchable(dict):
    def get(self, *key):
        raise AssertionError("an old event was read again")

    __getitem__ = get


@pytest.mark.parametrize("ask", [lambda events: current_turns(events, last=RECENT), lambda e: standing(e, "escalated")])
def test_old_events_are_not_read_again(ask):
    kinds = ["listen", *["angry", "slot", "decided", "bot"] * 50]
    events = conversation(kinds, begins=5e9)
    ask(deque(events))
    later = deque([events[0], *map(Untouchable, events[1:-1]), *conversation([*kinds, "calm", "slot"], 5e9)[-3:]])
    ask(later)
