"""What a long conversation's events come to, carried on from turn to turn in place of reading all of them again.

A store makes new objects of the same events for every turn, and to touch each of a thousand objects takes longer than
all that is done with the latest ones. What is kept here is derived: it may be lost at any moment, other processes need
not have it, and it is used only where the events still begin as they did: an earlier event may come or go, but nobody
rewrites one and leaves it its moment.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

State = TypeVar("State")

MOST_KEPT = 2048
"""Conversations of which it is known what they came to."""

FEWEST_EVENTS = 100
"""Conversations with fewer events are read as a whole; that takes no longer."""


class _Read(NamedTuple):
    """What the first `number` events came to."""

    number: int
    latest: tuple[Any, ...]
    state: Any


class Folding(Generic[State]):
    """One question to a conversation, answered event by event.

    Args:
        start: the answer before the first event.
        step: the answer after one more event. Both must be values that nobody changes, and hold no caller's words:
            they outlive the conversation.
        whole: gives the same answer to all of a conversation, where that is faster than step by step.

    >>> count = Folding(0, lambda number, event: number + (event["event"] == "user"))
    >>> count.of([{"event": "user"}, {"event": "bot"}, {"event": "user"}])
    2
    """

    def __init__(
        self,
        start: State,
        step: Callable[[State, Any], State],
        *,
        whole: Callable[[Iterable[Any]], State] | None = None,
    ) -> None:
        self._start, self._step = start, step
        self._whole = whole or partial(self._on, start)
        self._kept: OrderedDict[tuple[Any, ...], _Read] = OrderedDict()

    def of(self, events: Iterable[Any]) -> State:
        """The answer after all of these events, oldest first."""
        # Rasa's trackers have a deque, of which both ends are near.
        if not isinstance(events, Sequence) or len(events) < FEWEST_EVENTS:
            return self._whole(events)
        begins, number = _mark(events[0]), len(events)
        if begins is None:
            return self._whole(events)
        read = self._kept.pop(begins, None)
        # A conversation only grows. Where it did not, as one of an older backup, it is read anew.
        if read is not None and read.number <= number and _mark(events[read.number - 1]) == read.latest:
            state = self._on(read.state, reversed(list(islice(reversed(events), number - read.number))))
        else:
            state = self._whole(events)
        latest = _mark(events[-1])
        if latest is not None:
            self._kept[begins] = _Read(number, latest, state)
            if len(self._kept) > MOST_KEPT:
                with suppress(KeyError):  # another thread was faster
                    self._kept.popitem(last=False)
        return state

    def _on(self, state: State, events: Iterable[Any]) -> State:
        for event in events:
            state = self._step(state, event)
        return state


def _mark(event: Any) -> tuple[Any, ...] | None:
    """By what an event is known again, wherever it is read: its moment, to the microsecond, its kind and its name.

    None for an event without a moment, as it stands in a file of stories.
    """
    if isinstance(event, dict):
        kind, moment, get = event.get("event"), event.get("timestamp"), event.get
        name = get("name") or get("message_id") or get("text")
    else:
        kind, moment = event.type_name, event.timestamp
        name = next(filter(None, (getattr(event, key, None) for key in ("key", "action_name", "message_id"))), None)
        name = name or getattr(event, "text", None)
    # Stores keep a moment to different digits.
    return None if moment is None else (kind, round(float(moment), 6), hash(name) if isinstance(name, str) else None)
