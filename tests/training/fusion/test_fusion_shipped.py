import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.fusion.conflict import CONFLICTS
from rasa_emotion.training.fusion.measure import evaluation_sets, flags, irony, roc
from rasa_emotion.training.fusion.pairs import ANY, opposed, pair
from rasa_emotion.training.fusion.shipped import (
    MAX_FALSE_CONFLICTS,
    Shipped,
    cross_fit_fusion,
    fit_fusion,
    scored,
    threshold,
    trusted,
)
from rasa_emotion.training.fusion.strategies import Product


@pytest.fixture(scope="module")
def agreeing(voices, words):
    return pair(voices, words, neutral_share=0.0)


@pytest.fixture(scope="module")
def fusion(voices, words, agreeing):
    return fit_fusion(pair(voices, words, neutral_share=0.25), agreeing)


def test_what_is_measured_is_what_runs(voices, words, fusion):
    pairs = pair(voices, words, neutral_share=0.25).under(heard=ANY, read=ANY)
    estimates = Shipped(fusion).estimates(pairs)
    product = Product(np.array([fusion.weights["acoustic"], fusion.weights["text"]]), fusion.temperature, fusion.powers)
    plain = product.fuse(pairs)
    for estimate, row in zip(estimates[::7], plain[::7], strict=True):
        fused = np.array([estimate.probabilities[emotion] for emotion in EMOTIONS])
        if not estimate.conflict and plain.argmax() != EMOTIONS.index("neutral") and fused.argmax() == row.argmax():
            assert fused == pytest.approx(row, abs=1e-4)


def test_scores_are_those_that_the_fusion_flags_by(voices, words, fusion):
    pairs = opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words).under(heard=ANY)
    scores = scored(pairs, fusion.powers)
    above = np.stack([scores[kind] >= fusion.conflicts[kind] for kind in CONFLICTS]).any(axis=0)
    flagged = np.array([estimate.conflict for estimate in Shipped(fusion).estimates(pairs)])
    assert (above == flagged).mean() > 0.995  # a score that differs in the last place
    assert trusted(pairs, fusion.powers).shape == (2, len(flagged))


def test_false_alarms_stay_below_what_is_allowed(fusion, agreeing):
    flagged = [estimate.conflict for estimate in Shipped(fusion).estimates(agreeing)]
    assert np.mean(flagged) <= MAX_FALSE_CONFLICTS


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.5])
def test_the_threshold_is_the_lowest_that_flags_no_more_than_the_share(share):
    scores = np.random.default_rng(0).random(997)
    limit = threshold(scores, share)
    assert (scores >= limit).mean() <= share
    assert (scores >= limit - 0.002).mean() >= share - 1e-9


def test_conflicts_are_told_from_agreement_on_parts_that_no_threshold_saw(voices, words, agreeing):
    ships = cross_fit_fusion(pair(voices, words, neutral_share=0.25), agreeing)
    contrary = opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words)
    found, false = (flags("sarcastic", pairs, ships).flagged.mean() for pairs in (contrary, agreeing))
    assert found > 0.4
    assert false < 0.1


def test_flagged_irony_never_ends_in_neutral(voices, words, agreeing):
    contrary = opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words)
    for ships in cross_fit_fusion(pair(voices, words, neutral_share=0.25), agreeing):
        estimates = ships.estimates(contrary)
        flagged = [estimate for estimate in estimates if estimate.conflict_kind]
        assert flagged
        assert not any(estimate.emotion == "neutral" for estimate in flagged)


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
