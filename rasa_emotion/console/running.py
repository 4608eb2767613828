"""From the options to a console that listens, until it is told to end."""

import asyncio
import logging
import signal
import ssl
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from rasa_emotion.console.app import make_app
from rasa_emotion.console.audit import delete_old
from rasa_emotion.console.doors import Doors
from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import endpoints_path, read_content, read_endpoints, resolved, sql_url
from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.turn.malformed import tell_malformed

logger = logging.getLogger(__name__)


def open_console(endpoints: Path | None = None, database: str | None = None) -> Console:
    """A console on a bot's databases; tables that are missing are made.

    Args:
        endpoints: the bot's endpoints.yml; by default as everywhere.
        database: an SQLAlchemy URL in the place of that which endpoints.yml names.

    Raises:
        ConfigError: endpoints.yml or a database that it names cannot be used.
    """
    path = endpoints or endpoints_path()
    settings = read_endpoints(path)
    engine = open_database(database or settings.database)
    create_tables(engine)
    return Console(engine, settings, PAGES, tracker_engine=_tracker_engine(path), endpoints_file=path)


def _tracker_engine(path: Path) -> Engine | None:
    """Where Rasa's own SQL tracker store, or else an SQL event broker, keeps events.

    None where there is neither, or where ours keeps them beside the handoffs.
    """
    content = read_content(path)
    store = content.get("tracker_store")
    if isinstance(store, Mapping) and str(store.get("type")).rpartition(".")[2] == "EmotionTrackerStore":
        return None
    for options in (store, content.get("event_broker")):
        if isinstance(options, Mapping) and str(options.get("type")).lower() == "sql":
            return _reading(sql_url(resolved(options, str(path))))
    return None


def _reading(url: str) -> Engine:
    """An engine for a database of Rasa's, in which nothing is changed. Raises ConfigError for a URL that is none."""
    try:
        return create_engine(make_url(url), pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(f"The conversations' database cannot be used ({error}); correct its options.") from error


async def run(console: Console, doors: Doors, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
    """Serve until a SIGTERM or SIGINT.

    Args:
        console: what is served.
        doors: how people get in.
        host: address to listen at.
        port: 0 takes a free one, which the log names.
        tls: with which the console speaks; None for plain HTTP.

    Raises:
        ConfigError: the address cannot be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tell_malformed()
    runner = web.AppRunner(make_app(console, doors), access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await console.in_thread(delete_old, console.engine, console.clock())
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        address = f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
        logger.info("The console listens at %s.", address, extra=named("console.started"))
        await stop.wait()
    except OSError as error:
        raise ConfigError(
            f"The console cannot listen at {host}, port {port} ({error.strerror or error}); give others."
        ) from error
    finally:
        console.ended.set()
        await runner.cleanup()
        console.pool.shutdown(wait=False, cancel_futures=True)
    logger.info("The console has ended.", extra=named("console.stopped"))
