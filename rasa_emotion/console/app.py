"""The aiohttp application: static files, the pages, and what stands before them."""

from importlib import resources
from pathlib import PurePosixPath

from aiohttp import web

from rasa_emotion.audio.microphone import microphone_script
from rasa_emotion.console.doors import Doors
from rasa_emotion.console.frame import CONSOLE, Console, person_of
from rasa_emotion.console.guard import errors_told, rights_checked, with_headers

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain",
    ".wav": "audio/wav",
}
"""Kinds of static files; nothing else is served."""


def make_app(console: Console, doors: Doors | None = None) -> web.Application:
    """The application that serves a console's pages.

    Args:
        console: what the pages share.
        doors: how people get in; by default whoever sits at this machine.
    """
    doors = doors or Doors()
    console.attending = doors.attending
    app = web.Application(middlewares=[with_headers, errors_told, doors.opened, rights_checked])
    app.router.add_routes(doors.routes())
    app[CONSOLE] = console
    app.router.add_get("/", _first)
    app.router.add_get("/static/microphone.js", _microphone)
    app.router.add_get("/static/{name:[a-zA-Z0-9_./-]+}", _static)
    for page in console.pages:
        app.router.add_routes(list(page.routes(console)))
    return app


async def _first(request: web.Request) -> web.Response:
    pages = request.app[CONSOLE].pages_of(person_of(request))
    raise web.HTTPFound(f"/{pages[0].name}")


async def _static(request: web.Request) -> web.Response:
    path = PurePosixPath(request.match_info["name"])
    kind = TYPES.get(path.suffix)
    if kind is None or ".." in path.parts:
        raise web.HTTPNotFound
    file = resources.files("rasa_emotion.console").joinpath("static").joinpath(*path.parts)
    if not file.is_file():
        raise web.HTTPNotFound
    return _sent(file.read_bytes(), kind)


async def _microphone(request: web.Request) -> web.Response:
    """The one file of the pages that other pages load too."""
    return _sent(microphone_script(), TYPES[".js"])


def _sent(content: bytes, kind: str) -> web.Response:
    return web.Response(body=content, content_type=kind, headers={"Cache-Control": "no-cache"})
