"""The softphone: a page that calls the bot from a browser. All that it loads is served here."""

from functools import cache
from importlib import resources

from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.audio.microphone import microphone_script

MICROPHONE = "microphone.js"
PAGES: dict[str, tuple[str, str]] = {
    "/softphone": ("softphone.html", "text/html; charset=utf-8"),
    "/softphone.css": ("softphone.css", "text/css; charset=utf-8"),
    "/softphone.js": ("softphone.js", "text/javascript; charset=utf-8"),
    "/softphone-chart.js": ("softphone-chart.js", "text/javascript; charset=utf-8"),
    "/softphone-speaker.js": ("softphone-speaker.js", "text/javascript; charset=utf-8"),
    "/softphone-microphone.js": (MICROPHONE, "text/javascript; charset=utf-8"),
}

HEADERS = {
    # Nothing from elsewhere, and no page of another site around it.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "permissions-policy": "microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def add_softphone(webhook: Blueprint) -> None:
    """Add the page and its files; the socket that it opens has its own guard."""

    async def serve(request: Request) -> HTTPResponse:
        name, content_type = PAGES[f"/{request.path.rpartition('/')[2]}"]
        return response.raw(_content(name), content_type=content_type, headers=HEADERS)

    for number, path in enumerate(PAGES):
        webhook.add_route(serve, path, methods=["GET"], name=f"softphone_{number}")


@cache
def _content(name: str) -> bytes:
    if name == MICROPHONE:
        return microphone_script()
    return resources.files("rasa_emotion.bot.channels").joinpath("softphone").joinpath(name).read_bytes()
