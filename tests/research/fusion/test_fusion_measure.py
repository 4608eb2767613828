"""What is measured of a fusion: conflicts, irony, curves and the sets that are scored."""

import numpy as np
import pytest

from rasa_emotion.fusion.conflict import CONFLICTS
from research.fusion.measure import evaluation_sets, flags, irony, roc
from research.fusion.pairs import opposed, pair
from research.fusion.shipped import cross_fit_fusion


@pytest.fixture(scope="module")
def agreeing(voices, words):
    return pair(voices, words, neutral_share=0.0)


def test_conflicts_are_told_from_agreement_on_parts_that_no_threshold_saw(voices, words, agreeing):
    ships = cross_fit_fusion(pair(voices, words, neutral_share=0.25), agreeing)
    contrary = opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words)
    found, false = (flags("sarcastic", pairs, ships).flagged.mean() for pairs in (contrary, agreeing))
    assert found > 0.4
    assert false < 0.1


def test_irony_is_told_of_the_pairs_that_were_flagged(voices, words, agreeing):
    found = irony(voices, words, cross_fit_fusion(pair(voices, words, neutral_share=0.25), agreeing))["irony"]
    assert found["label is the voice's, of the flagged"] >= found["label is the voice's"]
    assert all(0 <= share <= 1 for share in found.values())
    assert found["label is angry or disgust"] > found["without conflicts: label is angry or disgust"]


def test_a_curve_rises_from_nothing_to_everything():
    rng = np.random.default_rng(0)
    points = np.array(roc(rng.random(500), 0.5 + rng.random(500)))
    assert (np.diff(points, axis=0) >= 0).all()
    assert points[-1].tolist() == [1.0, 1.0]
    assert points[0][0] <= 0.01


def test_a_set_without_its_condition_is_left_out(voices, words):
    names = set(evaluation_sets(voices, words))
    assert {"noise, 5 dB", "first second", "recogniser, 20% wrong", "no voice", "no words"} <= names
    assert "telephone" not in names
