"""What a client may put beside its words: JSON that bot, tracker store and helpdesk can all read."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rasa_emotion.conversation.commands import command_payload
from rasa_emotion.turn.refusal import TurnRefused

MOST_NESTED = 32
"""Levels of lists and objects. Rasa copies what it is given level by level, and fails at some 500; parsers of other
languages stop at 64 or 100."""


MOST_VALUES = 100_000
"""In a request's JSON: reading as many takes some 0.1 s. A recording is one value, however long."""


def check_count(body: bytes) -> None:
    """Refuse JSON with very many values before it is read: the server would stand still for seconds meanwhile.

    Raises TurnRefused (413).

    >>> check_count(b'{"message": "hello"}')
    """
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TurnRefused(413, f"The request has more than {MOST_VALUES:,} values; send fewer.")


def check_metadata(metadata: Mapping[str, Any], most_kb: float) -> None:
    """Refuse metadata that cannot be stored.

    Raises:
        TurnRefused: it is no JSON, has NaN or Infinity, is nested too deeply (400), or is too much (413).
    """
    size = _size("metadata", metadata)
    if size > most_kb * 1000:
        raise TurnRefused(
            413, f"The metadata has {size / 1000:.1f} kB as JSON, more than the {most_kb:g} kB allowed; send less."
        )
    _check_depth("metadata", metadata)


def check_entities(text: str) -> None:
    """Refuse a text such as `/inform{"city": "Bonn"}` whose entities cannot be stored; Rasa puts them into slots.

    What is no JSON is left to Rasa, which goes on without it. Raises TurnRefused (400).

    >>> check_entities('/inform{"city": "Bonn"}')
    """
    payload = command_payload(text)
    if payload is None:
        return
    try:
        entities = json.loads(payload)
    except ValueError:
        return
    except RecursionError as error:
        raise _too_deep("message") from error
    _size("message", entities)
    _check_depth("message", entities)


def _size(key: str, value: Any) -> int:
    """Characters as JSON. Raises TurnRefused."""
    # Parsers let NaN and 1e999 pass, but no tracker store or client that reads JSON strictly takes them.
    try:
        return len(json.dumps(value, allow_nan=False))
    except TypeError as error:
        raise TurnRefused(400, f"In '{key}': something in it is not JSON; leave it out.") from error
    except ValueError as error:
        raise TurnRefused(400, f"In '{key}': NaN and Infinity are no numbers in JSON; leave them out.") from error
    except RecursionError as error:
        raise _too_deep(key) from error


def _check_depth(key: str, value: Any) -> None:
    level = [value]
    for _ in range(MOST_NESTED):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    if any(isinstance(one, (Mapping, list)) for one in level):
        raise _too_deep(key)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(key: str) -> TurnRefused:
    return TurnRefused(400, f"In '{key}': it is nested too deeply; send a flatter object.")
