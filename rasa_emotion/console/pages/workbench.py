"""Workbench: look at and listen to recordings."""

from collections.abc import Iterable

from aiohttp import web

from rasa_emotion.console.frame import Console, Page, render
from rasa_emotion.turn.roles import Right


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""

    async def show(request: web.Request) -> web.Response:
        return render(request, "workbench.html")

    return [web.get("/workbench", show)]


PAGE = Page("workbench", "Workbench", Right.TRY, routes)
