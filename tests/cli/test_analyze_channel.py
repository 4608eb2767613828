"""Whom to hear in a stereo recording: `--channel` in the commands, `channel` in their lines."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer
from typer.testing import CliRunner

from rasa_emotion.audio import load_audio
from rasa_emotion.cli import analyze, app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.analyze import answer_lines
from rasa_emotion.errors import ChannelError, ConfigError
from rasa_emotion.estimate import EmotionEstimate

invoke = CliRunner().invoke
WORDS = "I am furious"


class Hearing(FakeAnalyzer):
    """Notes which channel it is asked for, and decodes it."""

    asked: list[str | None] = []  # noqa: RUF012 -- one list for all, as the command makes the analyzer

    def analyze(self, audio=None, text=None, *, channel=None, **options) -> EmotionEstimate:
        self.asked.append(channel)
        notes: list[str] = []
        heard = None if audio is None else load_audio(audio, channel=channel, notes=notes)
        return replace(super().analyze(heard, text, **options), warnings=tuple(notes))

    def has_words(self, text: str) -> bool:
        return bool(text.strip())


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    monkeypatch.setattr(analyze, "EmotionAnalyzer", Hearing)
    Hearing.asked.clear()
    return Hearing.asked


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, speech: Callable[..., Path]) -> Path:
    """A caller on the left, an agent on the right."""
    caller = load_audio(speech("I have been waiting for three weeks and nobody calls me back."))
    agent = load_audio(speech("Thank you for your patience, let me look at your order.", voice="en-us+f3"))
    path = tmp_path_factory.mktemp("call") / "call.wav"
    both = [np.resize(voice.samples, 48_000) for voice in (caller, agent)]
    soundfile.write(path, np.stack(both, axis=1), 16_000)
    return path


@pytest.mark.parametrize("more", [[], ["--text", WORDS]])
def test_two_voices_and_no_choice_are_refused(call: Path, more: list[str]) -> None:
    result = invoke(app, ["analyze", str(call), *more])
    assert isinstance(result.exception, ChannelError)
    assert "choose the channel left, right or mix" in str(result.exception)


@pytest.mark.parametrize("channel", ["left", "right", "mix"])
def test_a_channel_is_chosen(call: Path, channel: str, asked: list[str | None]) -> None:
    result = invoke(app, ["analyze", str(call), "--channel", channel, "--json"])
    assert result.exit_code == 0, result.output
    assert asked == [channel]


def test_each_line_may_choose_its_own(call: Path, asked: list[str | None]) -> None:
    turns = [
        {"id": 1, "audio": str(call), "channel": "right"},
        {"id": 2, "audio": str(call)},
        {"id": 3, "audio": str(call), "text": WORDS, "channel": None},
        {"id": 4, "audio": str(call), "channel": "centre"},
        {"id": 5, "audio": str(call), "channel": 7},
    ]
    first, *others = answer_lines(Hearing(), map(json.dumps, turns))
    assert first["warnings"] == []
    assert ["choose the channel" in other["error"] for other in others] == [True, True, False, False]
    assert all("There is no channel" in other["error"] for other in others[2:])
    chosen = [answer.get("error") for answer in answer_lines(Hearing(), map(json.dumps, turns[:3]), "left")]
    assert chosen == [None, None, None]
    assert asked == ["right", None, None, "right", "left", "left"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["analyze", "--text", WORDS, "--channel", "left"], "--channel is of a recording"),
        (["analyze", "call.wav", "--channel", "both"], "There is no channel 'both'"),
        (["evaluate", "calls.csv", "--channel", "both"], "There is no channel 'both'"),
        (["evaluate", "--predictions", "ready.csv", "--channel", "left"], "--channel cannot be used"),
    ],
)
def test_mistakes(arguments: list[str], says: str) -> None:
    result = invoke(app, arguments)
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)


def test_what_was_cut_is_told_on_standard_error_and_in_the_answer(tmp_path: Path, tone) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(400, 4.0), 16_000)
    path.write_bytes(path.read_bytes()[:64_000])
    result = invoke(app, ["analyze", str(path), "--json"])
    assert result.exit_code == 0
    (warning,) = json.loads(result.stdout)["warnings"]
    assert "breaks off" in warning
    assert result.stderr.split() == warning.split()
