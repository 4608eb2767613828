"""Answers that are kept for a while, so that a client's retry of a request is not a second turn."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rasa_emotion.turn.refusal import TurnRefused

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_SECS = 600.0
"""How long an answer is kept after its request: retries come within seconds."""

MOST_KEPT = 2000

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Kept(Generic[Answer]):
    task: "asyncio.Task[Answer]"
    content: bytes
    since: float


class Once(Generic[Answer]):
    """Does each piece of work once, and gives its answer to all who ask with the same key. For one event loop.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept[Answer]] = OrderedDict()

    async def do(
        self, key: Hashable, content: bytes, work: Callable[[], Awaitable[Answer]], *, keep: Callable[[Answer], bool]
    ) -> tuple[Answer, bool]:
        """The answer, and whether it is a repetition.

        The work goes on when the client hangs up, so that its next try finds the answer. Work that raises is not kept.

        Args:
            key: the client and what it calls the request.
            content: a hash of the request.
            work: makes the answer.
            keep: whether an answer is one; where it is not, the next try does the work again.

        Raises:
            TurnRefused: the key was given to another request (422).
        """
        self._forget()
        known = self._kept.get(key)
        if known is not None:
            if known.content != content:
                raise TurnRefused(422, f"The '{HEADER}' was another request's; draw a new one for each message.")
            return await asyncio.shield(known.task), True
        task = asyncio.ensure_future(work())
        self._kept[key] = mine = _Kept(task, content, self._clock())

        def settle(done: "asyncio.Task[Answer]") -> None:
            if (done.cancelled() or done.exception() is not None or not keep(done.result())) and (
                self._kept.get(key) is mine
            ):
                del self._kept[key]

        task.add_done_callback(settle)
        return await asyncio.shield(task), False

    def _forget(self) -> None:
        """Drop what is old, and the oldest of what is too much; not what is still being done."""
        before = self._clock() - KEPT_SECS
        for key, kept in list(self._kept.items()):
            if kept.since > before and len(self._kept) < MOST_KEPT:
                return
            if kept.task.done():
                del self._kept[key]


def checked_key(key: str) -> str:
    """A key as a client may write it. Raises TurnRefused (400)."""
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise TurnRefused(400, f"'{HEADER}' must have 1 to {LONGEST_KEY} printable characters of ASCII.")
    return key
