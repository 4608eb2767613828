"""The database of what must outlast a process: handoffs, messages, consents."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import MetaData, create_engine, event, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from rasa_emotion.errors import ConfigError

DEFAULT_DATABASE = "sqlite:///rasa_emotion.db"
"""A file in the folder that the bot runs in."""

LOCK_SECS = 30
"""How long a writer waits for another one on SQLite, which takes one writer at a time."""

DIALECTS = ("sqlite", "postgresql")
"""What the tables have been tried on; what is claimed and what is written once rests on their statements."""

_WRITES = "rasa_emotion_writes"
"""The execution option of connections that write."""

metadata = MetaData()
"""All tables; a module that needs one declares it here."""

AT_ONCE, AT_ONCE_OF_SERVER = 400, 5_000
"""Values that one statement names: SQLite takes a thousand."""

Value = TypeVar("Value")


def open_database(url: str = DEFAULT_DATABASE, *, lock_secs: float = LOCK_SECS) -> Engine:
    """An engine for `url`, with the tables that the imported modules declare; connecting is left to the first use.

    Args:
        lock_secs: how long a writer waits for another one on SQLite.

    Raises:
        ConfigError: the URL is none, names another kind of database, or its driver is not installed.

    >>> open_database("sqlite://").dialect.name
    'sqlite'
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in DIALECTS:
            raise NoSuchModuleError(f"it is neither of {', '.join(DIALECTS)}")
        sqlite = parsed.get_backend_name() == "sqlite"
        # A database in memory belongs to its one connection; SQLAlchemy then needs no arguments.
        file = sqlite and parsed.database not in (None, "", ":memory:")
        arguments = {"timeout": lock_secs, "check_same_thread": False} if file else {}
        # Opening a file again for each use, as SQLAlchemy 1.4 does, would cost a turn a millisecond.
        pool = {"poolclass": QueuePool} if file else {}
        engine = create_engine(parsed, connect_args=arguments, pool_pre_ping=not sqlite, **pool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            f"The database '{_without_password(url)}' cannot be used ({_without_password(str(error))}); write "
            "sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from error
    if sqlite:
        _prepare_sqlite(engine, in_file=file)
    return engine


def create_tables(engine: Engine) -> None:
    """Create the tables that are missing, and the columns that an older version did not have.

    Two processes may do so at the same time.

    Raises:
        ConfigError: the database cannot be reached or written.
    """
    try:
        _create_all(engine)
    except SQLAlchemyError:
        # Another process may have been faster between the look and the creation; then the second try finds them.
        try:
            _create_all(engine)
        except SQLAlchemyError as error:
            raise ConfigError(
                f"The database '{engine.url.render_as_string(hide_password=True)}' cannot be used "
                f"({type(error).__name__}); check that it runs and that its folder can be written."
            ) from error


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes: it waits for other writers at its start, and is committed at its end.

    Reads take `engine.connect()`, which on SQLite waits for nobody. There, a transaction that reads first and writes
    later is refused as soon as another one has written in between; SQLAlchemy 2 opens one for each read, so that
    writers have to say what they are.

    >>> with writing(open_database("sqlite://")) as connection:
    ...     rows = connection.exec_driver_sql("CREATE TABLE notes (text VARCHAR)")
    """
    begun: AbstractContextManager[Connection] = engine.execution_options(**{_WRITES: True}).begin()
    return begun


def in_parts(values: Sequence[Value], dialect: str) -> Iterator[Sequence[Value]]:
    """The values in parts that one statement may name.

    Args:
        values: in any number.
        dialect: name of the database's kind.

    >>> [len(part) for part in in_parts(range(1000), "sqlite")]
    [400, 400, 200]
    """
    size = AT_ONCE if dialect == "sqlite" else AT_ONCE_OF_SERVER
    return (values[start : start + size] for start in range(0, len(values), size))


def holds(url: str, table: str) -> bool:
    """Whether a database is there and has a table; to look makes and changes nothing.

    Raises:
        ConfigError: the URL cannot be used, or the database cannot be reached.

    >>> holds("sqlite:///there_is_no_such_file.db", "emotion_handoffs")
    False
    """
    engine = open_database(url)
    name = engine.url.database
    try:
        if engine.dialect.name != "sqlite" or name in (None, "", ":memory:"):
            return bool(inspect(engine).has_table(table))
        if not Path(name).exists():
            return False
        # Not through the engine, which would write the journal's mode into a file of somebody else's.
        with closing(sqlite3.connect(f"{Path(name).resolve().as_uri()}?mode=rw", uri=True)) as connection:
            named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
            return connection.execute(named, (table,)).fetchone() is not None
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = cause_of(error) if isinstance(error, SQLAlchemyError) else str(error)
        where = engine.url.render_as_string(hide_password=True)
        raise ConfigError(f"The database '{where}' cannot be read ({cause}); check that it runs.") from error
    finally:
        engine.dispose()


def cause_of(error: SQLAlchemyError) -> str:
    """What the driver says of an error, in one line: without the statement and its values, which may quote a caller.

    >>> cause_of(SQLAlchemyError("[parameters: my number is 07700 900123]"))
    'SQLAlchemyError'
    """
    said = str(getattr(error, "orig", None) or "").strip()
    return said.partition("\n")[0] or type(error).__name__


def _create_all(engine: Engine) -> None:
    with writing(engine) as connection:
        metadata.create_all(connection)
        there = inspect(connection)
        for table in metadata.sorted_tables:
            known = {column["name"] for column in there.get_columns(table.name)}
            for column in table.columns:
                if column.name not in known:
                    # What is added to a table with rows is nullable and without a default.
                    kind = column.type.compile(engine.dialect)
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url, flags=re.DOTALL)


def _prepare_sqlite(engine: Engine, *, in_file: bool) -> None:
    def connect(connection: Any, _: object) -> None:
        # The driver would begin transactions by itself, late, so that two readers who then write refuse each other.
        connection.isolation_level = None
        if in_file:
            # Readers go on beside the writer.
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
