"""The spool of a bot's database: one object a process, whoever asks for it."""

from functools import cache
from pathlib import Path

from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError

from rasa_emotion.endpoints import Endpoints
from rasa_emotion.spool.cipher import Cipher
from rasa_emotion.spool.folder import Spool

DEFAULT_FOLDER = "rasa_emotion.spool"
"""Where the database is a server."""


def spool_of(endpoints: Endpoints, base: Path = Path()) -> Spool | None:
    """The spool beside a bot's database; None for a database in memory, which nothing outlasts.

    Args:
        base: the folder that the bot runs in.

    Raises:
        ConfigError: its key cannot be used.
    """
    try:
        url = make_url(endpoints.database)
    except ArgumentError:
        return None  # `open_database` says what is wrong with it
    options = endpoints.spool
    folder = Path(options.folder) if options.folder else _beside(url)
    if folder is None:
        return None
    # A process may change its working folder.
    base = base.absolute()
    key_file = None if options.key_file is None else base / options.key_file
    return _spool(base / folder, _name(url), int(options.max_mb * 1e6), key_file)


@cache
def _spool(folder: Path, database: str, max_bytes: int, key_file: Path | None) -> Spool:
    cipher = None if key_file is None else Cipher(key_file)
    return Spool(folder, database=database, max_bytes=max_bytes, cipher=cipher)


def _beside(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite":
        return Path(DEFAULT_FOLDER)
    if url.database in (None, "", ":memory:"):
        return None
    return Path(f"{url.database}.spool")


def _name(url: URL) -> str:
    """What tells one database from another: of a file its name alone, so that a bot's folder can be moved."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).name
    return f"{url.host or 'localhost'}:{url.port or ''}/{url.database}"
