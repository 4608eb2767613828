"""Which callers have said that their emotions may, or may not, be analysed."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Boolean, Column, Float, Integer, String, Table, bindparam, event, inspect, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from rasa_emotion.database import cause_of, create_tables, in_parts, metadata, open_database, writing
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import Entry, Spool
from rasa_emotion.spool.shared import spool_of

logger = logging.getLogger(__name__)

# A choice outlives the conversation, so that who said no and is forgotten is not analysed when they call again. The
# caller is therefore named by a hash alone.
consents = Table(
    "emotion_consents",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("allowed", Boolean, nullable=False),
    Column("since", Float, nullable=False),
    Column("how", String(32), nullable=False),
)

# One row: what is hashed together with the caller's id.
salts = Table(
    "emotion_consent_salts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("salt", String(64), nullable=False),
)

WAIT_MSECS = 250
"""How long a turn waits for a locked file; Rasa's event loop stands still meanwhile."""

CONNECT_SECS = 2
"""How long a turn waits for a server that does not answer."""

CONSENT = "consent"
"""The kind of what waits in the spool."""

PAUSE_SECS = 5.0
"""After a failure, turns go on unanalysed for so long before the database is asked again."""

Answer = TypeVar("Answer")

_SAID = (consents.c.allowed, consents.c.since, consents.c.how)
_FIND = select(*_SAID).where(consents.c.caller == bindparam("key"))


@dataclass(frozen=True)
class Consent:
    """What a caller said.

    Args:
        allowed: whether their emotions may be analysed.
        since: when they said so, seconds since 1970.
        how: "command", "words" or "event": by `/emotion_off`, in words of their own, or found in the conversation.
    """

    allowed: bool
    since: float
    how: str


class Consents:
    """The record of choices in the database. A database that fails makes nothing here raise, except for `drop`.

    Whose record cannot be read is not analysed. A choice that cannot be stored waits in the spool, where it holds at
    once for all processes; it is stored when they are next asked about that caller.

    >>> consents = Consents("sqlite://")
    >>> consents.allows("alice"), consents.set("alice", False), consents.allows("alice")
    (True, True, False)
    """

    def __init__(self, url: str, *, opt_in: bool = False, spool: Spool | None = None) -> None:
        """Raises ConfigError for a URL that cannot be used; the database is opened when it is first asked.

        Args:
            url: SQLAlchemy URL.
            opt_in: analyse only callers who have said yes.
            spool: where choices wait that the database refuses; None keeps them in this process alone.
        """
        self._spool = spool
        self._engine = _impatient_engine(url)
        self._opt_in = opt_in
        self._salt: str | None = None
        self._unsaved: dict[str, Consent] = {}
        self._fails = False
        self._asked_again = 0.0  # on the monotonic clock
        self._refuses = False
        self._stored_again = 0.0

    @classmethod
    def of(cls, endpoints: Endpoints) -> "Consents":
        """Those of a bot. Raises ConfigError for a database, or a key of the spool, that cannot be used."""
        return cls(endpoints.database, opt_in=endpoints.consent == "opt_in", spool=spool_of(endpoints))

    def allows(self, sender: str) -> bool:
        """Whether this caller may be analysed now."""
        kept = self._waiting(sender)
        if kept is not None:
            self._store(lambda: self._replay(sender, kept))
            return kept.allowed
        return self._attempt(lambda: self._allowed_by(self._read(sender)), otherwise=False)

    def allowing(self, senders: Collection[str]) -> set[str]:
        """Those of many callers who may be analysed now, at one look; what waits is not stored meanwhile."""
        spooled = self._spool.look().entries if self._spool is not None else ()
        waiting = {entry.sender: Consent(**entry.body) for entry in spooled if entry.kind == CONSENT}
        waiting.update(self._unsaved)
        kept = self._attempt(lambda: self._read_all([one for one in senders if one not in waiting]), otherwise=None)
        if kept is None:
            return {sender for sender in senders if sender in waiting and waiting[sender].allowed}
        said = {**kept, **waiting}
        return {sender for sender in senders if self._allowed_by(said.get(sender))}

    def find(self, sender: str) -> Consent | None:
        """What this caller said; None where nothing is known."""
        return self._waiting(sender) or self._attempt(lambda: self._read(sender), otherwise=None)

    def set(self, sender: str, allowed: bool, *, how: str = "command", since: float | None = None) -> bool:
        """Note a choice, which holds at once; returns whether the database has it too."""
        said = Consent(allowed, time.time() if since is None else since, how)
        self._unsaved[sender] = said
        saved = self._store(lambda: self._save(sender, said))
        if not saved:
            self._keep(sender, said)
        return saved

    def settle(self, sender: str) -> None:
        """Store a choice that waits. Raises ConfigError where the database refuses it still."""
        kept = self._waiting(sender)
        try:
            if kept is not None:
                self._replay(sender, kept)
        except SQLAlchemyError as error:
            raise ConfigError(f"A caller's choice cannot be stored ({cause_of(error)}); try again.") from error

    def drop(self, sender: str) -> int:
        """Delete the choice; returns the number of rows. Raises ConfigError where the database or the spool fails."""
        self._unsaved.pop(sender, None)
        try:
            self._forget_waiting(sender)
            return self._delete(sender)
        except SQLAlchemyError as error:
            raise ConfigError(f"A caller's choice cannot be deleted ({cause_of(error)}); try again.") from error
        except SpoolError as error:
            raise ConfigError(f"A caller's choice cannot be deleted. {error}") from error

    def _waiting(self, sender: str) -> Consent | None:
        """What this caller said last, in whichever process, that the database has not taken."""
        spooled = self._spooled(sender)
        return self._unsaved.get(sender) or (Consent(**spooled[-1].body) if spooled else None)

    def _spooled(self, sender: str) -> list[Entry]:
        entries = self._spool.look().entries if self._spool is not None else ()
        return [entry for entry in entries if entry.kind == CONSENT and entry.sender == sender]

    def _keep(self, sender: str, said: Consent) -> None:
        try:
            if self._spool is not None:
                self._spool.keep(CONSENT, sender, vars(said))
                # Another process may store it, or a later choice, from there.
                self._unsaved.pop(sender, None)
        except SpoolError as error:
            logger.error(
                "Neither the database nor the spool takes a caller's choice; it holds until this process ends. %s",
                error,
                extra=named("consent.choice.memory"),
            )

    def _forget_waiting(self, sender: str) -> None:
        entries = self._spooled(sender)
        if entries and self._spool is not None:
            self._spool.drop(entries)

    def _replay(self, sender: str, said: Consent) -> bool:
        """Store what waited, unless a no was stored that is newer than a yes: a process may have ended in between."""
        stored = self._read(sender)
        if said.allowed and stored is not None and not stored.allowed and stored.since > said.since:
            self._unsaved.pop(sender, None)
            self._settled(sender)
            return True
        return self._save(sender, said)

    def _settled(self, sender: str) -> None:
        """What waited is in the database. Where the spool cannot be written it is stored once more later."""
        with suppress(SpoolError):
            self._forget_waiting(sender)

    def _delete(self, sender: str) -> int:
        if not self._exists():
            return 0
        with writing(self._engine) as connection:
            salt = self._known_salt(connection)
            if salt is None:
                return 0
            return int(connection.execute(consents.delete().where(consents.c.caller == _hash(salt, sender))).rowcount)

    def _allowed_by(self, consent: Consent | None) -> bool:
        return not self._opt_in if consent is None else consent.allowed

    def _read(self, sender: str) -> Consent | None:
        if not self._exists():
            return None
        # Without a transaction, which on SQLite would wait for whoever writes.
        with self._engine.connect() as connection:
            salt = self._known_salt(connection)
            row = connection.execute(_FIND, {"key": _hash(salt, sender)}).first() if salt else None
        return Consent(*row) if row else None

    def _read_all(self, senders: Sequence[str]) -> dict[str, Consent]:
        if not senders or not self._exists():
            return {}
        with self._engine.connect() as connection:
            salt = self._known_salt(connection)
            keys = {_hash(salt, sender): sender for sender in senders} if salt else {}
            found: dict[str, Consent] = {}
            for some in in_parts(list(keys), connection.dialect.name):
                rows = connection.execute(select(consents.c.caller, *_SAID).where(consents.c.caller.in_(some)))
                found |= {keys[row[0]]: Consent(*row[1:]) for row in rows}
            return found

    def _save(self, sender: str, consent: Consent) -> bool:
        if not self._exists():
            create_tables(self._engine)
        for last_try in (False, True):
            try:
                self._write(sender, consent)
                break
            except IntegrityError:  # another process was faster to make the salt or the row
                if last_try:
                    raise
        if self._unsaved.get(sender) is consent:
            del self._unsaved[sender]
        self._settled(sender)
        return True

    def _write(self, sender: str, consent: Consent) -> None:
        values = {"allowed": consent.allowed, "since": consent.since, "how": consent.how}
        with writing(self._engine) as connection:
            salt = self._known_salt(connection)
            if salt is None:
                salt = secrets.token_hex(16)
                connection.execute(salts.insert().values(id=1, salt=salt))
            key = _hash(salt, sender)
            if not connection.execute(consents.update().where(consents.c.caller == key).values(values)).rowcount:
                connection.execute(consents.insert().values(caller=key, **values))

    def _known_salt(self, connection: Connection) -> str | None:
        if self._salt is None:
            self._salt = connection.execute(select(salts.c.salt)).scalar()
        return self._salt

    def _exists(self) -> bool:
        """Whether a choice was ever stored here: asking shall make neither a file nor a table."""
        if self._salt is not None:
            return True
        file = self._engine.url.database if self._engine.dialect.name == "sqlite" else None
        if file and file != ":memory:" and not Path(file).exists():
            return False
        return bool(inspect(self._engine).has_table(consents.name))

    def _store(self, work: Callable[[], bool]) -> bool:
        """Whether a choice was stored. A database that cannot be written may well be read."""
        if self._refuses and time.monotonic() < self._stored_again:
            return False
        try:
            stored = work()
        except (SQLAlchemyError, ConfigError) as error:
            self._stored_again = time.monotonic() + PAUSE_SECS
            if not self._refuses:
                self._refuses = True
                logger.error(
                    "A caller's choice cannot be stored in '%s' (%s); it holds, and waits until it can. Check that "
                    "database.",
                    self._engine.url.render_as_string(hide_password=True),
                    _cause(error),
                    extra=named("consent.choice.waits"),
                )
            return False
        if self._refuses:
            self._refuses = False
            logger.warning("Callers' choices can be stored again.", extra=named("consent.database.recovered"))
        return stored

    def _attempt(self, work: Callable[[], Answer], *, otherwise: Answer) -> Answer:
        if self._fails and time.monotonic() < self._asked_again:
            return otherwise
        try:
            answer = work()
        except (SQLAlchemyError, ConfigError) as error:
            self._asked_again = time.monotonic() + PAUSE_SECS
            if not self._fails:
                self._fails = True
                logger.error(
                    "The callers' consents in '%s' cannot be read (%s); nobody's emotions are analysed until they can. "
                    "Check that database.",
                    self._engine.url.render_as_string(hide_password=True),
                    _cause(error),
                    extra=named("consent.database.failed"),
                )
            return otherwise
        if self._fails:
            self._fails = False
            logger.warning(
                "The callers' consents can be read again; emotions are analysed as before.",
                extra=named("consent.database.recovered"),
            )
        return answer


def _impatient_engine(url: str) -> Engine:
    """An engine that gives up soon: a turn waits for it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return open_database(url)  # which says what is wrong
    if parsed.drivername in {"postgresql", "postgresql+psycopg2"} and "connect_timeout" not in parsed.query:
        url = parsed.update_query_dict({"connect_timeout": str(CONNECT_SECS)}).render_as_string(hide_password=False)
    engine = open_database(url)
    if engine.dialect.name == "sqlite":
        # Before all other preparations, which would wait too.
        event.listen(engine, "connect", _limit_wait, insert=True)
    return engine


def _limit_wait(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={WAIT_MSECS}")


def _cause(error: Exception) -> str:
    below = error.__cause__ if isinstance(error, ConfigError) else error
    return cause_of(below) if isinstance(below, SQLAlchemyError) else type(error).__name__


def _hash(salt: str, sender: str) -> str:
    return hashlib.sha256(f"{salt}\n{sender}".encode(errors="surrogatepass")).hexdigest()
