"""A database that an earlier release made, and is still writing to while this one reads and writes."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record
from rasa_emotion.privacy.consent import Consents

KEPT = Path(__file__).resolve().parents[1] / "data" / "upgrade" / "tracker.db"
NEW_VALUES = {name: f"'older-' || {name}" for name in ("key", "caller", "sender", "handoff", "origin")} | {"id": "NULL"}
"""What a copied row has in place of what must differ."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return Path(shutil.copy(KEPT, tmp_path / "tracker.db"))


def columns(database: Path) -> dict[str, list[str]]:
    """Of the plugin's tables."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'emotion_%'")
        tables = [name for (name,) in found]
        return {t: [row[1] for row in connection.execute(f"PRAGMA table_info({t})")] for t in tables}


def test_it_is_brought_in_step_and_keeps_what_it_holds(database: Path) -> None:
    before = columns(database)
    engine = open_database(f"sqlite:///{database}")
    create_tables(engine)
    after = columns(database)
    assert set(before) <= set(after)
    assert all(set(before[table]) <= set(after[table]) for table in before)
    assert {row.packet.sender for row in Outbox(engine).rows()} == {"alice", "bob", "frank"}
    assert Record(engine).holder("alice") is not None


def test_the_earlier_release_goes_on_writing(database: Path) -> None:
    """It names its own columns alone: what was added since must not be asked of it."""
    older = columns(database)
    engine = open_database(f"sqlite:///{database}")
    create_tables(engine)
    assert columns(database) != older  # this test is of use while this release has columns of its own
    written = {}
    with closing(sqlite3.connect(database)) as connection:
        for table in ("emotion_handoffs", "emotion_messages", "emotion_consents"):
            names = ", ".join(older[table])
            values = ", ".join(NEW_VALUES.get(name, name) for name in older[table])
            copied = connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}")
            written[table] = copied.rowcount
        connection.commit()
    assert all(written.values())
    rows = Outbox(engine).rows()
    assert len(rows) == 2 * written["emotion_handoffs"]
    record = Record(engine)
    assert record.holder("older-alice") is not None
    for channel in {row.packet.channel for row in rows}:
        record.due(channel)
    assert not Consents(f"sqlite:///{database}").allows("carol")
