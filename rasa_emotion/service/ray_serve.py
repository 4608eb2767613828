"""The same application as a deployment of Ray Serve: replicas over cores and machines, started again where they die.

Ray Serve speaks ASGI to its replicas. Each replica runs the aiohttp application at a Unix socket of its own, and what
Ray hands it is passed on to that: routes, limits, roles and streams are those of the one application.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import log_to
from rasa_emotion.service.making import service_of
from rasa_emotion.service.metrics import FOLDER
from rasa_emotion.turn.malformed import tell_malformed

with needs_extra("ray", "Ray Serve"):
    from ray import serve

NAME = "rasa-emotion"
HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "host"}
)
"""Headers that belong to one connection."""

TAKEN = 10_000
"""Requests that Ray hands to a replica at a time; the application itself refuses what is too much for it, with 429."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bridge:
    """An ASGI application that passes everything on to an HTTP server at a Unix socket."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def lead_to(self, path: str) -> None:
        """Where the server listens. To be called on the event loop that serves."""
        connector = aiohttp.UnixConnector(path, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or WebSocket."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        with_body = any(name.lower() == "content-length" for name, _ in headers) or _chunked(scope)
        assert self._session is not None
        async with self._session.request(
            scope["method"],
            _url(scope),
            headers=headers,
            data=_body(receive) if with_body else None,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            allow_redirects=False,
        ) as response:
            told = [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in response.headers.items()
                if name.lower() not in HOP
            ]
            await send({"type": "http.response.start", "status": response.status, "headers": told})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that it wants to connect
        headers = [(name, value) for name, value in _headers(scope) if not name.lower().startswith("sec-websocket-")]
        assert self._session is not None
        try:
            behind = await self._session.ws_connect(_url(scope), headers=CIMultiDict(headers), max_msg_size=0)
        except aiohttp.WSServerHandshakeError:
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: a refusal, with 403
            return
        await send({"type": "websocket.accept"})
        try:
            passing = asyncio.ensure_future(_pass_on(receive, behind))
            try:
                async for message in behind:
                    await send({"type": "websocket.send", "text": message.data})
            finally:
                passing.cancel()
            await send({"type": "websocket.close", "code": behind.close_code or 1011})
        finally:
            await behind.close()


async def _pass_on(receive: Receive, behind: aiohttp.ClientWebSocketResponse) -> None:
    """What the client says, until it goes."""
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("bytes") is not None:
            await behind.send_bytes(message["bytes"])
        else:
            await behind.send_str(message["text"])
    await behind.close()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the client has gone")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _headers(scope: Scope) -> list[tuple[str, str]]:
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return [(name, value) for name, value in found if name.lower() not in HOP]


def _chunked(scope: Scope) -> bool:
    return any(name.lower() == b"transfer-encoding" for name, _ in scope["headers"])


def _url(scope: Scope) -> URL:
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii").partition("?")[0]
    query = scope.get("query_string", b"").decode("ascii")
    return URL(f"http://replica{path}" + (f"?{query}" if query else ""), encoded=True)


BRIDGE = Bridge()
"""Of this process, which runs one replica."""


def _bridge() -> Bridge:
    """What Ray is given: it copies an object into the replica, whose copy leads nowhere, but calls a function there."""
    return BRIDGE


class Replica:
    """One replica; Ray makes it, and calls `check_health` now and then.

    Args:
        make: the service, with its models.
    """

    async def __init__(self, make: Callable[[], Any]) -> None:  # type: ignore[misc]  # Ray awaits it
        if FOLDER in os.environ:
            Path(os.environ[FOLDER]).mkdir(parents=True, exist_ok=True)
        log_to()
        tell_malformed()
        self._service = await asyncio.to_thread(make)
        self._folder = tempfile.TemporaryDirectory(prefix="rasa-emotion-replica-")
        self._runner = web.AppRunner(self._service.app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        path = str(Path(self._folder.name) / "http")
        await web.UnixSite(self._runner, path).start()
        BRIDGE.lead_to(path)

    def check_health(self) -> None:
        """Raises where the replica is to be replaced."""
        if not Path(self._folder.name, "http").exists():
            raise RuntimeError("The socket of this replica is gone.")


def application(
    make: Callable[[], Any], *, least: int = 1, most: int = 1, cpus: float = 1.0, drain_secs: float = 30.0
) -> Any:
    """The deployment, for `ray.serve.run`.

    Args:
        make: a function that makes the `Service` in each replica, such as a `functools.partial` of a module's function.
        least: replicas that are always there.
        most: replicas under load; they come and go with the requests that are inside.
        cpus: cores that a replica counts for.
        drain_secs: for requests that are inside when a replica is to end.
    """
    metrics = str(Path(tempfile.gettempdir()) / f"rasa-emotion-metrics-{os.getpid()}")
    deployment = serve.deployment(
        serve.ingress(_bridge)(Replica),
        name=NAME,
        max_ongoing_requests=TAKEN,
        autoscaling_config={"min_replicas": least, "max_replicas": most, "target_ongoing_requests": 2},
        ray_actor_options={"num_cpus": cpus, "runtime_env": {"env_vars": {FOLDER: metrics}}},
        graceful_shutdown_timeout_s=drain_secs,
    )
    return deployment.bind(make)


def from_args(args: Mapping[str, str]) -> Any:
    """The same for `serve deploy` and KubeRay: `import_path: rasa_emotion.service.ray_serve:from_args`.

    Args:
        args: `token_file`, `models`, `acoustic`, `workers`, `waiting`, `streams`, `telemetry` (as the options of
            `rasa-emotion serve`), `least` and `most` replicas, and `cpus` of each.
    """
    given = dict(args)
    scale = {"least": int(given.pop("least", 1)), "most": int(given.pop("most", given.get("least", 1)))}
    cpus = float(given.pop("cpus", 1))
    return application(service_of(**given), least=scale["least"], most=max(scale.values()), cpus=cpus)
