"""Review: what happened over days, and what it teaches."""

from collections.abc import Iterable

from aiohttp import web

from rasa_emotion.console.frame import Console, Page, render
from rasa_emotion.console.review.reading import MOST_DAYS, Review
from rasa_emotion.console.review.what_if import Change
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

DAYS = 30


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""
    review = Review(console)

    async def show(request: web.Request) -> web.Response:
        return render(request, "review.html", days=DAYS, most_days=MOST_DAYS)

    async def figures(request: web.Request) -> web.Response:
        return web.json_response(await console.in_thread(review.figures, _days(request)))

    async def what_if(request: web.Request) -> web.Response:
        change = Change(
            threshold=_number(request, "threshold", 0.01, 1),
            cooldown=_whole(request, "cooldown", 0, 100),
            cap=_whole(request, "cap", 1, 100),
        )
        return web.json_response(await console.in_thread(review.what_if, _days(request), change))

    return [
        web.get("/review", show),
        web.get("/review/figures", figures),
        web.get("/review/what-if", what_if),
    ]


def _days(request: web.Request) -> int:
    return _whole(request, "days", 1, MOST_DAYS) or DAYS


def _number(request: web.Request, name: str, least: float, most: float) -> float | None:
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise TurnRefused(422, f"'{name}' must be between {least:g} and {most:g}.")
    return value


def _whole(request: web.Request, name: str, least: int, most: int) -> int | None:
    value = _number(request, name, least, most)
    if value is not None and value != int(value):
        raise TurnRefused(422, f"'{name}' must be a whole number.")
    return None if value is None else int(value)


PAGE = Page("review", "Review", Right.WATCH, routes)
