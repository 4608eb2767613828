"""Many recordings at once, as a table, CSV or JSON lines."""

import csv
import io
import json
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path, speech) -> Path:
    """Two recordings, one of them deeper, a file that is none, and one that only claims to be."""
    voice, rate = soundfile.read(speech("I have been waiting for an hour."))
    for name in ("b.wav", "deep/a.flac"):
        path = tmp_path / "calls" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, voice, rate)
    (tmp_path / "calls" / "notes.txt").write_text("no recording")
    return tmp_path / "calls"


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_folder_is_a_table_of_its_recordings(folder: Path) -> None:
    result = run(app, ["analyze", str(folder)], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    assert "b.wav" in result.stdout
    assert "a.flac" in result.stdout
    assert "notes.txt" not in result.stdout


def test_files_and_folders_as_json_lines_each_once(folder: Path) -> None:
    result = run(app, ["analyze", str(folder / "b.wav"), str(folder), "--format", "jsonl"])
    answers = lines(result.stdout)
    assert [Path(answer["path"]).name for answer in answers] == ["b.wav", "a.flac"]
    assert all(set(answer["probabilities"]) == set(EMOTIONS) for answer in answers)


def test_what_cannot_be_analysed_says_why_and_stops_nothing(folder: Path) -> None:
    (folder / "c.wav").write_bytes(b"RIFF, or so it says")
    result = run(app, ["analyze", str(folder), "--format", "csv"])
    assert result.exit_code == 1
    start = result.stdout.index("path,")
    rows = list(csv.DictReader(io.StringIO(result.stdout[start:])))
    assert [(Path(row["path"]).name, bool(row["error"])) for row in rows if row["path"]][:3] == [
        ("b.wav", False),
        ("c.wav", True),
        ("a.flac", False),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.wav", "b.wav"], "does not exist"),
        ([".", "--text", "hello"], "with --jsonl"),
        (["b.wav", "--format", "csv"], "write --json"),
        (["empty"], "holds no recording"),
    ],
)
def test_mistakes_name_the_option_that_helps(folder: Path, monkeypatch, arguments: list[str], says: str) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    result = run(app, ["analyze", *arguments])
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
