"""The databases that a handoff queue is kept in: each test that asks for `engine` runs on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from rasa_emotion.database import create_tables, open_database


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh database with its tables, of each kind."""
    file = f"sqlite:///{tmp_path}/bot.db"
    made = open_database(file if request.param == "sqlite" else request.getfixturevalue("postgresql"))
    create_tables(made)
    yield made
    made.dispose()
