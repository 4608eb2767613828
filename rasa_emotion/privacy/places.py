"""Where data of one caller is kept, and how it is deleted there for good."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from rasa_emotion.database import cause_of, open_database, writing
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.handoff.desk_tables import audit, feedback, notes
from rasa_emotion.handoff.tables import DELIVERED, handoffs, messages
from rasa_emotion.privacy.consent import CONSENT
from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import Entry
from rasa_emotion.spool.shared import spool_of

SCHEMA_VARIABLE = "POSTGRESQL_SCHEMA"
"""Rasa's environment variable for the schema of its events on PostgreSQL."""

READERS_SECS = 5.0
"""How long those who read a file are waited for before it is told that they hold something up."""

# As in Rasa's SQLTrackerStore; its other columns are of no matter here.
_events = Table("events", MetaData(), Column("sender_id", String(255)), Column("timestamp", Float))

FEEDBACK = "feedback"
"""The place of what people said of callers' emotions."""

_CONVERSATION_PREFIX = "tracker:"
"""As in Rasa's RedisTrackerStore."""


@dataclass(frozen=True)
class Place:
    """One place.

    Args:
        name: what is kept there.
        where: its address, without a password.
        count: how much of a caller there is; raises ConfigError where the place cannot be reached.
        delete: deletes it and says how much that was; raises likewise.
        clear: makes what was deleted unreadable, and says in one sentence what may still be read; empty where
            nothing may.
        quiet_since: the callers of whom nothing has come since a moment, in seconds since 1970; raises likewise. None
            where that cannot be told.
    """

    name: str
    where: str
    count: Callable[[str], int]
    delete: Callable[[str], int]
    clear: Callable[[], str] = lambda: ""
    quiet_since: Callable[[float], list[str]] | None = None


def sql_conversations(url: str) -> Place:
    """The conversations of Rasa's SQL tracker store.

    Raises:
        ConfigError: the URL is none, its driver is not installed, or its file is not there.
    """
    engine = _events_engine(url)

    def quiet_since(moment: float) -> list[str]:
        last = func.max(_events.c.timestamp)
        with _reaching(engine):
            if not _has(engine, _events):
                return []
            with engine.connect() as connection:
                found = select(_events.c.sender_id).group_by(_events.c.sender_id).having(last < moment)
                return [sender for (sender,) in connection.execute(found.order_by(last))]

    return replace(_rows("events", engine, _events.c.sender_id), quiet_since=quiet_since)


def redis_conversations(options: Mapping[str, Any]) -> Place:
    """The conversations of Rasa's Redis tracker store; `options` are those in endpoints.yml.

    Raises:
        ConfigError: redis-py is not installed.
    """
    with needs_extra("rasa", "Conversations in Redis"):
        import redis  # type: ignore[import-untyped]  # noqa: PLC0415 -- Rasa brings it; other stores need none
    host, port = options.get("url") or "localhost", int(options.get("port") or 6379)
    database = int(options.get("db") or 0)
    server = redis.StrictRedis(
        host=host,
        port=port,
        db=database,
        username=options.get("username"),
        password=options.get("password"),
        ssl=bool(options.get("use_ssl", False)),
        ssl_keyfile=options.get("ssl_keyfile"),
        ssl_certfile=options.get("ssl_certfile"),
        ssl_ca_certs=options.get("ssl_ca_certs"),
        socket_connect_timeout=10,
    )
    own = options.get("key_prefix")
    # Rasa leaves out a prefix with other characters.
    prefix = f"{own}:{_CONVERSATION_PREFIX}" if isinstance(own, str) and own.isalnum() else _CONVERSATION_PREFIX
    where = f"redis://{host}:{port}/{database}"

    def asking(command: Callable[[str], Any]) -> Callable[[str], int]:
        def ask(sender: str) -> int:
            try:
                return int(command(prefix + sender))
            except redis.RedisError as error:
                raise ConfigError(
                    f"'{where}' cannot be used ({error}); check 'tracker_store' and that the server runs."
                ) from error

        return ask

    return Place("conversations", where, asking(server.exists), asking(server.delete))


def outbox(url: str) -> tuple[Place, ...]:
    """The callers' messages to people, the packets that people were given, and what these wrote and looked at.

    Raises:
        ConfigError: the URL cannot be used.
    """
    engine = open_database(url)
    _overwrite(engine)
    # Messages first: they refer to the handoffs.
    return (
        _rows("messages", engine, messages.c.sender),
        _rows("handoffs", engine, handoffs.c.sender),
        _rows("notes", engine, notes.c.sender),
        _rows(FEEDBACK, engine, feedback.c.sender),
        # That somebody looked stays; at whom, goes.
        _rows("audit", engine, audit.c.subject, instead={"subject": None}),
    )


def waiting(endpoints: Endpoints) -> tuple[Place, ...]:
    """What waits in the spool for the database: packets, and the caller's words; no place where there is no spool.

    Raises:
        ConfigError: its key cannot be used.
    """
    spool = spool_of(endpoints)
    if spool is None:
        return ()

    def mine(sender: str) -> list[Entry]:
        look = spool.look()
        if look.troubles:
            raise ConfigError(look.troubles[0])
        return [entry for entry in look.entries if entry.sender == sender and entry.kind != CONSENT]

    def remove(sender: str) -> int:
        try:
            # So that no server gives the database at this moment what is deleted here.
            with spool.locked():
                found = mine(sender)
                spool.drop(found)
        except SpoolError as error:
            raise ConfigError(str(error)) from error
        return len(found)

    return (Place("spool", str(spool.folder), lambda sender: len(mine(sender)), remove),)


def tickets(url: str, sender: str) -> list[str]:
    """What the helpdesk calls the packets of this caller that it was given. Raises ConfigError as `outbox` does."""
    engine = open_database(url)
    with _reaching(engine):
        if not _has(engine, handoffs):
            return []
        found = select(handoffs.c.ticket).where(handoffs.c.sender == sender, handoffs.c.state == DELIVERED)
        with engine.connect() as connection:
            return sorted({str(ticket) for (ticket,) in connection.execute(found) if ticket})


def _events_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        arguments: dict[str, Any] = {}
        if parsed.get_backend_name() == "postgresql" and os.environ.get(SCHEMA_VARIABLE):
            arguments = {"options": f"-csearch_path={os.environ[SCHEMA_VARIABLE]}"}
        engine = create_engine(parsed, connect_args=arguments)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(f"The database of 'tracker_store' cannot be used ({error}); correct its options.") from error
    file = _file_of(engine)
    if file is not None and not file.exists():
        raise ConfigError(f"There is no file '{file}', the database of 'tracker_store'; run this in the bot's folder.")
    _overwrite(engine)
    return engine


def _rows(name: str, engine: Engine, column: Any, *, instead: Mapping[str, Any] | None = None) -> Place:
    """The rows whose `column` is the caller; with `instead`, they stay, with other values."""
    table = column.table

    def count(sender: str) -> int:
        with _reaching(engine):
            if not _has(engine, table):
                return 0
            with engine.connect() as connection:
                rows = select(func.count()).select_from(table).where(column == sender)
                return int(connection.execute(rows).scalar() or 0)

    def remove(sender: str) -> int:
        with _reaching(engine):
            if not _has(engine, table):
                return 0
            with writing(engine) as connection:
                statement = delete(table) if instead is None else update(table).values(**instead)
                return int(connection.execute(statement.where(column == sender)).rowcount)

    return Place(name, _address(engine), count, remove, lambda: _empty_log(engine))


def _overwrite(engine: Engine) -> None:
    """Let SQLite fill with zeros what is deleted, which else stays readable in the file."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA secure_delete=ON"))


def _empty_log(engine: Engine) -> str:
    """Let SQLite give up what its log of writes still holds; a sentence where it cannot.

    It cannot while somebody reads what was there before: a reader that stands still holds it up for as long as it does.
    """
    file = _file_of(engine)
    if file is None or not file.exists():
        return ""
    try:
        with closing(sqlite3.connect(file, timeout=READERS_SECS, isolation_level=None)) as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        return f"What was deleted may still be read in '{file}-wal' ({error}); run this again."
    if not busy:
        return ""
    return (
        f"What was deleted may still be read in '{file}-wal', as another program reads '{file}'; run this again later."
    )


def _has(engine: Engine, table: Table) -> bool:
    """Whether the table is there; looking for it makes no file."""
    file = _file_of(engine)
    return (file is None or file.exists()) and bool(inspect(engine).has_table(table.name))


def _file_of(engine: Engine) -> Path | None:
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(name) if name and name != ":memory:" else None


def _address(engine: Engine) -> str:
    return str(engine.url.render_as_string(hide_password=True))


@contextmanager
def _reaching(engine: Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        where, said = _address(engine), cause_of(error)
        raise ConfigError(f"'{where}' cannot be used ({said}); check that it runs and may be written.") from error
