"""Rasa's SQL tracker store, which writes an escalation and its packet in one transaction: none is ever lost."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from sqlalchemy import event, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rasa_emotion.bot.rasa_versions import SQLTrackerStore
from rasa_emotion.conversation.history import ESCALATION_SLOT
from rasa_emotion.database import DIALECTS, create_tables
from rasa_emotion.endpoints import PATH_VARIABLE, Endpoints, endpoints_path, read_endpoints
from rasa_emotion.errors import ConfigError, RasaEmotionError, place_of
from rasa_emotion.handoff.build import Event, due
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.reconcile import safe_packet
from rasa_emotion.handoff.redact import Rules
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)

LOCKED_TRIES = 5
"""How often a turn is saved again where the database is locked: Rasa would only keep it in memory, until a restart."""


class StoreGaveUp(RasaEmotionError):
    """Rasa's tracker store wanted to end the process."""


class EmotionTrackerStore(SQLTrackerStore):
    """An `SQLTrackerStore` with the outbox in its database. Options are Rasa's; see docs/handoff.md."""

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
            create_tables(self.engine)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        event.listen(self.sessionmaker, "after_flush", self._add_packets)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Saves what is new (see parent class for full docstring). Tries again where the database is locked."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(OperationalError),
            stop=stop_after_attempt(LOCKED_TRIES),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                await super().save(tracker)

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
            try:
                # If this fails, the turn is saved all the same; the reconciler finds what has no packet.
                with session.connection().begin_nested():
                    self._add_packets_of(session, sender, moments)
            except Exception as error:
                logger.error(
                    "The packet of an escalation could not be stored (%s).",
                    place_of(error),
                    extra=named("handoff.packet.failed"),
                )
                trace(logger, "handoff.packet.failed", error)

    def _add_packets_of(self, session: Session, sender: str, moments: set[float]) -> None:
        events = self._events(session, sender)
        for recorded in due(events):
            if recorded.event["timestamp"] in moments:
                packet = safe_packet(events, sender=sender, recorded=recorded, endpoints=self._endpoints)
                self._outbox.enqueue(packet, session.connection())

    def _events(self, session: Session, sender: str) -> list[Event]:
        query = select(self.SQLEvent.data).where(self.SQLEvent.sender_id == sender).order_by(self.SQLEvent.id)
        return [json.loads(data) for data in session.connection().execute(query).scalars()]


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
