"""Verbs that only read make no database, and change none."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.errors import ConfigError

READING = {
    "list": ["handoff", "list"],
    "list as JSON": ["handoff", "list", "--json"],
    "list of one state": ["handoff", "list", "--state", "dead"],
    "desk": ["desk"],
    "desk as JSON": ["desk", "--json"],
    "forget": ["forget", "ann", "--yes"],
    "forget as JSON": ["forget", "ann", "--yes", "--json"],
    "retry of nothing": ["handoff", "retry", "--all"],
    "doctor": ["doctor", "--json"],
    "show": ["handoff", "show", "0284"],
    "retry": ["handoff", "retry", "0284"],
    "say": ["desk", "--say", "0284", "Hello"],
    "back": ["desk", "--back", "0284", "done"],
}
REFUSED = {"show", "retry", "say", "back"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", READING)
def test_without_a_database_none_appears(folder: Path, case: str) -> None:
    result = CliRunner().invoke(app, READING[case])
    assert list(folder.iterdir()) == []
    if case in REFUSED:
        assert isinstance(result.exception, ConfigError)
        assert "0284" in str(result.exception)
        assert "run this in the folder in which the bot runs" in str(result.exception)
    else:
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_what_is_said_where_there_is_nothing(folder: Path) -> None:
    assert json.loads(CliRunner().invoke(app, ["handoff", "list", "--json"]).stdout) == []
    assert json.loads(CliRunner().invoke(app, ["desk", "--json"]).stdout) == []
    listed = CliRunner().invoke(app, ["handoff", "list"]).stdout
    assert listed.startswith("There is nothing.\nNothing was ever handed over in 'sqlite:///rasa_emotion.db'")
    assert CliRunner().invoke(app, ["desk"]).stdout.startswith("Nobody waits. Nothing was ever handed over")


@pytest.mark.parametrize("case", ["list", "desk", "retry of nothing"])
def test_a_database_of_somebody_else_stays_as_it_is(folder: Path, case: str) -> None:
    """Such as Rasa's own, named as the database of handovers before the first of them."""
    with closing(sqlite3.connect("tracker.db")) as connection:
        connection.execute("CREATE TABLE events (id INTEGER)")
    Path("endpoints.yml").write_text("rasa_emotion: {database: 'sqlite:///tracker.db'}\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert CliRunner().invoke(app, READING[case]).exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_that_is_no_database_is_named(folder: Path) -> None:
    (folder / "rasa_emotion.db").write_text("These are words, and no database." * 100)
    result = CliRunner().invoke(app, ["handoff", "list"])
    assert isinstance(result.exception, ConfigError)
    assert "rasa_emotion.db' cannot be read" in str(result.exception)
