"""Heads: balanced weights, several seeds as one network, and a class that can be told is told."""

from dataclasses import replace

import numpy as np
import pytest

from rasa_emotion.acoustic.heads import OtherHead
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import softmax
from rasa_emotion.training.voice.features import Rows
from rasa_emotion.training.voice.heads import (
    ORDINARY,
    Fitted,
    Head,
    HeadRecipe,
    fit_head,
    merged,
    on_embedding,
    row_weights,
    with_prior,
)

QUICK = HeadRecipe(hidden=16, epochs=12, batch=32, lr=0.01, seeds=(1, 2), mixup=0.0)


def rows(count: int = 400, size: int = 12) -> Rows:
    random = np.random.default_rng(0)
    emotion = random.integers(0, 8, count)
    statistics = random.normal(3, 2, (count, size)).astype(np.float32)
    statistics[np.arange(count), emotion] += 9
    corpus = np.where(np.arange(count) % 4 == 0, "ravdess", "tess")
    text = np.array([f"r{i}" for i in range(count)])
    return Rows(
        statistics, emotion, corpus, np.full(count, "clean"), text, text, np.arange(count) % 5, corpus == "tess"
    )


def test_the_emotions_of_a_corpus_weigh_alike_and_corpora_as_the_recipe_says() -> None:
    own = rows()
    weights = row_weights(own, QUICK)
    assert weights.mean() == pytest.approx(1)
    for corpus in ("ravdess", "tess"):
        sums = [weights[(own.corpus == corpus) & (own.emotion == e)].sum() for e in range(8)]
        assert max(sums) == pytest.approx(min(sums))
    totals = [weights[own.corpus == corpus].sum() for corpus in ("ravdess", "tess")]
    assert totals[0] / totals[1] == pytest.approx(1.0 / 0.15)


def test_what_can_be_told_is_told() -> None:
    own = rows()
    fitted = fit_head(own.where(own.fold != 0), QUICK)
    test = own.where(own.fold == 0)
    assert (fitted.logits(test.statistics).argmax(axis=1) == test.emotion).mean() > 0.9


def test_ordinary_speech_may_be_called_neutral_or_calm() -> None:
    own = rows()
    neutral, calm = (EMOTIONS.index(name) for name in ("neutral", "calm"))
    level = np.isin(own.emotion, (neutral, calm))
    asked = Rows(
        **{
            **vars(own),
            "corpus": np.where(level, "digits", own.corpus),
            "emotion": np.where(level, neutral, own.emotion),
        }
    )
    either, named = (
        softmax(fit_head(asked, replace(QUICK, either=corpora)).logits(own.statistics[level]))
        for corpora in (ORDINARY, ())
    )
    assert (either[:, [neutral, calm]].sum(axis=1) > 0.5).mean() > 0.9
    assert (named.argmax(axis=1) == neutral).all()
    assert either[:, calm].mean() > 5 * named[:, calm].mean()


def test_merged_seeds_say_the_mean_of_what_they_say() -> None:
    own = rows(80)
    fitted = [fit_head(own, HeadRecipe(hidden=8, epochs=1, seeds=(seed,))) for seed in (1, 2, 3)]
    together = merged([one.head for one in fitted])
    apart = np.mean([one.logits(own.statistics) for one in fitted], axis=0)
    same = type(fitted[0])(fitted[0].mean, fitted[0].deviation, together)
    np.testing.assert_allclose(same.logits(own.statistics), apart, atol=1e-4)


def test_priors_move_neutral_half_as_much_calm_and_angry() -> None:
    own = rows(80)
    fitted = fit_head(own, HeadRecipe(hidden=8, epochs=1, seeds=(1,)))
    before = fitted.logits(own.statistics)
    with_prior(fitted.head, 1.0, 0.25)
    moved = (fitted.logits(own.statistics) - before).mean(axis=0)
    np.testing.assert_allclose(moved, [0.25, 0.5, 0, 0, 0, 1, 0, 0], atol=1e-5)


def test_a_folds_head_says_on_the_shipped_embedding_what_it_said() -> None:
    own = rows()
    shipped, other = fit_head(own, QUICK), fit_head(own.where(own.fold > 1), QUICK)

    class Embedding:
        def run(self, outputs: object, sounds: object) -> list[np.ndarray]:  # type: ignore[type-arg]
            return [(own.statistics - shipped.mean) / shipped.deviation]

    found = OtherHead(Embedding(), on_embedding(other, shipped.mean, shipped.deviation)).run(["logits"], [])[0]
    np.testing.assert_allclose(found, other.logits(own.statistics), atol=1e-3)


def test_a_head_reads_the_embedding_as_it_comes() -> None:
    head = Head(4, 3).eval()
    mean, deviation = np.arange(4, dtype=np.float32), np.full(4, 2, np.float32)
    fitted = Fitted(mean, deviation, head)
    statistics = np.random.default_rng(0).normal(0, 3, (5, 4)).astype(np.float32)
    weights = on_embedding(fitted)
    hidden = np.maximum(statistics @ weights["hidden.weight"] + weights["hidden.bias"], 0)
    said = statistics @ weights["weight"] + weights["bias"] + hidden @ weights["out.weight"]
    np.testing.assert_allclose(said, fitted.logits(statistics), atol=1e-4)
