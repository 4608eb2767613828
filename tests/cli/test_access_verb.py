"""Keys and tickets from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.keys import read_keys
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Role


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["access", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output.strip()


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "keys.txt")


def test_a_key_and_a_ticket_are_let_in(file: str) -> None:
    caller = run("key", "caller", "--file", file)
    drawn = json.loads(run("key", "tickets", "--file", file, "--until", "2100-01-31", "--json"))
    assert drawn == {"role": "tickets", "key": read_keys(Path(file))[1].secret, "until": "2100-01-31", "file": file}
    access = Access("MyChannel", {"token_file": file})
    assert access.identify({"token": caller}).name is None
    assert access.identify({"token": run("ticket", "ada", "--file", file)}).name == "ada"
    made = json.loads(run("ticket", "Ann", "--file", file, "--role", "agent", "--json"))
    assert access.identify({"token": made["ticket"]}).role is Role.AGENT
    with pytest.raises(TurnRefused):
        access.identify({"token": drawn["key"]})


def test_the_list_shows_no_key(file: str) -> None:
    key = run("key", "caller", "--file", file, "--until", "2020-01-31")
    (row,) = json.loads(run("list", "--file", file, "--json"))["keys"]
    assert (row["role"], row["until"], row["holds"]) == ("caller", "2020-01-31", False)
    for shown in (run("list", "--file", file), json.dumps(row)):
        assert key not in shown
        assert row["sha256"] in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["key", "king"], "another form"),
        (["key", "caller", "--until", "soon"], "no date"),
        (["ticket", "ada"], "no key that signs tickets; run: rasa-emotion access key tickets"),
        (["ticket", "a\nb"], "printable"),
        (["ticket", "ada", "--minutes", "9999"], "cannot be made|at most"),
    ],
)
def test_what_cannot_be_made(file: str, words: list[str], said: str) -> None:
    run("key", "caller" if "signs" in said else "tickets", "--file", file)
    with pytest.raises(ConfigError, match=said):
        run(*words, "--file", file)
