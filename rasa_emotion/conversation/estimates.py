"""Estimates as they are stored with a turn, each of them read once.

In every turn the NLU component, the policy and the replies read the same events, and a tracker store makes new objects
of the same numbers for each turn. What is kept here holds numbers and no words: it outlives the conversation.
"""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from rasa_emotion.estimate import EmotionEstimate

MOST_KEPT = 2048
"""Estimates that are kept over turns: those of a hundred conversations."""


class _Same:
    """What is read once as long as it is the very same object."""

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data

    def __hash__(self) -> int:
        return id(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.data is other.data


def read_estimate(data: Any) -> EmotionEstimate:
    """What is stored with a turn as an estimate; unknown where it is none.

    >>> read_estimate(None).emotion
    'unknown'
    """
    return _read(_Same(data))


@lru_cache(maxsize=256)
def _read(same: _Same) -> EmotionEstimate:
    try:
        return _read_before(same.data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return EmotionEstimate.unknown()


_kept: OrderedDict[tuple[Any, ...], tuple[Mapping[str, Any], EmotionEstimate]] = OrderedDict()


def _read_before(data: Mapping[str, Any]) -> EmotionEstimate:
    """The estimate as it was read in an earlier turn, or else now. Raises what `EmotionEstimate.from_dict` does."""
    key = tuple(data["probabilities"].values())
    before = _kept.get(key)
    if before is not None and before[0] == data:
        return before[1]
    estimate = EmotionEstimate.from_dict(data)
    _kept[key] = data, estimate
    if len(_kept) > MOST_KEPT:
        with suppress(KeyError):  # another thread was faster
            _kept.popitem(last=False)
    return estimate
