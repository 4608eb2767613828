"""A small model learns from a large one's answers to sentences of any labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import softmax
from rasa_emotion.training.text.build import inner_rows
from rasa_emotion.training.text.data import read_sources, tokenize
from rasa_emotion.training.text.model import TextEmotionModel, save_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.provenance import PROVENANCE, provenance
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.score import cross_validate
from rasa_emotion.training.text.teacher import read_taught_sources
from rasa_emotion.training.text.train import load_rows


@pytest.fixture
def recipe(tiny_model: TextEmotionModel, tmp_path: Path) -> Recipe:
    """Two files, one of whose labels are a teacher's."""
    save_model(tiny_model, tmp_path / "teacher")
    (tmp_path / "teacher" / PROVENANCE).write_text('["meld", "someone/mpnet"]')
    for name, emotion in (("own.csv", "happy"), ("other.csv", "anything")):
        (tmp_path / name).write_text("text,emotion\n" + "".join(f"sentence {i},{emotion}\n" for i in range(10)))
    sources = (Source("own.csv"), Source("other.csv", teacher=str(tmp_path / "teacher")))
    return Recipe(train=sources, labels=EMOTIONS, inner_share=0.5)


def test_the_teachers_answers_are_the_labels(recipe: Recipe, tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    own, taught = read_taught_sources(recipe, tmp_path, tmp_path)
    assert own == read_sources(recipe, tmp_path, tmp_path)[0]
    answers = softmax(predict(tiny_model, tokenize([replace(row, target={}) for row in own], recipe)))
    assert np.allclose([[row.target[emotion] for emotion in EMOTIONS] for row in taught], answers, atol=1e-6)
    assert [row.text for row in taught] == [row.text for row in own]


def test_nothing_is_chosen_by_them(recipe: Recipe, tmp_path: Path) -> None:
    kept, held = load_rows(recipe, tmp_path, tmp_path)
    assert [row.source for row in held] == [0] * 5
    assert [row.target for row in inner_rows(recipe, tmp_path, tmp_path)] == [{"happy": 1.0}] * 5
    assert [row.source for row in kept] == [0] * 5 + [1] * 10
    with pytest.raises(ConfigError, match="has seen every fold"):
        cross_validate(recipe, tmp_path, tmp_path / "out", beside=tmp_path, folds=2)


def test_what_stands_behind_the_teacher_stands_behind_the_pupil(recipe: Recipe) -> None:
    assert provenance(recipe) == ["meld", "minilm", "other.csv", "own.csv", "someone/mpnet"]


def test_a_teacher_that_does_not_fit_is_named(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the recipe the same `labels`"):
        read_taught_sources(replace(recipe, labels=("happy", "sad")), tmp_path, tmp_path)
    with pytest.raises(ConfigError, match="takes none"):
        read_taught_sources(replace(recipe, multi_label=True), tmp_path, tmp_path)
    with pytest.raises(ConfigError, match="reads 128 tokens at most"):
        read_taught_sources(replace(recipe, max_tokens=129), tmp_path, tmp_path)
    missing = (replace(recipe.train[1], teacher=str(tmp_path / "nobody")),)
    with pytest.raises(ConfigError, match="No trained text model at"):
        read_taught_sources(replace(recipe, train=missing), tmp_path, tmp_path)
