"""A head on the embedding: what it learns, what it leaves alone, and what it says when it cannot be used."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.model_folder import shipped_models
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adaptation import adapt, fit, too_few
from rasa_emotion.text.adapter import ABOUT_FILE, WEIGHTS_FILE, Adapter, load_adapter

WIDTH = 6


@st.composite
def problems(draw):
    """Embeddings, labels of two emotions or more, and the model's own probabilities."""
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    counts = draw(st.dictionaries(st.integers(0, 7), st.integers(1, 10), min_size=2))
    labels = np.repeat(list(counts), list(counts.values()))
    own = random.dirichlet(np.ones(len(EMOTIONS)) * draw(st.sampled_from([0.01, 1.0])), len(labels))
    return random.normal(size=(len(labels), WIDTH)) * draw(st.sampled_from([0.0, 0.1, 30.0])), labels, own


@given(problems())
def test_what_comes_out_are_probabilities_and_the_others_keep_theirs(problem):
    embeddings, labels, own = problem
    adapter = fit(embeddings, labels, own)
    found = adapter.probabilities(embeddings, own)
    others = [number for number, emotion in enumerate(EMOTIONS) if emotion not in adapter.emotions]
    assert adapter.emotions == tuple(EMOTIONS[number] for number in sorted(set(labels)))
    assert 0 <= adapter.blend < 1
    assert found.shape == own.shape
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(found[:, others], own[:, others])
    np.testing.assert_allclose(adapter.probabilities(embeddings[0], own[0]), found[0])


def separable(per_emotion, random, *, emotions=8):
    """Embeddings in which each emotion has a direction of its own, and a model that knows nothing."""
    labels = np.repeat(np.arange(emotions), per_emotion)
    embeddings = np.eye(16)[labels] * 3 + random.normal(size=(len(labels), 16))
    return embeddings, labels, np.full((len(labels), len(EMOTIONS)), 1 / len(EMOTIONS))


@pytest.mark.parametrize("emotions", [2, 8])
def test_a_head_learns_what_the_model_does_not_know(emotions):
    random = np.random.default_rng(0)
    embeddings, labels, own = separable(40, random, emotions=emotions)
    shown = np.arange(len(labels)) % 40 < 8
    adapter = fit(embeddings[shown], labels[shown], own[shown])
    found = adapter.probabilities(embeddings[~shown], own[~shown]).argmax(1)
    assert (found == labels[~shown]).mean() > 0.8


def test_a_model_that_is_right_is_trusted():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 12)
    right = np.full((len(labels), 8), 0.02) + 0.84 * np.eye(8)[labels]
    noise = random.normal(size=(len(labels), 16))
    assert fit(noise, labels, right).blend == 0


@pytest.mark.parametrize(("per_emotion", "blend"), [(2, 0.2), (4, 0.3333), (7, 0.4667)])
def test_few_examples_are_blended_by_rule(per_emotion, blend):
    assert fit(*separable(per_emotion, np.random.default_rng(0))).blend == blend


def test_the_blend_grows_with_the_examples():
    blends = [fit(*separable(n, np.random.default_rng(0))).blend for n in (2, 8, 16)]
    assert blends == sorted(set(blends))
    assert blends[-1] <= 16 / 20


def test_what_was_learned_is_kept_as_numbers_and_words(tmp_path):
    adapter = fit(*separable(3, np.random.default_rng(0)), model="abc")
    adapter.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [ABOUT_FILE, WEIGHTS_FILE]
    found = load_adapter(tmp_path, "abc")
    assert (found.emotions, found.blend, found.examples) == (adapter.emotions, adapter.blend, 24)
    np.testing.assert_array_equal(found.weights, adapter.weights)
    np.testing.assert_array_equal(found.bias, adapter.bias)


def test_a_folder_without_a_head_has_none(tmp_path):
    assert load_adapter(tmp_path, "abc") is None


def test_a_head_of_another_model_is_refused(tmp_path):
    fit(*separable(3, np.random.default_rng(0)), model="abc").save(tmp_path)
    with pytest.raises(ModelError, match="another text model than the one in use; run `rasa train` again"):
        load_adapter(tmp_path, "def")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (ABOUT_FILE, "{"),
        (ABOUT_FILE, "{}"),
        (ABOUT_FILE, json.dumps({"emotions": ["angry"], "blend": 0.5, "model": "abc", "examples": 4})),
        (ABOUT_FILE, json.dumps({"emotions": ["cross"] * 8, "blend": 0.5, "model": "abc", "examples": 4})),
        (WEIGHTS_FILE, "no numbers"),
        (WEIGHTS_FILE, None),
    ],
)
def test_a_broken_head_is_refused(tmp_path, file, content):
    fit(*separable(3, np.random.default_rng(0)), model="abc").save(tmp_path)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(ModelError, match=r"cannot be read \(.+\); run `rasa train` again"):
        load_adapter(tmp_path, "abc")


def test_a_head_that_was_cut_short_is_refused(tmp_path):
    fit(*separable(3, np.random.default_rng(0)), model="abc").save(tmp_path)
    stored = (tmp_path / "emotion_adapter.npz").read_bytes()
    for length in (0, 40, len(stored) // 2, len(stored) - 30):
        (tmp_path / "emotion_adapter.npz").write_bytes(stored[:length])
        with pytest.raises(ModelError, match="run `rasa train` again"):
            load_adapter(tmp_path, "abc")


@pytest.mark.parametrize(
    ("emotions", "counts"),
    [([], "none"), (["angry"] * 9, "9 angry"), (["happy", "angry", "angry"], "2 angry, 1 happy")],
)
def test_too_few_examples_are_counted(emotions, counts):
    assert f"The examples with an emotion ({counts}) are too few" in too_few(emotions)


def test_enough_examples_lack_nothing():
    assert too_few(["angry", "angry", "angry", "happy"]) == ""


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    return TextClassifier.load(shipped_models() / "text")


def test_a_classifier_learns_a_word_of_the_house(classifier):
    """In this shop a crimson parcel is a disaster, and a teal one a delight."""
    examples = [
        (text.format(colour), emotion)
        for colour, emotion in (("crimson", "angry"), ("teal", "happy"))
        for text in ("My parcel came in {}.", "It is {} again.", "So I got a {} one.", "They sent {}, you know.")
    ]
    adapted = classifier.adapted(adapt(classifier, examples))

    def odds(model: TextClassifier, colour: str) -> float:
        found = model.classify(f"The box at my door is {colour}.").probabilities
        return found["angry"] / found["happy"]

    assert odds(adapted, "teal") < 1 < odds(adapted, "crimson")
    apart, apart_before = (odds(model, "crimson") / odds(model, "teal") for model in (adapted, classifier))
    assert apart > 1.5 * apart_before
    before, after = (model.classify("The box at my door is crimson.") for model in (classifier, adapted))
    assert after.probabilities["neutral"] == pytest.approx(before.probabilities["neutral"], abs=1e-5)
    assert sum(after.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert (after.reliability, after.confused) == (before.reliability, before.confused)


@pytest.mark.parametrize(
    ("examples", "sentence"),
    [
        ([("Hello.", "cross")] * 4, "The example 'Hello.' has the emotion 'cross'; choose from angry, "),
        ([("Hello.", "neutral")], "The examples with an emotion (1 neutral) are too few"),
        ([("Hello.", "neutral")] * 3 + [("...", "angry")], "The example '...' holds no word"),
    ],
)
def test_what_cannot_teach_is_refused(classifier, examples, sentence):
    with pytest.raises(ConfigError) as refusal:
        adapt(classifier, examples)
    assert sentence in str(refusal.value)


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ConfigError, match=r"needs sklearn, .*\[train\]', or use an environment"):
        fit(*separable(4, np.random.default_rng(0)))


def test_an_adapter_is_an_opinion_among_those_it_knows():
    head = Adapter(("angry", "happy"), np.array([[1.0], [-1.0]]), np.zeros(2), 1.0, "", 8)
    own = np.array([0.1, 0.0, 0.0, 0.0, 0.3, 0.6, 0.0, 0.0])
    found = head.probabilities(np.array([50.0]), own)
    np.testing.assert_allclose(found, [0.4, 0, 0, 0, 0, 0.6, 0, 0], atol=1e-9)
