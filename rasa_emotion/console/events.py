"""The events of conversations, as they come: from the table of Rasa's SQL tracker store, or of its SQL event broker.

Both are called `events`; the broker's has no columns for kind and time, which then are read out of the data.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, and_, func, inspect, or_, select, true
from sqlalchemy.engine import Engine

from rasa_emotion.conversation.history import BOUNDARIES, ESCALATED_SLOT, ESCALATION_SLOT
from rasa_emotion.database import in_parts
from rasa_emotion.privacy.places import SCHEMA_VARIABLE

Event = Mapping[str, Any]

OVERLAP = 1000
"""Ids that are looked at again: PostgreSQL may show a lower one after a higher one."""

AT_ONCE = 400
"""Conversations that one statement asks for; SQLite takes a thousand values."""

MOST_LOOKED_AT = 20_000
"""Rows of an event broker's table that are searched for conversations in progress, the latest."""

MOST_EVENTS = 5_000
"""Events of one conversation that are read, the latest."""


class EventTable:
    """Rasa's table `events`. Raises SQLAlchemyError where the database fails.

    Args:
        engine: of the database.
        slots: names of slots whose events are wanted beside those of the escalation.
    """

    def __init__(self, engine: Engine, slots: Iterable[str] = ()) -> None:
        schema = os.environ.get(SCHEMA_VARIABLE) if engine.dialect.name == "postgresql" else None
        self._engine = engine
        # As in Rasa's SQLTrackerStore.
        self._events = Table(
            "events",
            MetaData(),
            Column("id", Integer, primary_key=True),
            Column("sender_id", String(255)),
            Column("type_name", String(255)),
            Column("timestamp", Float),
            Column("action_name", String(255)),
            Column("data", Text),
            schema=schema,
        )
        self._kinds = {"user", "bot", *BOUNDARIES}
        self._slots = {ESCALATION_SLOT, ESCALATED_SLOT, *slots}
        kinds = self._events.c.type_name.in_(sorted(self._kinds))
        named = self._events.c.action_name.in_(sorted(self._slots))
        self._wanted = or_(kinds, and_(self._events.c.type_name == "slot", named))
        self._there = self._brokers = False

    def there(self) -> bool:
        """Whether there is such a table: a bot makes it at its first start."""
        if not self._there and self._file_exists():
            look = inspect(self._engine)
            self._there = bool(look.has_table(self._events.name, schema=self._events.schema))
            if self._there:
                columns = look.get_columns(self._events.name, schema=self._events.schema)
                self._brokers = "type_name" not in {column["name"] for column in columns}
                self._wanted = true() if self._brokers else self._wanted
        return self._there

    def _file_exists(self) -> bool:
        """Whether there is a file to open, which opening it would make."""
        name = self._engine.url.database
        return self._engine.dialect.name != "sqlite" or name in (None, "", ":memory:") or Path(str(name)).exists()

    def newest(self) -> int:
        """The highest id; 0 where there is none."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.max(self._events.c.id))).scalar() or 0)

    def senders_since(self, moment: float) -> list[str]:
        """The conversations in which something was said since then, in seconds since 1970."""
        if self._brokers:
            return self._brokers_senders_since(moment)
        said = self._events.c.type_name.in_(["user", "bot"])
        query = select(self._events.c.sender_id).where(said, self._events.c.timestamp > moment).distinct()
        with self._engine.connect() as connection:
            return [sender for (sender,) in connection.execute(query)]

    def after(self, number: int) -> list[tuple[int, str]]:
        """Id and conversation of the wanted events after that id, in order."""
        query = select(self._events.c.id, self._events.c.sender_id).where(self._events.c.id > number, self._wanted)
        with self._engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.order_by(self._events.c.id))]

    def still(self, numbers: Iterable[int]) -> set[int]:
        """Those of these ids that are still there: an event that is deleted is that of a caller who is forgotten."""
        found: set[int] = set()
        with self._engine.connect() as connection:
            for some in in_parts(sorted(numbers), connection.dialect.name):
                query = select(self._events.c.id).where(self._events.c.id.in_(some))
                found |= {number for (number,) in connection.execute(query)}
        return found

    def of(self, senders: list[str]) -> dict[str, list[Event]]:
        """The wanted events of conversations, oldest first."""
        return {sender: events for sender, (events, _) in self.with_newest(senders).items()}

    def with_newest(self, senders: list[str]) -> dict[str, tuple[list[Event], int]]:
        """The same, and the id of the newest of each; 0 where there is none."""
        found: dict[str, list[Event]] = {sender: [] for sender in senders}
        newest = dict.fromkeys(senders, 0)
        columns = (self._events.c.id, self._events.c.sender_id, self._events.c.data)
        with self._engine.connect() as connection:
            for start in range(0, len(senders), AT_ONCE):
                some = senders[start : start + AT_ONCE]
                query = select(*columns).where(self._events.c.sender_id.in_(some), self._wanted)
                for number, sender, data in connection.execute(query.order_by(self._events.c.id)):
                    newest[sender] = number
                    event = _event(data)
                    if event is not None and self._wants(event):
                        found[sender].append(event)
        return {sender: (events[-MOST_EVENTS:], newest[sender]) for sender, events in found.items()}

    def _brokers_senders_since(self, moment: float) -> list[str]:
        query = select(self._events.c.sender_id, self._events.c.data).order_by(self._events.c.id.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(MOST_LOOKED_AT)).all()
        events = ((row[0], _event(row[1])) for row in rows)
        return sorted({sender for sender, event in events if event and (event.get("timestamp") or 0) > moment})

    def _wants(self, event: Event) -> bool:
        return event["event"] in self._kinds or (event["event"] == "slot" and event.get("name") in self._slots)


def _event(data: str) -> Event | None:
    """What a row holds; None where that is no event of Rasa's, which must not hide the others."""
    try:
        event = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
