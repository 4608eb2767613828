"""Live: the conversations in progress, worst mood first; one of them in full; what was recorded of it."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aiohttp import web

from rasa_emotion.console.audit import seen
from rasa_emotion.console.frame import Console, Page, person_of, render
from rasa_emotion.console.guard import HEADERS
from rasa_emotion.console.overview import HIDDEN
from rasa_emotion.console.watch import Shown, Watch
from rasa_emotion.privacy.recordings import SUFFIX, folder_of
from rasa_emotion.turn.roles import Right

STREAM_SECS = 60.0
"""After which the browser asks anew: so that a session that has ended sees no more."""

NOTED_SECS = 3600.0

ALIVE_SECS = 15.0
"""A stream in which nothing happens says so, so that no proxy cuts it."""


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""
    live = Live(console)
    return [
        web.get("/live", live.show),
        web.get("/live/events", live.events),
        web.get("/live/conversation", live.conversation),
        web.get("/live/recording", live.recording),
    ]


class Live:
    """The page's routes.

    Args:
        console: whose conversations are shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watch = Watch(console)
        self._noted: dict[str, float] = {}

    async def show(self, request: web.Request) -> web.Response:
        """The list, which the browser fills."""
        return render(request, "live.html", wall="wall" in request.query)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """All conversations, then each change, as server-sent events."""
        await self._note(request)
        words = person_of(request).may(Right.WORDS)
        headers = {**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        ends = asyncio.get_running_loop().time() + STREAM_SECS
        ended: asyncio.Future[Any] = asyncio.ensure_future(self._console.ended.wait())
        async with aclosing(self._watch.changes()) as changes:
            waiting: asyncio.Future[Any] | None = None
            try:
                while asyncio.get_running_loop().time() < ends and not ended.done():
                    waiting = waiting or asyncio.ensure_future(anext(changes))
                    await asyncio.wait([waiting, ended], timeout=ALIVE_SECS, return_when=asyncio.FIRST_COMPLETED)
                    text = b": alive\n\n"
                    if waiting.done():
                        text, waiting = _event(waiting.result(), words=words), None
                    await response.write(text)
            finally:
                left = [task for task in (waiting, ended) if task is not None]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
        return response

    async def _note(self, request: web.Request) -> None:
        """Note once an hour that somebody watches: the browser asks anew each minute."""
        name, now = person_of(request).name, asyncio.get_running_loop().time()
        if now - self._noted.get(name, -NOTED_SECS) >= NOTED_SECS:
            await seen(request, "watched the live view")
            self._noted[name] = now

    async def conversation(self, request: web.Request) -> web.Response:
        """One conversation in full."""
        sender = request.query.get("sender", "")
        shown = await self._watch.of(sender)
        if shown is None:
            raise web.HTTPNotFound
        await seen(request, "opened a conversation", sender)
        words = person_of(request).may(Right.WORDS)
        view = shown.overview
        lines = [(line, line.text if words else HIDDEN) for line in view.lines]
        recorded = await self._console.in_thread(self._recordings, sender) if words and view.allowed else []
        values: dict[str, Any] = {"view": view, "lines": lines, "recordings": recorded, "clock": _clock}
        return render(request, "conversation.html", records=self._console.endpoints.record is not None, **values)

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """What was recorded of a call, where the operator has switched recordings on."""
        sender, name = request.query.get("sender", ""), request.query.get("name", "")
        person_of(request).identity.require(Right.WORDS)
        shown = await self._watch.of(sender)
        paths = await self._console.in_thread(self._recordings, sender)
        path = next((path for path in paths if path.name == name), None)
        if path is None or shown is None or not shown.overview.allowed:
            raise web.HTTPNotFound
        await seen(request, "listened to a call", sender, name)
        return web.FileResponse(path, headers={"Content-Type": "audio/wav"})

    def _recordings(self, sender: str) -> list[Path]:
        record = self._console.endpoints.record
        if record is None:
            return []
        folder = record.folder
        if self._console.endpoints_file is not None and not folder.is_absolute():
            folder = self._console.endpoints_file.resolve().parent / folder
        return sorted(folder_of(folder, sender).glob(f"*{SUFFIX}"))


def _event(message: dict[str, Any], *, words: bool) -> bytes:
    told = {
        name: [one.to_dict(words=words) if isinstance(one, Shown) else one for one in value]
        if isinstance(value, list)
        else value
        for name, value in message.items()
    }
    return f"data: {json.dumps(told)}\n\n".encode()


def _clock(moment: float | None) -> str:
    """As `<time>` wants it; the browser shows it in its own zone."""
    try:
        return "" if moment is None else datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


PAGE = Page("live", "Live", Right.WATCH, routes)
