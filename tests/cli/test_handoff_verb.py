"""`rasa-emotion handoff`: list, show, retry, work."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasa_emotion.cli.handoff import handoff
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.record import Record
from rasa_emotion.spool.folder import Spool


def packet(key: str, **changes) -> Packet:
    values = {"kind": "handover", "sender": "ada", "channel": "emotion", "rule": "anger", "urgency": "high"}
    texts = {"reason": "The caller was angry.", "summary": "Two sentences.", "mood": "hostile"}
    return Packet(**{"key": key * 32, "created": 1_700_000_000.0, **values, **texts, **changes})


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where a section that names no database has its own
    path = tmp_path / "endpoints.yml"
    path.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/a.db'}}")
    return path


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    made = Outbox(engine)
    for key in ("a", "b"):
        made.enqueue(packet(key, sender=key, created=1_700_000_000.0 + ord(key)))
    made.give_up(made.claim_packet("w", lease_secs=9), "The helpdesk refused it.")
    return made


@pytest.fixture
def call(endpoints: Path):
    """`call("list")`: what is printed."""

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(handoff, [*arguments, "--endpoints", str(endpoints)])
        if result.exception:
            raise result.exception
        return result.stdout

    return run


def test_nothing(call) -> None:
    assert "There is nothing." in call("list")
    assert json.loads(call("list", "--json")) == []


def test_what_waits_and_what_is_dead(call, outbox: Outbox) -> None:
    text = call("list")
    assert "1 pending, 0 delivered, 1 dead" in text
    assert "retry --all" in text
    rows = json.loads(call("list", "--json", "--state", "dead"))
    assert [(row["key"], row["error"], row["packet"]["sender"]) for row in rows] == [
        ("a" * 32, "The helpdesk refused it.", "a")
    ]
    assert [row["key"] for row in json.loads(call("list", "--json", "--sender", "b"))] == ["b" * 32]


def test_what_nobody_tried_is_named(call, outbox: Outbox) -> None:
    assert "has not been tried yet" not in call("list")  # only just put there
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE emotion_handoffs SET next_attempt = 1000")
    assert "has not been tried yet" in call("list")
    assert "has not been tried yet" not in call("list", "--state", "dead")
    outbox.enqueue(packet("c", sender="b"))
    outbox.failed(outbox.claim_packet("w", lease_secs=9), "busy", next_attempt=1000)
    assert "has not been tried yet" not in call("list")


def test_a_packet_as_people_see_it(call, outbox: Outbox) -> None:
    text = call("show", "aaa")
    assert "HANDOVER · high · hostile" in text
    assert "given up (one try; The helpdesk refused it.)" in text
    assert json.loads(call("show", "b", "--json"))["packet"]["summary"] == "Two sentences."


def test_what_was_said_since(call, outbox: Outbox) -> None:
    record = Record(outbox.engine)
    record.to_human("b", "anybody?\x1b[2J", "1")
    record.to_caller("b" * 32, "I am Ann.", "2")
    said = call("show", "b").splitlines()[-2:]
    assert [line.split("  ", 1)[1] for line in said] == ["caller  anybody?�[2J (pending)", "human  I am Ann. (pending)"]
    outbox.delivered(outbox.claim_packet("w", lease_secs=9), "T")
    outbox.give_up(outbox.claim_message("w", lease_secs=9), "refused")
    assert "bbbbbbbb at try 1: 1 message is dead.\n" in call("list", "--state", "dead", "--sender", "b")


def test_dead_letters_are_tried_again(call, outbox: Outbox) -> None:
    assert json.loads(call("retry", "b", "--json")) == {"retried": 0}
    assert call("retry", "--all") == "1 will be tried again.\n"
    text = call("work", "--until-empty")
    assert text.startswith("2 wait for the helpdesk 'desk'.")
    assert text.count(" delivered ticket ") == 2
    assert outbox.count() == {"pending": 0, "delivered": 2, "dead": 0}


def test_every_try_as_json(call, outbox: Outbox) -> None:
    (line,) = call("work", "--until-empty", "--json").splitlines()
    attempt = json.loads(line)
    assert (attempt["key"], attempt["outcome"], attempt["ticket"]) == ("b" * 32, "delivered", "b" * 32)


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker(endpoints: Path, outbox: Outbox, sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "rasa_emotion.cli", "handoff", "work", "--endpoints", str(endpoints)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert "1 wait" in worker.stdout.readline()
        assert "delivered" in worker.stdout.readline()
        worker.send_signal(sign)
        assert worker.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list", "--state", "lost"], "choose from pending, delivered, dead"),
        (["show", "x"], "no handoff with a key that begins with 'x'"),
        (["retry"], "Name the key of one packet, or --all"),
        (["retry", "a", "--all"], "Name the key of one packet, or --all"),
    ],
)
def test_what_cannot_be_done(call, outbox: Outbox, arguments: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        call(*arguments)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{redact: {keep: [phones]}}", "names 'phones'"),
        ("{delivery: {attempts: 0}}", "'attempts' is 0; give a number above 0"),
        ("{delivery: {attempts: 2.5}}", "'attempts' is 2.5; give a whole number"),
        ("{delivery: {atempts: 2}}", "did you mean 'attempts'"),
        ("{links: {console: 3}}", "'console' is 3"),
        ("{helpdesk: {type: zendsk}}", "did you mean"),
    ],
)
def test_settings_that_cannot_be_used(call, endpoints: Path, section: str, sentence: str) -> None:
    endpoints.write_text(f"rasa_emotion: {section}")
    with pytest.raises(ConfigError, match=sentence):
        call("work", "--until-empty")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(handoff, ["list", "--endpoints", str(tmp_path / "no.yml")])
    assert "There is no file" in str(result.exception)


def keeper(tmp_path: Path) -> Keeper:
    return Keeper(Spool(tmp_path / "a.db.spool", database="a.db"))


def test_what_waits_beside_the_database_is_listed(call, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    keeper(tmp_path).keep_packet(packet("c", sender="eve"))
    keeper(tmp_path).keep_words("eve", "are you there?", "1")
    listed = json.loads(call("list", "--json"))
    assert [(one["state"], one["sender"]) for one in listed] == [("spooled", "eve")] * 2
    assert json.loads(call("list", "--json", "--sender", "ada")) == []


def test_it_is_told_where_the_database_is_not_there(endpoints: Path, tmp_path: Path) -> None:
    keeper(tmp_path).keep_packet(packet("c", sender="eve"))
    (tmp_path / "a.db").write_bytes(b"this is no database" * 100)
    command = [sys.executable, "-m", "rasa_emotion.cli", "handoff", "list", "--endpoints", str(endpoints)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "1 packets and 0 messages wait in the spool" in told.stderr
    assert "cccccccc handover eve" in told.stderr
    assert "cannot be read" in told.stderr


def test_the_worker_gives_it_to_the_database(call, outbox: Outbox, tmp_path: Path) -> None:
    keeper(tmp_path).keep_packet(packet("c", sender="eve"))
    tries = [json.loads(line) for line in call("work", "--until-empty", "--json").splitlines()]
    assert ("c" * 32, "delivered") in [(one["key"], one["outcome"]) for one in tries]
    assert keeper(tmp_path).waiting() == []


def test_a_new_key(call, tmp_path: Path) -> None:
    made = CliRunner().invoke(handoff, ["new-key", str(tmp_path / "key")])
    assert "Keep a copy" in made.stdout
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(handoff, ["new-key", str(tmp_path / "key")])
    assert isinstance(again.exception, ConfigError)
