"""What stands before every route of our channels: who asks, how much they may send, and how long that may take."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from inspect import isawaitable
from types import MappingProxyType
from typing import Any

from rasa.constants import ENV_SANIC_BACKLOG
from rasa.core.constants import DEFAULT_RESPONSE_TIMEOUT
from rasa.utils.endpoints import bool_arg
from sanic import Blueprint, Sanic, response
from sanic.config import DEFAULT_CONFIG
from sanic.headers import parse_content_header
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.logs import named
from rasa_emotion.turn import once
from rasa_emotion.turn.access import HEADER, Access, is_loopback
from rasa_emotion.turn.once import Once
from rasa_emotion.turn.plain import check_count
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import ANYBODY, Identity

logger = logging.getLogger(__name__)

GRACE_SECS = 20.0
"""How long a body may take, however short it is ..."""

SLOWEST_BYTES = 10_000
"""... and the bytes that give it another second."""

MOST_PARTS = 100
"""Of a form; ours has eight."""

MOST_UNREAD = 100_000_000
"""Bytes of a refused request that are read and dropped, so that its sender gets the answer; Sanic's own limit."""

MOST_UNACCEPTED = 4096
"""Connections that the system holds until the server takes them. It forgets what comes beyond: its client sees a broken
line in place of an answer. Linux takes the smaller one of this and `net.core.somaxconn`."""

IDLE_SECS = 75
"""For which a line is kept between two turns. A client or proxy that keeps it longer than the server may send a turn at
the moment at which the server closes it, and then the turn is lost: Sanic's 5 s are a caller's usual pause, and most
clients keep a line for 15 to 60 s."""

SWITCH_SECS = 0.0005
"""How long a thread may compute before another one gets its turn. uvloop waits for Python's lock at every event of a
socket: with Python's 5 ms, beside threads that decode sound or ask a database, it would see to some 200 a second."""

SLOW = "The request came too slowly and was given up; send it again over a better line."

REPEATED = "Idempotency-Replayed"
"""The header of an answer that is given again."""

_REPEATED = ("x-emotion-warning", "retry-after")
"""Headers that an answer keeps; the others belong to a response."""

_IDLE_VARIABLE, _ANSWER_VARIABLE = "SANIC_KEEP_ALIVE_TIMEOUT", "SANIC_RESPONSE_TIMEOUT"
"""From which Sanic reads them."""

_MARK = "is_guarded"

# ContextVar because the wrapped channel of a relay makes the response, and a middleware decides about it.
word: ContextVar[dict[str, Any] | None] = ContextVar("word", default=None)
"""What a relay leaves for the response to the request that is handled now."""

# ContextVar set before a route's handler: a wrapped channel passes on nothing but its message.
_who: ContextVar[Identity] = ContextVar("who", default=ANYBODY)


def who() -> Identity:
    """Who the request comes from that is handled now; anybody outside of a guarded route."""
    return _who.get()


@dataclass(frozen=True)
class Door:
    """What is asked at one address.

    Args:
        ask: says who a request comes from; raises TurnRefused where it may not come in.
        reads_body: whether the proof covers the body, which is then read first.
    """

    ask: Callable[[Request], Identity]
    reads_body: bool = False


def door_of(access: Access) -> Door:
    """Asks for a key or a ticket."""
    return Door(lambda request: access.identify(request.headers, request.args.get(HEADER)))


def guard(
    webhook: Blueprint,
    access: Access,
    *,
    most_bytes: int | None = None,
    open_paths: Collection[str] = (),
    doors: Mapping[str, Door] = MappingProxyType({}),
    check_room: Callable[[], None] | None = None,
) -> None:
    """Put the guard before all routes and sockets of a blueprint that is not registered yet, and that have none.

    Args:
        webhook: the channel's routes.
        access: what they ask for.
        most_bytes: longest body; None for the server's own limit.
        open_paths: what asks for nothing since it is protected in another way. The health check, `GET /`, asks for
            nothing either: it says only that the server runs.
        doors: what is asked at single addresses in the place of `access`, by the route as it was added.
        check_room: raises TurnRefused where no further turn can be taken now; asked before the body of a POST is read.
    """
    hold_connections()
    webhook.listener("before_server_start")(_favour_sockets)
    webhook.listener("before_server_start")(keep_lines)
    sockets: dict[str, Door] = {}
    # Sanic has no public way to come before a body is read for one blueprint: its signals are the whole server's.
    for route in list(webhook._future_routes):
        if route.static or hasattr(route.handler, _MARK):
            continue
        health = route.uri == "/" and set(route.methods or ()) <= {"GET", "HEAD"}
        door = None if health or route.uri in open_paths else doors.get(route.uri) or door_of(access)
        handler: Any = route.handler  # which Sanic declares to be a text
        if route.websocket and door is not None:
            sockets[route.uri] = door
        guarded = _marked(handler) if route.websocket else _guarded(handler, door, most_bytes, check_room)
        webhook._future_routes.discard(route)
        webhook._future_routes.add(route._replace(handler=guarded))
    if sockets:
        _guard_sockets(webhook, sockets)


def hold_connections() -> None:
    """Let more connections wait for a busy server than Rasa's 100, unless its operator has said how many.

    Rasa reads the variable when it begins to listen, which is after its channels were made.
    """
    os.environ.setdefault(ENV_SANIC_BACKLOG, str(MOST_UNACCEPTED))


async def _favour_sockets(_: Sanic, __: object) -> None:
    sys.setswitchinterval(min(SWITCH_SECS, sys.getswitchinterval()))


async def keep_lines(app: Sanic, _: object) -> None:
    """Keep lines for longer than clients do, and for as long as a turn takes, unless the operator has said how long.

    Rasa's `--response-timeout` reaches its server with `--enable-api` alone; without it Sanic's own 60 s hold.
    """
    if _IDLE_VARIABLE not in os.environ:
        app.config.KEEP_ALIVE_TIMEOUT = max(IDLE_SECS, app.config.KEEP_ALIVE_TIMEOUT)
    if _ANSWER_VARIABLE not in os.environ and DEFAULT_CONFIG["RESPONSE_TIMEOUT"] == app.config.RESPONSE_TIMEOUT:
        app.config.RESPONSE_TIMEOUT = DEFAULT_RESPONSE_TIMEOUT


def _guard_sockets(webhook: Blueprint, doors: Mapping[str, Door]) -> None:
    """Ask before the handshake: who may not come in gets an answer that is none of a WebSocket."""

    async def ask(request: Request) -> HTTPResponse | None:
        door = next((door for uri, door in doors.items() if request.uri_template.endswith(uri)), None)
        if door is None:
            return None  # no socket; its handler asks
        try:
            _who.set(door.ask(request))
        except TurnRefused as error:
            return failure(error)
        return None

    webhook.middleware(ask, "request")


def _marked(handler: Any) -> Any:
    @wraps(handler)
    async def receive(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    setattr(receive, _MARK, True)
    return receive


def warn_where_open(webhook: Blueprint, access: Access, owner: str) -> None:
    """Let the server say at its start that a channel asks for nothing, where others than this machine reach it."""

    async def warn(app: Sanic, _: object) -> None:
        if not access.asks and not is_loopback(getattr(app.state, "host", None)):
            logger.warning(
                "Whoever reaches this server can speak in any caller's name: the channel '%s' asks for no key. Set its "
                "'token' or 'token_file', see docs/security.md, or bind to this machine alone: rasa run -i 127.0.0.1",
                owner,
                extra=named("access.open"),
            )

    webhook.listener("before_server_start")(warn)


def failure(error: TurnRefused) -> HTTPResponse:
    """The answer to a request that is refused."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return response.json(failed(error.status, str(error)), status=error.status, headers=headers)


def failed(status: int, sentence: str) -> dict[str, Any]:
    """What such an answer holds."""
    return {"status": "failure", "code": status, "message": sentence}


def _guarded(handler: Any, door: Door | None, most_bytes: int | None, check_room: Callable[[], None] | None) -> Any:
    answers: Once[_Kept] = Once()

    async def receive(request: Request, *args: Any, **kwargs: Any) -> Any:
        # A browser asks before it sends its token.
        asks = door if request.method != "OPTIONS" else None
        _who.set(ANYBODY)
        try:
            if asks is not None and not asks.reads_body:
                _who.set(asks.ask(request))
            if check_room is not None and request.method == "POST":
                check_room()
            await read_body(request, most_bytes)
            _check_parts(request)
            if asks is not None and asks.reads_body:
                _who.set(asks.ask(request))
        except TurnRefused as error:
            await _refuse(request, error)
            return None

        async def answered() -> Any:
            answer = handler(request, *args, **kwargs)
            return await answer if isawaitable(answer) else answer

        key = request.headers.get(once.HEADER)
        if key is None or request.method != "POST":
            return await answered()
        try:
            return await _answered_once(answers, key, request, answered)
        except TurnRefused as error:
            return failure(error)

    # As a stream, so that nothing is read before it is known who asks and how much it will be.
    receive.is_stream = True  # type: ignore[attr-defined]  # as Sanic marks them
    setattr(receive, _MARK, True)
    return receive


@dataclass(frozen=True)
class _Kept:
    """An answer as it is given again, and what a relay leaves beside it."""

    response: Any
    left: dict[str, Any]


async def _answered_once(
    answers: Once[_Kept], key: str, request: Request, answered: Callable[[], Awaitable[Any]]
) -> Any:
    """The answer to a request that a client may have sent before. Raises TurnRefused."""
    if bool_arg(request, "stream", default=False):
        raise TurnRefused(400, f"'{once.HEADER}' does not go with 'stream'; leave one of them out.")

    async def work() -> _Kept:
        answer = await answered()
        return _Kept(answer, dict(word.get() or {}))

    def keep(kept: _Kept) -> bool:
        good = isinstance(kept.response, HTTPResponse) and kept.response.status < HTTPStatus.BAD_REQUEST
        return good and not kept.left.keys() & {"refused", "failed"}

    kept, again = await answers.do((who().name, once.checked_key(key)), _hash(request), work, keep=keep)
    left = word.get()
    if left is not None:
        left.update(kept.left)
    if not again or not isinstance(kept.response, HTTPResponse):
        return kept.response
    first = kept.response
    headers = {name: value for name, value in first.headers.items() if name.lower() in _REPEATED}
    return HTTPResponse(first.body, first.status, {**headers, REPEATED: "true"}, first.content_type)


def _hash(request: Request) -> bytes:
    """By which two requests are told apart. A form is sent with another boundary each time."""
    content = sha256(request.path.encode())
    if is_form(request):
        content.update(repr(sorted(request.form.items())).encode("utf-8", "surrogatepass"))
        for name, files in sorted(request.files.items()):
            content.update(name.encode("utf-8", "surrogatepass"))
            content.update(b"".join(sha256(file.body).digest() for file in files))
    else:
        content.update(request.body)
    return content.digest()


def is_form(request: Request) -> bool:
    """Whether a request's body is a form with files."""
    return (request.content_type or "").lower().startswith("multipart/form-data")


def _check_parts(request: Request) -> None:
    """Raises TurnRefused (413) for a body that takes the server seconds to read, in which it stands still."""
    if not is_form(request):
        check_count(request.body)
        return
    _, parameters = parse_content_header(request.content_type)
    boundary = str(parameters.get("boundary", "")).encode("utf-8", "surrogatepass")
    if boundary and request.body.count(boundary) > MOST_PARTS:
        raise TurnRefused(413, f"The form has more than {MOST_PARTS} parts; send fewer.")


async def read_body(request: Request, most: int | None) -> None:
    """Read a request's body.

    Raises:
        TurnRefused: it is longer than `most` bytes, the server's own limit by default (413), which is told as soon as
            it is known; or it comes too slowly (408).
    """
    most = request.app.config.REQUEST_MAX_SIZE if most is None else most
    sentence = f"The request has more than {most / 1e6:.1f} MB; send a shorter one."
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise TurnRefused(413, sentence)
    parts, size = [], 0
    async for part in _paced(request):
        parts.append(part)
        size += len(part)
        if size > most:  # no length was said
            raise TurnRefused(413, sentence)
    request.body = b"".join(parts)


async def _paced(request: Request) -> AsyncIterator[bytes]:
    """The parts of a body. Raises TurnRefused (408) where they come too slowly."""
    stream, loop, size = request.stream, asyncio.get_running_loop(), 0
    begun = loop.time()
    while stream is not None:
        left = begun + GRACE_SECS + size / SLOWEST_BYTES - loop.time()
        try:
            part = await asyncio.wait_for(stream.read(), left)
        except asyncio.TimeoutError as error:
            _hang_up(request)
            raise TurnRefused(408, SLOW) from error
        if part is None:
            return
        size += len(part)
        yield part


async def _refuse(request: Request, error: TurnRefused) -> None:
    """Answer, then read on for a while: else a client that is still sending would see no answer, but a broken line."""
    refusal = failure(error)
    answer = await request.respond(refusal)
    await answer.send(end_stream=True)
    size = 0
    try:
        async for part in _paced(request):
            size += len(part)
            if size > MOST_UNREAD:
                _hang_up(request)
                return
    except TurnRefused:
        return


def _hang_up(request: Request) -> None:
    """Leave the rest of a body unread, and end the connection after the answer."""
    if request.stream is not None:
        request.stream.keep_alive = False
        request.stream.request_body = None
