"""Every verb says with `--help` what it does, and shows one call of it."""

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves


def calls(command: click.Command, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words that call a command and each of its verbs."""
    found = [before] if before else []
    for name, verb in getattr(command, "commands", {}).items():
        found += calls(verb, (*before, name))
    return found


VERBS = calls(get_command(app))


def test_they_are_all_here() -> None:
    assert {("doctor",), ("handoff",), ("handoff", "retry"), ("train", "text")} <= set(VERBS)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_shows_an_example(words: tuple[str, ...], option: str) -> None:
    shown = CliRunner().invoke(app, [*words, option], env={"COLUMNS": "200"}).stdout
    named = words[:1] if "COMMAND" in shown else words  # of several verbs, one is shown
    assert f"Example: rasa-emotion {' '.join(named)}" in " ".join(shown.split())
