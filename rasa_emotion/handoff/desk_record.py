"""The record of people at desks: what waits, who takes it, what they note, and what they say of the emotions."""

from dataclasses import dataclass

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.engine import Connection

from rasa_emotion.database import writing
from rasa_emotion.handoff import holding
from rasa_emotion.handoff.desk_tables import feedback, notes
from rasa_emotion.handoff.holding import ENDED, TakenError, is_open
from rasa_emotion.handoff.packet import Packet, stored_packet
from rasa_emotion.handoff.record import Handover, Record
from rasa_emotion.handoff.tables import HANDOVER, handoffs
from rasa_emotion.handoff.text import storable


@dataclass(frozen=True)
class Waiting:
    """A handover that is not closed.

    Args:
        key: of the escalation.
        sender: Rasa's id of the conversation.
        channel: where the caller is.
        created: seconds since 1970, as all times here.
        taken_by: the person who has it, or `HELPDESK`; None while it waits.
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


class DeskRecord(Record):
    """The record of the handovers, and of what people at desks do with them; see `Record`.

    Args:
        engine: of `open_database`.
        clock: seconds since 1970.
    """

    def waiting(self) -> list[Waiting]:
        """All handovers that are not closed, oldest first."""
        return [_waiting(handover) for handover in self.open_handovers()]

    def holders(self) -> dict[str, str | None]:
        """Of each conversation that is handed over, who has taken it; None where nobody has yet."""
        query = select(handoffs.c.sender, holding.taken_by).where(is_open).order_by(handoffs.c.created)
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def find(self, key: str) -> Waiting:
        """An open handover. Raises TakenError where it is closed or deleted."""
        handover = self.handover(key)
        if handover is None or handover.closed is not None:
            raise TakenError(ENDED)
        return _waiting(handover)

    def take(self, key: str, person: str) -> None:
        """Take a handover that nobody has; of two people one gets it.

        Raises:
            TakenError: somebody else was faster, or it is closed.
        """
        with writing(self._engine) as connection:
            holding.claim(connection, self._sender(connection, key), person, self._clock())

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
        with writing(self._engine) as connection:
            sender = self._sender(connection, key)
            holding.lock(connection, sender)
            has = holding.holder(connection, sender)
            if not whoever and has != person:
                raise TakenError(f"{has or 'Nobody'} has this conversation, not you.")
            holding.give(connection, sender, to, self._clock())

    def _sender(self, connection: Connection, key: str) -> str:
        found: str | None = connection.execute(select(handoffs.c.sender).where(is_open, handoffs.c.key == key)).scalar()
        if found is None:
            raise TakenError(ENDED)
        return found

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


def _waiting(handover: Handover) -> Waiting:
    values = {name: getattr(handover, name) for name in Waiting.__dataclass_fields__}
    basics = {name: values[name] for name in ("key", "sender", "channel", "created")}
    return Waiting(**{**values, "packet": stored_packet(handover.packet, kind=HANDOVER, **basics)})
