"""`rasa-emotion doctor` in a bot's folder: one line for each part, and none is written."""

import json
from pathlib import Path

import pytest
from bot_shapes import BANK, HELPDESK, TABLE, make
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import Wishes, plan
from rasa_emotion.cli.doctor_bot import BotFinding, examine_bot
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.spool.folder import Spool


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor is asked from another folder."""
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def found(bot: Path) -> dict[str, BotFinding]:
    return {finding.name: finding for finding in examine_bot(bot)}


def wired(folder: Path, **wishes: bool) -> Path:
    bot = make(HELPDESK, folder)
    write(plan(bot, wishes=Wishes(**wishes)))
    return bot


def test_after_init_all_is_well(tmp_path: Path) -> None:
    parts = found(wired(tmp_path))
    assert all(part.ok for part in parts.values())
    assert parts["policy"].detail.endswith("ask for a human: human_handoff")
    assert parts["channel rest"].detail == "reads words; a human can talk to its callers"
    assert parts["channel rasa_emotion.EmotionRestInput"].detail.startswith("hears voices and reads words")
    assert "CC-BY-NC-SA-4.0, research and evaluation only" in parts["voice"].detail
    assert "rasa-emotion desk" in parts["handover"].detail
    assert "while `rasa run` runs" in parts["delivery"].detail
    assert not (tmp_path / "rasa_emotion.db").exists()


def test_an_entity_that_takes_part_in_stories(tmp_path: Path) -> None:
    bot = make(BANK, tmp_path)
    write(plan(bot))
    assert found(bot)["wiring"].detail.startswith("each turn fills the emotion slots except emotion;")
    config = bot / "config.yml"
    config.write_text(config.read_text().replace("entities:", "other_entities:"))
    part = found(bot)["wiring"]
    assert not part.ok
    assert part.detail.startswith("stories match no more: each turn fills emotion, an entity of the bot's own")


def test_before_init_nothing_is(tmp_path: Path) -> None:
    parts = found(make(TABLE, tmp_path))
    assert {name for name, part in parts.items() if not part.ok} == {"wiring", "policy", "channel rest"}
    assert parts["wiring"].detail.startswith(
        "nothing is heard: the bot lacks EmotionClassifier in the pipeline, the slot"
    )
    assert {part.mend for part in parts.values()} == {"rasa-emotion init", ""}


def test_nobody_behind_the_handover_is_one_line(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    (bot / "credentials.yml").write_text("rest:\nrasa_emotion.EmotionRestInput:\n")
    part = found(bot)["handover"]
    assert part.detail == (
        "nobody is behind it: no channel has a relay; callers are told that no human can be reached, and the bot goes "
        "on"
    )
    assert (part.ok, part.mend) == (False, "rasa-emotion init")


def test_one_channel_without_a_relay(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    with (bot / "credentials.yml").open("a") as stream:
        stream.write("callback:\n  url: http://x\n")
    parts = found(bot)
    assert parts["handover"].ok
    assert parts["channel callback"].detail == "reads words; no human can talk to its callers"
    assert not parts["channel callback"].ok


def test_observing_hands_nobody_over(tmp_path: Path) -> None:
    parts = found(wired(tmp_path, observe=True))
    assert "dry_run: true" in parts["policy"].detail
    assert parts["handover"].detail == "nobody is handed over"
    assert parts["channel rest"].detail == "reads words; no human is needed, as nobody is handed over"
    assert parts["delivery"].detail == "nothing has to be delivered"
    assert all(part.ok for part in parts.values())
    assert "no channel takes a voice; words alone are judged" in parts["voice"].detail


def test_a_helpdesk_is_named(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    for helpdesk, said in (
        ("{type: slack, webhook_url: 'https://hooks.slack.com/services/T0/B0/abc'}", "nobody can answer the caller"),
        ("{type: webhook, url: 'https://x.example', secret: 'a secret for the tests'}", "answer the caller"),
        ("{type: zendsk}", "did you mean 'zendesk'?"),
    ):
        (bot / "endpoints.yml").write_text(f"rasa_emotion: {{helpdesk: {helpdesk}}}\n")
        assert said in found(bot)["handover"].detail


def test_two_voices_are_one_too_many(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    config = bot / "config.yml"
    named = "rasa_emotion.EmotionClassifier\n  acoustic: acoustic-emogator"
    config.write_text(config.read_text().replace("rasa_emotion.EmotionClassifier", named))
    part = found(bot)["voice"]
    assert not part.ok
    assert "name different models" in part.detail
    assert "Apache-2.0, companies may use it" in part.detail
    config.write_text(config.read_text().replace("acoustic-emogator", "absent"))
    assert "absent" in found(bot)["voice"].detail


def test_packets_that_nobody_brings_are_seen(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    engine = open_database(f"sqlite:///{bot}/rasa_emotion.db")
    create_tables(engine)
    texts = {"rule": "anger", "urgency": "high", "reason": "Angry.", "summary": "", "mood": "hostile"}
    Outbox(engine).enqueue(Packet(key="a" * 32, kind="handover", sender="ada", channel="rest", created=1.0, **texts))
    assert found(bot)["delivery"].ok, "only just put there"
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE emotion_handoffs SET next_attempt = 1000")
    part = found(bot)["delivery"]
    assert part.detail.startswith("nobody delivers: 1 packets wait")
    assert part.mend == "rasa-emotion handoff work"


def test_a_worker_beside_the_server(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    (bot / "credentials.yml").write_text("rasa_emotion.RelayInput: {channel: rest, worker: false}\n")
    assert "must run beside the bot's server" in found(bot)["delivery"].detail


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = wired(tmp_path)
    named = json.loads(CliRunner().invoke(app, ["doctor", str(bot), "--json"]).stdout)
    assert [one["name"] for one in named["findings"] if one["section"] == "bot"] == list(found(bot))
    here = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert not [one for one in here["findings"] if one["section"] == "bot"]
    monkeypatch.chdir(bot)
    (bot / "credentials.yml").write_text("rest:\n")
    shown = CliRunner().invoke(app, ["doctor"]).stdout
    assert "To mend handover:\n  rasa-emotion init\n" in shown
    with pytest.raises(ConfigError, match="is not a Rasa bot"):
        CliRunner().invoke(app, ["doctor", str(bot / "data")], catch_exceptions=False)


def test_what_waits_in_the_spool_is_seen(tmp_path: Path) -> None:
    bot = wired(tmp_path)
    assert found(bot)["spool"].ok
    assert "readable for its owner alone" in found(bot)["spool"].detail
    spool = Spool(bot / "rasa_emotion.db.spool", database="rasa_emotion.db")
    spool.keep("words", "ada", {"text": "hello", "origin": "1"})
    assert "1 records wait in" in found(bot)["spool"].detail
    (file,) = spool.folder.glob("*.spool")
    file.chmod(0o644)
    assert found(bot)["spool"].mend == f"chmod 600 '{file}'"
    assert not found(bot)["spool"].ok
