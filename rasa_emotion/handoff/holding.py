"""Who has a conversation that was handed over: one of the people at the desks, or those at the helpdesk.

Whoever answers a caller, or gives a conversation back, asks here in the same transaction: of two people one does it. A
conversation is had as a whole, whatever number of its handovers is open.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, and_, func, select, update
from sqlalchemy.engine import Connection

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.handoff.tables import HANDOVER, handoffs

HELPDESK = "the helpdesk"
"""Who has a conversation that people answer there. Nobody at a desk has a name with a space."""

ENDED = "This conversation has ended or was given back."


class TakenError(RasaEmotionError):
    """Somebody else has the conversation, or nobody can have it any more."""


is_open = and_(handoffs.c.kind == HANDOVER, handoffs.c.closed.is_(None))


def _of_conversation(column: "Column[Any]") -> Any:
    """A handover's own value, or that of another open handover of the same caller: the earliest that was taken."""
    other = handoffs.alias()
    same = and_(other.c.sender == handoffs.c.sender, other.c.kind == HANDOVER, other.c.closed.is_(None))
    taken = and_(same, other.c.taken_by.is_not(None), handoffs.c.closed.is_(None))
    first = select(other.c[column.name]).where(taken).order_by(other.c.taken).limit(1).correlate(handoffs)
    return func.coalesce(column, first.scalar_subquery())


taken_by, taken = _of_conversation(handoffs.c.taken_by), _of_conversation(handoffs.c.taken)
"""Who has the conversation of a handover, and since when; null while nobody has taken it."""


def columns(names: Iterable[str]) -> list[Any]:
    """Columns of the handovers by name, for a query; of who has one, those of the whole conversation."""
    whole = {"taken_by": taken_by, "taken": taken}
    return [whole.get(name, handoffs.c[name]).label(name) for name in names]


def lock(connection: Connection, sender: str) -> None:
    """Let nobody else change who has a conversation, or say anything in it, until the transaction ends.

    Without it, PostgreSQL could also show a higher id of a message before a lower one, and a reader's "after" would
    skip that. SQLite has one writer at a time anyway.
    """
    connection.execute(select(handoffs.c.key).where(handoffs.c.sender == sender).with_for_update()).all()


def holder(connection: Connection, sender: str) -> str | None:
    """Who has taken a conversation; None while nobody has."""
    mine = and_(is_open, handoffs.c.sender == sender, handoffs.c.taken_by.is_not(None))
    query = select(handoffs.c.taken_by).where(mine).order_by(handoffs.c.taken).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found


def check(connection: Connection, sender: str, person: str) -> None:
    """Lock a conversation. Raises TakenError where another than `person` has it."""
    lock(connection, sender)
    has = holder(connection, sender)
    if has not in (None, person):
        raise TakenError(f"{has} has taken this conversation.")


def give(connection: Connection, sender: str, person: str | None, now: float) -> None:
    """Let a person have a conversation, or None the queue; `check` comes before. Raises TakenError where it ended."""
    values = {"taken_by": person, "taken": None if person is None else now}
    if connection.execute(update(handoffs).where(is_open, handoffs.c.sender == sender).values(**values)).rowcount == 0:
        raise TakenError(ENDED)


def claim(connection: Connection, sender: str, person: str, now: float) -> None:
    """Let a person have a conversation that nobody has; who has it already keeps it since then.

    Raises:
        TakenError: another has it, or it has ended.
    """
    check(connection, sender, person)
    if holder(connection, sender) is None:
        give(connection, sender, person, now)
