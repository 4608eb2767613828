"""What goes on at this moment, read as it is written for all who look, and sent to each of them as it changes."""

import asyncio
import logging
import math
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

GLANCE_SECS = 0.1
"""From the end of one look at the database to the next, while somebody looks at the page: is there a new event?"""

LOOK_SECS = 0.5
"""After which a look is at everything: what callers chose, who has a conversation, events that came out of order."""

SHARE = 4.0
"""A look at everything that takes long, of thousands of conversations, comes again after so many times as long."""

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
        newest: the id of its newest event, by which one sees that it was deleted.
        handed: whether a person has it or it waits for one.
        taken_by: who has it.
    """

    overview: Overview
    heard: float
    consents: bool
    newest: int
    handed: bool = False
    taken_by: str | None = None

    def to_dict(self, *, words: bool) -> Message:
        """JSON-safe."""
        return {**self.overview.to_dict(words=words), "handed": self.handed, "taken_by": self.taken_by}


class Watch:
    """The conversations in progress. One task reads them, as long as somebody looks.

    Args:
        console: whose databases are read.
        look_secs: after which everything is looked at.
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
        self._looked, self._took = -math.inf, 0.0  # on the monotonic clock, when everything was looked at; seconds
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
        """Whether there is a conversation of this caller who allows the analysis; while awake, by the latest look."""
        found = self._shown.get(sender) if self._awake and not self._failing else None
        found = found or await self.one(sender)
        return found is not None and found.overview.allowed

    async def _go(self) -> None:
        while True:
            await asyncio.sleep(self._look_secs if self._failing else min(GLANCE_SECS, self._look_secs))
            message = await self._look()
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
        begun = time.monotonic()
        rest = max(self._look_secs, SHARE * self._took)
        everything = self._newest is None or begun - self._looked >= rest
        overlap = OVERLAP if everything else 0
        if not everything and not self._fresh(overlap)[0]:
            return shown
        # Before the events, so that nobody is handed over by words that are not shown yet.
        holders = self._desk.holders()
        fresh, newest, known = self._fresh(overlap)
        if everything:
            shown = self._without_deleted(shown)
        before = {sender: shown[sender].heard for sender in self._chosen(shown) - {*fresh}} if everything else {}
        shown.update(self._read([*fresh, *before]))
        for sender, heard in before.items():  # a choice is nothing that was said
            shown[sender] = replace(shown[sender], heard=heard)
        self._newest, self._known = newest, known  # not before all of it is read, so that a failure loses nothing
        if everything:
            self._looked, self._took = begun, time.monotonic() - begun
        limit = begun - self._window_secs
        return {
            sender: _held(one, holders)
            for sender, one in sorted(shown.items(), key=lambda item: _rank(item[1].overview))
            if one.heard >= limit or sender in holders
        }

    def _without_deleted(self, shown: dict[str, Shown]) -> dict[str, Shown]:
        """Without those whose events somebody has deleted."""
        still = self._table.still(one.newest for one in shown.values())
        return {sender: one for sender, one in shown.items() if one.newest in still}

    def _chosen(self, shown: Mapping[str, Shown]) -> set[str]:
        """Those whose record of choices says something else than at the look before."""
        allowing = self._consents.allowing(shown)
        return {sender for sender, one in shown.items() if one.consents != (sender in allowing)}

    def _fresh(self, overlap: int) -> tuple[list[str], int, set[int]]:
        """The conversations with events that were not there before; the newest event, and the ids of the latest.

        Args:
            overlap: how many ids are looked at again.
        """
        if self._newest is None:
            newest = self._table.newest()
            said = self._table.senders_since(self._console.clock() - self._window_secs)
            known = {number for number, _ in self._table.after(max(0, newest - OVERLAP)) if number <= newest}
            return sorted({*said, *self._desk.holders()}), newest, known
        rows = self._table.after(max(0, self._newest - overlap))
        senders = sorted({sender for number, sender in rows if number not in self._known})
        numbers = self._known.union(number for number, _ in rows)
        newest = max([self._newest, *numbers])
        return senders, newest, {number for number in numbers if number > newest - OVERLAP}

    def _read(self, senders: list[str]) -> dict[str, Shown]:
        now = time.monotonic()
        found: dict[str, Shown] = {}
        if not senders or not self._table.there():
            return found
        allowing = self._consents.allowing(senders)
        for sender, (events, newest) in self._table.with_newest(senders).items():
            allowed = sender in allowing and _not_refused(events)
            view = overview(sender, events, self._rules, allowed=allowed)
            if view is not None:
                found[sender] = Shown(view, now, sender in allowing, newest)
        return found

    def _one(self, sender: str) -> Shown | None:
        found = self._read([sender]).get(sender)
        return None if found is None else _held(found, self._desk.holders())

    def _whole(self, sender: str) -> tuple[Shown, Whole] | None:
        if not self._table.there():
            return None
        events, newest = self._table.with_newest([sender])[sender]
        consents = self._consents.allows(sender)
        found = whole(sender, events, self._rules, allowed=consents and _not_refused(events))
        if found is None:
            return None
        return _held(Shown(found.overview, time.monotonic(), consents, newest), self._desk.holders()), found


def _held(shown: Shown, holders: Mapping[str, str | None]) -> Shown:
    """With who has the conversation."""
    sender = shown.overview.sender
    handed, taken_by = sender in holders, holders.get(sender)
    if (shown.handed, shown.taken_by) == (handed, taken_by):
        return shown
    return replace(shown, handed=handed, taken_by=taken_by)


def _not_refused(events: Sequence[Event]) -> bool:
    """Whether the caller did not say no last, by what they said."""
    choice = last_choice(events)
    return choice is None or choice[0]


def _rank(view: Overview) -> tuple[int, float, str]:
    """The worst mood first, and of these the angriest; who may not be analysed comes last."""
    return ORDER.get(view.mood or "", len(ORDER)), -view.anger, view.sender
