"""The database: SQLite in a file by default, others by URL."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.database import cause_of, create_tables, metadata, open_database
from rasa_emotion.errors import ConfigError

counters = Table("test_counters", metadata, Column("id", Integer, primary_key=True))


def test_the_tables_are_made_once(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    create_tables(engine)
    assert "test_counters" in inspect(engine).get_table_names()


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    create_tables(open_database(url))

    def write(_: int) -> None:
        engine = open_database(url)
        for _ in range(20):
            # Reading first and then writing is what makes SQLite refuse a second writer at once.
            with engine.begin() as connection:
                connection.execute(select(func.count()).select_from(counters)).scalar()
                connection.execute(insert(counters))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with open_database(url).connect() as connection:
        assert connection.execute(select(func.count()).select_from(counters)).scalar() == 80


@pytest.mark.parametrize("url", ["nonsense", "nosuchdialect://host/db", ""])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        open_database(url)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check that it runs and that its folder can be written"):
        create_tables(open_database(f"sqlite:///{tmp_path}/nowhere/a.db"))


def test_an_error_is_told_without_what_was_asked() -> None:
    with pytest.raises(SQLAlchemyError) as caught, open_database("sqlite://").connect() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE words = :words"), {"words": "my number is 07700 900123"})
    assert "07700" in str(caught.value)
    assert cause_of(caught.value) == "no such table: nowhere"
