"""The mood is a bounded, monotone function of the turns, and its states do not flicker."""

import json
from dataclasses import asdict, replace

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.mood import MOODS, mood, mood_of, mood_state
from rasa_emotion.conversation.trend import trend
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import EmotionEstimate


@st.composite
def estimates(draw):
    """Any distribution over the emotions."""
    shares = draw(st.lists(st.floats(0.01, 1), min_size=len(EMOTIONS), max_size=len(EMOTIONS)))
    probabilities = {name: share / sum(shares) for name, share in zip(EMOTIONS, shares, strict=True)}
    return EmotionEstimate.from_probabilities(probabilities, {})


turns = st.lists(estimates(), max_size=8)


@given(turns)
def test_values_stay_in_range_and_are_json_safe(heard):
    found = mood(heard)
    assert found.state == mood_state(heard)
    assert found.state in MOODS
    assert 0 <= found.angry_turns <= found.turns == len(heard)
    assert found.anger >= 0
    assert -1 <= found.valence <= 1
    assert -1 <= found.arousal <= 1
    assert found.anger <= found.peak_anger <= 1
    assert sum(found.turns_in.values()) == found.turns
    json.dumps(asdict(found))


@given(turns, st.integers(0, 8))
def test_turns_without_evidence_change_nothing(heard, place):
    assert mood([*heard[:place], EmotionEstimate.unknown(), *heard[place:]]) == mood(heard)


@given(turns)
def test_another_angry_turn_never_lowers_the_anger(heard):
    assert mood([*heard, estimate("angry", 1.0)]).anger >= mood(heard).anger


@given(turns, st.data())
def test_more_anger_never_lowers_it(heard, data):
    raised = []
    for one in heard:
        anger = data.draw(st.floats(one.probabilities["angry"], 1))
        raised.append(replace(one, probabilities={**one.probabilities, "angry": anger}))
    before, after = mood(heard), mood(raised)
    assert after.anger >= before.anger
    assert after.peak_anger >= before.peak_anger
    assert (after.state == "hostile") >= (before.state == "hostile")


@given(turns, st.floats(0.1, 1))
def test_it_does_not_matter_how_sure_all_turns_are_together(heard, scale):
    found = mood([replace(one, confidence=one.confidence * scale) for one in heard])
    assert found.anger == pytest.approx(mood(heard).anger, abs=2e-6)
    assert found.valence == pytest.approx(mood(heard).valence, abs=2e-6)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_the_later_the_angrier(values):
    def anger(order):
        return mood([replace(estimate("angry", value), confidence=0.5) for value in order]).anger

    assert anger(sorted(values)) >= anger(values) - 1e-5
    assert anger(values) >= anger(sorted(values, reverse=True)) - 1e-5


def test_an_unsure_turn_counts_less():
    angry, calm = estimate("angry"), estimate("calm")
    assert mood([calm, replace(angry, confidence=0.3)]).anger < mood([calm, angry]).anger


@given(st.lists(st.sampled_from(["calm", "happy", "neutral", "surprise"]), max_size=8))
def test_a_friendly_caller_is_calm(names):
    assert mood([estimate(name) for name in names]).state == "calm"


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["angry", "angry"], "hostile"),
        (["neutral", "neutral", "angry"], "tense"),
        (["sad", "sad"], "upset"),
        (["disgust", "sad"], "upset"),
        (["fear", "fear"], "distressed"),
        (["angry", "neutral", "neutral", "happy", "happy"], "calm"),
    ],
)
def test_states(names, state):
    assert mood([estimate(name) for name in names]).state == state


def test_a_recent_turn_weighs_more():
    assert mood([estimate("angry"), estimate("happy")]).valence > mood([estimate("happy"), estimate("angry")]).valence


def test_a_state_is_kept_longer_than_it_takes_to_enter_it():
    milder = [estimate("angry", 0.38)] * 4
    assert mood(milder).state == "tense"
    assert mood([estimate("angry", 0.9), *milder]).state == "hostile"
    assert mood([estimate("angry", 0.9), *milder, *[estimate("neutral")] * 4]).state == "calm"


def test_a_value_at_the_bar_does_not_flicker():
    swaying = [estimate("angry", value) for value in (0.9, *(0.55, 0.42) * 4)]
    assert mood(swaying).turns_in["hostile"] == len(swaying)


def test_a_caller_who_grows_angry():
    found = mood([estimate("neutral"), estimate("angry", 0.4), estimate("angry", 0.6), estimate("angry", 0.9)])
    assert found.anger_trend > 0.1
    assert found.valence_trend < 0 < found.arousal_trend
    assert (found.angry_turns, found.peak_anger) == (3, 0.9)


def test_how_long_the_caller_was_in_each_state():
    heard = [estimate("neutral"), estimate("angry", 0.9), estimate("angry", 0.9), EmotionEstimate.unknown()]
    found = mood(heard, timestamps=[10.0, 14.5, 20.0, 90.0])
    assert found.state == "hostile"
    assert (found.turns_in["calm"], found.turns_in["hostile"]) == (1, 2)
    assert (found.secs_in["calm"], found.secs_in["hostile"]) == (4.5, 5.5)
    assert sum(mood(heard, timestamps=[10.0, None, None, 20.0]).secs_in.values()) == 0


def test_the_mood_of_events_counts_what_a_fallback_reverted():
    said = {"event": "user", "parse_data": {"emotion_estimate": estimate("angry").to_dict()}}
    fallback = [{"event": "action", "name": "action_default_fallback"}, {"event": "rewind"}]
    assert mood_of([said, *fallback, said]).angry_turns == 2
    assert mood_of([said, {"event": "session_started"}]).state == "calm"


def test_a_line_has_its_own_slope_as_trend():
    assert trend([0.1, 0.3, 0.5, 0.7]) == pytest.approx(0.2)
    assert trend([0.4]) == trend([]) == 0
    assert trend([0.1, 0.9], weights=[0.0, 0.0]) == 0


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.floats(-1, 1))
def test_the_trend_is_of_changes_alone(values, level):
    assert trend([value + level for value in values]) == pytest.approx(trend(values), abs=1e-5)
    assert trend([-value for value in values]) == pytest.approx(-trend(values), abs=1e-5)


def test_the_end_decides_the_trend():
    assert trend([0.8, 0.1, 0.1, 0.1, 0.1, 0.8]) > 0
