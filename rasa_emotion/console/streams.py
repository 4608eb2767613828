"""Answers that go on for a while, and end so that the browser asks anew: a session that has ended sees no more."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from rasa_emotion.console.frame import Console
from rasa_emotion.console.guard import HEADERS

STREAM_SECS = 60.0
"""After which the browser asks anew."""

ALIVE_SECS = 15.0
"""A stream in which nothing happens says so, so that no proxy cuts it."""


async def stream(request: web.Request, content_type: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
    """Begin an answer of many parts, which no proxy may keep back."""
    own = {"Content-Type": content_type, "X-Accel-Buffering": "no", **(headers or {})}
    response = web.StreamResponse(headers={**HEADERS, **own})
    await response.prepare(request)
    return response


async def send_events(
    request: web.Request, console: Console, messages: AsyncGenerator[str, None]
) -> web.StreamResponse:
    """Send each message as a server-sent event, until the time is over or the console ends; closes `messages`."""
    response = await stream(request, "text/event-stream")
    await response.write(b"retry: 2000\n\n")
    clock = asyncio.get_running_loop().time
    ends = clock() + STREAM_SECS
    ended: asyncio.Future[Any] = asyncio.ensure_future(console.ended.wait())
    waiting: asyncio.Future[str] | None = None
    try:
        while clock() < ends and not ended.done():
            waiting = waiting or asyncio.ensure_future(anext(messages))
            await asyncio.wait([waiting, ended], timeout=ALIVE_SECS, return_when=asyncio.FIRST_COMPLETED)
            text = ": alive\n\n"
            if waiting.done():
                text, waiting = f"data: {waiting.result()}\n\n", None
            await response.write(text.encode())
    except ConnectionError:
        pass  # the browser has gone
    finally:
        left = [task for task in (waiting, ended) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await messages.aclose()
    return response
