"""Delivers what waits in the outbox: again and again, until the helpdesk has it or somebody must look at it."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from aiohttp import ClientConnectionError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from tenacity import (
    AsyncRetrying,
    Future,
    RetryCallState,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from rasa_emotion.database import cause_of
from rasa_emotion.endpoints import Delivery, Endpoints
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.helpdesk import ConversationGone, Helpdesk, HelpdeskError, TemporaryFailure
from rasa_emotion.handoff.holding import HELPDESK, TakenError
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Claim, MessageClaim, Outbox, PacketClaim
from rasa_emotion.handoff.record import Record, UnknownHandover
from rasa_emotion.handoff.shorten import shortened
from rasa_emotion.logs import named, trace
from rasa_emotion.spool.file import SpoolError

logger = logging.getLogger(__name__)
T = TypeVar("T")

IDLE_SECS = 0.5
"""How long a lane waits before it looks again, where nothing was due: a caller's words must reach people while they
still talk."""

LEASE_FACTOR = 2
"""How much longer a lease is than a try may take: the database needs its time as well."""

BROKEN_TRIES = 3
BROKEN_WAIT = wait_random_exponential(multiplier=0.2, max=1)
"""A connection that broke is mostly there again at once."""

LAST_WORDS_SECS = 10
"""How long a worker that is to stop still tries to note how its last delivery went."""

CHECK_WAIT = wait_random_exponential(multiplier=2, max=60, min=1)
"""Between looks at a helpdesk that cannot be used at all."""

DATABASE_WAIT = wait_random_exponential(multiplier=0.1, max=5)
CLEAN_SECS = 3600
"""Between deletions of what is older than the operator wants to keep."""


@dataclass(frozen=True)
class Attempt:
    """How one try went.

    Args:
        what: "packet" or "message".
        key: of the packet, or of the one that the message belongs to.
        sender: Rasa's id of the conversation; empty for a message.
        outcome: "delivered", "retry", "dead" or "gone", where the helpdesk no longer knows the conversation.
        attempts: which try it was.
        ticket: what the helpdesk calls it.
        error: what went wrong.
        wait_secs: until the next try.
    """

    what: str
    key: str
    outcome: str
    attempts: int
    sender: str = ""
    ticket: str | None = None
    error: str | None = None
    wait_secs: float | None = None


class Worker:
    """Delivers from one outbox to one helpdesk. Any number of workers may share an outbox.

    Args:
        helpdesk: opened; it is closed by whoever opened it.
        delivery: how often and how long it is tried.
        retention_days: see `Outbox.delete_old`; None keeps everything.
        keeper: of what waits beside the database, where nobody else gives that to it.
        on_attempt: told of every try.
        on_trouble: told, in one sentence, when the helpdesk or the database cannot be used at all.
    """

    def __init__(
        self,
        outbox: Outbox,
        helpdesk: Helpdesk,
        *,
        delivery: Delivery | None = None,
        retention_days: float | None = None,
        keeper: Keeper | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self.outbox = outbox
        self.helpdesk = helpdesk
        self.name = f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid4().hex[:8]}"
        self._delivery = delivery or Delivery()
        self._retention_days = retention_days
        self._keeper = keeper
        self._on_attempt = on_attempt or _log_attempt
        self._on_trouble = on_trouble or _log_trouble
        self._wait = wait_random_exponential(
            multiplier=self._delivery.first_wait_secs,
            max=self._delivery.longest_wait_secs,
            min=min(self._delivery.first_wait_secs, self._delivery.longest_wait_secs) / 2,
        )
        self._stop_asked = False
        self._stopping = asyncio.Event()
        # Set while the helpdesk can be used; cleared by whoever finds that it cannot.
        self._usable = asyncio.Event()

    @classmethod
    def of(cls, endpoints: Endpoints, outbox: Outbox, helpdesk: Helpdesk, **more: Any) -> "Worker":
        """A worker after endpoints.yml."""
        return cls(outbox, helpdesk, delivery=endpoints.delivery, retention_days=endpoints.retention_days, **more)

    def stop(self) -> None:
        """End `run`, now or later, after the deliveries that have begun."""
        self._stop_asked = True
        self._stopping.set()

    async def run(self, *, until_empty: bool = False) -> None:
        """Deliver until `stop()`, or with `until_empty` until nothing waits any more.

        Raises:
            SQLAlchemyError: the database refuses what it is asked; `run` may be called again.
        """
        if not self._stop_asked:
            self._stopping.clear()
        work = (self._keep_usable(), self._clean(), self._replay())
        beside = [asyncio.create_task(self._or_stop(part)) for part in work]
        claims = (self.outbox.claim_packet, self.outbox.claim_message)
        lanes = [self._lane(claim, until_empty) for claim in claims for _ in range(self._delivery.at_once)]
        try:
            await asyncio.gather(*map(self._or_stop, lanes))
        finally:
            self._stopping.set()
            await asyncio.gather(*beside)

    async def _or_stop(self, work: Coroutine[Any, Any, None]) -> None:
        """Where one part fails for good, the others must not go on waiting for it."""
        try:
            await work
        except BaseException:
            self._stopping.set()
            raise

    async def _lane(self, claim: Callable[..., Claim | None], until_empty: bool) -> None:
        lease_secs = self._delivery.timeout_secs * LEASE_FACTOR
        while not self._stopping.is_set():
            await self._until(self._usable)
            if self._stopping.is_set():
                return
            claimed = await self._ask(lambda: claim(self.name, lease_secs=lease_secs))
            if claimed is not None:
                await self._deliver(claimed)
            elif until_empty and not self._spooled() and not await self._ask(self.outbox.waiting):
                return
            else:
                await self._pause(IDLE_SECS)

    async def _deliver(self, claim: Claim) -> None:
        try:
            ticket = await asyncio.wait_for(self._hand_over(claim), self._delivery.timeout_secs)
        except asyncio.TimeoutError:
            await self._try_again(claim, f"It took longer than {self._delivery.timeout_secs:g} s; see that it runs.")
        except ConversationGone as error:
            await self._gone(claim, error)
        except TemporaryFailure as error:
            await self._try_again(claim, str(error), retry_after=error.retry_after)
        except HelpdeskError as error:
            await self._refused(claim, error)
        except Exception as error:
            # A fault of ours in one packet must neither stop the worker nor lose the packet.
            logger.error(
                "Packet or message of '%s' could not be handed over (%s).",
                claim.key,
                place_of(error),
                extra=named("handoff.delivery.failed"),
            )
            trace(logger, "handoff.delivery.failed", error)
            await self._try_again(claim, f"It could not be handed over ({place_of(error)}).")
        else:
            await self._ask(lambda: self.outbox.delivered(claim, ticket))
            self._report(claim, "delivered", ticket=ticket)

    async def _hand_over(self, claim: Claim) -> str | None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_broken), stop=stop_after_attempt(BROKEN_TRIES), wait=BROKEN_WAIT, reraise=True
        ):
            with attempt:
                if isinstance(claim, MessageClaim):
                    await self.helpdesk.send(claim.ticket, claim.message)
                    return claim.ticket
                return await self.helpdesk.deliver(shortened(claim.packet, self.helpdesk.max_bytes))
        raise AssertionError("tenacity ends with a value or an error")

    async def _try_again(self, claim: Claim, error: str, *, retry_after: float | None = None) -> None:
        if claim.attempts >= self._delivery.attempts:
            await self._give_up(claim, error)
            return
        wait_secs = max(_wait_secs(self._wait, claim.attempts), retry_after or 0.0)
        await self._ask(lambda: self.outbox.failed(claim, error, next_attempt=time.time() + wait_secs))
        self._report(claim, "retry", error=error, wait_secs=wait_secs)

    async def _refused(self, claim: Claim, error: HelpdeskError) -> None:
        """Is it this one, or would all be refused? A wrong key must not turn the queue into dead letters."""
        if await self._trouble():
            self._usable.clear()
            await self._ask(lambda: self.outbox.release(claim, str(error)))
        else:
            await self._give_up(claim, str(error))

    async def _give_up(self, claim: Claim, error: str) -> None:
        await self._ask(lambda: self.outbox.give_up(claim, error))
        self._report(claim, "dead", error=error)

    async def _gone(self, claim: Claim, error: ConversationGone) -> None:
        """Somebody deleted the conversation over there: where nobody else reads on, the bot takes the caller back."""
        await self._ask(lambda: self.outbox.give_up(claim, str(error)))
        if isinstance(claim, MessageClaim):
            record = Record(self.outbox.engine)
            with suppress(UnknownHandover, TakenError):  # deleted here too, in between, or somebody at a desk has it
                await self._ask(lambda: record.close(claim.key, by=HELPDESK))
        self._report(claim, "gone", error=str(error))

    async def _keep_usable(self) -> None:
        """Look whether the helpdesk can be used, at the start and whenever a lane finds that it cannot."""
        tries, said = 0, ""
        while not self._stopping.is_set():
            if self._usable.is_set():
                tries, said = 0, ""
                await self._pause(IDLE_SECS)
                continue
            trouble = await self._trouble()
            if not trouble:
                self._usable.set()
                continue
            tries += 1
            if trouble != said:
                waiting = await self._ask(self.outbox.waiting)
                self._on_trouble(f"{trouble} Nothing is lost: {waiting} wait in the queue, and it is tried again.")
                said = trouble
            await self._pause(_wait_secs(CHECK_WAIT, tries))

    async def _trouble(self) -> str:
        """Why the helpdesk cannot be used at all; empty where it can."""
        try:
            await asyncio.wait_for(self.helpdesk.check(), self._delivery.timeout_secs)
        except asyncio.TimeoutError:
            return f"The helpdesk '{self.helpdesk.name}' did not answer in time; see that it runs."
        except Exception as error:
            return str(error) or type(error).__name__
        return ""

    async def _clean(self) -> None:
        days = self._retention_days
        while days is not None and not self._stopping.is_set():
            await self._ask(partial(self.outbox.delete_old, days))
            await self._pause(CLEAN_SECS)

    def _spooled(self) -> bool:
        return self._keeper is not None and bool(self._keeper.waiting())

    async def _replay(self) -> None:
        """Give the database what waits beside it."""
        keeper, record = self._keeper, Record(self.outbox.engine)
        while keeper is not None and not self._stopping.is_set():
            if self._spooled():
                try:
                    await self._ask(partial(keeper.replay, self.outbox, record))
                except SpoolError as error:
                    self._on_trouble(str(error))
            await self._pause(IDLE_SECS)

    async def _ask(self, function: Callable[[], T]) -> T:
        """Ask the database, in a thread; where it is locked or away, again until it answers."""

        def enough(state: RetryCallState) -> bool:
            return self._stopping.is_set() and (state.seconds_since_start or 0) > LAST_WORDS_SECS

        def say(state: RetryCallState) -> None:
            if state.attempt_number == 3 and state.outcome is not None:
                self._on_trouble(f"The database does not answer ({_cause(state.outcome)}); it is tried again.")

        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((OperationalError, InterfaceError)),
            wait=DATABASE_WAIT,
            stop=enough,
            before_sleep=say,
            reraise=True,
        ):
            with attempt:
                return await asyncio.get_running_loop().run_in_executor(None, function)
        raise AssertionError("tenacity ends with a value or an error")

    async def _pause(self, secs: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), secs)

    async def _until(self, event: asyncio.Event) -> None:
        """Wait for `event` or the end."""
        while not event.is_set() and not self._stopping.is_set():
            await self._pause(IDLE_SECS / 5)

    def _report(self, claim: Claim, outcome: str, **more: Any) -> None:
        what, sender = ("packet", claim.packet.sender) if isinstance(claim, PacketClaim) else ("message", "")
        self._on_attempt(Attempt(what, claim.key, outcome, claim.attempts, sender, **more))


def _broken(error: BaseException) -> bool:
    return isinstance(error, TemporaryFailure) and isinstance(error.__cause__, OSError | ClientConnectionError)


def _cause(outcome: Future) -> str:
    error = outcome.exception()
    return cause_of(error) if isinstance(error, SQLAlchemyError) else type(error).__name__


def _wait_secs(strategy: Any, attempts: int) -> float:
    """What a tenacity strategy says about the wait after so many attempts: the waits outlast the process."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.attempt_number = attempts
    return float(strategy(state))


def _log_attempt(attempt: Attempt) -> None:
    level = logging.INFO if attempt.outcome == "delivered" else logging.WARNING
    said = f" ({attempt.error})" if attempt.error else ""
    values = (attempt.what, attempt.key, attempt.outcome, attempt.attempts, said)
    logger.log(level, "%s %s: %s at try %d%s", *values, extra=named("handoff.delivery.attempt"))


def _log_trouble(sentence: str) -> None:
    logger.warning("%s", sentence, extra=named("handoff.helpdesk.unusable"))
