"""Who saw and did what in the console: rows that nobody changes, in the database of the handoffs."""

import asyncio
from dataclasses import asdict, dataclass

from aiohttp import web
from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Engine

from rasa_emotion.console.frame import Console, console_of, person_of
from rasa_emotion.database import writing
from rasa_emotion.handoff.desk_tables import audit
from rasa_emotion.turn.roles import Role

KEPT_DAYS = 365
"""After which a row is deleted."""

DAY_SECS = 86_400.0
HOUR_SECS = 3600.0


@dataclass(frozen=True)
class Entry:
    """One row.

    Args:
        at: seconds since 1970.
        who: the person's name; empty where nobody was signed in.
        role: theirs then.
        action: what they did, such as "opened a conversation".
        subject: the caller whom it was about (Rasa's sender); None where nobody, or after `rasa-emotion forget`.
        detail: what else is worth knowing, never a caller's words.
    """

    at: float
    who: str
    role: str
    action: str
    subject: str | None
    detail: str


async def note(
    console: Console, who: str, role: Role | None, action: str, *, subject: str | None = None, detail: str = ""
) -> None:
    """Keep a row. Raises SQLAlchemyError where the database refuses: what cannot be noted is not shown."""
    row = Entry(console.clock(), who, role.value if role else "", action, subject, detail)
    await console.in_thread(_keep, console.engine, row)


async def seen(request: web.Request, action: str, subject: str | None = None, detail: str = "") -> None:
    """Note what the person of a request sees or does, before they get it."""
    person = person_of(request)
    await note(console_of(request), person.name, person.role, action, subject=subject, detail=detail)


class Notes:
    """What browsers ask for again and again by themselves: noted once an hour for each person."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str | None, ...], float] = {}

    async def hourly(self, request: web.Request, action: str, subject: str | None = None, detail: str = "") -> None:
        """As `seen`, unless it was within the last hour."""
        what, now = (person_of(request).name, action, subject, detail), asyncio.get_running_loop().time()
        if now - self._noted.get(what, -HOUR_SECS) >= HOUR_SECS:
            await seen(request, action, subject, detail)
            self._noted = {key: at for key, at in self._noted.items() if now - at < HOUR_SECS} | {what: now}


def entries(engine: Engine, *, who: str | None = None, subject: str | None = None, most: int = 1000) -> list[Entry]:
    """The rows, newest first."""
    query = select(*[audit.c[name] for name in Entry.__dataclass_fields__]).order_by(audit.c.id.desc()).limit(most)
    if who is not None:
        query = query.where(audit.c.who == who)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    with engine.connect() as connection:
        return [Entry(**row) for row in connection.execute(query).mappings()]


def delete_old(engine: Engine, now: float) -> int:
    """Delete what is older than a year; returns how many rows."""
    with writing(engine) as connection:
        old = delete(audit).where(audit.c.at < now - KEPT_DAYS * DAY_SECS)
        return int(connection.execute(old).rowcount)


def _keep(engine: Engine, row: Entry) -> None:
    with writing(engine) as connection:
        connection.execute(insert(audit).values(**asdict(row)))
