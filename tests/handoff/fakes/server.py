"""A helpdesk to fail against: what every fake shares. Real sockets, faults on demand or by chance."""

import argparse
import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATE_PATH = "/_state"


@dataclass(frozen=True)
class Fault:
    """What happens to one request instead of its answer.

    Args:
        status: the answer, without any effect; 0 for a broken connection.
        headers: of that answer, such as {"Retry-After": "7"}.
        after: the request has its effect first, then its answer is lost.
        wait_secs: before the answer.
        path: a part of the path that the request must have; others pass.
        method: such as "POST"; others pass.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    wait_secs: float = 0.0
    path: str = ""
    method: str = ""

    def meets(self, request: web.Request) -> bool:
        return self.path in request.path and self.method in ("", request.method)


BROKEN_BEFORE = Fault()
BROKEN_AFTER = Fault(after=True)


class FakeServer(ABC):
    """An aiohttp server on a free port of this machine.

    Args:
        chance: of a request to fail: half of the time without its effect (500, 429 or a broken connection), half of
            the time after it (a broken connection).
        slow_secs: an answer takes up to this long.
        seed: of both.

    >>> async with FakeWebhook() as fake:
    ...     fake.fail(Fault(500), BROKEN_AFTER)
    ...     await helpdesk_for(fake).deliver(packet)
    """

    options: ClassVar[dict] = {}
    """What endpoints.yml says of this helpdesk, but for the address."""

    url_option = "url"

    def __init__(self, *, chance: float = 0.0, slow_secs: float = 0.0, seed: int = 0) -> None:
        self.faults: deque[Fault] = deque()
        self.skip = 0  # requests that pass before the first fault
        self.requests: list[tuple[str, str]] = []
        self.chance, self.slow_secs = chance, slow_secs
        self._random = random.Random(seed)
        self._app = web.Application(middlewares=[self._with_faults], client_max_size=64 * 1024**2)
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.add_routes(self._app.router)
        self._app.router.add_get(STATE_PATH, self._show)

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer the vendor's requests."""

    @abstractmethod
    def state(self) -> dict:
        """What people would see, as JSON: `tickets` (key of the escalation by ticket, one row for each that is
        visible) and `messages` (texts by ticket, in order)."""

    @property
    def settings(self) -> dict:
        """The key `helpdesk` of endpoints.yml for this server."""
        return {**self.options, self.url_option: self.url}

    def fail(self, *faults: Fault) -> None:
        """The next requests that they apply to meet these faults, one each, in this order."""
        self.faults.extend(faults)

    async def start(self, port: int = 0) -> "FakeServer":
        self._runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> "FakeServer":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @web.middleware
    async def _with_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == STATE_PATH:
            return await handler(request)
        self.requests.append((request.method, request.path))
        # All of it is read first: else a broken connection could stop the sender in the middle.
        await request.read()
        fault = self._fault(request)
        if fault is None:
            return await handler(request)
        if fault.after:
            await handler(request)
        await asyncio.sleep(fault.wait_secs)
        if fault.status:
            return web.json_response({"error": "as asked for"}, status=fault.status, headers=fault.headers)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _fault(self, request: web.Request) -> Fault | None:
        if self.faults and self.faults[0].meets(request):
            if not self.skip:
                return self.faults.popleft()
            self.skip -= 1
        if self._random.random() >= self.chance:
            return None
        kinds = [Fault(500), Fault(503), Fault(429, {"Retry-After": "0"}), BROKEN_BEFORE, *[BROKEN_AFTER] * 4]
        return self._random.choice(kinds)

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(self.state())

    async def slowly(self) -> None:
        """Take as long as this helpdesk does. Called by handlers before the effect."""
        if self.slow_secs:
            await asyncio.sleep(self._random.random() * self.slow_secs)


class TwoWayServer(FakeServer):
    """A fake that also reports to the bot."""

    @abstractmethod
    def sign(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """Headers that make a request to the bot genuine, sent at a time (now, unless given)."""

    def signed(self, event: object, at: float | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a request to the bot."""
        body = json.dumps(event).encode()
        return self.sign(body, at), body


def main(fake: type[FakeServer]) -> None:
    """Serve until the process is ended. The first line on standard output is JSON: what endpoints.yml would say."""
    parser = argparse.ArgumentParser(description=fake.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--chance", type=float, default=0.0, help="of a request to fail")
    parser.add_argument("--slow-secs", type=float, default=0.0, help="longest time of an answer")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()

    async def serve() -> None:
        server = fake(chance=given.chance, slow_secs=given.slow_secs, seed=given.seed)
        await server.start(given.port)
        print(json.dumps(server.settings), flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())
