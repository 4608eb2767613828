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
        self.under_way = 0

    def check(self, most: float | None) -> None:
        """Raises TurnRefused (429) where so many turns are under way; None is no limit."""
        if most is not None and self.under_way >= most:
            raise TurnRefused(429, FULL, retry_after=self.retry_secs)

    @property
    def retry_secs(self) -> int:
        """When a turn is likely to find a place: as long as turns take now."""
        return min(MOST_SECS, max(FEWEST_SECS, math.ceil(self._turn_secs)))

    async def give_way(self) -> None:
        """Let the event loop look after its sockets before the work of one more turn begins.

        uvloop takes one new connection in a round, and a turn's work is most of one: callers who are to be refused
        would wait for as many turns as there are connections before theirs.
        """
        for _ in range(STEPS if self.under_way > 1 else 0):
            await asyncio.sleep(0)

    @contextmanager
    def turn(self, most: float | None) -> Iterator[None]:
        """One turn, from when it is taken until it is answered. Raises TurnRefused."""
        self.check(most)
        begun = self._clock()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._turn_secs += LATEST_SHARE * (self._clock() - begun - self._turn_secs)


shared_admission = Admission()
"""Of this process: its channels share the processor."""
