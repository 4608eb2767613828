"""Inputs altered at random, by bytes and by structure; the same ones for the same seed."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

AWKWARD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e",
    "..",
    "/etc/passwd",
    "{}",
    "a" * 5000,
    [],
    {},
    [[[[[[]]]]]],
    {"": None},
]
"""What a field may hold that nobody expects."""

TOKENS = [
    b"null",
    b"- ",
    b"&a *a",
    b"!!python/none",
    b"[",
    b"{",
    b"\t",
    b"\xff\xfe",
    b"\x00",
    b"1e999",
    b"'",
    b'"',
    b"\r",
    b",",
]
"""What text may hold that a reader of YAML or CSV stumbles over."""


def by_bytes(content: bytes, chance: random.Random) -> bytes:
    """Cut at a random place, with random bytes, a piece missing or twice, or a token where none belongs."""
    found = bytearray(content or b" ")
    for _ in range(chance.choice([1, 1, 3, 20])):
        at = chance.randrange(len(found) + 1)
        piece = slice(at, at + chance.randrange(1, 40))
        kind = chance.randrange(5)
        if kind == 0:
            del found[piece]
        elif kind == 1:
            found[at:at] = found[piece] * chance.choice([1, 2, 50])
        elif kind == 2:
            found[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 3:
            found[at:at] = chance.choice(TOKENS)
        else:
            del found[at:]
    return bytes(found)


def by_structure(value: Any, chance: random.Random) -> Any:
    """A JSON value with one to three of its parts replaced, removed, doubled or nested."""
    changed = copy.deepcopy(value)
    for _ in range(chance.choice([1, 1, 2, 3])):
        places = list(_places(changed))
        if not places:
            return chance.choice(AWKWARD)
        holder, key = chance.choice(places)
        kind = chance.randrange(5)
        if kind < 3:
            holder[key] = copy.deepcopy(chance.choice(AWKWARD))
        elif kind == 3:
            del holder[key]
        else:
            nested: Any = holder[key]
            for _ in range(chance.choice([1, 3, 100])):
                nested = [nested] if chance.random() < 0.5 else {"a": nested}
            holder[key] = nested
    return changed


def as_bytes(value: Any) -> bytes:
    """JSON, also of what no JSON can hold."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        yield value, key
        yield from _places(one)
