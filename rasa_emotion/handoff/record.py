"""The durable record of who has a conversation, and of what caller and human say to each other.

It alone decides whether a human has a conversation: a session of the bot that expires, a pause that is lost, a restart,
or a second server process change nothing in it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Engine

from rasa_emotion.database import writing
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.handoff import holding
from rasa_emotion.handoff.holding import is_open
from rasa_emotion.handoff.tables import DEAD, DELIVERED, HANDOVER, PENDING, TO_CALLER, TO_HUMAN, handoffs, messages
from rasa_emotion.handoff.text import storable, words_for_caller

NOT_DELIVERED = "not delivered: "
"""Before what a person is told that the caller does not get."""


class UnknownHandover(RasaEmotionError):
    """There is no handover of that key: it never was, or it has been deleted."""


@dataclass(frozen=True)
class Handover:
    """A conversation that was handed to a human.

    Args:
        key: of the escalation.
        sender: Rasa's id of the conversation.
        channel: where the caller is.
        packet: what the human is given, JSON.
        ticket: what the helpdesk calls it; None before it took the packet.
        created: seconds since 1970, as all times here.
        closed: when the human gave the conversation back; None while they have it.
        outcome: what they left for the bot to know.
        resumed: when the bot took it up again.
        taken_by: the person at a desk who has it, or `HELPDESK`; None while nobody has answered or taken it.
        taken: since when.
    """

    key: str
    sender: str
    channel: str
    packet: str
    ticket: str | None
    created: float
    closed: float | None
    outcome: str | None
    resumed: float | None
    taken_by: str | None
    taken: float | None


@dataclass(frozen=True)
class Said:
    """One message between caller and human.

    Args:
        id: grows with each message of a conversation.
        handoff: key of the handover that it belongs to.
        sender: Rasa's id of the conversation.
        direction: "to_human" or "to_caller".
        text: what was said.
        state: "pending", "delivered" or "dead".
        attempts: how often it was tried to deliver it.
        created: seconds since 1970.
        origin: the other side's number of it.
        machine: no person wrote it; None where that was not noted.
    """

    id: int
    handoff: str
    sender: str
    direction: str
    text: str
    state: str
    attempts: int
    created: float
    origin: str
    machine: bool | None = None


_HANDOVER = holding.columns(Handover.__dataclass_fields__)
_SAID = [messages.c[name] for name in Said.__dataclass_fields__]


class Record:
    """The record in a database whose tables are there (`create_tables`). Several processes may share it.

    Each method is one transaction. All of them raise SQLAlchemyError when the database fails.

    Args:
        engine: of `open_database`.
        clock: seconds since 1970.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def holder(self, sender: str) -> Handover | None:
        """The open handover of a conversation, the newest of several; None while the bot has it."""
        return self._first(is_open, handoffs.c.sender == sender)

    def unfinished(self, sender: str) -> Handover | None:
        """The open handover, or else the one that the human closed and the bot has not taken up: what a turn asks."""
        with self._engine.connect() as connection:
            chosen = (handoffs.c.kind == HANDOVER, handoffs.c.resumed.is_(None), handoffs.c.sender == sender)
            return _newest(connection, *chosen, first=handoffs.c.closed.is_not(None))

    def open_handovers(self) -> list[Handover]:
        """All conversations that humans have or wait for, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_HANDOVER).where(is_open).order_by(handoffs.c.created, handoffs.c.key))
            return [Handover(**row) for row in rows.mappings()]

    def handover(self, key: str) -> Handover | None:
        """The handover of that key, open or closed."""
        return self._first(handoffs.c.kind == HANDOVER, handoffs.c.key == key)

    def of_ticket(self, ticket: str) -> Handover | None:
        """The handover that a helpdesk calls by that name."""
        return self._first(handoffs.c.kind == HANDOVER, handoffs.c.ticket == ticket)

    def delivering(self) -> bool:
        """Whether a handover has been tried and is not delivered: its ticket may be known there and not here."""
        begun = and_(handoffs.c.state == PENDING, handoffs.c.attempts > 0)
        return self._first(handoffs.c.kind == HANDOVER, begun) is not None

    def to_human(self, sender: str, text: str, origin: str) -> Handover | None:
        """Keep the caller's words for the human who has the conversation, and return the handover.

        None, and nothing is kept, where no human has it. What came with the same `origin` before is kept once.
        """
        with writing(self._engine) as connection:
            holding.lock(connection, sender)
            holder = _newest(connection, is_open, handoffs.c.sender == sender)
            if holder is not None:
                self._keep(connection, holder, TO_HUMAN, text, origin)
            return holder

    def to_caller(
        self,
        key: str,
        text: str,
        origin: str,
        *,
        by: str | None = None,
        machine: bool = False,
        undelivered: str = "",
    ) -> bool:
        """Keep words for the caller; False where they came with the same `origin` before.

        Control characters are left out. Whoever wrote it is told what of it does not reach the caller: all after
        10,000 characters, and what `undelivered` names. Words that arrive after the hand-back are kept as well: the
        human believes them sent.

        Args:
            by: the person who says it, or `HELPDESK`: they have the conversation from here on. None asks nobody.
            machine: no person wrote them: they are passed on, and the conversation still waits for a person.
            undelivered: what cannot be told to the caller.

        Raises:
            UnknownHandover
            TakenError: another has the conversation; nothing is kept.
        """
        words, too_many = words_for_caller(text)
        if too_many:
            rest = f"the last {too_many} characters; send them as another message"
            undelivered = f"{undelivered}; {rest}" if undelivered else rest
        with writing(self._engine) as connection:
            handover = self._locked(connection, key)
            fresh = bool(words) and self._keep(connection, handover, TO_CALLER, words, origin, machine=machine)
            if fresh and by is not None and handover.closed is None:
                holding.claim(connection, handover.sender, by, self._clock())  # what was kept goes where it is refused
            if undelivered:
                number = f"not delivered {sha256(storable(origin).encode()).hexdigest()[:40]}"  # whatever its length
                note = f"{NOT_DELIVERED}{undelivered}"
                self._keep(connection, handover, TO_HUMAN, note, number, machine=True)
            return fresh

    def messages_after(self, sender: str, after: int = 0, direction: str | None = TO_CALLER) -> list[Said]:
        """What was said in one direction, or with None in both, after the message with the id `after`, in order."""
        chosen = [messages.c.sender == sender, messages.c.id > after]
        if direction is not None:
            chosen.append(messages.c.direction == direction)
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_SAID).where(and_(*chosen)).order_by(messages.c.id))
            return [Said(**row) for row in rows.mappings()]

    def heard(self, sender: str, up_to: int) -> None:
        """Note that the caller has the human's messages up to that id."""
        chosen = and_(
            messages.c.sender == sender,
            messages.c.direction == TO_CALLER,
            messages.c.id <= up_to,
            messages.c.state != DELIVERED,
        )
        # Callers ask often; the database is written only where there is something new.
        with self._engine.connect() as connection:
            news = connection.execute(select(messages.c.id).where(chosen).limit(1)).first()
        if news is not None:
            with writing(self._engine) as connection:
                connection.execute(update(messages).where(chosen).values(state=DELIVERED))

    def close(self, key: str, outcome: str = "", *, by: str | None = None) -> bool:
        """Give the conversation back to the bot; False where that has been done already.

        Other handovers of the conversation that are still open end with it.

        Args:
            by: the person who does, or `HELPDESK`; None asks nobody.

        Raises:
            UnknownHandover
            TakenError: another has the conversation.
        """
        with writing(self._engine) as connection:
            handover = self._locked(connection, key)
            if handover.closed is not None:
                return False
            if by is not None:
                holding.check(connection, handover.sender, by)
            still_open = and_(is_open, handoffs.c.sender == handover.sender)
            values = {"closed": self._clock(), "outcome": storable(outcome)}
            connection.execute(update(handoffs).where(still_open).values(values))
            return True

    def unattended(self, silent_secs: float) -> list[Handover]:
        """Open handovers that nobody attends to: given up as dead and not taken, or for so long without a word.

        Who takes a conversation has as long from then on.
        """
        since = self._clock() - silent_secs
        by_person = and_(messages.c.direction == TO_CALLER, messages.c.machine.is_not(True))
        lately = select(messages.c.handoff).where(by_person, messages.c.created > since)
        begun = func.coalesce(holding.taken, handoffs.c.created)
        silent = and_(begun <= since, handoffs.c.key.not_in(lately))
        given_up = and_(handoffs.c.state == DEAD, holding.taken_by.is_(None))
        with self._engine.connect() as connection:
            chosen = and_(is_open, or_(given_up, silent))
            rows = connection.execute(select(*_HANDOVER).where(chosen).order_by(handoffs.c.created, handoffs.c.key))
            return [Handover(**row) for row in rows.mappings()]

    def to_resume(self, sender: str) -> Handover | None:
        """The handover that the human closed and the bot has not taken up, the newest of several."""
        return self._first(_to_resume, handoffs.c.sender == sender)

    def all_to_resume(self, channel: str) -> list[Handover]:
        """Those of all conversations of a channel, in the order in which they were closed."""
        chosen = and_(_to_resume, handoffs.c.channel == channel)
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_HANDOVER).where(chosen).order_by(handoffs.c.closed, handoffs.c.created))
            return [Handover(**row) for row in rows.mappings()]

    def mark_resumed(self, sender: str) -> None:
        """Note that the bot has taken the conversation up, knowing the outcome."""
        with writing(self._engine) as connection:
            chosen = and_(_to_resume, handoffs.c.sender == sender)
            connection.execute(update(handoffs).where(chosen).values(resumed=self._clock()))

    def due(self, channel: str) -> list[Said]:
        """For each caller of a channel the oldest message that they do not have yet, where it is time to try."""
        both = messages.join(handoffs, messages.c.handoff == handoffs.c.key)
        # Of this channel: what the same caller has not fetched on another one holds nothing up here.
        oldest = (
            select(func.min(messages.c.id))
            .select_from(both)
            .where(messages.c.direction == TO_CALLER, messages.c.state == PENDING, handoffs.c.channel == channel)
            .group_by(messages.c.sender)
        )
        chosen = and_(messages.c.id.in_(oldest), messages.c.next_attempt <= self._clock())
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_SAID).select_from(both).where(chosen).order_by(messages.c.id))
            return [Said(**row) for row in rows.mappings()]

    def claim(self, said: Said, secs: float) -> bool:
        """Take a message for delivery to its caller; False where another process did. It is tried again after `secs`
        unless `settle` says how it went, so that a process that dies in between loses nothing.
        """
        now = self._clock()
        mine = and_(messages.c.id == said.id, messages.c.state == PENDING, messages.c.next_attempt <= now)
        with writing(self._engine) as connection:
            claimed = connection.execute(
                update(messages).where(mine).values(next_attempt=now + secs, attempts=messages.c.attempts + 1)
            )
            return bool(claimed.rowcount)

    def settle(self, said: Said, state: str, *, wait_secs: float = 0.0, error: str | None = None) -> None:
        """Note how a delivery went: `state` "delivered", "pending" for another try after `wait_secs`, or "dead"."""
        with writing(self._engine) as connection:
            values = {"state": state, "next_attempt": self._clock() + wait_secs, "error": error}
            connection.execute(update(messages).where(messages.c.id == said.id).values(values))

    def _first(self, *chosen: Any) -> Handover | None:
        with self._engine.connect() as connection:
            return _newest(connection, *chosen)

    def _locked(self, connection: Connection, key: str) -> Handover:
        handover = _newest(connection, handoffs.c.kind == HANDOVER, handoffs.c.key == key)
        if handover is None:
            raise UnknownHandover(f"There is no handover '{key}'; it may have been deleted.")
        holding.lock(connection, handover.sender)
        # Somebody may have closed it while the lock was awaited.
        return _newest(connection, handoffs.c.key == key) or handover

    def _keep(
        self,
        connection: Connection,
        handover: Handover,
        direction: str,
        text: str,
        origin: str,
        *,
        machine: bool | None = None,
    ) -> bool:
        text, origin = storable(text), storable(origin)
        same = and_(messages.c.handoff == handover.key, messages.c.direction == direction, messages.c.origin == origin)
        if connection.execute(select(messages.c.id).where(same)).first() is not None:
            return False
        now = self._clock()
        row = {"handoff": handover.key, "sender": handover.sender, "direction": direction, "text": text}
        timing = {"state": PENDING, "attempts": 0, "next_attempt": now, "created": now}
        connection.execute(insert(messages).values(**row, **timing, origin=origin, machine=machine))
        return True


_to_resume = and_(handoffs.c.kind == HANDOVER, handoffs.c.closed.is_not(None), handoffs.c.resumed.is_(None))


def _newest(connection: Connection, *chosen: Any, first: Any = None) -> Handover | None:
    order = [handoffs.c.created.desc(), handoffs.c.key] if first is None else [first, handoffs.c.created.desc()]
    ordered = select(*_HANDOVER).where(and_(*chosen)).order_by(*order)
    row = connection.execute(ordered.limit(1)).mappings().first()
    return None if row is None else Handover(**row)
