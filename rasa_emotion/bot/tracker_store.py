"""Rasa's SQL tracker store, which writes an escalation and its packet in one transaction: none is ever lost."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException, RasaException
from sqlalchemy import event, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rasa_emotion.bot.rasa_versions import SQLTrackerStore
from rasa_emotion.conversation.history import ESCALATION_SLOT
from rasa_emotion.database import DIALECTS, cause_of, create_tables
from rasa_emotion.endpoints import PATH_VARIABLE, Endpoints, endpoints_path, read_endpoints
from rasa_emotion.errors import ConfigError, RasaEmotionError, place_of
from rasa_emotion.handoff.build import Event, due
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.reconcile import latest_packets, safe_packet
from rasa_emotion.handoff.redact import Rules
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)

LOCK_MSECS = 1000
"""How long a save waits for a locked file before it is tried again."""

TRIES = 3
"""How often a turn is saved before it is put by: the caller waits for it."""

RETRY_SECS = 1.0
"""Between tries to save what was put by."""

MOST_PUT_BY = 10_000
"""Conversations that are kept in memory while the database refuses them."""

THREADS = 4
"""Saves and reads at the same time: Rasa's would stop the server while they wait for the database."""


_streamed: ContextVar[bool] = ContextVar("_streamed", default=False)
"""Whether the event broker has been told of the turn that is written."""


class StoreGaveUp(RasaEmotionError):
    """Rasa's tracker store wanted to end the process."""


class EmotionTrackerStore(SQLTrackerStore):
    """An `SQLTrackerStore` with the outbox in its database. Options are Rasa's; see docs/handoff.md.

    While the database refuses turns, the packets of escalations wait in the spool, and the conversations in memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Opens the database (see parent class for full docstring).

        Raises:
            InvalidConfigException: the section `rasa_emotion` of endpoints.yml is wrong or names another database,
                or this database is of a kind that the outbox has not been tried on.
        """
        super().__init__(*args, **kwargs)
        self._outbox = Outbox(self.engine)
        try:
            self._endpoints: Endpoints = read_endpoints()
            _check_database(self.engine.url, self._endpoints)
            Rules.of(self._endpoints.redact)
            self._keeper = Keeper.of(self._endpoints)
            create_tables(self.engine)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        self._put_by: dict[str, DialogueStateTracker] = {}
        self._saving_later: asyncio.Task[None] | None = None
        self._threads = None
        if self.engine.url.database not in (None, "", ":memory:"):  # which only the thread that made it can use
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tracker")
            event.listen(self.engine, "connect", _limit_wait)
        event.listen(self.sessionmaker, "after_flush", self._add_packets)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Saves what is new, or keeps it till the database takes it (see parent class for full docstring)."""
        await super().stream_events(tracker)
        try:
            error = None if self._put_by else await self._refused(tracker, TRIES)
        except Exception:
            await self._keep_packets(tracker)  # the caller may have been told
            raise
        if self._put_by or error is not None:
            await self._keep_packets(tracker)
            self._keep(tracker, error)

    async def stream_events(self, tracker: DialogueStateTracker, *more: Any, **options: Any) -> None:
        """Tells the event broker of a turn once, however often it is written (see parent class for full docstring)."""
        if not _streamed.get():
            await super().stream_events(tracker, *more, **options)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Retrieves the latest session (see parent class for full docstring)."""
        put_by = self._put_by.get(sender_id)
        return await self._in_thread(super().retrieve(sender_id)) if put_by is None else put_by.copy()

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """Retrieves all sessions (see parent class for full docstring)."""
        stored = await self._in_thread(super().retrieve_full_tracker(conversation_id))
        put_by = self._put_by.get(conversation_id)
        if put_by is None:
            return stored
        known = {(type(said), said.timestamp) for said in stored.events} if stored else set()
        whole = stored or put_by.copy()
        for said in put_by.events:
            if stored and (type(said), said.timestamp) not in known:
                whole.update(said)
        return whole

    async def keys(self) -> Iterable[str]:
        """Returns the ids of the conversations that are stored (see parent class for full docstring)."""
        found: Iterable[str] = await self._in_thread(super().keys())
        return found

    async def _in_thread(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run what Rasa wrote as a coroutine, though it waits for the database alone, beside the event loop."""
        if self._threads is None:
            return _ended(work)
        run = partial(copy_context().run, _ended, work)
        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def _refused(self, tracker: DialogueStateTracker, tries: int) -> OperationalError | None:
        """Write a turn; returns the error where the database is locked, full or away."""
        token = _streamed.set(True)
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(OperationalError),
                stop=stop_after_attempt(tries),
                wait=wait_random_exponential(multiplier=0.1, max=0.5),
                reraise=True,
            ):
                with attempt:
                    await self._in_thread(super().save(tracker))
        except OperationalError as error:
            return error
        finally:
            _streamed.reset(token)
        return None

    async def _keep_packets(self, tracker: DialogueStateTracker) -> None:
        """Keep the escalations of a turn that the database refuses in the spool."""
        events = [said.as_dict() for said in tracker.events]
        for packet in latest_packets(events, sender=tracker.sender_id, endpoints=self._endpoints):
            await asyncio.to_thread(self._keeper.keep_packet, packet)

    def _keep(self, tracker: DialogueStateTracker, error: OperationalError | None) -> None:
        """Keep the conversation in memory till the database takes it."""
        if error is not None and not self._put_by:
            logger.error(
                "The database of the conversations refuses a turn (%s); conversations are kept in memory and saved "
                "when it answers.",
                cause_of(error),
                extra=named("tracker.database.failed"),
            )
        if len(self._put_by) >= MOST_PUT_BY and tracker.sender_id not in self._put_by:
            raise RasaException("The database refuses turns, and too many are kept in memory.")
        self._put_by[tracker.sender_id] = tracker
        if self._saving_later is None or self._saving_later.done():
            self._saving_later = asyncio.create_task(self._save_later())

    async def _save_later(self) -> None:
        while self._put_by:
            await asyncio.sleep(RETRY_SECS)
            for sender, tracker in list(self._put_by.items()):
                try:
                    if await self._refused(tracker, 1) is not None:
                        break
                except Exception as error:
                    logger.error(
                        "A turn that was kept in memory cannot be saved (%s).",
                        place_of(error),
                        extra=named("tracker.turn.lost"),
                    )
                    trace(logger, "tracker.turn.lost", error)
                if self._put_by[sender] is tracker:  # the caller has said nothing since
                    del self._put_by[sender]
        logger.warning(
            "The database of the conversations takes turns again; all are saved.",
            extra=named("tracker.database.recovered"),
        )

    @contextmanager
    def session_scope(self) -> Iterator[Session]:
        """A session (see parent class for full docstring). What would end the process is an error of one turn here.

        Raises:
            StoreGaveUp: Rasa's store wanted to end the process, as it does for any ValueError of a driver.
        """
        try:
            with super().session_scope() as session:
                yield session
        except SystemExit as error:
            raise StoreGaveUp("Rasa's tracker store gave up on a turn; see what it wrote before this.") from error

    def _add_packets(self, session: Session, _: object) -> None:
        saved = [row for row in session.new if isinstance(row, self.SQLEvent) and row.type_name == "slot"]
        fresh = [row for row in saved if json.loads(row.data).get("name") == ESCALATION_SLOT]
        for sender in {row.sender_id for row in fresh}:
            moments = {row.timestamp for row in fresh if row.sender_id == sender}
            events = self._events(session, sender)
            for recorded in due(events):
                if recorded.event["timestamp"] in moments:
                    packet = safe_packet(events, sender=sender, recorded=recorded, endpoints=self._endpoints)
                    self._add(packet, session)

    def _add(self, packet: Packet, session: Session) -> None:
        """Add a packet to the transaction; where it alone is refused it waits in the spool, and the turn is saved."""
        try:
            with session.connection().begin_nested():
                self._outbox.enqueue(packet, session.connection())
        except Exception as error:
            # SQLite takes back more than the packet where it finds no room: then the turn is not saved either.
            if not getattr(session.connection().connection, "in_transaction", True):
                raise
            logger.error(
                "The packet of an escalation could not be stored (%s).",
                place_of(error),
                extra=named("handoff.packet.failed"),
            )
            trace(logger, "handoff.packet.failed", error)
            self._keeper.keep_packet(packet)

    def _events(self, session: Session, sender: str) -> list[Event]:
        query = select(self.SQLEvent.data).where(self.SQLEvent.sender_id == sender).order_by(self.SQLEvent.id)
        return [json.loads(data) for data in session.connection().execute(query).scalars()]


def _ended(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that waits for nothing an event loop knows."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("This tracker store waits for more than its database.")


def _limit_wait(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout={LOCK_MSECS}")


def _check_database(own: URL, endpoints: Endpoints) -> None:
    if own.get_backend_name() not in DIALECTS:
        raise ConfigError(
            f"EmotionTrackerStore has not been tried on '{own.get_backend_name()}'; take {' or '.join(DIALECTS)}, or "
            "Rasa's own tracker store."
        )
    named = make_url(endpoints.database)
    if (named.get_backend_name(), named.host, named.database) != (own.get_backend_name(), own.host, own.database):
        raise ConfigError(
            f"EmotionTrackerStore keeps conversations in '{own!r}', but '{endpoints_path()}' leads to '{named!r}' for "
            f"handoffs; leave 'database' out there, and let {PATH_VARIABLE} name the file that Rasa reads."
        )
