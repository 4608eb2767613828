"""The mood is a bounded, monotone function of the turns."""

import json
from dataclasses import asdict

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.mood import MOODS, mood
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
    assert found.state in MOODS
    assert 0 <= found.angry_turns <= found.turns == len(heard)
    assert 0 <= found.anger <= 1
    assert -1 <= found.valence <= 1
    assert -1 <= found.arousal <= 1
    json.dumps(asdict(found))


@given(turns, st.integers(0, 8))
def test_turns_without_evidence_change_nothing(heard, place):
    assert mood([*heard[:place], EmotionEstimate.unknown(), *heard[place:]]) == mood(heard)


@given(turns)
def test_another_angry_turn_never_lowers_the_anger(heard):
    assert mood([*heard, estimate("angry", 1.0)]).anger >= mood(heard).anger


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
