"""One notion of who has a conversation, for desks in terminals, the console, the helpdesk and what runs by itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.engine import Engine

from rasa_emotion.bot.channels.relay_reports import keep
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.helpdesk import FromHuman
from rasa_emotion.handoff.holding import HELPDESK, TakenError
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.record import NOT_DELIVERED, Record
from rasa_emotion.handoff.tables import DEAD, TO_HUMAN, handoffs

CONVERSATIONS = 25

SAYER = """
import sys
from typer.testing import CliRunner
from rasa_emotion.cli.verbs import app
me, endpoints = sys.argv[1:3]
CliRunner().invoke(app, ["desk", "--endpoints", endpoints, "--json"])  # loads what it needs
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    CliRunner().invoke(app, ["desk", "--endpoints", endpoints, "--name", me, "--say", f"k{number}", me])
"""

TAKER = """
import sys
from rasa_emotion.database import open_database
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.holding import TakenError
from rasa_emotion.handoff.record import Record
me, url = sys.argv[1:3]
engine = open_database(url)
desk, record = DeskRecord(engine), Record(engine)
print("ready", flush=True)
sys.stdin.readline()
for number in reversed(range(int(sys.argv[3]))):
    try:
        desk.take(f"k{number}", me)
        record.to_caller(f"k{number}", me, "1", by=me)
    except TakenError:
        pass
"""


@pytest.fixture
def record(engine: Engine) -> Record:
    return Record(engine)


@pytest.fixture
def desk(engine: Engine) -> DeskRecord:
    return DeskRecord(engine)


def hand_over(engine: Engine, key: str, sender: str, created: float = 1000.0) -> None:
    said = {"rule": "r", "reason": "Angry.", "urgency": "high", "created": created, "summary": "", "mood": "upset"}
    Outbox(engine).enqueue(Packet(key, "handover", sender, "rest", **said))


def words(record: Record, sender: str) -> list[str]:
    return [one.text for one in record.messages_after(sender)]


def notes(record: Record, sender: str) -> list[str]:
    return [one.text for one in record.messages_after(sender, direction=TO_HUMAN)]


def report(record: Record, number: str, **more) -> bool:
    return keep(FromHuman("", number, key="k1", **more), record)


def test_a_terminal_and_the_console_never_answer_the_same_caller(engine: Engine, tmp_path: Path) -> None:
    for number in range(CONVERSATIONS):
        hand_over(engine, f"k{number}", f"caller {number}")
    url = engine.url.render_as_string(hide_password=False)
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: '{url}'}}\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    calls = ((SAYER, "ada", str(endpoints)), (TAKER, "bob", url))
    people = [
        subprocess.Popen([sys.executable, "-c", code, me, where, str(CONVERSATIONS)], **pipes)
        for code, me, where in calls
    ]
    assert [person.stdout.readline() for person in people] == ["ready\n"] * 2
    for person in people:
        person.stdin.write("\n")
        person.stdin.flush()
    assert [person.wait() for person in people] == [0, 0]
    for person in people:
        person.stdin.close()
        person.stdout.close()
    record = Record(engine)
    holders = {one.sender: one.taken_by for one in DeskRecord(engine).waiting()}
    assert None not in holders.values()
    assert {sender: words(record, sender) for sender in holders} == {who: [name] for who, name in holders.items()}


def test_who_answers_has_it_and_nobody_else_gives_it_back(engine: Engine, record: Record, desk: DeskRecord) -> None:
    hand_over(engine, "k1", "anna")
    assert record.to_caller("k1", "Good day.", "1", by="ada")
    assert desk.find("k1").taken_by == record.handover("k1").taken_by == "ada"
    for refused in (
        lambda: record.to_caller("k1", "Me too!", "2", by="bob"),
        lambda: record.close("k1", "done", by="bob"),
        lambda: desk.take("k1", "bob"),
        lambda: desk.pass_on("k1", "bob", "bob"),
    ):
        with pytest.raises(TakenError, match="ada"):
            refused()
    assert words(record, "anna") == ["Good day."]
    assert record.close("k1", "paid", by="ada")
    assert record.handover("k1").taken_by == "ada"


def test_a_second_handover_of_one_caller_is_no_second_conversation(
    engine: Engine, record: Record, desk: DeskRecord
) -> None:
    hand_over(engine, "k1", "anna")
    desk.take("k1", "ada")
    hand_over(engine, "k2", "anna", created=2000.0)
    assert [one.taken_by for one in desk.waiting()] == ["ada", "ada"]
    assert desk.holders() == {"anna": "ada"}
    with pytest.raises(TakenError, match="ada"):
        desk.take("k2", "bob")
    desk.pass_on("k2", "ada", "bob")
    assert {one.taken_by for one in desk.waiting()} == {"bob"}
    desk.pass_on("k1", "bob", None)
    assert {one.taken_by for one in desk.waiting()} == {None}
    record.close("k1")
    with pytest.raises(TakenError, match="ended"):
        desk.take("k2", "ada")


def test_a_reply_from_the_helpdesk_takes_it_and_what_runs_by_itself_does_not(
    engine: Engine, record: Record, desk: DeskRecord
) -> None:
    hand_over(engine, "k1", "anna")
    assert report(record, "1", text="We are closed.", machine=True)
    assert desk.find("k1").taken_by is None
    assert report(record, "2", text="How can I help?")
    assert desk.find("k1").taken_by == HELPDESK
    with pytest.raises(TakenError, match="helpdesk"):
        desk.take("k1", "ada")
    assert report(record, "3", hand_back=True)
    assert desk.waiting() == []


def test_the_helpdesk_is_told_that_somebody_at_a_desk_has_it(engine: Engine, record: Record, desk: DeskRecord) -> None:
    hand_over(engine, "k1", "anna")
    assert report(record, "1", text="I come.")
    desk.pass_on("k1", "sue", "ada", whoever=True)
    assert report(record, "1", text="I come.")  # sent again: it did reach the caller
    assert notes(record, "anna") == []
    assert report(record, "2", text="Shall I?")
    assert report(record, "2", text="Shall I?")
    assert report(record, "3", hand_back=True)
    assert words(record, "anna") == ["I come."]
    assert notes(record, "anna") == [f"{NOT_DELIVERED}ada has taken this conversation"]
    assert desk.find("k1").taken_by == "ada"


def test_nothing_by_itself_takes_a_conversation_from_somebody(engine: Engine) -> None:
    now = 10_000.0
    record, desk = Record(engine, clock=lambda: now), DeskRecord(engine, clock=lambda: now)
    for key in ("dead", "late", "free"):
        hand_over(engine, key, key, created=now - 5000)
    with engine.begin() as connection:
        connection.execute(update(handoffs).where(handoffs.c.key == "dead").values(state=DEAD))
    desk.take("dead", "ada")
    desk.take("late", "ada")
    assert [one.key for one in record.unattended(600)] == ["free"]
    now += 700
    assert [one.key for one in record.unattended(600)] == ["dead", "free", "late"]


def test_the_handoff_verb_names_who_has_it(engine: Engine, desk: DeskRecord) -> None:
    hand_over(engine, "k1", "anna")
    desk.take("k1", "ada")
    assert json.loads(json.dumps(Outbox(engine).find("k1").to_dict()))["taken_by"] == "ada"
