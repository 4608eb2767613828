"""Each condition holds for a reason that a person can read."""

from dataclasses import replace

import pytest
from fake_analyzer import FakeAnalyzer, estimate, evidence
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.conditions import (
    MEMORY,
    Accumulated,
    Contradicted,
    Lasting,
    NotUnderstood,
    Requested,
    Rising,
)
from rasa_emotion.conversation.history import Turn
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate

UNKNOWN = EmotionEstimate.unknown()


def turns(*estimates):
    return [Turn("inform", one) for one in estimates]


def anger(*values):
    return turns(*[estimate("angry", value) for value in values])


def heard(voice, words):
    return FakeAnalyzer().fuse([evidence("acoustic", *voice), evidence("text", *words)])


LASTING = Lasting(at_least=0.5, turns=2, of=3, at_once=0.9)


@pytest.mark.parametrize(
    ("condition", "spoken", "sentence"),
    [
        (LASTING, anger(0.6, 0.1, 0.6), "The caller was angry in 2 of the last 3 turns (anger 0.60 and 0.60)."),
        (LASTING, anger(0.1, 0.95), "The caller was very angry (anger 0.95)."),
        (Lasting(), anger(0.5), "The caller was angry (anger 0.50)."),
        (
            Lasting(("fear", "sad"), at_least=0.6),
            turns(estimate("fear", 0.7)),
            "The caller was afraid or sad (fear or sadness 0.74).",
        ),
        (
            Accumulated(level=2.5),
            anger(0.5, 0.6),
            "The caller's anger has added up to 2.9 (anger 0.60 in the last turn).",
        ),
        (Rising(rise=0.4), anger(0.1, 0.3, 0.6), "The caller's anger has risen by 0.52 within 3 turns, to 0.60."),
        (Requested(frozenset({"inform"})), turns(UNKNOWN), "The caller asked for a human."),
        (
            NotUnderstood(2),
            [Turn(None, UNKNOWN, fallback=True)] * 3,
            "The bot did not understand the caller 2 times in a row.",
        ),
        (NotUnderstood(1), [Turn(None, UNKNOWN, fallback=True)], "The bot did not understand the caller 1 time."),
        (
            Contradicted("sarcastic"),
            turns(heard(("angry", 0.9), ("happy", 0.95))),
            "The caller's words were friendly and the voice was angry in 1 of the last 1 turns.",
        ),
    ],
)
def test_reasons(condition, spoken, sentence):
    assert condition.reason(spoken) == sentence


@pytest.mark.parametrize(
    ("condition", "spoken"),
    [
        (LASTING, []),
        (LASTING, anger(0.6)),
        (LASTING, anger(0.6, 0.6, 0.1)),  # the caller has calmed down
        (LASTING, anger(0.6, 0.1, 0.1, 0.6)),  # too long ago
        (LASTING, [*anger(0.95), *turns(UNKNOWN)]),  # a button says nothing
        (Accumulated(level=3.0), anger(0.5)),
        (Accumulated(level=3.0, decay=0.1), anger(0.5, 0.1, 0.1, 0.5)),  # leaked away
        (Accumulated(level=3.0), anger(0.97, 0.1)),  # the sum is still there, and the caller has calmed down
        (Accumulated(), [*anger(0.95, 0.95), *turns(UNKNOWN)]),
        (Rising(rise=0.4), anger(0.6, 0.6, 0.6)),
        (Rising(rise=0.4), anger(0.9)),
        (Rising(rise=0.1, at_least=0.3), anger(0.0, 0.2)),
        (Requested(frozenset({"human"})), turns(UNKNOWN)),
        (Requested(frozenset({"inform"})), []),
        (
            NotUnderstood(2),
            [Turn(None, UNKNOWN, fallback=True), Turn(None, UNKNOWN), Turn(None, UNKNOWN, fallback=True)],
        ),
        (NotUnderstood(2), [Turn(None, UNKNOWN, fallback=True)]),
        (Contradicted("masked"), turns(heard(("angry", 0.9), ("happy", 0.95)))),
        (Contradicted(turns=2), turns(heard(("angry", 0.9), ("happy", 0.95)))),
        (Contradicted(), []),
    ],
)
def test_no_reason(condition, spoken):
    assert condition.reason(spoken) is None


def test_turns_without_evidence_do_not_push_anger_out_of_the_window():
    assert LASTING.reason([*anger(0.6), *turns(UNKNOWN, UNKNOWN, UNKNOWN), *anger(0.6)])


def test_where_the_emotion_is_read():
    one = heard(("angry", 0.9), ("neutral", 0.9))
    voice, words = (Lasting(source=source).score(one) for source in ("voice", "words"))
    assert voice == pytest.approx(0.9)
    assert words < 0.1
    assert Lasting().score(one) == one.probabilities["angry"]
    assert Lasting(source="either").score(one) == voice
    assert Lasting(source="voice").score(estimate("angry")) is None
    assert Lasting(source="either").score(UNKNOWN) is None


def test_a_sarcastic_turn_is_as_angry_as_its_voice():
    one = replace(heard(("angry", 0.9), ("happy", 0.95)), probabilities={"angry": 0.3, "happy": 0.6, "sad": 0.1})
    assert one.conflict_kind == "sarcastic"
    assert Lasting().score(one) == pytest.approx(0.9 + 0.1 / 7)
    assert Lasting(sarcasm=False).score(one) == 0.3
    assert Lasting(("sad",)).score(one) == 0.1
    assert Lasting().score(replace(one, evidence={})) == 0.3


@pytest.mark.parametrize(
    ("kind", "values", "name"),
    [
        (Lasting, {"at_least": 0}, "at_least"),
        (Lasting, {"at_least": "high"}, "at_least"),
        (Lasting, {"at_least": True}, "at_least"),
        (Lasting, {"at_once": 1.5}, "at_once"),
        (Lasting, {"at_once": float("nan")}, "at_once"),
        (Lasting, {"at_once": 0.3}, "at_once"),
        (Lasting, {"turns": 0}, "turns"),
        (Lasting, {"turns": 1.5}, "turns"),
        (Lasting, {"turns": 4, "of": 3}, "turns"),
        (Lasting, {"of": MEMORY + 1}, "of"),
        (Lasting, {"emotions": ("anger",)}, "emotion"),
        (Lasting, {"emotions": ()}, "emotion"),
        (Lasting, {"source": "face"}, "source"),
        (Lasting, {"sarcasm": "yes"}, "sarcasm"),
        (Accumulated, {"level": 0}, "level"),
        (Accumulated, {"decay": 1.1}, "decay"),
        (Accumulated, {"neutral_at": 1}, "neutral_at"),
        (Rising, {"rise": 0}, "rise"),
        (Rising, {"of": 1}, "of"),
        (Requested, {"intents": frozenset()}, "intents"),
        (NotUnderstood, {"fallbacks": 0}, "fallbacks"),
        (Contradicted, {"conflict": "ironic"}, "conflict"),
        (Contradicted, {"turns": 3, "of": 2}, "turns"),
    ],
)
def test_bad_values_are_refused(kind, values, name):
    with pytest.raises(ConfigError, match=rf"^when: '{name}'.*[.;]"):
        kind(**values)


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=6)
graded = st.sampled_from([LASTING, Accumulated(level=2.0)])


@given(probabilities)
def test_only_an_angry_turn_escalates(values):
    if LASTING.reason(anger(*values)):
        assert values[-1] >= LASTING.at_least


@given(graded, probabilities, st.data())
def test_more_anger_never_prevents_escalation(condition, values, data):
    raised = [data.draw(st.floats(value, 1)) for value in values]
    if condition.reason(anger(*values)):
        assert condition.reason(anger(*raised))


@given(graded, probabilities, st.integers(0, 6))
def test_unknown_turns_before_the_last_change_nothing(condition, values, place):
    spoken = anger(*values)
    place = min(place, len(spoken) - 1)
    assert condition.reason([*spoken[:place], *turns(UNKNOWN), *spoken[place:]]) == condition.reason(spoken)


@given(probabilities, st.floats(0.01, 1), st.integers(1, 3))
def test_the_strength_of_a_lasting_emotion_is_what_its_threshold_is_compared_with(values, threshold, count):
    condition = Lasting(at_least=threshold, turns=count, of=3)
    spoken = anger(*values)
    assert (condition.reason(spoken) is not None) == (condition.strength(spoken) >= threshold)


@given(probabilities, st.floats(0.1, 8))
def test_the_strength_of_what_has_added_up_is_what_its_level_is_compared_with(values, level):
    condition = Accumulated(level=level)
    spoken = anger(*values)
    held = condition.reason(spoken) is not None
    assert held == (condition.strength(spoken) >= level and values[-1] > condition.neutral_at)


@given(probabilities, st.floats(0.01, 1))
def test_the_strength_of_a_rise_is_what_its_bar_is_compared_with(values, rise):
    condition = Rising(rise=rise, at_least=1e-9)
    spoken = anger(*values)
    held = condition.reason(spoken) is not None
    assert held == (condition.strength(spoken) >= rise and values[-1] >= 1e-9)
