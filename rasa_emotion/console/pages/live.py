"""Live: the conversations in progress, worst mood first."""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from aiohttp import web

from rasa_emotion.console.audit import Notes
from rasa_emotion.console.conversation import Conversation
from rasa_emotion.console.frame import Console, Page, person_of, render
from rasa_emotion.console.streams import send_events
from rasa_emotion.console.watch import Shown, Watch
from rasa_emotion.turn.roles import Right


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""
    watch, notes = Watch(console), Notes()

    async def show(request: web.Request) -> web.Response:
        return render(request, "live.html", wall="wall" in request.query)

    async def events(request: web.Request) -> web.StreamResponse:
        await notes.hourly(request, "watched the live view")
        return await send_events(request, console, _told(watch, words=person_of(request).may(Right.WORDS)))

    return [
        web.get("/live", show),
        web.get("/live/events", events),
        *Conversation(console, watch, notes).routes(),
    ]


async def _told(watch: Watch, *, words: bool) -> AsyncGenerator[str, None]:
    """All conversations, then each change, as JSON."""
    async with aclosing(watch.changes()) as changes:
        async for message in changes:
            yield json.dumps({name: _plain(value, words=words) for name, value in message.items()})


def _plain(value: Any, *, words: bool) -> Any:
    if not isinstance(value, list):
        return value
    return [one.to_dict(words=words) if isinstance(one, Shown) else one for one in value]


PAGE = Page("live", "Live", Right.WATCH, routes)
