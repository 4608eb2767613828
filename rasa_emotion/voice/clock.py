"""Time as a call counts it: real, or faster in tests."""

import asyncio
import time


class Clock:
    """Real time, or a multiple of it.

    Args:
        speed: how many seconds go by in one.

    >>> Clock().now() <= Clock().now()
    True
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() * self.speed

    async def sleep(self, secs: float) -> None:
        """Let so many seconds go by."""
        await asyncio.sleep(max(0.0, secs) / self.speed)
