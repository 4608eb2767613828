"""`rasa-emotion analyze --timeline`, and emotions as tags before a text."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer
from typer.testing import CliRunner

from rasa_emotion.audio import load_audio
from rasa_emotion.cli import analyze, app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import AudioError, ConfigError

run = CliRunner().invoke


class Hearing(FakeAnalyzer):
    """Takes a channel, as the real one does."""

    def analyze(self, audio=None, text=None, *, channel=None, **options):
        return super().analyze(None if audio is None else load_audio(audio, channel=channel), text, **options)

    def has_words(self, text: str) -> bool:
        return bool(text.strip())


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, tone, monkeypatch) -> Path:
    """Two calls that change, and a file that is no recording."""
    monkeypatch.setattr(analyze, "EmotionAnalyzer", Hearing)
    folder = tmp_path / "calls"
    folder.mkdir()
    soundfile.write(folder / "a.wav", np.concatenate([tone(400, 5.0), tone(800, 5.0)]), 16_000)
    soundfile.write(folder / "b.wav", np.concatenate([tone(1000, 5.0), tone(200, 2.6)]), 16_000)
    (folder / "c.wav").write_bytes(b"RIFF, or so it says")
    return folder


def test_a_table_of_windows(calls: Path) -> None:
    result = run(app, ["analyze", str(calls / "a.wav"), "--timeline"])
    assert result.exit_code == 0, result.output
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in result.stdout.splitlines() if line.startswith("│")]
    assert [row[:3] for row in rows] == [["0:00", "0:05", "angry"], ["0:05", "0:10", "happy"]]


def test_one_json_object(calls: Path) -> None:
    result = run(app, ["analyze", str(calls / "b.wav"), "--timeline", "--json"])
    found = json.loads(result.stdout)
    assert [(one["start_secs"], one["end_secs"], one["emotion"]) for one in found["windows"]] == [
        (0, 5, "sad"),
        (5, 7.6, "neutral"),
    ]
    assert set(found["windows"][0]["probabilities"]) == set(EMOTIONS)
    assert found["warnings"] == []


def test_the_length_of_the_windows(calls: Path) -> None:
    result = run(app, ["analyze", str(calls / "a.wav"), "--timeline", "--window-secs", "2.5", "--json"])
    assert [one["emotion"] for one in json.loads(result.stdout)["windows"]] == ["angry"] * 2 + ["happy"] * 2


def test_several_recordings_as_csv(calls: Path) -> None:
    result = run(app, ["analyze", str(calls), "--timeline", "--format", "csv"])
    assert result.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(result.stdout[result.stdout.index("path,") :])))
    assert [(Path(row["path"]).name, row["start_secs"], row["emotion"]) for row in rows] == [
        ("a.wav", "0.0", "angry"),
        ("a.wav", "5.0", "happy"),
        ("b.wav", "0.0", "sad"),
        ("b.wav", "5.0", "neutral"),
        ("c.wav", "", ""),
    ]
    assert "not audio" in rows[-1]["error"]


def test_several_recordings_as_json_lines(calls: Path) -> None:
    result = run(app, ["analyze", str(calls), "--timeline", "--format", "jsonl"])
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [len(line.get("windows", [])) for line in lines] == [2, 2, 0]
    assert "not audio" in lines[2]["error"]


def test_several_recordings_as_tables_and_as_tags(calls: Path) -> None:
    tables = run(app, ["analyze", str(calls / "a.wav"), str(calls / "b.wav"), "--timeline"], env={"COLUMNS": "200"})
    assert tables.exit_code == 0
    assert tables.stdout.index("a.wav") < tables.stdout.index("b.wav")
    tags = run(app, ["analyze", str(calls), "--timeline", "--format", "tags"])
    assert [line for line in tags.stdout.splitlines() if line.startswith("[")] == [
        f"[angry] {calls}/a.wav 0:00-0:05",
        f"[happy] {calls}/a.wav 0:05-0:10",
        f"[sad] {calls}/b.wav 0:00-0:05",
        f"[neutral] {calls}/b.wav 0:05-0:07.6",
    ]
    assert tags.exit_code == 1


def test_the_only_recording_that_cannot_be_heard_ends_the_command(calls: Path) -> None:
    result = run(app, ["analyze", str(calls / "c.wav"), "--timeline"])
    assert isinstance(result.exception, AudioError)


def test_tags_of_one_turn(calls: Path) -> None:
    words = run(app, ["analyze", "--text", "I am\n  furious [really]", "--format", "tags"])
    assert words.stdout == "[angry] I am furious [really]\n"
    voice = run(app, ["analyze", str(calls / "a.wav"), "--format", "tags"])
    assert voice.stdout.endswith(f"{calls}/a.wav\n")
    assert re.match(r"\[\w+\] ", voice.stdout)


def test_tags_of_many_recordings(calls: Path) -> None:
    result = run(app, ["analyze", str(calls), "--format", "tags"])
    lines = [line for line in result.stdout.splitlines() if line.startswith("[")]
    assert [line.split()[1] for line in lines] == [str(calls / name) for name in ("a.wav", "b.wav", "c.wav")]
    assert lines[2].startswith("[unknown]")
    assert result.exit_code == 1


def test_tags_of_lines_one_for_each(calls: Path) -> None:
    turns = [
        json.dumps({"text": "I am furious"}),
        "no JSON",
        json.dumps({"audio": str(calls / "c.wav")}),
        "",
        json.dumps({"id": 7, "text": "wonderful"}),
    ]
    result = run(app, ["analyze", "--jsonl", "--format", "tags"], input="\n".join(turns))
    tags = [line for line in result.stdout.splitlines() if line.startswith("[")]
    assert tags == ["[angry] I am furious", "[unknown] no JSON", f"[unknown] {calls}/c.wav", "[happy] wonderful"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--text", "hello", "--timeline"], "with --jsonl"),
        (["a.wav", "--text", "hello", "--timeline"], "with --jsonl"),
        (["--timeline"], "nothing to analyse"),
        (["a.wav", "--window-secs", "3"], "--timeline"),
        (["a.wav", "--timeline", "--window-secs", "0.1"], "choose 1 to 30"),
        (["a.wav", "--timeline", "--channel", "both"], "left, right, mix"),
        (["a.wav", "b.wav", "--timeline", "--json"], "--format jsonl"),
        (["a.wav", "b.wav", "--json"], "--format jsonl"),
        (["a.wav", "--timeline", "--json", "--format", "csv"], "exclude each other"),
        (["a.wav", "--format", "csv"], "write --json or --format tags"),
        (["--jsonl", "--format", "csv"], "--format tags"),
        (["--jsonl", "--json"], "leave --json out"),
    ],
)
def test_mistakes_name_the_option_that_helps(calls: Path, monkeypatch, arguments: list[str], says: str) -> None:
    monkeypatch.chdir(calls)
    result = run(app, ["analyze", *arguments])
    assert isinstance(result.exception, ConfigError), result.output
    assert says in str(result.exception)
