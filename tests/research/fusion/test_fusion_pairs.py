import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import MODALITIES
from rasa_emotion.fusion.trust import TRUST, share
from research.fusion.material import CLEAN
from research.fusion.pairs import ABSENT, ANY, opposed, pair
from research.fusion.shipped import evidence


def test_pairs_never_cross_parts_and_share_the_label(voices, words):
    pairs = pair(voices, words, neutral_share=0.0)
    assert (words.parts[pairs.sentences] == pairs.parts).all()
    assert (words.labels[pairs.sentences] == pairs.labels).all()
    assert (pairs.labels == voices.labels[pairs.clips]).all()


def test_a_share_of_the_words_is_neutral_whatever_the_voice_says(voices, words):
    pairs = pair(voices, words, neutral_share=0.25)
    angry = pairs.labels == EMOTIONS.index("angry")
    neutral = words.labels[pairs.sentences[angry]] == EMOTIONS.index("neutral")
    assert 0.1 < neutral.mean() < 0.4


def test_opposed_pairs_have_the_emotions_that_were_asked_for(voices, words):
    pairs = opposed(voices, words, frozenset({"angry", "disgust"}), frozenset({"happy", "calm"}))
    assert {EMOTIONS[label] for label in pairs.labels} == {"angry", "disgust"}
    assert {EMOTIONS[label] for label in words.labels[pairs.sentences]} == {"happy", "calm"}
    assert (words.parts[pairs.sentences] == pairs.parts).all()


def test_any_condition_is_undisturbed_in_about_half_of_the_pairs(voices, words):
    pairs = pair(voices, words, neutral_share=0.0).under(heard=ANY, read=ANY)
    assert 0.5 < (pairs.heard == CLEAN).mean() < 0.8
    assert set(pairs.heard) == set(range(len(voices.conditions)))
    assert set(pairs.read) == set(range(len(words.conditions)))


def test_an_absent_modality_has_no_opinion_and_no_pair_lacks_both(voices, words):
    pairs = pair(voices, words, neutral_share=0.0).with_gaps(0.2)
    assert pairs.present.any(axis=0).all()
    assert 0.1 < (~pairs.present).mean() < 0.3
    assert pairs.probabilities[~pairs.present] == pytest.approx(1 / 8)


def test_without_a_voice_the_words_are_what_counts(voices, words):
    pairs = pair(voices, words, neutral_share=1.0)
    assert (pairs.under(heard=ABSENT).labels == EMOTIONS.index("neutral")).all()


def test_shares_of_measurements_are_those_of_the_evidence(voices, words):
    pairs = pair(voices, words, neutral_share=0.0).under(heard=ANY, read=ANY)
    for row, pieces in list(enumerate(evidence(pairs)))[::50]:
        for name, quantity in TRUST.items():
            piece = pieces[MODALITIES.index(quantity.modality)]
            assert pairs.shares[name][row] == pytest.approx(share(quantity, piece))


def test_rows_are_chosen_together(voices, words):
    pairs = pair(voices, words, neutral_share=0.0)
    half = pairs.where(np.arange(len(pairs.labels)) % 2 == 0)
    assert (half.labels == pairs.labels[::2]).all()
    assert (half.probabilities == pairs.probabilities[:, ::2]).all()
