"""What waits to reach people: packets and callers' messages, kept until they are taken, in order for each caller."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.sql import ClauseElement, Select

from rasa_emotion.database import writing
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.desk_tables import feedback, notes
from rasa_emotion.handoff.helpdesk import Message
from rasa_emotion.handoff.packet import Packet, stored_packet
from rasa_emotion.handoff.tables import (
    ALERT,
    DEAD,
    DELIVERED,
    PENDING,
    TO_HUMAN,
    handoffs,
    messages,
    trials,
)
from rasa_emotion.handoff.text import storable

DAY_SECS = 86_400
TRIAL_CHARACTERS = 65_536
MOST_ERROR = 500
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class Handoff:
    """One row of the outbox.

    Args:
        packet: what people are given.
        state: "pending", "delivered" or "dead".
        attempts: how often it was tried.
        next_attempt: seconds since 1970 from which on it is tried.
        error: what went wrong at the last try; None where nothing did.
        ticket: what the helpdesk calls it; None until it is delivered.
        created, delivered, closed: seconds since 1970; closed when the person gave the conversation back.
        outcome: what they left for the bot.
        taken_by: the person at a desk who has it, or had it to the end; None where nobody took it.
        dead_messages: how many messages between caller and person were given up.
    """

    packet: Packet
    state: str
    attempts: int
    next_attempt: float
    error: str | None
    ticket: str | None
    created: float
    delivered: float | None
    closed: float | None
    outcome: str | None
    taken_by: str | None
    dead_messages: int

    @property
    def key(self) -> str:
        return self.packet.key

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe."""
        return {"key": self.key, **{**vars(self), "packet": self.packet.to_dict()}}


@dataclass(frozen=True)
class PacketClaim:
    """A packet that one worker has to deliver until its lease ends. `attempts` counts this one."""

    worker: str
    packet: Packet
    attempts: int

    @property
    def key(self) -> str:
        return self.packet.key

    @property
    def row(self) -> ClauseElement:
        return handoffs.c.key == self.packet.key


@dataclass(frozen=True)
class MessageClaim:
    """A caller's message that one worker has to deliver. `ticket` is that of the delivered packet with `key`."""

    worker: str
    id: int
    key: str
    ticket: str
    message: Message
    attempts: int

    @property
    def row(self) -> ClauseElement:
        return messages.c.id == self.id


Claim = PacketClaim | MessageClaim


class Outbox:
    """The outbox of one database. Its methods may be called from several threads and processes at once.

    Args:
        engine: from `rasa_emotion.database.open_database`, with the tables created.
        now: the clock.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self._now = now

    def enqueue(self, packet: Packet, connection: Connection | None = None, *, closed: float | None = None) -> bool:
        """Add a packet, once for its key; say whether it was new.

        Args:
            connection: whose transaction the row belongs to; by default it has one of its own.
            closed: when the conversation was given back, where it already was.
        """
        row = {
            "key": packet.key,
            "kind": packet.kind,
            "sender": packet.sender,
            "channel": storable(packet.channel),
            "packet": json.dumps(packet.to_dict()),
            "state": PENDING,
            "attempts": 0,
            "next_attempt": self._now(),
            "created": packet.created,
            "closed": closed,
        }
        if connection is not None:
            return _insert_once(connection, row)
        with writing(self.engine) as own:
            return _insert_once(own, row)

    def try_to_write(self) -> None:
        """Write as much as a large packet takes, and delete it. Raises SQLAlchemyError where none could be kept."""
        row = {"id": uuid4().hex, "filler": "x" * TRIAL_CHARACTERS}
        with writing(self.engine) as connection:
            connection.execute(insert(trials).values(**row))
        with writing(self.engine) as connection:
            connection.execute(delete(trials).where(trials.c.id == row["id"]))

    def claim_packet(self, worker: str, *, lease_secs: float) -> PacketClaim | None:
        """The next packet that is due, for `worker` alone until the lease ends; None where there is none.

        A packet waits while an earlier one of the same caller, or a message that belongs to an earlier one, is pending.
        """
        if not self._anything(_NEXT_PACKET):
            return None
        with writing(self.engine) as connection:
            row = connection.execute(_NEXT_PACKET, {"now": self._now()}).first()
            if row is None:
                return None
            claim = PacketClaim(worker, _packet(row), row.attempts + 1)
            self._lease(connection, claim, lease_secs)
            return claim

    def claim_message(self, worker: str, *, lease_secs: float) -> MessageClaim | None:
        """The next caller's message that is due, likewise. It waits for its packet and for what the caller said before.

        A message whose packet was given up waits until somebody retries that, and holds nothing else up.
        """
        if not self._anything(_NEXT_MESSAGE):
            return None
        with writing(self.engine) as connection:
            row = connection.execute(_NEXT_MESSAGE, {"now": self._now()}).first()
            if row is None:
                return None
            message = Message(f"{row.handoff}-{row.id}", row.text, row.created, note=bool(row.machine))
            claim = MessageClaim(worker, row.id, row.handoff, row.ticket, message, row.attempts + 1)
            self._lease(connection, claim, lease_secs)
            return claim

    def delivered(self, claim: Claim, ticket: str | None = None) -> None:
        """The other side has it. Of a packet, `ticket` is what the helpdesk calls it."""
        values = {"ticket": ticket, "delivered": self._now()} if isinstance(claim, PacketClaim) else {}
        self._settle(claim, state=DELIVERED, error=None, **values)

    def failed(self, claim: Claim, error: str, *, next_attempt: float) -> None:
        """To be tried again from `next_attempt` on, in seconds since 1970."""
        self._settle(claim, error=error[:MOST_ERROR], next_attempt=next_attempt)

    def give_up(self, claim: Claim, error: str) -> None:
        """A dead letter: kept, and tried again only when somebody asks for it."""
        self._settle(claim, state=DEAD, error=error[:MOST_ERROR])

    def release(self, claim: Claim, error: str | None = None, *, next_attempt: float | None = None) -> None:
        """Put it back as if it had not been tried: what went wrong has nothing to do with it."""
        when = self._now() if next_attempt is None else next_attempt
        self._settle(claim, error=error and error[:MOST_ERROR], attempts=claim.attempts - 1, next_attempt=when)

    def rows(self, *, state: str | None = None, sender: str | None = None, most: int | None = None) -> list[Handoff]:
        """The rows, newest first; those of the state "dead" with those that have a dead message."""
        query = select(handoffs, _dead_messages).order_by(handoffs.c.created.desc(), handoffs.c.key)
        if state == DEAD:
            query = query.where(or_(handoffs.c.state == DEAD, _dead_messages > 0))
        elif state is not None:
            query = query.where(handoffs.c.state == state)
        if sender is not None:
            query = query.where(handoffs.c.sender == sender)
        with self.engine.connect() as connection:
            return [_handoff(row) for row in connection.execute(query.limit(most) if most else query)]

    def find(self, key: str) -> Handoff:
        """The row whose key begins with `key`. Raises ConfigError where there is none or several."""
        query = select(handoffs, _dead_messages).where(func.substr(handoffs.c.key, 1, len(key)) == key).limit(2)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all() if key else []
        if len(rows) != 1:
            fault = "several handoffs with a key that begins" if rows else "no handoff with a key that begins"
            raise ConfigError(f"There is {fault} with '{key}'; see 'rasa-emotion handoff list'.")
        return _handoff(rows[0])

    def known(self, keys: list[str]) -> set[str]:
        """Those of the keys that have a row."""
        with self.engine.connect() as connection:
            return set(connection.execute(select(handoffs.c.key).where(handoffs.c.key.in_(keys))).scalars())

    def count(self) -> dict[str, int]:
        """Number of packets in each state."""
        query = select(handoffs.c.state, func.count()).group_by(handoffs.c.state)
        with self.engine.connect() as connection:
            found: dict[str, int] = dict(connection.execute(query).all())
        return {state: found.get(state, 0) for state in (PENDING, DELIVERED, DEAD)}

    def waiting(self) -> int:
        """Number of packets and callers' messages that are still to be delivered."""
        unsent = (
            select(func.count())
            .select_from(messages.join(handoffs))
            .where(messages.c.state == PENDING, messages.c.direction == TO_HUMAN, handoffs.c.state == DELIVERED)
        )
        with self.engine.connect() as connection:
            return int(connection.execute(unsent).scalar_one()) + self.count()[PENDING]

    def retry(self, key: str | None = None) -> int:
        """Try a dead letter, or all of them, again, with the caller's messages; return how many that were.

        What a person said to a caller whom it could not reach for a day is not tried again: it would surprise them.
        """
        again = {"state": PENDING, "attempts": 0, "next_attempt": self._now()}
        with writing(self.engine) as connection:
            number = 0
            for table, column in ((handoffs, handoffs.c.key), (messages, messages.c.handoff)):
                statement = update(table).where(table.c.state == DEAD)
                if table is messages:
                    statement = statement.where(messages.c.direction == TO_HUMAN)
                statement = statement if key is None else statement.where(column == key)
                number += connection.execute(statement.values(**again)).rowcount
            return number

    def delete_old(self, days: float) -> int:
        """Delete what was delivered and, where a person had the conversation, closed more than `days` ago.

        With them go agents' notes, and what they said of emotions as long ago. What is pending or dead stays.
        Returns the number of packets.
        """
        before = self._now() - days * DAY_SECS
        ended = and_(
            handoffs.c.state == DELIVERED,
            handoffs.c.delivered < before,
            or_(handoffs.c.kind == ALERT, handoffs.c.closed < before),
        )
        with writing(self.engine) as connection:
            connection.execute(delete(messages).where(messages.c.handoff.in_(select(handoffs.c.key).where(ended))))
            connection.execute(delete(notes).where(notes.c.handoff.in_(select(handoffs.c.key).where(ended))))
            connection.execute(delete(feedback).where(feedback.c.created < before))
            return int(connection.execute(delete(handoffs).where(ended)).rowcount)

    def _anything(self, query: Select) -> bool:
        """A look outside of a transaction: workers that have nothing to do must not keep a turn from being saved."""
        with self.engine.connect() as connection:
            return connection.execute(query, {"now": self._now()}).first() is not None

    def _lease(self, connection: Connection, claim: Claim, lease_secs: float) -> None:
        table = _table(claim)
        values = {"claimed_by": claim.worker, "claimed_until": self._now() + lease_secs, "attempts": claim.attempts}
        connection.execute(update(table).where(claim.row).values(**values))

    def _settle(self, claim: Claim, **values: Any) -> None:
        """Note how it went, unless the lease ended and another worker has it now."""
        table = _table(claim)
        statement = update(table).where(claim.row, table.c.claimed_by == claim.worker, table.c.state == PENDING)
        with writing(self.engine) as connection:
            connection.execute(statement.values(claimed_by=None, claimed_until=None, **values))


def _due(table: Table) -> ClauseElement:
    """Pending, time has come, and no worker has it. `now` is filled in.

    What was never tried is due whatever its time says: the clock may have been put back since.
    """
    come = or_(table.c.attempts == 0, table.c.next_attempt <= bindparam("now"))
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= bindparam("now"))
    return and_(table.c.state == PENDING, come, free)


def _next_packet() -> Select:
    earlier, owner = handoffs.alias(), handoffs.alias()
    earlier_packet = exists().where(
        earlier.c.sender == handoffs.c.sender,
        earlier.c.state == PENDING,
        or_(
            earlier.c.created < handoffs.c.created,
            and_(earlier.c.created == handoffs.c.created, earlier.c.key < handoffs.c.key),
        ),
    )
    earlier_words = exists().where(
        messages.c.sender == handoffs.c.sender,
        messages.c.direction == TO_HUMAN,
        messages.c.state == PENDING,
        messages.c.handoff == owner.c.key,
        owner.c.state == DELIVERED,
        owner.c.created < handoffs.c.created,
    )
    waiting = select(handoffs).where(_due(handoffs), ~earlier_packet, ~earlier_words)
    first = waiting.order_by(handoffs.c.next_attempt, handoffs.c.created).limit(1)
    return first.with_for_update(skip_locked=True, of=handoffs)


def _next_message() -> Select:
    earlier, owner, pending = messages.alias(), handoffs.alias(), handoffs.alias()
    earlier_words = exists().where(
        earlier.c.sender == messages.c.sender,
        earlier.c.direction == TO_HUMAN,
        earlier.c.state == PENDING,
        earlier.c.id < messages.c.id,
        earlier.c.handoff == owner.c.key,
        owner.c.state == DELIVERED,
    )
    earlier_packet = exists().where(
        pending.c.sender == messages.c.sender,
        pending.c.state == PENDING,
        pending.c.created < handoffs.c.created,
    )
    waiting = (
        select(messages, handoffs.c.ticket)
        .join(handoffs, handoffs.c.key == messages.c.handoff)
        .where(_due(messages), messages.c.direction == TO_HUMAN, handoffs.c.state == DELIVERED)
        .where(~earlier_words, ~earlier_packet)
    )
    first = waiting.order_by(messages.c.next_attempt, messages.c.id).limit(1)
    return first.with_for_update(skip_locked=True, of=messages)


# Made once: to put them together takes longer than to ask them.
_NEXT_PACKET, _NEXT_MESSAGE = _next_packet(), _next_message()

_dead_messages = (
    select(func.count())
    .where(messages.c.handoff == handoffs.c.key, messages.c.state == DEAD)
    .scalar_subquery()
    .label("dead_messages")
)


def _table(claim: Claim) -> Any:
    return handoffs if isinstance(claim, PacketClaim) else messages


def _insert_once(connection: Connection, row: dict[str, Any]) -> bool:
    make = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
    statement = make(handoffs).values(**row).on_conflict_do_nothing()
    if connection.dialect.name == "postgresql":
        # SQLAlchemy 2.1 with psycopg counts no rows here.
        return connection.execute(statement.returning(handoffs.c.key)).first() is not None
    return bool(connection.execute(statement).rowcount)


def _handoff(row: Row) -> Handoff:
    return Handoff(
        _packet(row), **{name: row._mapping[name] for name in Handoff.__dataclass_fields__ if name != "packet"}
    )


def _packet(row: Row) -> Packet:
    basics = {name: row._mapping[name] for name in ("key", "kind", "sender", "channel", "created")}
    return stored_packet(row.packet, **basics)
