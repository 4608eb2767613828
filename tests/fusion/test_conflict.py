from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.estimate import Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.conflict import CONFLICTS, conflict_kind, conflict_scores

FUSION = Fusion({"acoustic": 0.6, "text": 0.4}, 0.6, 0.0, {"sarcastic": 0.3, "masked": 0.5})
VALUES = st.lists(st.floats(0.001, 1), min_size=16, max_size=16)


def heard_and_read(voice, words, voice_sure=0.9, words_sure=0.9):
    def says(modality, emotion, sure):
        rest = (1 - sure) / 7
        return Evidence(modality, {name: sure if name == emotion else rest for name in EMOTIONS})

    return [says("acoustic", voice, voice_sure), says("text", words, words_sure)]


def as_evidence(values):
    both = np.array(values).reshape(2, 8)
    return [
        Evidence(modality, as_probabilities(row / row.sum()))
        for modality, row in zip(("acoustic", "text"), both, strict=True)
    ]


@pytest.mark.parametrize(
    ("voice", "words", "kind"),
    [
        ("angry", "happy", "sarcastic"),
        ("disgust", "happy", "sarcastic"),
        ("disgust", "calm", "sarcastic"),
        ("happy", "angry", "masked"),
        ("calm", "sad", "masked"),
        ("happy", "fear", "masked"),
        ("angry", "neutral", None),
        ("happy", "neutral", None),
        ("neutral", "happy", None),
        ("neutral", "angry", None),
        ("angry", "sad", None),
        ("angry", "angry", None),
        ("happy", "calm", None),
        ("sad", "happy", None),
    ],
)
def test_what_a_disagreement_likely_means(voice, words, kind):
    estimate = FUSION.fuse(heard_and_read(voice, words))
    assert (estimate.conflict_kind, estimate.conflict) == (kind, kind is not None)


def test_an_unsure_side_makes_no_conflict():
    assert not FUSION.fuse(heard_and_read("angry", "happy", voice_sure=0.2)).conflict
    assert not FUSION.fuse(heard_and_read("angry", "happy", words_sure=0.2)).conflict


def test_what_was_hardly_heard_makes_no_conflict():
    heard, read = heard_and_read("angry", "happy")
    faint = Evidence("acoustic", heard.probabilities, reliability=0.1)
    assert not FUSION.fuse([faint, read]).conflict
    assert not FUSION.fuse([read]).conflict


def test_the_voice_tells_irony_and_either_side_may_tell_what_is_masked():
    assert FUSION.fuse(heard_and_read("angry", "happy", 0.6, 0.99)).emotion == "angry"
    assert FUSION.fuse(heard_and_read("calm", "sad", 0.99, 0.7)).emotion == "calm"
    masked = FUSION.fuse(heard_and_read("calm", "sad", 0.8, 0.99))
    assert (masked.emotion, masked.conflict_kind, masked.probabilities["neutral"]) == ("sad", "masked", 0)


@given(VALUES, st.sampled_from(["angry", "disgust"]), st.floats(3, 9))
def test_no_flagged_irony_ends_in_neutral_or_in_what_the_words_say(values, voice, stress):
    raised = np.array(values)
    raised[EMOTIONS.index(voice)] += stress
    raised[8 + EMOTIONS.index("happy")] += 4
    estimate = FUSION.fuse(as_evidence(raised))
    assume(estimate.conflict_kind == "sarcastic")
    assert estimate.emotion not in {"neutral", *CONFLICTS["sarcastic"].words}
    assert estimate.probabilities["neutral"] == 0


@given(VALUES)
def test_averaging_makes_nobody_neutral(values):
    pieces = as_evidence(values)
    assume("neutral" not in {piece.emotion for piece in pieces})
    assert FUSION.fuse(pieces).emotion != "neutral"


def test_two_who_do_not_think_first_of_neutral_do_not_end_there():
    voice = {"angry": 0.5, "neutral": 0.45, "sad": 0.05}
    words = {"surprise": 0.48, "neutral": 0.46, "fear": 0.06}
    assert FUSION.fuse([Evidence("acoustic", voice), Evidence("text", words)]).emotion == "angry"


@given(VALUES)
def test_scores_are_probabilities_of_pairs(values):
    both = np.array(values).reshape(2, 8)
    scores = conflict_scores(both / both.sum(axis=1, keepdims=True))
    assert set(scores) == set(CONFLICTS)
    assert all(0 <= score <= 1 for score in scores.values())
    assert sum(scores.values()) <= 1 + 1e-9


def test_a_kind_without_a_threshold_is_never_found():
    both = np.zeros((2, 8))
    both[0, EMOTIONS.index("angry")] = both[1, EMOTIONS.index("happy")] = 1
    assert conflict_kind(both, {"sarcastic": 1.0}) == "sarcastic"
    assert conflict_kind(both, {"masked": 0.1}) is None
    assert conflict_kind(both, {}) is None


def test_a_level_voice_does_not_outvote_words_that_name_a_feeling():
    heard = heard_and_read("neutral", "angry", 0.97, 0.9)
    assert FUSION.fuse(heard).emotion == "neutral"
    estimate = replace(FUSION, level=0.7).fuse(heard)
    assert (estimate.emotion, estimate.conflict, estimate.probabilities["neutral"]) == ("angry", False, 0)


@pytest.mark.parametrize("calm", [0.02, 0.43, 0.7, 0.9, 0.96])
def test_a_voice_between_neutral_and_calm_is_level(calm):
    """Also one so calm that angry words are a conflict."""
    voice = Evidence("acoustic", {"neutral": 0.98 - calm, "calm": calm, "fear": 0.02})
    read = Evidence("text", {"angry": 0.94, "calm": 0.03, "neutral": 0.03})
    estimate = replace(FUSION, level=0.85).fuse([voice, read])
    assert estimate.emotion == "angry"
    assert estimate.probabilities["neutral"] == estimate.probabilities["calm"] == 0


@pytest.mark.parametrize(("words", "sure"), [("angry", 0.5), ("neutral", 0.9), ("happy", 0.9), ("surprise", 0.9)])
def test_doubtful_words_and_other_feelings_are_pooled_as_ever(words, sure):
    heard = heard_and_read("neutral", words, 0.97, sure)
    assert replace(FUSION, level=0.7).fuse(heard) == FUSION.fuse(heard)


def test_what_was_hardly_heard_is_no_level_voice():
    heard, read = heard_and_read("neutral", "angry", 0.97, 0.9)
    faint = Evidence("acoustic", heard.probabilities, reliability=0.05)
    assert replace(FUSION, level=0.7).fuse([faint, read]).emotion == "angry"
