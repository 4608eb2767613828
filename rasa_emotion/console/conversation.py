"""One conversation in full, as it goes on: what was said, how the caller sounds, and the call itself."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.console.audit import Notes, seen
from rasa_emotion.console.doors import BACKGROUND
from rasa_emotion.console.frame import Console, person_of, render
from rasa_emotion.console.listening import Course, course, piece
from rasa_emotion.console.overview import HIDDEN
from rasa_emotion.console.streams import STREAM_SECS, send_events, stream
from rasa_emotion.console.watch import Shown, Watch
from rasa_emotion.privacy.recordings import begun, recordings_of
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

LOOK_SECS = 0.25
"""From one look at whether a page is out of date to the next; the recordings' folder is looked at then."""

PIECE_SECS = 0.1
"""From one look at a growing recording to the next, for each who listens."""

ALLOWED_SECS = 1.0
"""From one look at whether the caller allows it to the next, and at whether a quiet conversation is still there."""

AFTER, RUNNING = "X-Emotion-After", "X-Emotion-Running"
RATE, CHANNELS = "X-Emotion-Rate", "X-Emotion-Channels"
"""Headers of the sound of a running call: from which frame on it is, whether the call goes on, and its format.

Whether it goes on is "true", "false" or "unknown", as `Course` says.
"""

GONE = "gone"
"""The state of a page whose caller was forgotten."""

MOST_DIGITS = 19

Recorded = list[tuple[Path, bool]]


class Conversation:
    """The routes of one conversation.

    Args:
        console: whose conversations are shown.
        watch: which reads them.
        notes: of what browsers ask for again and again.
    """

    def __init__(self, console: Console, watch: Watch, notes: Notes) -> None:
        self._console, self._watch, self._notes = console, watch, notes

    def routes(self) -> list[web.RouteDef]:
        """What is answered; all of it lies below the page `live`, and asks for its right."""
        return [
            web.get("/live/conversation", self.show),
            web.get("/live/conversation/events", self.events),
            web.get("/live/recording", self.recording),
            web.get("/live/sound", self.sound),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The page, as it is now; the page itself asks for it again when something has changed."""
        sender = request.query.get("sender", "")
        found = await self._watch.whole(sender)
        if found is None:
            raise web.HTTPNotFound
        shown, whole = found
        if BACKGROUND in request.headers:
            await self._notes.hourly(request, "followed a conversation", sender)
        else:
            await seen(request, "opened a conversation", sender)
        words = person_of(request).may(Right.WORDS)
        view = shown.overview
        recorded = await self._heard_by(request, shown)
        values: dict[str, Any] = {
            "shown": shown,
            "view": view,
            "timeline": whole.timeline,
            "curve": json.dumps([[turn.valence, turn.anger] for turn in whole.timeline]),
            "lines": [(line, line.text if words else HIDDEN) for line in whole.lines],
            "recordings": recorded,
            "state": _state(shown, recorded),
            "clock": _clock,
            "begun": begun,
        }
        return render(request, "conversation.html", records=self._console.endpoints.record is not None, **values)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The state of the page, and each new one: a browser whose page has another asks for the page again."""
        sender = request.query.get("sender", "")
        first = await self._watch.one(sender)
        if first is None:
            raise web.HTTPNotFound
        return await send_events(request, self._console, self._states(request, first))

    async def _states(self, request: web.Request, shown: Shown) -> AsyncGenerator[str, None]:
        told, sender, clock = "", shown.overview.sender, asyncio.get_running_loop().time
        current: Shown | None = shown
        async with self._watch.awake():
            asked = clock()
            while True:
                if sender in self._watch.in_progress:
                    current = self._watch.in_progress[sender]
                elif clock() - asked > ALLOWED_SECS:
                    asked = clock()
                    with suppress(SQLAlchemyError):  # then the page stays as it is
                        current = await self._watch.one(sender)
                state = GONE if current is None else _state(current, await self._heard_by(request, current))
                if state != told:
                    yield state
                told = state
                await asyncio.sleep(LOOK_SECS)

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """What was recorded of a call, where the operator has switched recordings on."""
        sender, path = await self._may_hear(request)
        await seen(request, "listened to a call", sender, path.name)
        return web.FileResponse(path, headers={"Content-Type": "audio/wav"})

    async def sound(self, request: web.Request) -> web.StreamResponse:
        """The sound of a running call as it is recorded: the frames after that which is asked for, by default from now.

        It ends with the call, with the caller's leave, or after a minute; who wants to go on asks again, and is told.
        """
        after = request.query.get("after", "")
        if after and not (after.isascii() and after.isdigit() and len(after) < MOST_DIGITS):
            raise TurnRefused(400, "'after' is no number of frames; give that of the last one, or leave it out.")
        sender, path = await self._may_hear(request)
        await self._notes.hourly(request, "listened to a running call", sender, path.name)
        try:
            state = course(path)
            found = await self._console.in_thread(piece, path, int(after) if after else None)
        except OSError as error:  # deleted this very moment
            raise web.HTTPNotFound from error
        frame = 2 * found.channels
        if state is not Course.RUNNING or not frame:
            return web.Response(status=204, headers={RUNNING: state.value})
        begin = found.after - len(found.samples) // frame
        headers = {AFTER: str(begin), RUNNING: state.value, RATE: str(found.rate), CHANNELS: str(found.channels)}
        response = await stream(request, "application/octet-stream", headers)
        with suppress(OSError, SQLAlchemyError):  # asked again, the browser is told what it is
            await response.write(found.samples)
            async with self._watch.awake():
                await self._go_on(response, sender, path, found.after)
        return response

    async def _go_on(self, response: web.StreamResponse, sender: str, path: Path, after: int) -> None:
        clock = asyncio.get_running_loop().time
        ends, asked = clock() + STREAM_SECS, clock()
        while clock() < ends and not self._console.ended.is_set():
            await asyncio.sleep(PIECE_SECS)
            if clock() - asked > ALLOWED_SECS:
                asked = clock()
                if not await self._watch.may_hear(sender):
                    return
            state = course(path)  # before the piece, so that a call's last words are in it
            found = await self._console.in_thread(piece, path, after)
            after = found.after
            if found.samples:
                await response.write(found.samples)
            elif state is not Course.RUNNING:
                return

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

    async def _heard_by(self, request: web.Request, shown: Shown) -> Recorded:
        """The recordings that a person may hear, and whether the call goes on that each is of."""
        if not shown.overview.allowed or not person_of(request).may(Right.WORDS):
            return []
        return await self._console.in_thread(self._recorded, shown.overview.sender)

    def _recordings(self, sender: str) -> list[Path]:
        record = self._console.endpoints.record
        return [] if record is None else recordings_of(record.folder, sender)

    def _recorded(self, sender: str) -> Recorded:
        found = []
        for path in self._recordings(sender):
            with suppress(FileNotFoundError):  # deleted this very moment
                found.append((path, course(path) is Course.RUNNING))
        return found


def _state(shown: Shown, recorded: Recorded) -> str:
    """What the page rests on, as one word that says nothing of it."""
    rests = (shown.overview, shown.handed, shown.taken_by, [(path.name, running) for path, running in recorded])
    return hashlib.sha256(repr(rests).encode(errors="surrogatepass")).hexdigest()[:16]


def _clock(moment: float | None) -> str:
    """As `<time>` wants it; the browser shows it in its own zone."""
    try:
        return "" if moment is None else datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""
