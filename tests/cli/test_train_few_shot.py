"""`rasa-emotion train text --few-shot`: what goes together, and what is printed of a tuned model."""

import json

import pytest
from typer.testing import CliRunner

from rasa_emotion.cli.verbs import app
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text import contrastive


def run(*arguments):
    return CliRunner().invoke(app, ["train", "text", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["goemotions", "--few-shot", "x.csv"], "--few-shot takes no recipe"),
        (["--few-shot", "x.csv", "--data", "x"], "--few-shot takes no recipe"),
        (["goemotions"], "There is nothing to train"),
        ([], "There is nothing to train"),
        (["--few-shot", "absent.csv"], "'absent.csv' is missing"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, says, tmp_path):
    result = run(*arguments, "--out", tmp_path)
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)


def test_a_name_in_brackets_is_printed_as_it_is(monkeypatch, tmp_path):
    out = tmp_path / "[bold]words[x]"
    said = {"folder": str(out), "examples": 8, "licence": "[red]"}
    monkeypatch.setattr(contrastive, "tune_on_file", lambda path, out, *, base: said)
    printed = run("--few-shot", "examples.csv", "--out", out).output
    assert printed.count("[bold]words[x]") == 2
    assert "[red]" in printed


def test_a_tuned_model_is_named(monkeypatch, tmp_path):
    said = {"folder": str(tmp_path), "examples": 8, "licence": "Apache-2.0, companies may use it"}
    monkeypatch.setattr(contrastive, "tune_on_file", lambda path, out, *, base: {**said, "folder": str(out)})
    arguments = ("--few-shot", "examples.csv", "--out", tmp_path)
    assert json.loads(run(*arguments, "--json").output) == said
    printed = run(*arguments).output
    assert "Apache-2.0, companies may use it" in printed
    assert f'--models "{tmp_path}"' in printed
