"""The routes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import BodyPartReader, web

import rasa_emotion
from rasa_emotion.errors import place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.service.connections import Heads
from rasa_emotion.service.engine import FULL, Engine, busy
from rasa_emotion.service.limits import Limits
from rasa_emotion.service.metrics import Metrics
from rasa_emotion.service.stream import Streams, asyncapi
from rasa_emotion.service.telemetry import Spans
from rasa_emotion.service.turns import Body, models, openapi
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

logger = logging.getLogger(__name__)

CHUNK = 65_536
TURNS = "turns"
"""Where a request keeps how many turns it had."""
STREAM = 101
"""The status of a request that became a WebSocket."""
TOO_LARGE = "The request is larger than the {:g} MB allowed; send less."
STOPPING = "The service is about to stop; ask another one."
REASONS = {404: "There is nothing at this address; see /v1/openapi.json.", 405: "This address takes other methods."}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """The service's routes, as an aiohttp application in `app`.

    Args:
        analyzer: what is asked.
        access: who may ask.
        limits: what is too much.
        spans: for OpenTelemetry; none unless given.
    """

    def __init__(
        self, analyzer: Analyzer, access: Access, limits: Limits | None = None, spans: Spans | None = None
    ) -> None:
        self.limits = limits or Limits()
        self._metrics = Metrics()
        self.engine = Engine(analyzer, self.limits, self._metrics.note_load)
        self.heads = Heads(self.limits.head_secs)
        self.draining = False
        self._access = access
        self._spans = spans or Spans()
        self._bodies = 0
        self.streams = Streams(analyzer, self.limits, self._metrics)
        self._models = models(analyzer, rasa_emotion.__version__)
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.app = web.Application(middlewares=[self._guarded], client_max_size=self.limits.body_bytes)
        self.app.add_routes(
            [
                web.post("/v1/analyze", self._analyze),
                web.get("/v1/stream", self._stream, allow_head=False),
                web.get("/v1/models", self._told_models, allow_head=False),
                web.get("/v1/openapi.json", self._told_openapi, allow_head=False),
                web.get("/v1/asyncapi.json", self._told_asyncapi, allow_head=False),
                web.get("/healthz", self._health, allow_head=False),
                web.get("/readyz", self._ready, allow_head=False),
                web.get("/metrics", self._told_metrics, allow_head=False),
            ]
        )

    def drain(self) -> None:
        """From now on nothing new is taken; what is inside ends in its own time."""
        self.draining = True
        self.streams.drain()

    def close(self) -> None:
        """Let the threads end."""
        self.engine.close()
        self.streams.close()
        self._spans.close()

    async def idle(self) -> None:
        """Returns as soon as no request or stream is inside."""
        await self._idle.wait()

    async def _analyze(self, request: web.Request) -> web.Response:
        self._allow(request, Right.SPEAK)
        body = await self._body(request)
        with self._spans.part("analysis"):
            answered = await self.engine.answer(body)
        request[TURNS] = answered.turns
        self._metrics.note_turns(answered.turns, answered.estimates)
        return web.json_response(answered.body, status=answered.status)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        self._allow(request, Right.SPEAK)
        if self.draining:
            raise busy(STOPPING, 503)
        if self.streams.full:
            raise busy("Too many streams are open; open this one again later.")
        return await self.streams.serve(request)

    async def _told_models(self, request: web.Request) -> web.Response:
        self._allow(request, Right.SPEAK)
        return web.json_response(self._models)

    async def _told_openapi(self, _: web.Request) -> web.Response:
        return web.json_response(openapi())

    async def _told_asyncapi(self, _: web.Request) -> web.Response:
        return web.json_response(asyncapi())

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, _: web.Request) -> web.Response:
        if self.draining:
            raise busy(STOPPING, 503)
        return web.json_response({"status": "ok"})

    async def _told_metrics(self, request: web.Request) -> web.Response:
        if self._access.asks:  # where nobody is asked for a key, everybody is a caller
            self._allow(request, Right.WATCH)
        return web.Response(body=self._metrics.text(), content_type="text/plain", charset="utf-8")

    def _allow(self, request: web.Request, right: Right) -> None:
        # No key out of the query, which ends up in the logs of proxies: programs can set headers.
        self._access.identify(request.headers).require(right)

    async def _body(self, request: web.Request) -> Body:
        """The body, within the limits of size and time. Raises TurnRefused."""
        if (request.content_length or 0) > self.limits.body_bytes:
            raise self._too_large()
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise TurnRefused(415, "The body is compressed; send it as it is.")
        if self.engine.full:
            raise busy(FULL)  # before the body is taken, which then costs nothing but its way
        if self._bodies >= self.limits.bodies:
            raise busy("Too many requests are on their way; send this one again later.")
        self._bodies += 1
        try:
            return await asyncio.wait_for(self._read(request), self.limits.body_secs)
        except asyncio.TimeoutError as error:
            raise TurnRefused(
                408, f"The body did not arrive within {self.limits.body_secs:g} s; send it faster."
            ) from error
        finally:
            self._bodies -= 1

    async def _read(self, request: web.Request) -> Body:
        if request.content_type == "application/json":
            try:
                return Body(await request.read() or b"null")
            except web.HTTPRequestEntityTooLarge as error:
                raise self._too_large() from error
        if request.content_type == "multipart/form-data":
            return Body(parts=await self._parts(request))
        raise TurnRefused(415, "The body is neither application/json nor multipart/form-data; send one of them.")

    async def _parts(self, request: web.Request) -> dict[str, bytes]:
        parts: dict[str, bytes] = {}
        size = 0
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or not part.name:
                    raise ValueError
                content = bytearray()
                while chunk := await part.read_chunk(CHUNK):
                    content += chunk
                    size += len(chunk)
                    if size > self.limits.body_bytes:
                        raise self._too_large()
                parts[part.name] = bytes(content)
                if len(parts) > self.limits.turns + 1:
                    raise TurnRefused(413, f"The form has more than {self.limits.turns + 1} parts; send fewer.")
        except (ValueError, AssertionError, LookupError, EOFError, web.HTTPBadRequest) as error:
            # What aiohttp raises of a malformed form.
            raise TurnRefused(400, "The form is malformed, or a part of it has no name; send it again.") from error
        return parts

    def _too_large(self) -> TurnRefused:
        return TurnRefused(413, TOO_LARGE.format(self.limits.body_bytes / 1e6))

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever happens is one sentence as JSON, one log line and one count."""
        begun = time.perf_counter()
        self.heads.note(request)
        self._open += 1
        self._idle.clear()
        try:
            resource = request.match_info.route.resource
            route = resource.canonical if resource else "other"
            method = request.method if resource else "?"  # either may hold anything
            with self._spans.request(method, route, request.headers) as numbers:
                response = await self._answered(request, handler)
                numbers.update(status=response.status, turns=request.get(TURNS, 0))
            seconds = time.perf_counter() - begun
            # A stream lasts as long as its call.
            self._metrics.note_request(route, response.status, None if response.status == STREAM else seconds)
            logger.info(
                "%s %s: %d in %.1f ms.",
                method,
                route,
                response.status,
                1000 * seconds,
                extra=named("service.request"),
            )
            if self.draining:
                response.force_close()
            return response
        finally:
            self._open -= 1
            if self._open == 0:
                self._idle.set()

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except TurnRefused as refused:
            return _refusal(refused.status, str(refused), refused.retry_after)
        except web.HTTPException as error:
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _refusal(error.status, REASONS.get(error.status, f"{error.reason}."), headers=allowed)
        except web.RequestPayloadError:
            return _refusal(400, "The body is not what its headers say; send it again.")
        except ConnectionError:
            raise  # the client has gone: nobody is to be told
        except Exception as error:
            logger.error("A request could not be answered (%s).", place_of(error), extra=named("service.failed"))
            trace(logger, "service.failed", error)
            return _refusal(500, "The service failed at this request; its log says where.")


def _refusal(
    status: int, sentence: str, retry_after: int | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    later: dict[str, str] = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"error": sentence}, status=status, headers={**(headers or {}), **later})
