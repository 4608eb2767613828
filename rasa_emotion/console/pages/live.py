"""Live: the conversations in progress, worst mood first; one of them in full; what was recorded of it."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import aclosing, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aiohttp import web

from rasa_emotion.console.audit import seen
from rasa_emotion.console.frame import Console, Page, person_of, render
from rasa_emotion.console.guard import HEADERS
from rasa_emotion.console.listening import goes_on, piece
from rasa_emotion.console.overview import HIDDEN
from rasa_emotion.console.watch import Shown, Watch
from rasa_emotion.privacy.recordings import recordings_of
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

STREAM_SECS = 60.0
"""After which the browser asks anew: so that a session that has ended sees no more."""

NOTED_SECS = 3600.0

AFTER, RUNNING = "X-Emotion-After", "X-Emotion-Running"
"""Headers of a piece of a running call: where the next piece goes on, and whether the call does."""

MOST_DIGITS = 19

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
        web.get("/live/sound", live.sound),
    ]


class Live:
    """The page's routes.

    Args:
        console: whose conversations are shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watch = Watch(console)
        self._noted: dict[tuple[str | None, ...], float] = {}

    async def show(self, request: web.Request) -> web.Response:
        """The list, which the browser fills."""
        return render(request, "live.html", wall="wall" in request.query)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """All conversations, then each change, as server-sent events."""
        await self._note(request, "watched the live view")
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

    async def _note(self, request: web.Request, action: str, subject: str | None = None, detail: str = "") -> None:
        """Note once an hour what the browser asks for again and again."""
        what, now = (person_of(request).name, action, subject, detail), asyncio.get_running_loop().time()
        if now - self._noted.get(what, -NOTED_SECS) >= NOTED_SECS:
            await seen(request, action, subject, detail)
            self._noted = {key: at for key, at in self._noted.items() if now - at < NOTED_SECS} | {what: now}

    async def conversation(self, request: web.Request) -> web.Response:
        """One conversation in full."""
        sender = request.query.get("sender", "")
        found = await self._watch.whole(sender)
        if found is None:
            raise web.HTTPNotFound
        await seen(request, "opened a conversation", sender)
        words = person_of(request).may(Right.WORDS)
        view = found.overview
        lines = [(line, line.text if words else HIDDEN) for line in found.lines]
        recorded = await self._console.in_thread(self._recorded, sender) if words and view.allowed else []
        values: dict[str, Any] = {
            "view": view,
            "timeline": found.timeline,
            "lines": lines,
            "recordings": recorded,
            "clock": _clock,
        }
        return render(request, "conversation.html", records=self._console.endpoints.record is not None, **values)

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """What was recorded of a call, where the operator has switched recordings on."""
        sender, path = await self._may_hear(request)
        await seen(request, "listened to a call", sender, path.name)
        return web.FileResponse(path, headers={"Content-Type": "audio/wav"})

    async def sound(self, request: web.Request) -> web.Response:
        """What was recorded of a call since the last piece, while it goes on; asked for again and again.

        Each time it is looked up anew whether the caller still allows it.
        """
        after = request.query.get("after", "")
        if after and not (after.isascii() and after.isdigit() and len(after) < MOST_DIGITS):
            raise TurnRefused(400, "'after' is no number of frames; give that of the last piece, or leave it out.")
        sender, path = await self._may_hear(request)
        await self._note(request, "listened to a running call", sender, path.name)
        try:
            found = await self._console.in_thread(piece, path, int(after) if after else None)
        except OSError as error:  # deleted this very moment
            raise web.HTTPNotFound from error
        headers = {AFTER: str(found.after), RUNNING: str(found.running).lower(), "Cache-Control": "no-store"}
        if not found.wav:
            return web.Response(status=204, headers=headers)
        return web.Response(body=found.wav, content_type="audio/wav", headers=headers)

    async def _may_hear(self, request: web.Request) -> tuple[str, Path]:
        """The caller and the recording that are asked for. Raises HTTPNotFound where it is not there to be heard."""
        sender, name = request.query.get("sender", ""), request.query.get("name", "")
        person_of(request).identity.require(Right.WORDS)
        may = await self._watch.may_hear(sender)
        paths = await self._console.in_thread(self._recordings, sender)
        path = next((path for path in paths if path.name == name), None)
        if path is None or not may:
            raise web.HTTPNotFound
        return sender, path

    def _recordings(self, sender: str) -> list[Path]:
        record = self._console.endpoints.record
        return [] if record is None else recordings_of(record.folder, sender)

    def _recorded(self, sender: str) -> list[tuple[Path, bool]]:
        """The recordings, and whether the call goes on that each is of."""
        found = []
        for path in self._recordings(sender):
            with suppress(FileNotFoundError):  # deleted this very moment
                found.append((path, goes_on(path)))
        return found


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
