"""What altered inputs have found once, made again from its description. The inputs themselves are not kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import read_model_folder
from rasa_emotion.training.text.recipe import read_recipe

RECIPES = Path(__file__).resolve().parents[2] / "rasa_emotion" / "training" / "text" / "recipes"


def recipe_in_another_encoding() -> bytes:
    """A byte that no UTF-8 text has, inside of a comment or a name."""
    return b"epochs: 3\nlabels: [\xbc]\n"


def recipe_without_a_list() -> bytes:
    """A key whose list was cut off, which YAML reads as null."""
    return b"labels: [a, b]\ntrain:\n"


def recipe_whose_source_has_no_name() -> bytes:
    """An entry of `train` with its first line gone."""
    return b"labels: [a, b]\ntrain:\n  - {share: 1.0}\n"


@pytest.mark.parametrize("make", [recipe_in_another_encoding, recipe_without_a_list, recipe_whose_source_has_no_name])
def test_recipes(make: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(make())
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


def settings_with_a_date_that_is_none() -> bytes:
    """What looks like a date and has a month of its own: an error of Python's, not of YAML's."""
    return b"rasa_emotion:\n  links: {since: 2024-13-45}\n"


def settings_nested_too_deeply() -> bytes:
    """More brackets than the parser can hold."""
    return b"[" * 5000


def settings_that_break_off() -> bytes:
    """A mapping without its end, of which YAML complains in several lines."""
    return b"rasa_emotion:\n  helpdesk: {type: desk\n"


@pytest.mark.parametrize(
    "make", [settings_with_a_date_that_is_none, settings_nested_too_deeply, settings_that_break_off]
)
def test_endpoints(make: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_bytes(make())
    with pytest.raises(ConfigError) as caught:
        read_endpoints(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [True, 1e308, 3, {"a": 1}])
def test_a_model_that_says_in_no_words_what_it_cannot_hear(value: object, tmp_path: Path) -> None:
    """A number, a flag or a mapping where a phrase or a list of phrases belongs."""
    basics = {"name": "a", "kind": "acoustic", "licence": "Apache-2.0", "commercial": True, "summary": "", "files": {}}
    (tmp_path / "model.json").write_text(json.dumps({**basics, "cannot_hear": value}))
    assert "cannot hear" not in read_model_folder(tmp_path, "acoustic").sentence
