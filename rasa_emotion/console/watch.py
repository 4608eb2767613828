"""What goes on at this moment, read twice a second for all who look, and sent to each of them as it changes."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.console.events import OVERLAP, Event, EventTable
from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.overview import ORDER, Overview, Whole, overview, whole
from rasa_emotion.conversation.history import last_choice
from rasa_emotion.database import cause_of
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.redact import Rules
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

LOOK_SECS = 0.5
"""From one look at the database to the next, while somebody looks at the page."""

REST_SECS = 0.1
"""Between two looks at least, however long they take."""

WINDOW_SECS = 900.0
"""A conversation in which nothing was said for so long is not in progress any more."""

MOST_QUEUED = 60
"""Changes that wait for one browser."""

TROUBLE = "The database does not answer; what is shown is from before, and is read again as soon as it does."

Message = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A conversation in progress, and who has it.

    Args:
        overview: how it is.
        heard: monotonic clock when it last changed, so that a clock that jumps ends nothing.
        consents: whether the record of choices allowed the analysis at that moment.
        handed: whether a person has it or it waits for one.
        taken_by: who has it.
    """

    overview: Overview
    heard: float
    consents: bool
    handed: bool = False
    taken_by: str | None = None

    def to_dict(self, *, words: bool) -> Message:
        """JSON-safe."""
        return {**self.overview.to_dict(words=words), "handed": self.handed, "taken_by": self.taken_by}


class Watch:
    """The conversations in progress. One task reads them, as long as somebody looks.

    Args:
        console: whose databases are read.
        look_secs: between two looks.
        window_secs: how long a quiet conversation is shown.
    """

    def __init__(self, console: Console, look_secs: float = LOOK_SECS, window_secs: float = WINDOW_SECS) -> None:
        self._console = console
        self._look_secs, self._window_secs = look_secs, window_secs
        self._rules = Rules.of(console.endpoints.redact)
        self._table = EventTable(console.tracker_engine or console.engine, self._rules.names_from_slots)
        self._desk = DeskRecord(console.engine, console.clock)
        self._consents = consents_of(console)
        self._known: set[int] = set()
        self._newest: int | None = None
        self._shown: dict[str, Shown] = {}
        self._queues: set[asyncio.Queue[Message]] = set()
        self._task: asyncio.Task[None] | None = None
        self._awake = 0
        self._failing = False

    async def changes(self) -> AsyncGenerator[Message, None]:
        """What is shown now, as {"all": [...]}, then each change, as {"changed": [...], "gone": [...]}.

        A database that fails is told as {"trouble": "..."}, and {"trouble": ""} when it answers again. The values of
        "all" and "changed" are `Shown`.
        """
        queue: asyncio.Queue[Message] = asyncio.Queue()
        async with self.awake():
            self._queues.add(queue)
            try:
                yield self._everything()
                while True:
                    yield await queue.get()
            finally:
                self._queues.discard(queue)

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        """What is in progress is read again and again, as long as somebody is within."""
        if self._task is None:
            await self._look()
        self._awake += 1
        self._task = self._task or asyncio.create_task(self._go())
        try:
            yield
        finally:
            self._awake -= 1
            if not self._awake and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def in_progress(self) -> Mapping[str, Shown]:
        """The conversations of the latest look, by Rasa's id; see `awake`."""
        return self._shown

    def _everything(self) -> Message:
        return {"all": list(self._shown.values()), "trouble": TROUBLE if self._failing else ""}

    async def whole(self, sender: str) -> tuple[Shown, Whole] | None:
        """One conversation in full as it is now, in progress or not; None where there is none."""
        return await self._console.in_thread(self._whole, sender)

    async def one(self, sender: str) -> Shown | None:
        """One conversation as it is now, in progress or not; None where there is none."""
        return await self._console.in_thread(self._one, sender)

    async def may_hear(self, sender: str) -> bool:
        """Whether there is a conversation of this caller, and they allow the analysis."""
        found = await self.one(sender)
        return found is not None and found.overview.allowed

    async def _go(self) -> None:
        took = 0.0
        while True:
            await asyncio.sleep(max(min(REST_SECS, self._look_secs), self._look_secs - took))
            begun = time.monotonic()
            message = await self._look()
            took = time.monotonic() - begun
            if message:
                for queue in self._queues:
                    if queue.qsize() >= MOST_QUEUED:  # a browser that is too slow begins anew
                        while not queue.empty():
                            queue.get_nowait()
                        message = self._everything()
                    queue.put_nowait(message)

    async def _look(self) -> Message:
        """Read what is new; returns what has changed, empty where nothing has."""
        try:
            before = self._shown
            self._shown = await self._console.in_thread(self._next, dict(before))
        except Exception as error:  # whatever it is, the page goes on and says so
            if self._failing:
                return {}
            self._failing = True
            cause = cause_of(error) if isinstance(error, SQLAlchemyError) else place_of(error)
            logger.error("Conversations cannot be read (%s).", cause, extra=named("console.database"))
            return {"trouble": TROUBLE}
        changed = [shown for sender, shown in self._shown.items() if before.get(sender) != shown]
        gone = [sender for sender in before if sender not in self._shown]
        message: Message = {"changed": changed, "gone": gone} if changed or gone else {}
        if self._failing:
            self._failing = False
            message["trouble"] = ""
        return message

    def _next(self, shown: dict[str, Shown]) -> dict[str, Shown]:
        if not self._table.there():
            return shown
        fresh = self._fresh()
        allowing = self._consents.allowing(shown)
        chosen = [sender for sender, one in shown.items() if one.consents != (sender in allowing)]
        before = {sender: shown[sender].heard for sender in chosen if sender not in fresh}
        shown.update(self._read([*fresh, *before]))
        for sender, heard in before.items():  # a choice is nothing that was said
            shown[sender] = replace(shown[sender], heard=heard)
        limit = time.monotonic() - self._window_secs
        holders = self._desk.holders()
        return {
            sender: _held(one, holders)
            for sender, one in sorted(shown.items(), key=lambda item: _rank(item[1].overview))
            if one.heard >= limit or sender in holders
        }

    def _fresh(self) -> list[str]:
        """The conversations with events that were not there at the look before."""
        if self._newest is None:
            newest = self._table.newest()
            senders = self._table.senders_since(self._console.clock() - self._window_secs)
            self._known = {number for number, _ in self._table.after(max(0, newest - OVERLAP)) if number <= newest}
            self._newest = newest
            return sorted({*senders, *self._desk.holders()})
        rows = self._table.after(max(0, self._newest - OVERLAP))
        senders = sorted({sender for number, sender in rows if number not in self._known})
        self._newest = max([self._newest, *(number for number, _ in rows)])
        self._known = {number for number, _ in rows if number > self._newest - OVERLAP}
        return senders

    def _read(self, senders: list[str]) -> dict[str, Shown]:
        now = time.monotonic()
        found: dict[str, Shown] = {}
        if not senders or not self._table.there():
            return found
        allowing = self._consents.allowing(senders)
        for sender, events in self._table.of(senders).items():
            allowed = sender in allowing and _not_refused(events)
            view = overview(sender, events, self._rules, allowed=allowed)
            if view is not None:
                found[sender] = Shown(view, now, sender in allowing)
        return found

    def _one(self, sender: str) -> Shown | None:
        found = self._read([sender]).get(sender)
        return None if found is None else _held(found, self._desk.holders())

    def _whole(self, sender: str) -> tuple[Shown, Whole] | None:
        if not self._table.there():
            return None
        events = self._table.of([sender])[sender]
        consents = self._consents.allows(sender)
        found = whole(sender, events, self._rules, allowed=consents and _not_refused(events))
        if found is None:
            return None
        return _held(Shown(found.overview, time.monotonic(), consents), self._desk.holders()), found


def _held(shown: Shown, holders: Mapping[str, str | None]) -> Shown:
    """With who has the conversation."""
    sender = shown.overview.sender
    return replace(shown, handed=sender in holders, taken_by=holders.get(sender))


def _not_refused(events: Sequence[Event]) -> bool:
    """Whether the caller did not say no last, by what they said."""
    choice = last_choice(events)
    return choice is None or choice[0]


def _rank(view: Overview) -> tuple[int, float, str]:
    """The worst mood first, and of these the angriest; who may not be analysed comes last."""
    return ORDER.get(view.mood or "", len(ORDER)), -view.anger, view.sender
