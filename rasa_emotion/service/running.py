"""From a start to a drained end."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiohttp import web

from rasa_emotion.logs import named
from rasa_emotion.service.app import Service
from rasa_emotion.turn.malformed import tell_malformed

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

BACKLOG = 1024
"""Connections that the system holds until they are taken."""

IDLE_SECS = 60.0
"""How long a connection is kept for its next request."""


def listening(host: str, port: int, *, shared: bool = False, backlog: int | None = BACKLOG) -> list[socket.socket]:
    """Sockets that listen at each address of a host.

    Args:
        host: a name or address.
        port: 0 takes a free one, the same at each address.
        shared: whether others may listen at the same port beside these, and get a share of its connections.
        backlog: connections that wait until they are taken; None holds the port and listens not.

    Raises:
        OSError: the address does not exist, or is in use.
    """
    found: list[socket.socket] = []
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            one = socket.socket(family, kind, protocol)
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address[0], port, *address[2:]))
            if backlog is not None:
                one.listen(backlog)
            one.setblocking(False)
            port = one.getsockname()[1]
    except OSError:
        for one in found:
            one.close()
        raise
    return found


async def run(
    service: Service,
    *,
    sockets: Sequence[socket.socket],
    tls: ssl.SSLContext | None = None,
    listens: Callable[[], None] | None = None,
    orphaned: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until a SIGTERM or SIGINT; then answer what is inside and end.

    Args:
        service: what is served.
        sockets: that listen, see `listening`.
        tls: with which the service speaks; None for plain HTTP.
        listens: called once it serves, in place of the log line that says where.
        orphaned: returns when nobody needs the service any more, which ends it as a SIGTERM does.
    """
    _allow_many_sockets()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tell_malformed()
    # Of a client that has gone, what still waits is not analysed.
    runner = web.AppRunner(
        service.app, access_log=None, handler_cancellation=True, keepalive_timeout=IDLE_SECS, shutdown_timeout=1.0
    )
    await runner.setup()
    assert runner.server is not None
    beside = [asyncio.ensure_future(service.heads.watch(runner.server))]
    if orphaned is not None:
        beside.append(asyncio.ensure_future(orphaned()))
        beside[-1].add_done_callback(lambda _: stop.set())
    try:
        sites = [web.SockSite(runner, one, ssl_context=tls) for one in sockets]
        for site in sites:
            await site.start()
        if listens is not None:
            listens()
        else:
            host, port = sockets[0].getsockname()[:2]
            address = f"{'https' if tls else 'http'}://{host}:{port}"
            logger.info("The service listens at %s.", address, extra=named("service.started"))
        await stop.wait()
        await _drain(service, sites)
    finally:
        for task in beside:
            task.cancel()
        await runner.cleanup()
        service.close()
    logger.info("The service has ended.", extra=named("service.stopped"))


def _allow_many_sockets() -> None:
    """As many as this user may have: the usual soft limit of 1,024 open files is reached by idle clients alone."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):  # macOS says "unlimited" and takes less
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _drain(service: Service, sites: Sequence[web.SockSite]) -> None:
    service.drain()
    logger.info("The service takes no new connections and answers what is inside.", extra=named("service.draining"))
    for site in sites:
        await site.stop()
    try:
        await asyncio.wait_for(service.idle(), service.limits.drain_secs)
    except asyncio.TimeoutError:
        logger.warning(
            "Requests were still inside after %g s; they were broken off.",
            service.limits.drain_secs,
            extra=named("service.broken"),
        )
