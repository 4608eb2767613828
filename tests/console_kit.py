"""How tests sign in to the console, and how a browser reaches one."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from rasa_emotion.console.app import make_app
from rasa_emotion.console.doors import Doors
from rasa_emotion.console.frame import Console

PASSWORD = "correct horse battery"

PATIENCE_MS = 180_000
"""A busy machine must not fail a test in a browser."""


@contextmanager
def listening(console: Console, doors: Doors | None = None, port: int = 0) -> Iterator[str]:
    """The address of a console in a thread of its own: the driver of the browser has an event loop already."""
    loop = asyncio.new_event_loop()
    runners: list[web.AppRunner] = []

    async def start() -> str:
        runner = web.AppRunner(make_app(console, doors), shutdown_timeout=1.0)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop() -> None:
        console.ended.set()
        await runners[0].cleanup()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def serious(page) -> list[tuple[str, str]]:
    """What axe-core says keeps people out of a page."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 -- where there is a browser

    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


async def sign_in(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> ClientResponse:
    return await client.post("/sign-in", data={"name": name, "password": password, **more}, allow_redirects=False)


async def csrf_of(client: TestClient) -> str:
    text = await (await client.get("/", headers={"Accept": "text/html"})).text()
    found = re.search(r'data-csrf="([0-9a-f]+)"', text)
    assert found, text
    return found[1]
