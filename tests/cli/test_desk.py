"""The desk in the terminal: who waits, what is said, and the way back."""

import io
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from rasa_emotion.cli.desk import Desk, Who
from rasa_emotion.cli.verbs import app
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.holding import TakenError
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.record import Record


def hand_over(outbox: Outbox, key: str, sender: str, *, urgency: str = "normal", created: float = 1000.0) -> None:
    said = {"rule": "r", "reason": f"{sender} was angry.", "urgency": urgency, "created": created}
    outbox.enqueue(Packet(key=key, kind="handover", sender=sender, channel="rest", summary="It.", mood="upset", **said))


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """That of a bot whose folder one is in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "endpoints.yml").write_text("rasa_emotion: {database: 'sqlite:///desk.db'}\n")
    engine = open_database("sqlite:///desk.db")
    create_tables(engine)
    return Outbox(engine)


@pytest.fixture
def record(outbox: Outbox) -> Record:
    return Record(outbox.engine)


def call(*arguments: str, typed: str = "", name: str = "ada") -> Result:
    return CliRunner().invoke(app, ["desk", "--name", name, *arguments], input=typed, env={"COLUMNS": "160"})


def said(record: Record, sender: str) -> list[str]:
    return [one.text for one in record.messages_after(sender)]


def test_nobody_waits(outbox: Outbox) -> None:
    assert call().output == "Nobody waits.\n"
    assert json.loads(call("--json").output) == []


def test_the_most_urgent_come_first_then_those_who_wait_longest(outbox: Outbox) -> None:
    hand_over(outbox, "a1", "alice", created=20)
    hand_over(outbox, "b1", "bob", created=10)
    hand_over(outbox, "c1", "carol", urgency="urgent", created=30)
    assert [row["sender"] for row in json.loads(call("--json").output)] == ["carol", "bob", "alice"]
    shown = call().output
    assert shown.index("carol") < shown.index("bob") < shown.index("alice")


def test_a_long_summary_is_shown_to_its_end(outbox: Outbox, record: Record) -> None:
    long = {
        "summary": f"{'The caller waits. ' * 20}The end.",
        "reason": "r",
        "rule": "r",
        "urgency": "high",
        "mood": "upset",
    }
    outbox.enqueue(Packet(key="a1", kind="handover", sender="alice", channel="rest", created=1000.0, **long))
    assert "The end." in call(typed="1\n/quit\n").output


def test_a_packet_that_cannot_be_read_keeps_nobody_from_the_caller(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE emotion_handoffs SET packet = '{'")
    output = call(typed="1\nhello\n").output
    assert "cannot be read" in output
    assert said(record, "alice") == ["hello"]


def test_a_conversation_from_the_packet_to_the_way_back(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    record.to_human("alice", "is anybody there?", "1")
    done = call(typed="1\nI am Ann.\n\n  /back  all paid \n/list\n/quit\nnever read\n")
    assert done.exit_code == 0
    for text in (
        "alice was angry.",
        "caller  is anybody there?",
        "you  I am Ann.",
        "The bot has the conversation again.",
    ):
        assert text in done.output
    assert said(record, "alice") == ["I am Ann."]
    handover = record.handover("a1")
    assert handover is not None
    assert handover.outcome == "all paid"
    assert done.output.rstrip().endswith("Nobody waits.")


def test_what_is_typed_wrongly_is_named(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    output = call(typed="hello\n/back\n7\n/open x\n/nonsense\n/open 1\n/list\nhello\n").output
    assert output.count("No conversation is open") == 3
    assert "no conversation '7'" in output
    assert "no conversation 'x'" in output
    assert "/back OUTCOME" in output
    assert said(record, "alice") == []


def test_one_command_at_a_time(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    hand_over(outbox, "b1", "bob")
    assert call("--say", "a", "hello").exit_code == 0
    assert said(record, "alice") == ["hello"]
    (rest,) = json.loads(call("--back", "a1", "paid", "--json").output)
    assert (rest["key"], rest["packet"]["reason"], rest["messages"]) == ("b1", "bob was angry.", [])
    for wrong in ("a1", "", "zz"):
        assert isinstance(call("--say", wrong, "hello").exception, ConfigError)


def test_what_a_colleague_has_is_theirs(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    DeskRecord(outbox.engine).take("a1", "bob")
    output = call(typed="1\nI am Ann.\n").output
    assert "bob has taken this conversation." in output
    assert "No conversation is open" in output
    for words in (("--say", "a1", "hello"), ("--back", "a1", "done")):
        assert isinstance(call(*words).exception, TakenError)
    assert said(record, "alice") == []
    (row,) = json.loads(call("--json").output)
    assert row["taken_by"] == "bob"
    assert call("--say", "a1", "hello", name="bob").exit_code == 0
    assert said(record, "alice") == ["hello"]


def test_a_conversation_is_passed_on(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "alice")
    output = call(typed="1\n/pass bob\n/list\n").output
    assert "bob has the conversation from here on." in output
    assert DeskRecord(outbox.engine).find("a1").taken_by == "bob"
    assert "Whoever takes it" in call(typed="1\n/pass\n", name="bob").output
    assert DeskRecord(outbox.engine).find("a1").taken_by is None


def test_without_a_name_one_is_who_is_logged_in(outbox: Outbox, record: Record, monkeypatch) -> None:
    hand_over(outbox, "a1", "alice")
    monkeypatch.setenv("LOGNAME", "DOMAIN\\ann smith")
    assert CliRunner().invoke(app, ["desk", "--say", "a1", "hello"]).exit_code == 0
    assert DeskRecord(outbox.engine).find("a1").taken_by == "DOMAIN_ann_smith"
    assert isinstance(call("--json", name="ann smith").exception, ConfigError)


def test_a_terminal_obeys_no_caller(outbox: Outbox, record: Record) -> None:
    hand_over(outbox, "a1", "al\x1b[2Jice")
    record.to_human("al\x1b[2Jice", "\x1b[31mred [bold]bold[/bold]\nyou  forged", "1")
    output = call(typed="1\n").output
    assert "\x1b[2J" not in output
    assert "\x1b[31m" not in output
    assert "[bold]bold[/bold]" in output
    assert "\nyou  forged" not in output


class Typist:
    """A standard input that waits for what is typed next."""

    def __init__(self) -> None:
        self.lines: queue.Queue[str | None] = queue.Queue()

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines.get, None)


@pytest.fixture
def sitting(record: Record, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Typist, Callable[[str], None]]]:
    """Somebody at the desk: what they type, and a wait until they see a text."""
    typist, shown = Typist(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", typist)
    desk = Desk(Who(DeskRecord(record._engine), "ada"), Console(file=shown, width=160))
    thread = threading.Thread(target=desk.run)
    thread.start()

    def see(text: str) -> None:
        until = time.monotonic() + 60
        while text not in shown.getvalue() and time.monotonic() < until:
            time.sleep(0.05)
        assert text in shown.getvalue()

    yield typist, see
    typist.lines.put(None)
    thread.join()


def test_callers_are_heard_while_nothing_is_typed(outbox: Outbox, record: Record, sitting) -> None:
    typist, see = sitting
    see("Nobody waits.")
    hand_over(outbox, "a1", "alice")
    see("Somebody waits: alice was angry.")
    typist.lines.put("/list\n")
    typist.lines.put("1\n")
    see("reference a1")
    record.to_human("alice", "hello?", "1")
    see("caller  hello?")
    desk = DeskRecord(outbox.engine)
    desk.pass_on("a1", "sue", "bob", whoever=True)
    see("bob has it from here on.")
    desk.pass_on("a1", "bob", "ada")
    typist.lines.put("/open 1\n")
    record.to_human("alice", "still there?", "2")
    see("caller  still there?")
    record.close("a1", "solved elsewhere")
    see("Somebody else has ended this conversation.")
