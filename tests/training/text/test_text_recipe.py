"""Recipes are read strictly."""

from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.recipe import read_recipe

RECIPES = Path(__file__).parents[3] / "rasa_emotion" / "training" / "text" / "recipes"
MINIMAL = "labels: [angry, happy]\ntrain:\n  - corpus: meld_train\n"


@pytest.mark.parametrize("name", sorted(file.stem for file in RECIPES.glob("*.yaml")))
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    assert recipe.train
    assert recipe.labels


def test_overrides_take_the_place_of_values(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(MINIMAL + "seed: 3\n")
    assert read_recipe(path).seed == 3
    assert read_recipe(path, seed=7, start=None).seed == 7
    assert read_recipe(path, "{seed: 8, rdrop: 1}").seed == 8
    with pytest.raises(ConfigError, match="no option 'sede'; did you mean 'seed'"):
        read_recipe(path, "sede: 8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "learning_rat: 1\n", "no option 'learning_rat'; did you mean 'learning_rate'"),
        (MINIMAL.replace("corpus: meld_train", "korpus: meld_train"), "no option 'korpus'; did you mean 'corpus'"),
        ("labels: [angry]\n", "lacks 'train'"),
        ("", "holds no settings"),
        ("a: [", "cannot be read"),
        (MINIMAL + "epochs: many\n", "sets epochs to 'many'; it must be of type int"),
        (MINIMAL + "pool: some\n", "sets pool to 'some'; it may be all or utterance"),
        (MINIMAL.replace("corpus: meld_train", "meld_train"), "has 'meld_train' where"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        read_recipe(tmp_path / "nowhere.yaml")


def test_a_wrong_setting_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(MINIMAL)
    with pytest.raises(ConfigError, match=r"--set '{epoch: 3}': a recipe has no option 'epoch'; did you mean 'epochs'"):
        read_recipe(path, "{epoch: 3}")
    with pytest.raises(ConfigError, match=r"--set 'epochs:.*' is no YAML"):
        read_recipe(path, "epochs: [")
