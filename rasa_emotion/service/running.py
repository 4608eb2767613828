"""From a start to a drained end."""

import asyncio
import logging
import signal
import ssl

from aiohttp import web

from rasa_emotion.logs import named
from rasa_emotion.service.app import Service

logger = logging.getLogger(__name__)

IDLE_SECS = 60.0
"""How long a connection is kept for its next request."""


async def run(service: Service, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
    """Serve until a SIGTERM or SIGINT; then answer what is inside and end.

    Args:
        service: what is served.
        host: address to listen at.
        port: 0 takes a free one, which the log names.
        tls: with which the service speaks; None for plain HTTP.

    Raises:
        OSError: the address cannot be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Of a client that has gone, what still waits is not analysed.
    runner = web.AppRunner(
        service.app, access_log=None, handler_cancellation=True, keepalive_timeout=IDLE_SECS, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        address = f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
        logger.info("The service listens at %s.", address, extra=named("service.started"))
        await stop.wait()
        await _drain(service, site)
    finally:
        await runner.cleanup()
        service.engine.close()
    logger.info("The service has ended.", extra=named("service.stopped"))


async def _drain(service: Service, site: web.TCPSite) -> None:
    service.draining = True
    logger.info("The service takes no new connections and answers what is inside.", extra=named("service.draining"))
    await site.stop()
    try:
        await asyncio.wait_for(service.idle(), service.limits.drain_secs)
    except asyncio.TimeoutError:
        logger.warning(
            "Requests were still inside after %g s; they were broken off.",
            service.limits.drain_secs,
            extra=named("service.broken"),
        )
