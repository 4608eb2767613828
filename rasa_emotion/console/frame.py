"""What every page rests on: the options, the database, and how a page is registered and drawn."""

import asyncio
import functools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from aiohttp import web
from sqlalchemy.engine import Engine

import rasa_emotion
from rasa_emotion.console.people import Person
from rasa_emotion.console.workbench.bench import Bench
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.spool.shared import spool_of
from rasa_emotion.turn.roles import RIGHTS, Right

Answer = TypeVar("Answer")

THREADS = 8
"""What waits for the database at the same time; the event loop never does."""


@dataclass(frozen=True)
class Page:
    """One page: its entry in the navigation, its routes, and the right that all of them ask for.

    A module `rasa_emotion/console/pages/NAME.py` holds it as `PAGE`, and `pages/__init__.py` lists the module.

    Args:
        name: the first part of the path of all its routes; also of its files `templates/NAME.html`,
            `static/NAME.js` and `static/NAME.css`.
        title: its entry in the navigation.
        right: what a person needs; `guard.py` asks for it before any route below `/NAME` is called.
        routes: given the console, what the page answers.
    """

    name: str
    title: str
    right: Right
    routes: Callable[["Console"], Iterable[web.RouteDef]]


@dataclass
class Console:
    """What the pages share.

    Args:
        engine: the bot's database of handoffs, messages and consents (and of events, with `EmotionTrackerStore`).
        endpoints: the section `rasa_emotion` of the bot's endpoints.yml.
        pages: those that are served.
        tracker_engine: the database of the tracker store, where it is another one.
        endpoints_file: where `endpoints` was read.
        clock: seconds since 1970.
        attending: the names of those who may take conversations.
        ended: set when the server ends, so that streams do.
        pool: the threads of `in_thread`.
        bench: what the workbench computes with; the models that ship by default.
    """

    engine: Engine
    endpoints: Endpoints
    pages: tuple[Page, ...]
    tracker_engine: Engine | None = None
    endpoints_file: Path | None = None
    clock: Callable[[], float] = time.time
    attending: Callable[[], set[str]] = set
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    bench: Bench | None = None
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="console"))

    async def in_thread(self, work: Callable[..., Answer], *args: Any, **options: Any) -> Answer:
        """Run what waits for the database, or computes for long, beside the event loop."""
        call = functools.partial(work, *args, **options)
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    def pages_of(self, person: Person) -> list[Page]:
        """Those that a person may open, in the order of the navigation."""
        return [page for page in self.pages if page.right in RIGHTS[person.identity.role]]


CONSOLE: web.AppKey[Console] = web.AppKey("console", Console)
PERSON = "rasa_emotion.person"
"""The key under which a request holds who makes it; see `person_of`."""


def consents_of(console: Console) -> Consents:
    """The record of callers' choices in a console's database."""
    url = console.engine.url.render_as_string(hide_password=False)
    return Consents(url, opt_in=console.endpoints.consent == "opt_in", spool=spool_of(console.endpoints))


def console_of(request: web.Request) -> Console:
    """The console that a request came to."""
    return request.app[CONSOLE]


def person_of(request: web.Request) -> Person:
    """Who makes a request. Routes below a page, and those that are not public, always have one."""
    person: Person = request[PERSON]
    return person


def render(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page as HTML. Whatever stands in `values` is escaped.

    Args:
        request: what is answered.
        template: a file of `templates/`, which extends `base.html`.
        status: of HTTP.
        values: what the template names.
    """
    person: Person | None = request.get(PERSON)
    console = console_of(request)
    frame = {
        "person": person,
        "pages": console.pages_of(person) if person else [],
        "here": request.path.split("/")[1],
        "version": rasa_emotion.__version__,
        # The page whose style and script come with it; others name theirs, where they have any.
        "own": next((page.name for page in console.pages if template == f"{page.name}.html"), ""),
    }
    text = _templates().get_template(template).render(**frame, **values)
    return web.Response(text=text, status=status, content_type="text/html")


@functools.cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("rasa_emotion.console"),
        autoescape=True,  # what callers say is never markup
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
