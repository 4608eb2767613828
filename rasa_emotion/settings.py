"""Checks of what people write into config.yml, endpoints.yml, credentials.yml and recipes."""

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rasa_emotion.errors import ConfigError


def checked(owner: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults overridden by what was given. Raises ConfigError for a key that does not exist."""
    check_keys(owner, given, defaults)
    return {**defaults, **given}


def check_keys(owner: str, given: Iterable[Any], known: Collection[str]) -> None:
    """Raises ConfigError for a key that is not among those known, with the one that was likely meant."""
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"it knows {', '.join(sorted(known))}."
            raise ConfigError(f"{owner} has no option '{key}'; {hint}")


def check_text(owner: str, key: str, value: Any, *, optional: bool = False) -> None:
    """Raises ConfigError unless `value` is a text that is not empty, or None where that is allowed."""
    if (value is None and optional) or (isinstance(value, str) and value.strip()):
        return
    raise ConfigError(f"{owner}: '{key}' is {value!r}; give a name.")


def check_flag(owner: str, key: str, value: Any) -> None:
    """Raises ConfigError unless `value` is true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{owner}: '{key}' is {value!r}; give true or false.")


def check_number(
    owner: str, key: str, value: Any, *, above: float = -math.inf, at_most: float = math.inf, optional: bool = False
) -> None:
    """Raises ConfigError unless `above` < `value` <= `at_most`, or `value` is None where that is allowed."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= at_most:
        raise ConfigError(f"{owner}: '{key}' is {value!r}; give a number above {above:g} and at most {at_most:g}.")


def check_names(owner: str, key: str, value: Any, allowed: Iterable[str] | None = None) -> None:
    """Raises ConfigError unless `value` is a list of texts, all of them `allowed` where that is given."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{owner}: '{key}' is {value!r}; give a list of names.")
    known = list(allowed) if allowed is not None else value
    for name in value:
        if name not in known:
            raise ConfigError(f"{owner}: '{key}' names '{name}'; choose from {', '.join(known)}.")
