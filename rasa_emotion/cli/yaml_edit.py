"""Adds to a YAML file and leaves every other line as it stands: comments, order, quotes and indentation."""

import io
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import RoundTripRepresenter

from rasa_emotion.errors import ConfigError
from rasa_emotion.plain_yaml import read_plain_yaml

Additions = Mapping[str, Any]
"""For a top-level key: the items to append to its list, the entries to add to its mapping, or all of its value."""

_EMPTY = re.compile(r"^(?P<key>[^#]*?:)\s*(null|~|\[\s*\]|\{\s*\})?\s*(?P<comment>#.*)?$", re.IGNORECASE)


def read_yaml(text: str, name: str) -> CommentedMap:
    """The mapping that a YAML file holds; an empty file is an empty one. `name` is what errors call the file.

    Raises:
        ConfigError: it is broken, or no mapping.
    """
    try:
        data = _round_trip().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        fault = " ".join(str(error.problem).split())
        raise ConfigError(f"'{name}' is not valid YAML at line {line} ({fault}); mend it and try again.") from error
    except YAMLError as error:
        fault = " ".join(str(error).split())
        raise ConfigError(f"'{name}' is not valid YAML ({fault}); mend it and try again.") from error
    if data is None:
        return CommentedMap()
    if not isinstance(data, CommentedMap):
        raise ConfigError(f"'{name}' does not hold keys with values; give it the form that Rasa documents.")
    return data


def add(text: str, additions: Additions, comments: Mapping[str, str] | None = None) -> str:
    """Add to a file's top-level keys.

    New lines go where a person would write them. Where that is not possible (a list in one line, `[a, b]`), the file
    is written anew, still with its comments and order.

    Args:
        text: the file's content, valid YAML.
        additions: what to add.
        comments: for a key that is new or empty, a comment above what is added.

    >>> print(add("intents:\\n  - greet  # hello\\n", {"intents": ["bye"]}), end="")
    intents:
      - greet  # hello
      - bye
    """
    data, lines = read_yaml(text, "the file"), _lines(text)
    before = _plain(text)
    expected = {**before, **{key: _combined(before.get(key), value) for key, value in additions.items()}}
    new_keys_last = sorted(additions, key=lambda key: key not in data)
    edits = [_edit(lines, data, key, additions[key], (comments or {}).get(key)) for key in new_keys_last]
    # From the last line to the first, so that the numbers of the lines that are still to be edited stay right.
    in_order = sorted(filter(None, edits), key=lambda edit: edit[0])
    for start, end, new in reversed(in_order):
        lines[start:end] = new
    if _holds(edited := _joined(lines), expected):
        return edited
    for key, value in additions.items():
        _add_to_data(data, key, value)
    return _dumped(data)


def nest(text: str, key: str, *, under: str, beside: Additions, name: str | None = None) -> str:
    """Move the value of a top-level key one level down, below the name `under`, and put `beside` before it.

    The key becomes `name` where that is given. A value that is empty leaves no `under`.

    >>> print(nest("nlg:\\n  url: http://x  # ours\\n", "nlg", under="wrap", beside={"type": "new"}), end="")
    nlg:
      type: new
      wrap:
        url: http://x  # ours
    """
    data, lines, before = read_yaml(text, "the file"), _lines(text), _plain(text)
    name = name or key
    nested = {**beside, under: before[key]} if before[key] is not None else dict(beside)
    start, end = _extent(lines, data, key)
    head, value = _EMPTY.match(lines[start]), lines[start].partition(":")[2]
    if before[key] is None:
        comment = head["comment"] if head else None
        new = ["  ".join(filter(None, [f"{name}:", comment])), *_rendered(beside, "  "), *lines[start + 1 : end]]
    elif head and end > start + 1:
        below = (f"  {line}" for line in lines[start + 1 : end])
        new = [f"{name}:{value}", *_rendered({**beside, under: None}, "  "), *below]
    else:
        new = [f"{name}:", *_rendered(beside, "  "), f"  {under}:{value}", *lines[start + 1 : end]]
    lines[start:end] = new
    after = {name if one == key else one: nested if one == key else held for one, held in before.items()}
    if _holds(edited := _joined(lines), after):
        return edited
    position = list(data).index(key)
    inner = CommentedMap({**beside, under: data[key]} if before[key] is not None else dict(beside))
    del data[key]
    data.insert(position, name, inner)
    return _dumped(data)


Edit = tuple[int, int, list[str]]
"""First line to replace, one past the last, and the lines that take their place."""


def _edit(lines: list[str], data: CommentedMap, key: str, value: Any, comment: str | None) -> Edit | None:
    """What adds to a key, or None where its value is not written as a block."""
    note = [f"# {comment}"] if comment else []
    if key not in data:
        gap = [""] if lines and lines[-1].strip() else []
        return len(lines), len(lines), [*gap, *note, *_rendered({key: value}, "")]
    start, end = _extent(lines, data, key)
    if not data[key]:
        head = _EMPTY.match(lines[start])
        if not head:
            return None
        top = "  ".join(filter(None, [head["key"], head["comment"]]))
        return start, start + 1, [top, *(f"  {line}" for line in note), *_rendered(value, "  ")]
    child = next((line for line in lines[start + 1 : end] if _is_content(line)), None)
    if child is None:
        return None
    indent = child[: len(child) - len(child.lstrip())]
    return end, end, _rendered(value, indent)


def _add_to_data(data: CommentedMap, key: str, value: Any) -> None:
    if isinstance(data.get(key), CommentedSeq):
        data[key].extend(value)
    elif isinstance(data.get(key), CommentedMap):
        data[key].update(value)
    else:
        data[key] = value


def _extent(lines: list[str], data: CommentedMap, key: str) -> tuple[int, int]:
    """The lines of a top-level key and its value: first, and one past the last that is no comment."""
    starts = {name: data.lc.key(name)[0] for name in data}
    start = starts[key]
    end = min((line for line in starts.values() if line > start), default=len(lines))
    while end > start + 1 and not _is_content(lines[end - 1]):
        end -= 1
    return start, end


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _combined(old: Any, new: Any) -> Any:
    if isinstance(old, list) and old:
        return [*old, *new]
    return {**old, **new} if isinstance(old, dict) and old else new


def _rendered(value: Any, indent: str) -> list[str]:
    stream = io.StringIO()
    _round_trip().dump(value, stream)
    return textwrap.indent(textwrap.dedent(stream.getvalue()), indent).splitlines()


def _lines(text: str) -> list[str]:
    # Not splitlines(), which also breaks at form feeds inside of quotes.
    return text.removesuffix("\n").split("\n") if text else []


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _holds(text: str, expected: Any) -> bool:
    try:
        return bool(_plain(text) == expected)
    except YAMLError:
        return False


def _plain(text: str) -> Any:
    return read_plain_yaml(text) or {}


def _dumped(data: CommentedMap) -> str:
    stream = io.StringIO()
    _round_trip().dump(data, stream)
    return stream.getvalue()


class _Representer(RoundTripRepresenter):
    """Writes an empty value as nothing, also after Rasa has told ruamel's own class to write "null"."""


_Representer.add_representer(type(None), RoundTripRepresenter.represent_none)


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True  # type: ignore[assignment]
    yaml.width = 10_000  # type: ignore[assignment]
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
