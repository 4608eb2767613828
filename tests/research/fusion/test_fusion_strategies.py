import numpy as np
import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import calibration_error, unweighted_accuracy
from research.fusion.material import PARTS
from research.fusion.pairs import ABSENT, ANY, pair
from research.fusion.shipped import degraded
from research.fusion.strategies import (
    METHODS,
    Recipe,
    cross_fitted,
    cross_fused,
    fit,
    read_recipe,
    shipped_recipes,
)
from research.fusion.weighted import Product, fit_product

SMALL = {"early": {"width": 8, "epochs": 2}, "attention": {"width": 8, "epochs": 1}}


def recipe_of(method, **options):
    return Recipe(
        method,
        method,
        method,
        options or {"product": {"trust": True}, "stacked": {"strength": 0.01}, **SMALL}.get(method, {}),
    )


def ua(pairs, probabilities):
    return unweighted_accuracy(pairs.labels, probabilities.argmax(axis=1))


@pytest.mark.parametrize("method", METHODS)
def test_every_strategy_gives_probabilities_also_where_a_modality_is_absent(voices, words, method):
    pairs = pair(voices, words, neutral_share=0.25)
    strategy = fit(recipe_of(method), degraded(pairs))
    for scored in (pairs, pairs.under(heard=ABSENT), pairs.under(read=ABSENT)):
        fused = strategy.fuse(scored)
        assert fused.shape == (len(pairs.labels), 8)
        assert fused.sum(axis=1) == pytest.approx(1)
        assert (fused >= 0).all()


@pytest.mark.parametrize("method", ["product", "average", "stacked"])
def test_fusion_beats_both_modalities_on_what_was_not_fitted(voices, words, method):
    pairs = pair(voices, words, neutral_share=0.0).under(read=1)  # both about equally good
    fused = cross_fused(cross_fitted(recipe_of(method), pairs), pairs)
    assert ua(pairs, fused) > max(ua(pairs, pairs.probabilities[m]) for m in range(2))


def test_the_product_is_calibrated_on_what_was_not_fitted(voices, words):
    pairs = pair(voices, words, neutral_share=0.25)
    fused = cross_fused(cross_fitted(recipe_of("product"), pairs), pairs)
    assert calibration_error(pairs.labels, fused) < calibration_error(pairs.labels, pairs.probabilities[0])
    assert calibration_error(pairs.labels, fused) < 0.1


def test_early_fusion_learns(voices, words):
    pairs = pair(voices, words, neutral_share=0.25)
    warm = fit(recipe_of("early", start="warm", width=16, epochs=8, learning_rate=0.01), pairs)
    assert ua(pairs, warm.fuse(pairs)) > 0.7


def test_attention_sees_no_state_behind_the_end(voices, words):
    pairs = pair(voices, words, neutral_share=0.0)
    pairs = pairs.where(np.arange(len(pairs.labels)) < 64)
    strategy = fit(recipe_of("attention"), pairs)
    before = strategy.fuse(pairs)
    behind = np.arange(voices.states.shape[2]) >= voices.lengths[..., None]
    kept = voices.states[behind].copy()
    voices.states[behind] = 9
    after = strategy.fuse(pairs)
    voices.states[behind] = kept
    assert after == pytest.approx(before, abs=1e-6)


def test_a_pretrained_start_leaves_the_branches_alone_and_a_warm_one_tunes_them(voices, words):
    pairs = pair(voices, words, neutral_share=0.0)
    networks = {
        epochs: {
            start: fit(recipe_of("early", start=start, width=8, epochs=epochs), pairs).network
            for start in ("pretrained", "warm")
        }
        for epochs in (1, 2)
    }

    def branches(epochs, start):
        return np.concatenate([p.detach().numpy().ravel() for p in networks[epochs][start].branches.parameters()])

    assert (branches(1, "pretrained") == branches(2, "pretrained")).all()
    assert (branches(1, "warm") != branches(2, "warm")).any()


def test_the_less_noisy_modality_gets_the_greater_weight(voices, words):
    product = fit_product(pair(voices, words, neutral_share=0.0), trust=False)
    voice, read = product.weights
    assert read > voice > 0
    assert voice + read == pytest.approx(1)


def test_what_makes_a_modality_worse_gets_a_power(voices, words):
    pairs = pair(voices, words, neutral_share=0.25).under(heard=ANY, read=ANY)
    by_trust = fit_product(pairs, trust=True)
    assert by_trust.powers["snr"] > 0.1
    assert by_trust.powers["recogniser"] > 0.1
    plain = fit_product(pairs, trust=False)
    assert isinstance(plain, Product)
    assert ua(pairs, by_trust.fuse(pairs)) > ua(pairs, plain.fuse(pairs))


def test_no_part_is_fused_by_what_was_fitted_on_it(voices, words, monkeypatch):
    pairs = pair(voices, words, neutral_share=0.0)
    seen = []
    monkeypatch.setitem(METHODS, "average", lambda found: seen.append(set(found.parts)))
    cross_fitted(recipe_of("average"), pairs)
    assert [set(range(PARTS)) - parts for parts in seen] == [{0}, {1}, {2}, {3}, {4}]


def test_each_strategy_has_a_recipe_and_networks_have_three_starts():
    recipes = shipped_recipes()
    assert {recipe.method for recipe in recipes} == set(METHODS)
    assert len({recipe.title for recipe in recipes}) == len(recipes)
    for method in ("early", "attention"):
        starts = {recipe.options["start"] for recipe in recipes if recipe.method == method}
        assert starts == {"cold", "pretrained", "warm"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title: x", "lacks 'title' or 'method'"),
        ("[1, 2]", "lacks 'title' or 'method'"),
        ("title: x\nmethod: magic", "'magic'"),
        ("{", "cannot be read"),
    ],
)
def test_a_recipe_that_is_none_is_refused(tmp_path, text, complaint):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        read_recipe(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_recipe(tmp_path / "absent.yaml")


def test_an_option_or_start_that_does_not_exist_is_refused(voices, words):
    pairs = pair(voices, words, neutral_share=0.0)
    with pytest.raises(ConfigError, match="options that do not fit"):
        fit(recipe_of("average", sharpness=2), pairs)
    with pytest.raises(ConfigError, match="no start 'hot'"):
        fit(recipe_of("early", start="hot"), pairs)
