"""The tone follows the emotion, then its family."""

import pytest
from fake_analyzer import estimate

from rasa_emotion.conversation.tone import TONES, reply_tones
from rasa_emotion.estimate import EmotionEstimate


@pytest.mark.parametrize(
    ("emotion", "tones"),
    [
        ("angry", ("angry",)),
        ("sad", ("sad", "upset")),
        ("disgust", ("disgust", "upset")),
        ("fear", ("fear", "worried")),
        ("happy", ("happy", "pleased")),
        ("neutral", ("neutral",)),
    ],
)
def test_tones(emotion, tones):
    assert reply_tones(estimate(emotion)) == tones


def test_an_unsure_turn_gets_the_plain_reply():
    assert reply_tones(EmotionEstimate.unknown()) == ()
    assert reply_tones(estimate("angry", 0.6), min_confidence=0.7) == ()


def test_the_families():
    assert {"angry", "upset", "worried", "pleased"} == TONES
