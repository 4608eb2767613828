"""Review: what happened over days, and what it teaches."""

from collections.abc import Iterable

from aiohttp import web

from rasa_emotion.console.frame import Console, Page, render
from rasa_emotion.turn.roles import Right


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""

    async def show(request: web.Request) -> web.Response:
        return render(request, "review.html")

    return [web.get("/review", show)]


PAGE = Page("review", "Review", Right.WATCH, routes)
