"""How many turns one server process answers at once: what comes beyond is told so, and does not wait without end."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rasa_emotion.turn.refusal import TurnRefused

FULL = "Many people are writing at the moment. Please send your message again in a few seconds."
"""What a refused caller reads."""

FEWEST_SECS, MOST_SECS = 1, 60
"""Between which lies when one may try again."""

STEPS = 16
"""Rounds of the event loop before a turn's work where others are under way."""

LATEST_SHARE = 0.1
"""By which the latest turn counts for how long turns take now."""

ALWAYS = 8
"""Turns under way beside which one more is never refused for its wait: so many come together by chance."""

BUSY_SECS = 0.1
"""That the rounds before a turn's work take where the processor is the limit. Where turns only wait for others, such as
an action server, they take a hundredth of it, and however many there are, none makes another wait."""


class Admission:
    """Counts the turns that are under way.

    >>> admission = Admission()
    >>> with admission.turn(most=1):
    ...     admission.check(most=1)
    Traceback (most recent call last):
        ...
    rasa_emotion.turn.refusal.TurnRefused: Many people are writing at the moment. Please send your message again in a \
few seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        self._turn_secs = 0.0
        self._share_secs = 0.0
        self._rounds_secs = 0.0
        self._giving_way: list[float] = []  # since when each does that is at it
        self._moved, self._turns_secs = clock(), 0.0  # the sum of all turns' times until then
        self.under_way = 0

    def check(self, most: float | None, wait_secs: float | None = None) -> None:
        """Raises TurnRefused (429) where one more turn would be too many.

        Args:
            most: turns that may be under way; None is no limit.
            wait_secs: for which it may have to wait, going by how fast turns are answered now; None is no limit.
        """
        full = most is not None and self.under_way >= most
        if full or (wait_secs is not None and self.expected_secs > wait_secs):
            raise TurnRefused(429, FULL, retry_after=self.retry_secs)

    @property
    def expected_secs(self) -> float:
        """In which one more turn is likely to be answered where all share a busy processor; 0 where they do not.

        All that are under way go on together, so that one more is answered with the last of them. Each has a share in
        the time: what a turn took, divided by how many were under way meanwhile. Before any turn was answered nobody
        knows, so that few are taken.
        """
        if self.under_way < ALWAYS:
            return 0.0
        # The rounds that go on now tell it sooner than those of the turn before.
        going_on = self._clock() - self._giving_way[0] if self._giving_way else 0.0
        if max(self._rounds_secs, going_on) < BUSY_SECS:
            return 0.0
        return (self.under_way + 1) * self._share_secs if self._share_secs else math.inf

    @property
    def retry_secs(self) -> int:
        """When a turn is likely to find a place: as long as turns take now."""
        return min(MOST_SECS, max(FEWEST_SECS, math.ceil(self._turn_secs)))

    async def give_way(self) -> None:
        """Let the event loop look after its sockets before the work of one more turn begins.

        uvloop takes one new connection in a round, and a turn's work is most of one: callers who are to be refused
        would wait for as many turns as there are connections before theirs.
        """
        begun = self._clock()
        self._giving_way.append(begun)
        try:
            for _ in range(STEPS if self.under_way > 1 else 0):
                await asyncio.sleep(0)
        finally:
            self._giving_way.remove(begun)
            self._rounds_secs = self._clock() - begun

    @contextmanager
    def turn(self, most: float | None, wait_secs: float | None = None) -> Iterator[None]:
        """One turn, from when it is taken until it is answered. Raises TurnRefused, as `check` does."""
        self.check(most, wait_secs)
        begun, before = self._move(1)
        try:
            yield
        finally:
            now, after = self._move(-1)
            took = now - begun
            self._turn_secs += LATEST_SHARE * (took - self._turn_secs)
            if took > 0:
                share = took * took / (after - before)
                self._share_secs += (LATEST_SHARE if self._share_secs else 1.0) * (share - self._share_secs)

    def _move(self, change: int) -> tuple[float, float]:
        """One turn more or less is under way: the time, and the sum of all turns' times until now."""
        now = self._clock()
        self._turns_secs += self.under_way * (now - self._moved)
        self._moved = now
        self.under_way += change
        return now, self._turns_secs


shared_admission = Admission()
"""Of this process: its channels share the processor."""
