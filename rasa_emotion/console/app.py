"""The aiohttp application: static files, the pages, and what stands before them."""

from importlib import resources
from pathlib import PurePosixPath

from aiohttp import web

from rasa_emotion.console.frame import CONSOLE, PERSON, Console, person_of
from rasa_emotion.console.guard import Handler, errors_told, rights_checked, with_headers
from rasa_emotion.console.people import Person
from rasa_emotion.turn.roles import Identity, Role

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain",
    ".wav": "audio/wav",
}
"""Kinds of static files; nothing else is served."""


def make_app(console: Console) -> web.Application:
    """The application that serves a console's pages."""
    app = web.Application(middlewares=[with_headers, errors_told, _only_here, rights_checked])
    app[CONSOLE] = console
    app.router.add_get("/", _first)
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
    return web.Response(body=file.read_bytes(), content_type=kind, headers={"Cache-Control": "no-cache"})


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[PERSON] = Person("you", Identity(Role.SUPERVISOR), "", signs_out=False)
    return await handler(request)
