"""What all relays of one server process share: the record, the helpdesk, and what runs beside the conversations."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from sanic import Sanic
from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.bot.rasa_versions import (
    DynamoTrackerStore,
    MongoTrackerStore,
    RedisTrackerStore,
    SQLTrackerStore,
    inner_store,
)
from rasa_emotion.database import cause_of, create_tables, open_database
from rasa_emotion.endpoints import Endpoints, read_endpoints
from rasa_emotion.errors import ConfigError, RasaEmotionError, place_of
from rasa_emotion.handoff.build import Event
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.keeper import Keeper, Promise, this_turn
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.reconcile import enqueue_missing, latest_packets, reconcile
from rasa_emotion.handoff.record import Record
from rasa_emotion.handoff.redact import Rules
from rasa_emotion.handoff.worker import Worker
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)
T = TypeVar("T")

THREADS = 8
"""Questions to the database at the same time."""

LOCK_SECS = 2.0
"""How long a question waits for a locked file: what must be kept is then kept in the spool."""

REPLAY_SECS = 1.0
"""Between looks at the spool: how long a person may hear later of a caller than the database answers."""

TICK_SECS = 0.5
"""Between looks at the record: how long the human's words may lie before they go to the caller."""

RETRY_SECS = 2.0
"""Before what failed is tried again."""

STOP_SECS = 10
"""How long a delivery that has begun may go on after the server was told to stop."""


LOOK_THROUGH_SECS = 3600.0
"""Between looks through a whole tracker store."""

UNATTENDED_SECS = 15.0
"""Between looks for conversations that nobody attends to."""

UNATTENDED = "nobody answered"
"""What the bot knows of such a handover."""

THREAD_SAFE = (SQLTrackerStore, RedisTrackerStore, MongoTrackerStore, DynamoTrackerStore)
"""Tracker stores that can be read in a thread; a long look must not keep conversations waiting. The one in memory has
nothing left after a crash."""


class Unavailable(RasaEmotionError):
    """The database did not answer."""


class RelayService:
    """Made when a server process starts, after Sanic has forked.

    Args:
        endpoints: what endpoints.yml says.
        clock: seconds since 1970.

    Raises:
        ConfigError: endpoints.yml cannot be used.
    """

    def __init__(self, endpoints: Endpoints, clock: Callable[[], float] = time.time) -> None:
        Rules.of(endpoints.redact)  # a rule that is wrong is told now, not when somebody is handed over
        self.endpoints = endpoints
        self.clock = clock
        self.engine = open_database(endpoints.database, lock_secs=LOCK_SECS)
        self.helpdesk = open_helpdesk(endpoints.helpdesk)
        if not self.helpdesk.two_way:
            logger.warning(
                "The helpdesk '%s' brings callers no answers: after a handover the bot is silent until somebody gives "
                "the conversation back in 'rasa-emotion desk'. Let rules raise alerts, or choose another.",
                self.helpdesk.name,
                extra=named("relay.helpdesk.silent"),
            )
        self.stopping = False
        self._record = Record(self.engine, clock)
        self._outbox = Outbox(self.engine, now=clock)
        self.keeper = Keeper.of(endpoints)
        self._prepared = False
        self._failing = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="relay")
        self._tasks: list[asyncio.Task[None]] = []
        self._worker: Worker | None = None
        self._delivery: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, app: Sanic) -> "RelayService":
        """The one of this server process."""
        service: RelayService | None = getattr(app.ctx, "emotion_relay", None)
        if service is None:
            service = app.ctx.emotion_relay = cls(read_endpoints())
        return service

    async def ask(self, question: Callable[[Record], T], *, patience_secs: float | None = None) -> T:
        """What the record answers; it is asked in a thread. The log says once when it stops answering.

        Raises:
            Unavailable: the database failed, or was silent for `patience_secs`.
        """
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, question)
            answer = await asyncio.wait_for(asked, patience_secs)
        except (SQLAlchemyError, ConfigError, OSError, asyncio.TimeoutError) as error:
            cause = cause_of(error) if isinstance(error, SQLAlchemyError) else str(error) or "no answer in time"
            if not self._failing:
                logger.error(
                    "The database of the handovers fails (%s); the bot goes on without it.",
                    cause,
                    extra=named("relay.database.failed"),
                )
            self._failing = True
            # Clients read this; addresses and names of servers are for the log alone.
            raise Unavailable("The database of the handovers does not answer; try again later.") from error
        if self._failing:
            logger.info("The database of the handovers answers again.", extra=named("relay.database.recovered"))
        self._failing = False
        return answer

    def _ask(self, question: Callable[[Record], T]) -> T:
        if not self._prepared:
            create_tables(self.engine)
            self._prepared = True
        return question(self._record)

    async def enqueue_missing(self, events: Sequence[Event], sender: str) -> None:
        """Hand over what the events of a conversation record and nobody was told of.

        Where the database refuses it, what the last turn decided waits in the spool.
        """
        try:
            await self.ask(
                lambda _: enqueue_missing(events, sender=sender, outbox=self._outbox, endpoints=self.endpoints)
            )
        except Unavailable:
            for packet in latest_packets(events, sender=sender, endpoints=self.endpoints):
                await asyncio.to_thread(self.keeper.keep_packet, packet)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Promise]:
        """While a turn is answered, room is held for what it may promise the caller; the policy asks for it."""
        with self.keeper.hold() as held:
            promise = Promise(held or await self._can_write())
            token = this_turn.set(promise)
            try:
                yield promise
            finally:
                this_turn.reset(token)

    async def _can_write(self) -> bool:
        """Without a spool a handover rests on the database alone, which is tried before one is promised."""
        try:
            await self.ask(lambda _: self._outbox.try_to_write())
        except Unavailable:
            return False
        return True

    async def replay(self, *, patience_secs: float | None = None) -> None:
        """Give the database what waits in the spool. Raises Unavailable where it does not answer."""
        if self.keeper.waiting():
            await self.ask(lambda record: self.keeper.replay(self._outbox, record), patience_secs=patience_secs)

    def start(self, agent: Any, *, worker: bool) -> None:
        """Begin what runs beside the conversations; once, however many relays ask for it.

        The worker awaits the helpdesk and asks the database in threads: it does not keep conversations waiting.
        """
        if not self._tasks:
            self.repeat(self.replay, REPLAY_SECS)
            if agent is not None:
                self.repeat(lambda: self._look_through(agent.tracker_store), LOOK_THROUGH_SECS)
            if agent is not None and self.endpoints.give_back_minutes is not None:
                self.repeat(self.give_back_unattended, UNATTENDED_SECS)
        if worker and self._worker is None:
            self._worker = Worker.of(self.endpoints, self._outbox, self.helpdesk)
            self._delivery = asyncio.create_task(self._deliver(self._worker))

    async def _look_through(self, tracker_store: Any) -> None:
        """Hand over what a crash, between the end of a turn and what follows it, kept from being handed over."""
        store = inner_store(tracker_store)
        if isinstance(store, THREAD_SAFE):
            await self.ask(lambda _: asyncio.run(reconcile(store, self._outbox, self.endpoints)))

    async def give_back_unattended(self) -> None:
        """Let the bot take back the conversations that nobody attends to: a caller must not be left with silence.

        Raises:
            Unavailable: the database failed.
        """
        minutes = self.endpoints.give_back_minutes
        if minutes is None:
            return
        for handover in await self.ask(lambda record: record.unattended(60 * minutes)):
            await self.ask(partial(Record.close, key=handover.key, outcome=UNATTENDED))
            logger.warning(
                "Nobody answers the caller of the handover '%s' (the packet was refused for good, or no word for %g "
                "minutes); the bot takes the conversation back.",
                handover.key,
                minutes,
                extra=named("relay.handover.unanswered"),
            )

    def repeat(self, step: Callable[[], Awaitable[None]], secs: float = TICK_SECS) -> None:
        """Do `step` again and again beside the conversations, whatever it meets."""

        async def forever() -> None:
            said = ""
            while True:
                wait_secs = secs
                try:
                    await step()
                    said = ""
                except Unavailable:
                    wait_secs = RETRY_SECS  # it has been logged
                except (Exception, SystemExit) as error:  # a tracker store that gives up asks the process to exit
                    wait_secs = RETRY_SECS
                    if said != (said := place_of(error)):
                        logger.error(
                            "What runs beside the conversations failed (%s); it is tried again.",
                            said,
                            extra=named("relay.task.failed"),
                        )
                        trace(logger, "relay.task.failed", error)
                await asyncio.sleep(wait_secs)

        self._tasks.append(asyncio.create_task(forever()))

    async def _deliver(self, worker: Worker) -> None:
        while not self.stopping:
            try:
                await self.ask(lambda record: None)  # the tables are there
                await worker.run()
                return
            except Unavailable:
                pass  # it has been logged
            except Exception as error:
                logger.error(
                    "The delivery to the helpdesk failed (%s); it is tried again.",
                    place_of(error),
                    extra=named("relay.delivery.failed"),
                )
                trace(logger, "relay.delivery.failed", error)
            await asyncio.sleep(RETRY_SECS)

    async def stop(self) -> None:
        """End all of it; once, however many relays ask for it."""
        if self.stopping:
            return
        self.stopping = True
        tasks = list(self._tasks)
        if self._worker is not None and self._delivery is not None:
            self._worker.stop()
            await asyncio.wait([self._delivery], timeout=STOP_SECS)
            tasks.append(self._delivery)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.helpdesk.close()
        self._threads.shutdown(wait=False)
        self.engine.dispose()
