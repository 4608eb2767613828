"""Rules over the caller's turns decide who takes over, for a reason."""

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.conditions import Accumulated, Lasting
from rasa_emotion.conversation.escalation import EscalationRules, Rule, decide
from rasa_emotion.conversation.history import Turn
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate

LASTING = Lasting(at_least=0.5, turns=2, of=3, at_once=0.9)
ANGRY, CALM, EXTREME = estimate("angry", 0.6), estimate("calm"), estimate("angry", 0.95)


def turns(*estimates):
    return [Turn("inform", one) for one in estimates]


def anger(values):
    return turns(*[estimate("angry", value) for value in values])


def test_sustained_anger_escalates_and_says_why():
    decision = decide(EscalationRules((Rule("anger", LASTING),)), turns(ANGRY, CALM, ANGRY))
    assert (decision.action, decision.rule) == ("handover", "anger")
    assert decision.reason == "The caller was angry in 2 of the last 3 turns (anger 0.60 and 0.60)."


def test_extreme_anger_escalates_at_once():
    assert LASTING.reason(turns(CALM, EXTREME)) == "The caller was very angry (anger 0.95)."


@pytest.mark.parametrize(
    "estimates",
    [
        [],
        [ANGRY],
        [ANGRY, ANGRY, CALM],  # the caller has calmed down
        [ANGRY, CALM, CALM, ANGRY],  # too long ago
        [EXTREME, EmotionEstimate.unknown()],  # a button says nothing
    ],
)
def test_no_reason(estimates):
    assert LASTING.reason(turns(*estimates)) is None


def test_turns_without_evidence_do_not_push_anger_out_of_the_window():
    assert LASTING.reason(turns(ANGRY, *[EmotionEstimate.unknown()] * 3, ANGRY))


@pytest.mark.parametrize(
    "values",
    [
        {"at_least": 0},
        {"at_least": "high"},
        {"at_least": True},
        {"at_once": 1.5},
        {"at_once": float("nan")},
        {"at_once": 0.3},
        {"turns": 0},
        {"turns": 1.5},
        {"turns": 4, "of": 3},
        {"of": 21},
        {"emotions": ("anger",)},
        {"emotions": ()},
        {"source": "face"},
        {"sarcasm": "yes"},
    ],
)
def test_bad_values_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values)).rstrip("s")):
        Lasting(**values)


scores = st.lists(st.floats(0, 1), min_size=1, max_size=6)
graded = st.sampled_from([LASTING, Accumulated(level=2.0)])


@given(scores)
def test_only_an_angry_turn_escalates(values):
    if LASTING.reason(anger(values)):
        assert values[-1] >= LASTING.at_least


@given(graded, scores, st.data())
def test_more_anger_never_prevents_escalation(condition, values, data):
    raised = [data.draw(st.floats(value, 1)) for value in values]
    if condition.reason(anger(values)):
        assert condition.reason(anger(raised))
