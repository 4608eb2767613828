"""The database: SQLite in a file by default, others by URL."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.database import cause_of, create_tables, metadata, open_database, writing
from rasa_emotion.errors import ConfigError

counters = Table("test_counters", metadata, Column("id", Integer, primary_key=True))


def test_the_tables_are_made_once(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    create_tables(engine)
    assert "test_counters" in inspect(engine).get_table_names()


def test_columns_that_an_older_version_lacked_are_added(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE test_widened (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO test_widened VALUES (1)")
    table = Table("test_widened", metadata, Column("id", Integer, primary_key=True), Column("size", Integer))
    try:
        create_tables(engine)
        create_tables(engine)
        with engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(select(table))] == [(1, None)]
    finally:
        metadata.remove(table)


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    create_tables(open_database(url))

    def write(_: int) -> None:
        engine = open_database(url)
        for _ in range(20):
            # Reading first and then writing is what makes SQLite refuse a second writer at once.
            with writing(engine) as connection:
                connection.execute(select(func.count()).select_from(counters)).scalar()
                connection.execute(insert(counters))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with open_database(url).connect() as connection:
        assert connection.execute(select(func.count()).select_from(counters)).scalar() == 80


def test_reads_wait_for_no_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    create_tables(open_database(url))
    count = select(func.count()).select_from(counters)
    with writing(open_database(url)) as connection:
        connection.execute(insert(counters))
        # What is not committed is not seen; a read that waited would be refused at once.
        with open_database(f"{url}?timeout=0").connect() as reader:
            assert reader.execute(count).scalar() == 0
    with open_database(url).connect() as reader:
        assert reader.execute(count).scalar() == 1


def test_a_writer_waits_for_no_reader(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    create_tables(open_database(url))
    count = select(func.count()).select_from(counters)
    with open_database(url).connect() as reader:
        assert reader.execute(count).scalar() == 0
        with writing(open_database(f"{url}?timeout=0")) as connection:
            connection.execute(insert(counters))


def test_a_second_writer_is_refused_when_its_patience_ends(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    create_tables(open_database(url))
    with (
        writing(open_database(url)),
        pytest.raises(SQLAlchemyError, match="locked"),
        writing(open_database(f"{url}?timeout=0")),
    ):
        pytest.fail("two at a time")


def test_what_fails_is_undone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    with suppress(ZeroDivisionError), writing(engine) as connection:
        connection.execute(insert(counters))
        raise ZeroDivisionError
    with engine.connect() as reader:
        assert reader.execute(select(func.count()).select_from(counters)).scalar() == 0


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
