from dataclasses import replace

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.fusion.conflict import CONFLICTS, LEVEL
from research.fusion.pairs import ANY, opposed, pair
from research.fusion.shipped import (
    MAX_FALSE_CONFLICTS,
    Shipped,
    cross_fit_fusion,
    fit_fusion,
    scored,
    threshold,
    trusted,
)
from research.fusion.weighted import Product


@pytest.fixture(scope="module")
def agreeing(voices, words):
    return pair(voices, words, neutral_share=0.0)


@pytest.fixture(scope="module")
def fusion(voices, words, agreeing):
    return fit_fusion(pair(voices, words, neutral_share=0.25), agreeing)


def test_what_is_measured_is_what_runs(voices, words, fusion):
    pairs = pair(voices, words, neutral_share=0.25).under(heard=ANY, read=ANY)
    estimates = Shipped(replace(fusion, level=None)).estimates(pairs)
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


def test_words_that_name_a_feeling_speak_in_a_level_voice(voices, words, fusion, agreeing):
    named = opposed(voices, words, LEVEL.voice, LEVEL.words)
    truth = words.labels[named.sentences]
    kept, outvoted = (
        Shipped(replace(fusion, level=level)).fuse(named).argmax(axis=1) for level in (fusion.level, None)
    )
    assert (kept == truth).mean() > (outvoted == truth).mean() + 0.1
    both = [Shipped(replace(fusion, level=level)).fuse(agreeing).argmax(axis=1) for level in (fusion.level, None)]
    assert (both[0] != both[1]).mean() <= MAX_FALSE_CONFLICTS / len(CONFLICTS)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.5])
def test_the_threshold_is_the_lowest_that_flags_no_more_than_the_share(share):
    scores = np.random.default_rng(0).random(997)
    limit = threshold(scores, share)
    assert (scores >= limit).mean() <= share
    assert (scores >= limit - 0.002).mean() >= share - 1e-9


def test_flagged_irony_never_ends_in_neutral(voices, words, agreeing):
    contrary = opposed(voices, words, CONFLICTS["sarcastic"].voice, CONFLICTS["sarcastic"].words)
    for ships in cross_fit_fusion(pair(voices, words, neutral_share=0.25), agreeing):
        estimates = ships.estimates(contrary)
        flagged = [estimate for estimate in estimates if estimate.conflict_kind]
        assert flagged
        assert not any(estimate.emotion == "neutral" for estimate in flagged)
