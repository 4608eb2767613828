import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.emotions import (
    BY_NAME,
    COORDINATES,
    EMOTIONS,
    FAMILIES,
    GOEMOTIONS,
    NEGATIVE,
    POSITIVE,
    SENTIMENTS,
    UNKNOWN,
    as_array,
    as_probabilities,
    coordinates,
    sentiment,
    sentiments,
)
from rasa_emotion.estimate import EmotionEstimate, Evidence


@st.composite
def distributions(draw):
    weights = draw(st.lists(st.floats(0.001, 1.0), min_size=8, max_size=8))
    return {emotion: weight / sum(weights) for emotion, weight in zip(EMOTIONS, weights, strict=True)}


def test_emotions_are_alphabetical_and_every_map_leads_to_them():
    assert list(EMOTIONS) == sorted(EMOTIONS)
    for mapping in (GOEMOTIONS, BY_NAME):
        assert set(mapping.values()) <= set(EMOTIONS)
    assert set(FAMILIES) <= set(EMOTIONS)
    assert set(COORDINATES) == set(EMOTIONS)


@given(distributions())
def test_coordinates_stay_on_the_circumplex(probabilities):
    assert all(-1 <= value <= 1 for value in coordinates(probabilities))


def test_valence_and_arousal_of_each_emotion_lie_where_people_put_them():
    valence = {emotion: place[0] for emotion, place in COORDINATES.items()}
    assert all(valence[emotion] < -0.5 for emotion in NEGATIVE)
    assert all(valence[emotion] > 0.5 for emotion in POSITIVE)
    assert coordinates({"neutral": 1.0}) == (0, 0)
    calmer = [emotion for emotion in EMOTIONS if COORDINATES[emotion][1] < 0]
    assert calmer == ["calm", "sad"]


@given(distributions())
def test_arrays_and_dictionaries_are_inverse(probabilities):
    assert as_probabilities(as_array(probabilities)) == pytest.approx(probabilities, abs=1e-6)


@given(
    distributions(),
    st.floats(0, 1),
    st.sampled_from(["acoustic", "text"]),
    st.none() | st.floats(0, 1),
    st.none() | st.text(),
)
def test_evidence_survives_json(probabilities, reliability, modality, confused, language):
    evidence = Evidence(
        modality, probabilities, reliability, "model", {"speech_secs": 1.5}, confused, language, ("It breaks off.",)
    )
    assert Evidence.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence


@given(distributions(), st.none() | st.floats(0, 1))
def test_estimate_survives_json(probabilities, confused):
    evidence = Evidence("text", probabilities)
    estimate = EmotionEstimate.from_probabilities(
        probabilities,
        {"text": evidence},
        conflict=True,
        confused=confused,
        foreign_language="de",
        warnings=("It breaks off.",),
    )
    assert EmotionEstimate.from_dict(json.loads(json.dumps(estimate.to_dict()))) == estimate
    assert estimate.emotion == evidence.emotion
    assert estimate.modalities == ("text",)


def test_what_was_stored_before_there_was_confusion_is_still_read():
    estimate = EmotionEstimate.from_probabilities(
        {"happy": 1.0}, {"text": Evidence("text", {"happy": 1.0})}, confused=0.5
    )
    stored = estimate.to_dict()
    del stored["confused"], stored["evidence"]["text"]["confused"]
    del stored["foreign_language"], stored["evidence"]["text"]["foreign_language"]
    del stored["warnings"], stored["evidence"]["text"]["warnings"]
    old = EmotionEstimate.from_dict(stored)
    assert (old.confused, old.evidence["text"].confused) == (None, None)
    assert (old.foreign_language, old.evidence["text"].foreign_language) == (None, None)
    assert (old.warnings, old.evidence["text"].warnings) == ((), ())
    assert old.emotion == "happy"


@pytest.mark.parametrize("confused", [-0.1, 1.1, math.nan])
def test_an_impossible_confusion_is_refused(confused):
    with pytest.raises(ValueError, match="confused"):
        Evidence("text", {"happy": 1.0}, confused=confused)
    with pytest.raises(ValueError, match="confused"):
        EmotionEstimate.from_probabilities({"happy": 1.0}, {}, confused=confused)


@given(distributions())
def test_sentiments_share_the_whole(probabilities):
    shares = sentiments(probabilities)
    assert tuple(shares) == SENTIMENTS
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert sentiment(probabilities) in SENTIMENTS


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ({"angry": 0.3, "fear": 0.3, "happy": 0.4}, "negative"),
        ({"calm": 0.4, "happy": 0.3, "neutral": 0.3}, "positive"),
        ({"surprise": 0.6, "happy": 0.4}, "neutral"),
        ({"happy": 0.5, "sad": 0.5}, "neutral"),
        ({}, UNKNOWN),
    ],
)
def test_sentiment_is_that_of_the_whole_distribution(probabilities, expected):
    assert sentiment(probabilities) == expected


def test_an_estimate_has_a_sentiment_also_where_it_is_too_unsure():
    estimate = EmotionEstimate.from_probabilities({"angry": 0.3, "sad": 0.3, "happy": 0.4}, {}, min_confidence=0.5)
    assert (estimate.emotion, estimate.sentiment) == (UNKNOWN, "negative")
    assert estimate.to_dict()["sentiment"] == "negative"
    assert EmotionEstimate.unknown().to_dict()["sentiment"] == UNKNOWN


def test_too_unsure_an_estimate_is_unknown_but_keeps_its_probabilities():
    probabilities = dict.fromkeys(EMOTIONS, 1 / 8)
    estimate = EmotionEstimate.from_probabilities(probabilities, {}, min_confidence=0.3)
    assert estimate.emotion == UNKNOWN
    assert estimate.probabilities == probabilities
    assert EmotionEstimate.unknown().probabilities == {}


@pytest.mark.parametrize(
    ("modality", "probabilities", "reliability", "complaint"),
    [
        ("smell", {"happy": 1.0}, 1.0, "smell"),
        ("text", {"bored": 1.0}, 1.0, "bored"),
        ("text", {"happy": 0.4}, 1.0, "sum to 1"),
        ("text", {"happy": math.nan}, 1.0, "finite"),
        ("text", {"happy": 2.0, "sad": -1.0}, 1.0, "not negative"),
        ("text", {"happy": 1.0}, 1.5, "1.5"),
    ],
)
def test_impossible_evidence_is_refused(modality, probabilities, reliability, complaint):
    with pytest.raises(ValueError, match=complaint):
        Evidence(modality, probabilities, reliability)
