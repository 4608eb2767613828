"""Who of the people at the console has which handover, what they note, and what they say of the emotions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.engine import Engine

from rasa_emotion.database import writing
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.handoff.desk_tables import feedback, notes
from rasa_emotion.handoff.packet import Packet, stored_packet
from rasa_emotion.handoff.tables import HANDOVER, handoffs
from rasa_emotion.handoff.text import storable


class TakenError(RasaEmotionError):
    """Somebody else has the conversation, or nobody can have it any more."""


@dataclass(frozen=True)
class Waiting:
    """A handover that is not closed.

    Args:
        key: of the escalation.
        sender: Rasa's id of the conversation.
        channel: where the caller is.
        created: seconds since 1970, as all times here.
        taken_by: the person who has it; None while it waits.
        taken: since when.
        packet: what people are given.
    """

    key: str
    sender: str
    channel: str
    created: float
    taken_by: str | None
    taken: float | None
    packet: Packet


@dataclass(frozen=True)
class Note:
    """What one of the people wrote for the others; callers never get it."""

    id: int
    author: str
    text: str
    created: float


@dataclass(frozen=True)
class Judgement:
    """What a person says of one turn's emotion.

    Args:
        sender: Rasa's id of the conversation.
        turn_at: the turn's time, seconds since 1970.
        author: who says so.
        heard: what was estimated.
        correct: whether that was right.
        emotion: what the person heard; `heard` where it was right.
        text: the caller's words, redacted.
        created: when they said so.
    """

    sender: str
    turn_at: float
    author: str
    heard: str
    correct: bool
    emotion: str
    text: str
    created: float


class DeskRecord:
    """The record in a database whose tables are there. Several processes may share it; each method is one transaction.

    All of them raise SQLAlchemyError when the database fails.

    Args:
        engine: of `open_database`.
        clock: seconds since 1970.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def waiting(self) -> list[Waiting]:
        """All handovers that are not closed, oldest first."""
        query = select(*_WAITING).where(_is_open).order_by(handoffs.c.created, handoffs.c.key)
        with self._engine.connect() as connection:
            return [_waiting(row) for row in connection.execute(query).mappings()]

    def holders(self) -> dict[str, str | None]:
        """Of each conversation that is handed over, who has taken it; None where nobody has yet."""
        query = select(handoffs.c.sender, handoffs.c.taken_by).where(_is_open).order_by(handoffs.c.created)
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def find(self, key: str) -> Waiting:
        """An open handover. Raises TakenError where it is closed or deleted."""
        with self._engine.connect() as connection:
            row = connection.execute(select(*_WAITING).where(_is_open, handoffs.c.key == key)).mappings().first()
        if row is None:
            raise TakenError("This conversation has ended or was given back.")
        return _waiting(row)

    def take(self, key: str, person: str) -> None:
        """Take a handover that nobody has. One statement decides, so that of two people one gets it.

        Raises:
            TakenError: somebody else was faster, or it is closed.
        """
        free = and_(_is_open, handoffs.c.key == key, handoffs.c.taken_by.is_(None))
        with writing(self._engine) as connection:
            taken = update(handoffs).where(free).values(taken_by=person, taken=self._clock())
            if connection.execute(taken).rowcount == 1:
                return
        holder = self.find(key).taken_by
        if holder != person:
            raise TakenError(f"{holder or 'Somebody'} has taken this conversation.")

    def pass_on(self, key: str, person: str, to: str | None, *, whoever: bool = False) -> None:
        """Give a handover to another person, or back to the queue.

        Args:
            key: of the handover.
            person: who has it.
            to: who gets it; None for the queue.
            whoever: also where another than `person` has it, as supervisors may.

        Raises:
            TakenError: another has it, or it is closed.
        """
        mine = and_(_is_open, handoffs.c.key == key)
        if not whoever:
            mine = and_(mine, handoffs.c.taken_by == person)
        with writing(self._engine) as connection:
            values = {"taken_by": to, "taken": None if to is None else self._clock()}
            if connection.execute(update(handoffs).where(mine).values(**values)).rowcount == 1:
                return
        raise TakenError(f"{self.find(key).taken_by or 'Nobody'} has this conversation, not you.")

    def notes(self, key: str) -> list[Note]:
        """The notes on a handover, oldest first."""
        query = select(*[notes.c[name] for name in Note.__dataclass_fields__]).where(notes.c.handoff == key)
        with self._engine.connect() as connection:
            return [Note(**row) for row in connection.execute(query.order_by(notes.c.id)).mappings()]

    def add_note(self, waiting: Waiting, author: str, text: str) -> None:
        """Keep a note."""
        row = {"handoff": waiting.key, "sender": waiting.sender, "author": author, "text": storable(text)}
        with writing(self._engine) as connection:
            connection.execute(insert(notes).values(**row, created=self._clock()))

    def judge(self, judgement: Judgement) -> None:
        """Keep what a person says of a turn's emotion, in the place of what they said of it before."""
        same = and_(
            feedback.c.sender == judgement.sender,
            feedback.c.turn_at == judgement.turn_at,
            feedback.c.author == judgement.author,
        )
        with writing(self._engine) as connection:
            connection.execute(delete(feedback).where(same))
            connection.execute(insert(feedback).values(**{**vars(judgement), "text": storable(judgement.text)}))

    def judgements(self, sender: str | None = None) -> list[Judgement]:
        """What people said of emotions, of one caller or of all, oldest first."""
        query = select(*[feedback.c[name] for name in Judgement.__dataclass_fields__]).order_by(feedback.c.id)
        query = query if sender is None else query.where(feedback.c.sender == sender)
        with self._engine.connect() as connection:
            return [Judgement(**row) for row in connection.execute(query).mappings()]


_WAITING = [handoffs.c[name] for name in Waiting.__dataclass_fields__]
_is_open = and_(handoffs.c.kind == HANDOVER, handoffs.c.closed.is_(None))


def _waiting(row: Mapping[str, Any]) -> Waiting:
    basics = {name: row[name] for name in ("key", "sender", "channel", "created")}
    packet = stored_packet(row["packet"], kind=HANDOVER, **basics)
    return Waiting(**{**dict(row), "packet": packet})
