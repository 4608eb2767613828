"""Cross-validation and scores of a part, on tiny corpora."""

from dataclasses import replace
from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.model import TextEmotionModel, save_model
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.score import cross_validate, score

WORDS = {"joy": "lovely", "anger": "terrible", "sadness": "sorry"}
LABELS = tuple(WORDS)


@pytest.fixture
def recipe(tiny_model: TextEmotionModel, tmp_path: Path) -> Recipe:
    (tmp_path / "text").mkdir()
    single = [f"this is {word} {i}\t{label}" for i in range(12) for label, word in WORDS.items()]
    several = [f"this is {word} {i}\t{label}" for i in range(12) for label, word in WORDS.items()]
    several += [f"lovely and terrible {i}\tjoy,anger" for i in range(8)]
    for part in ("train", "dev"):
        for name, column, rows in (("tweeteval_emotion", "label", single), ("goemotions", "labels", several)):
            text = f"text\t{column}\n" + "\n".join(rows) + "\n"
            (tmp_path / "text" / f"{name}_{part}.tsv").write_text(text)
    save_model(tiny_model, tmp_path / "start")
    return Recipe(
        train=(Source("tweeteval_emotion_train"),),
        labels=LABELS,
        start=str(tmp_path / "start"),
        epochs=10,
        batch_size=8,
        learning_rate=5e-3,
        head_learning_rate=5e-2,
        layer_decay=1.0,
        dropout=0.0,
        inner_share=0.3,
    )


def test_every_row_is_answered_by_a_model_that_did_not_see_it(recipe: Recipe, tmp_path: Path) -> None:
    figures = cross_validate(recipe, tmp_path, tmp_path / "out", beside=tmp_path, folds=2)
    assert figures["rows"] == 36
    assert figures["macro_f1"] > 0.8
    assert (tmp_path / "out" / "fold1" / "model.safetensors").is_file()


def test_a_part_is_scored_with_the_mean_of_the_seeds(recipe: Recipe, tmp_path: Path) -> None:
    figures = score(recipe, tmp_path, "tweeteval_emotion_dev", tmp_path / "out", beside=tmp_path, seeds=[1, 2])
    assert figures["part"] == "tweeteval_emotion_dev"
    assert figures["rows"] == 36
    assert len(figures["macro_f1_per_seed"]) == 2
    assert figures["macro_f1_interval"][0] <= figures["macro_f1"] <= figures["macro_f1_interval"][1]
    assert figures["accuracy"] > 0.8


def test_several_labels_take_their_thresholds_from_an_inner_split(recipe: Recipe, tmp_path: Path) -> None:
    several = replace(recipe, train=(Source("goemotions_train"),), multi_label=True)
    figures = score(several, tmp_path, "goemotions_dev", tmp_path / "out", beside=tmp_path, seeds=[1])
    assert figures["rows"] == 44
    assert set(figures["f1"]) == set(LABELS)
    assert figures["macro_f1"] > 0.8
    crossed = cross_validate(several, tmp_path, tmp_path / "crossed", beside=tmp_path, folds=2)
    assert crossed["rows"] == 44
    with pytest.raises(ConfigError, match="inner_share"):
        score(replace(several, inner_share=0.0), tmp_path, "goemotions_dev", tmp_path, beside=tmp_path, seeds=[1])
