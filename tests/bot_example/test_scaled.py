"""The example bot in two Rasa processes: one balancer, one database, one lock store, one emotion service.

Everything is real and started by the example's own script: nginx, PostgreSQL, Redis, the service and both processes.
"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import requests
from needed import needs

from rasa_emotion.database import open_database
from rasa_emotion.handoff.record import Record
from rasa_emotion.handoff.tables import TO_HUMAN
from rasa_emotion.plain_yaml import read_plain_yaml

SCALED = Path(__file__).resolve().parents[2] / "bot_example" / "scaled"
WEBHOOK, MESSAGES = "/webhooks/emotion/webhook", "/webhooks/emotion/messages"
HUMAN = "X-Emotion-Human"


def test_the_files_agree_on_names_and_variables() -> None:
    compose = read_plain_yaml((SCALED / "compose.yml").read_text(encoding="utf-8"))
    services = compose["services"]
    asked = {
        name
        for file in ("endpoints.yml", "credentials.yml")
        for name in re.findall(r"\$\{(\w+)\}", (SCALED / file).read_text(encoding="utf-8"))
    }
    for name in ("rasa-1", "rasa-2"):
        assert asked <= set(services[name]["environment"])
        assert f"server {name}:5005;" in (SCALED / "nginx.conf").read_text(encoding="utf-8")
    given = services["rasa-1"]["environment"]
    assert {given["POSTGRES_HOST"], given["REDIS_HOST"], "emotion"} <= set(services)
    assert given["EMOTION_URL"] in (SCALED / "Dockerfile").read_text(encoding="utf-8")
    assert [name for name, service in services.items() if "ports" in service] == ["balancer"]


class Scaled:
    """The running example, its two processes, and the desk's side of the record."""

    def __init__(self, found: dict) -> None:
        self.address, self.bots, self.service = found["address"], found["bots"], found["service"]
        place = f"{found['POSTGRES_HOST']}:{found['POSTGRES_PORT']}"
        self.record = Record(open_database(f"postgresql://bot@{place}/bot"))

    def say(self, sender: str, text: str, at: str | None = None) -> requests.Response:
        answer = requests.post(f"{at or self.address}{WEBHOOK}", json={"sender": sender, "message": text}, timeout=120)
        assert answer.ok, answer.text
        return answer

    def heard(self, sender: str, at: str) -> list[dict]:
        found = requests.get(f"{at}{MESSAGES}", params={"sender": sender, "after": 0, "wait": 10}, timeout=120)
        return found.json()

    def events(self, sender: str, at: str) -> list[dict]:
        path = f"{at}/conversations/{sender}/tracker"
        return requests.get(path, params={"include_events": "ALL"}, timeout=120).json()["events"]


@pytest.fixture(scope="module")
def scaled() -> Iterator[Scaled]:
    with TemporaryDirectory(prefix="scaled-") as place:  # PostgreSQL runs as another user, which pytest's keeps out
        yield from started(Path(place))


def started(folder: Path) -> Iterator[Scaled]:
    command = [sys.executable, str(SCALED / "start.py"), "--json", "--port", "0", "--folder", str(folder)]
    with (folder / "start.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    line = process.stdout.readline()
    try:
        assert line, (folder / "start.log").read_text()
        yield Scaled(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143


def caller() -> str:
    return f"caller-{uuid4().hex[:8]}"


pytestmark_running = [needs("nginx-light"), needs("postgresql"), needs("redis-server")]


def running(test):
    """The marks of a test that needs all programs and minutes."""
    for mark in (*pytestmark_running, pytest.mark.rasa, pytest.mark.nightly):
        test = mark(test)
    return test


@running
def test_a_conversation_keeps_its_order_through_the_balancer(scaled: Scaled) -> None:
    sender = caller()
    said = [f"hello number {number}" for number in range(8)]
    for text in said:
        scaled.say(sender, text)
    for bot in scaled.bots:
        events = scaled.events(sender, bot)
        assert [event["text"] for event in events if event["event"] == "user"] == said


@running
def test_messages_at_once_at_both_processes_are_turns_one_after_another(scaled: Scaled) -> None:
    sender = caller()
    said = [f"hello number {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: scaled.say(sender, one[1], scaled.bots[one[0] % 2]), enumerate(said)))
    events = [event for event in scaled.events(sender, scaled.bots[0]) if event["event"] in {"user", "action"}]
    heard = [event["text"] for event in events if event["event"] == "user"]
    assert sorted(heard) == said  # each once
    for before, event in pairwise(events):
        if event["event"] == "user":  # each turn was over before the next one began
            assert (before["event"], before["name"]) == ("action", "action_listen")


@running
def test_a_handoff_is_one_whichever_process_hears_of_it(scaled: Scaled) -> None:
    sender = caller()
    scaled.say(sender, "hello")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: scaled.say(sender, "I want to talk to a human", scaled.bots[n % 2]), range(6)))
    mine = [handover for handover in scaled.record.open_handovers() if handover.sender == sender]
    assert len(mine) == 1


@running
def test_the_relay_works_from_either_process(scaled: Scaled) -> None:
    first, second = scaled.bots
    sender = caller()
    scaled.say(sender, "I want to talk to a human", first)
    handover = scaled.record.holder(sender)
    assert handover is not None
    for bot in scaled.bots:
        answer = scaled.say(sender, f"are you there, {bot}?", bot)
        assert (answer.headers[HUMAN], answer.json()) == ("true", [])
    read = [said.text for said in scaled.record.messages_after(sender, 0, TO_HUMAN)]
    assert [text for text in read if text.startswith("are you")] == [
        f"are you there, {bot}?" for bot in (first, second)
    ]
    scaled.record.to_caller(handover.key, "I am here.", uuid4().hex)
    for at in (first, second, scaled.address):
        assert [message["text"] for message in scaled.heard(sender, at)][-1] == "I am here."
    scaled.record.close(handover.key, "done")
    answer = scaled.say(sender, "thank you", second)
    assert answer.headers[HUMAN] == "false"
    assert answer.json()


@running
def test_both_processes_ask_the_one_service(scaled: Scaled, speech) -> None:
    def answered() -> float:
        figures = requests.get(f"{scaled.service}/metrics", timeout=60).text
        counts = re.findall(r'^\w*requests_total\{[^}]*analyze[^}]*"200"[^}]*\} (\S+)$', figures, flags=re.MULTILINE)
        return sum(map(float, counts))

    recording = speech("I have been waiting for an hour.")
    for bot in scaled.bots:
        before, sender = answered(), caller()
        with recording.open("rb") as file:
            sent = {"sender": (None, sender), "message": (None, "I have been waiting"), "audio": ("call.wav", file)}
            assert requests.post(f"{bot}{WEBHOOK}", files=sent, timeout=120).ok
        assert answered() >= before + 2  # the voice by the channel, the words by the component
        (turn,) = (event for event in scaled.events(sender, bot) if event["event"] == "user")
        assert set(json.dumps(turn).split('"')) >= {"acoustic", "text"}


@running
def test_a_message_that_is_sent_again_is_heard_once(scaled: Scaled) -> None:
    for number in range(4):  # so that both processes get some
        sender, headers = caller(), {"Idempotency-Key": f"{uuid4()}"}
        body = {"sender": sender, "message": f"hello {number}"}
        answers = [requests.post(scaled.address + WEBHOOK, json=body, headers=headers, timeout=120) for _ in range(3)]
        assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
        assert len([event for event in scaled.events(sender, scaled.bots[0]) if event["event"] == "user"]) == 1


@running
def test_nothing_but_the_channel_passes_the_balancer(scaled: Scaled) -> None:
    for path in ("/", "/status", "/conversations/a/tracker", "/model/parse"):
        assert requests.get(scaled.address + path, timeout=60).status_code == 404
