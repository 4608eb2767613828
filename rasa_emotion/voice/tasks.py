"""Tasks that are to end."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECS = 0.05


async def end_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and wait until they have ended; what they raise is left with them.

    More than once, because `asyncio.wait_for` of Python 3.10 and 3.11 loses a cancellation that meets its result.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECS)
