"""Wrong options are named, with the remedy."""

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_names, check_number, check_text, checked


def test_options_override_the_defaults():
    assert checked("It", {"a": 2}, {"a": 1, "b": 3}) == {"a": 2, "b": 3}


def test_a_misspelt_option_is_recognised():
    with pytest.raises(ConfigError, match="It has no option 'treshold'; did you mean 'threshold'"):
        checked("It", {"treshold": 1}, {"threshold": 1})
    with pytest.raises(ConfigError, match="it knows threshold"):
        checked("It", {"zzz": 1}, {"threshold": 1})


def test_text():
    check_text("It", "name", "x")
    check_text("It", "name", None, optional=True)
    for value in (None, "", " ", 5):
        with pytest.raises(ConfigError, match="'name' is"):
            check_text("It", "name", value)


def test_number():
    check_number("It", "n", 1, above=0, at_most=1)
    check_number("It", "n", None, optional=True)
    for value in (0, 2, "1", True, None, float("nan")):
        with pytest.raises(ConfigError, match="'n' is"):
            check_number("It", "n", value, above=0, at_most=1)


def test_names():
    check_names("It", "names", ["a"], ["a", "b"])
    for value in ("a", [1], ["c"]):
        with pytest.raises(ConfigError, match="'names'"):
            check_names("It", "names", value, ["a", "b"])
