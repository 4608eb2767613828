"""`rasa-emotion doctor --security`: what is open, and the line that shuts it."""

import json
from pathlib import Path

import pytest
from bot_shapes import TABLE, make
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.doctor_bot import BotFinding
from rasa_emotion.cli.doctor_security import examine_security
from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.keys import add_key

KEY = "0123456789abcdef"


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    return make(TABLE, tmp_path)


def found(bot: Path, credentials: str) -> dict[str, BotFinding]:
    (bot / "credentials.yml").write_text(credentials)
    (bot / "credentials.yml").chmod(0o600)
    return {finding.name: finding for finding in examine_security(bot)}


@pytest.mark.parametrize(
    ("credentials", "channel", "detail", "mend"),
    [
        ("rest:\n", "rest", "put a relay around it", "rasa-emotion init"),
        ("rasa_emotion.EmotionRestInput:\n", "rasa_emotion.EmotionRestInput", "asks for no key", "access key caller"),
        ("rasa_emotion.RelayInput: {channel: rest}\n", "rest", "under 'rasa_emotion.RelayInput'", "access key caller"),
        ("rasa_emotion.relay.a: {channel: rest, token: short}\n", "rest", "fewer than 16", "access key caller"),
        ("rasa_emotion.RelayInput: {channel: rest, token_file: none.txt}\n", "rest", "cannot be read", "none.txt"),
        ("rasa_emotion.RelayInput: {channel: socketio}\n", "socketio", "jwt_key", ""),
        ("rasa_emotion.VoiceInput: {token: short}\n", "rasa_emotion.VoiceInput", "fewer than 16", "access key caller"),
        (
            "rasa_emotion.VoiceInput: {audiosocket: {host: 0.0.0.0}}\n",
            "rasa_emotion.VoiceInput",
            "cannot tell who connects",
            "host: 127.0.0.1",
        ),
    ],
)
def test_an_open_channel(bot: Path, credentials: str, channel: str, detail: str, mend: str) -> None:
    part = found(bot, credentials)[f"channel {channel}"]
    assert not part.ok
    assert detail in part.detail
    assert mend in part.mend


@pytest.mark.parametrize(
    "credentials",
    [
        f"rasa_emotion.RelayInput: {{channel: rest, token: {KEY}}}\n",
        "rasa_emotion.RelayInput: {channel: rest, token: '${BOT_TOKEN}'}\n",
        "rasa_emotion.RelayInput: {channel: rasa_emotion.EmotionRestInput, options: {token_file: keys.txt}}\n",
        f"socketio: {{jwt_key: {KEY}}}\n",
        "rasa_emotion.VoiceInput: {audiosocket: {port: 9092}}\n",
        "rasa_emotion.RelayInput: {channel: rasa_emotion.VoiceInput, options: {token_file: keys.txt}}\n",
        "telegram: {access_token: '${TELEGRAM}'}\n",
        "rasa:\n",
    ],
)
def test_what_is_shut(bot: Path, credentials: str) -> None:
    add_key(bot / "keys.txt", "caller")
    assert [part for part in found(bot, credentials).values() if not part.ok] == []


def test_what_the_command_says_shuts_it(bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that is proposed is run, and what it says is written: then nothing is open."""
    part = found(bot, "rasa_emotion.RelayInput: {channel: rest}\n")["channel rest"]
    monkeypatch.chdir(bot)
    assert CliRunner().invoke(app, part.mend.split()[1:]).exit_code == 0
    (bot / "credentials.yml").write_text("rasa_emotion.RelayInput: {channel: rest, token_file: keys.txt}\n")
    done = CliRunner().invoke(app, ["doctor", "--security", "--json"])
    report = json.loads(done.stdout)
    assert (done.exit_code, report["healthy"]) == (0, True)
    (bot / "keys.txt").chmod(0o644)
    done = CliRunner().invoke(app, ["doctor", "--security", str(bot)], env={"COLUMNS": "300"})
    assert done.exit_code == 1
    assert "Something is open." in done.output
    assert f"chmod 600 {bot}/keys.txt" in done.output


def test_a_file_with_keys_that_let_no_caller_in(bot: Path) -> None:
    add_key(bot / "keys.txt", "operator")
    part = found(bot, "rasa_emotion.RelayInput: {channel: rest, token_file: keys.txt}\n")["channel rest"]
    assert (part.ok, "no key by which a caller gets in" in part.detail) == (False, True)


def test_files_that_others_read(bot: Path) -> None:
    credentials = bot / "credentials.yml"
    credentials.write_text(f"socketio: {{jwt_key: {KEY}}}\n")
    database = bot / "rasa_emotion.db"
    database.write_bytes(b"")
    for path in (credentials, database):
        path.chmod(0o644)
    parts = {part.name: part for part in examine_security(bot)}
    for path in (credentials, database):
        part = parts[f"file {path.name}"]
        assert (part.ok, part.mend) == (False, f"chmod o= {path}")
        path.chmod(0o640)
    assert all(part.ok for part in examine_security(bot))


def test_a_folder_that_is_no_bot(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a Rasa bot"):
        list(examine_security(tmp_path))
