"""Whether a server's event loop keeps up: where it does not, one more call would make all of them late."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

EVERY_SECS = 0.25
"""Between two looks."""

LOOKS = 8
"""Of the latest, all of which must have been late: a single turn of a bot may hold the loop for a moment."""

MOST_LATE_SECS = 0.5
"""By which a look may be late: updates of the emotion are promised within it."""


class Strain:
    """Watches the event loop that it is run on.

    Args:
        clock: seconds that never go back.

    >>> strain = Strain()
    >>> for late_secs in [0.9] * 8:
    ...     strain.note(late_secs)
    >>> strain.is_too_much
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._late: deque[float] = deque(maxlen=LOOKS)

    @property
    def is_too_much(self) -> bool:
        """Whether the loop has been late at each of the latest looks."""
        return len(self._late) == LOOKS and min(self._late) > MOST_LATE_SECS

    def note(self, late_secs: float) -> None:
        """A look has been so late."""
        self._late.append(late_secs)

    async def watch(self) -> None:
        """Look, for as long as the task runs."""
        while True:
            begun = self._clock()
            await asyncio.sleep(EVERY_SECS)
            self.note(self._clock() - begun - EVERY_SECS)
