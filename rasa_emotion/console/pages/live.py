"""Live: the conversations in progress, worst mood first."""

from collections.abc import Iterable

from aiohttp import web

from rasa_emotion.console.frame import Console, Page, render
from rasa_emotion.turn.roles import Right


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""

    async def show(request: web.Request) -> web.Response:
        return render(request, "live.html")

    return [web.get("/live", show)]


PAGE = Page("live", "Live", Right.WATCH, routes)
