"""Sustained or extreme anger escalates, in the last turn only."""

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.escalation import EscalationRules
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate

RULES = EscalationRules(threshold=0.5, angry_turns=2, window=3, extreme=0.9)
ANGRY, CALM, EXTREME = estimate("angry", 0.6), estimate("calm"), estimate("angry", 0.95)


def test_sustained_anger_escalates_and_says_why():
    assert RULES.reason([ANGRY, CALM, ANGRY]) == "The caller was angry in 2 of the last 3 turns (anger 0.60 and 0.60)."


def test_extreme_anger_escalates_at_once():
    assert RULES.reason([CALM, EXTREME]) == "The caller was very angry (anger 0.95)."


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [ANGRY],
        [ANGRY, ANGRY, CALM],  # the caller has calmed down
        [ANGRY, CALM, CALM, ANGRY],  # too long ago
        [EXTREME, EmotionEstimate.unknown()],  # a button says nothing
    ],
)
def test_no_reason(turns):
    assert RULES.reason(turns) is None


def test_turns_without_evidence_do_not_push_anger_out_of_the_window():
    assert RULES.reason([ANGRY, *[EmotionEstimate.unknown()] * 3, ANGRY])


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0},
        {"threshold": "high"},
        {"threshold": True},
        {"extreme": 1.5},
        {"extreme": float("nan")},
        {"extreme": 0.3},
        {"angry_turns": 0},
        {"angry_turns": 1.5},
        {"angry_turns": 4},
    ],
)
def test_bad_values_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        EscalationRules(**values)


anger = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(anger)
def test_only_an_angry_turn_escalates(values):
    if RULES.reason([estimate("angry", value) for value in values]):
        assert values[-1] >= RULES.threshold


@given(anger, st.data())
def test_more_anger_never_prevents_escalation(values, data):
    raised = [data.draw(st.floats(value, 1)) for value in values]
    if RULES.reason([estimate("angry", value) for value in values]):
        assert RULES.reason([estimate("angry", value) for value in raised])
