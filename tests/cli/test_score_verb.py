"""`rasa-emotion score`: options and what it prints; tests/archive has the runs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("pyarrow")
pytest.importorskip("matplotlib")

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.errors import ConfigError


@pytest.fixture
def call(speech) -> Path:
    return speech("I have been waiting for an hour.")


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["score", *map(str, arguments), "--workers", "1"])


def test_a_table_and_then_json(call: Path, tmp_path: Path) -> None:
    shown = invoke(call, "--out", tmp_path / "out")
    assert shown.exit_code == 0
    assert "heard in this run" in shown.stdout
    again = invoke(call, "--out", tmp_path / "out", "--json")
    found = json.loads(again.stdout)
    assert (found["new"], found["known"], found["calls"], found["turns"]) == (0, 1, 1, 1)


def test_the_rules_of_a_bot_decide(call: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    rules = "    rules:\n      - {name: ever, when: {emotion: neutral, at_least: 0.01}, do: alert}\n"
    config.write_text(f"policies:\n  - name: rasa_emotion.EmotionPolicy\n{rules}", encoding="utf-8")
    shown = invoke(call, "--out", tmp_path / "out", "--config", config, "--json")
    if shown.exception and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    assert json.loads(shown.stdout)["alerts"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--channel", "both"], "left, right, mix"),
        (["--recogniser", "wisper"], "no recogniser 'wisper'"),
        (["--recogniser-option", "beam_size"], "NAME=VALUE"),
        (["--config", "none.yml"], "'none.yml' does not exist"),
    ],
)
def test_mistakes_say_what_helps(call: Path, tmp_path: Path, arguments: list[str], says: str) -> None:
    found = invoke(call, "--out", tmp_path / "out", *arguments)
    assert isinstance(found.exception, ConfigError)
    assert says in str(found.exception)
