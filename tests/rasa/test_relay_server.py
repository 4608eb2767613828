"""The whole loop over real servers, sockets and processes: bot, caller, human, restarts, hand-back."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from rasa_emotion.database import open_database
from rasa_emotion.handoff.helpdesks.webhook import SIGNATURE, TIMESTAMP
from rasa_emotion.handoff.record import Record
from rasa_emotion.handoff.signing import signature

pytestmark = pytest.mark.rasa

HERE = Path(__file__).resolve().parent
HANDOFF = ["I am getting a colleague."]
HUMAN = "X-Emotion-Human"

CREDENTIALS = """
rasa_emotion.RelayInput:
  channel: rasa_emotion.EmotionRestInput
  token: open sesame
rasa_emotion.bot.channels.relay.RelayInput:
  channel: callback
  options: {{url: "{url}"}}
  resume_action: utter_back
"""
DATABASE = """
rasa_emotion:
  database: sqlite:///tracker.db
"""
OWN_STORE = """
nlg:
  type: rasa_emotion.EmotionResponses
tracker_store:
  type: rasa_emotion.EmotionTrackerStore
  dialect: sqlite
  db: tracker.db
rasa_emotion:
  helpdesk: {{type: webhook, url: "{url}", secret: "{secret}"}}
"""
SECRET = "a secret for the tests"
EDITS = [
    ("config.yml", "    exempt_intents: [goodbye]\n", "    handoff_intents: [ask_human]\n"),
    ("data/nlu.yml", "\nnlu:\n", "\nnlu:\n  - intent: ask_human\n    examples: |\n      - human\n"),
    ("domain.yml", "intents:\n", "intents:\n  - ask_human\n"),
    ("domain.yml", "slots:\n", "slots:\n  handoff_outcome: {type: text, mappings: [{type: custom}]}\n"),
    ("domain.yml", "responses:\n", 'responses:\n  utter_back:\n    - text: "I know: {handoff_outcome}."\n'),
]


def wait_until(come: Callable[[], object]) -> None:
    until = time.monotonic() + 120
    while not come() and time.monotonic() < until:
        time.sleep(0.1)


class Callbacks:
    """A server that things are posted to: the client of the callback channel, and a helpdesk."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        self.refusals = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused, outer.refusals = outer.refusals > 0, max(0, outer.refusals - 1)
                if not refused:
                    outer.bodies.append(json.loads(body))
                self.send_response(500 if refused else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of_type(self, kind: str | None) -> list[dict]:
        return [body for body in self.bodies if body.get("type") == kind]

    def wait_for(self, texts: list[str]) -> None:
        wait_until(lambda: [body["text"] for body in self.of_type(None)] == texts)
        assert [body["text"] for body in self.of_type(None)] == texts


@pytest.fixture(scope="module")
def callbacks():
    made = Callbacks()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def relay_bot(train, tmp_path_factory, callbacks):
    """The folder of the trained bot, with relays around two channels."""
    folder = tmp_path_factory.mktemp("relay") / "bot"
    shutil.copytree(HERE / "bot", folder)
    for name, old, new in EDITS:
        text = (folder / name).read_text()
        assert old in text, old
        (folder / name).write_text(text.replace(old, new, 1))
    (folder / "credentials.yml").write_text(CREDENTIALS.format(url=callbacks.url))
    (folder / "endpoints.yml").write_text((folder / "endpoints.yml").read_text() + DATABASE)
    train(folder)
    return folder


class Person:
    """Somebody at the desk, beside the server: with the command where that is what is tested, else with the record."""

    def __init__(self, bot):
        self.bot = bot
        self.record = Record(open_database(f"sqlite:///{bot}/tracker.db"))

    def desk(self, *arguments, typed=None):
        command = [sys.executable, "-m", "rasa_emotion.cli", "desk", *arguments]
        return subprocess.run(command, cwd=self.bot, input=typed, stdout=subprocess.PIPE, text=True, check=True).stdout

    def say(self, sender, text):
        self.record.to_caller(self.record.holder(sender).key, text, uuid4().hex)

    def back(self, sender, outcome):
        self.record.close(self.record.holder(sender).key, outcome)

    def heard(self, sender):
        return [said.text for said in self.record.messages_after(sender, direction="to_human")]


class Relayed:
    """A caller over one of the channels."""

    def __init__(self, server, sender, channel="emotion"):
        self.server, self.sender, self.channel = server, sender, channel

    def post(self, text):
        body, headers = {"sender": self.sender, "message": text}, {"token": "open sesame"}
        return requests.post(f"{self.server}/webhooks/{self.channel}/webhook", json=body, headers=headers, timeout=60)

    def say(self, text, *, human):
        answer = self.post(text)
        assert answer.headers[HUMAN] == str(human).lower()
        return [said["text"] for said in answer.json()] if self.channel == "emotion" else answer.text

    def fetch(self, after=0, wait=0, token="open sesame"):
        query = {"sender": self.sender, "after": after, "wait": wait, "token": token}
        return requests.get(f"{self.server}/webhooks/{self.channel}/messages", params=query, timeout=90)

    def tracker(self):
        query = {"include_events": "ALL"}
        return requests.get(f"{self.server}/conversations/{self.sender}/tracker", params=query, timeout=60).json()

    def said_to_the_bot(self):
        return [event["text"] for event in self.tracker()["events"] if event["event"] == "user"]


def age_session(bot):
    """Make every caller's last words two hours old, so that Rasa begins a new session with their next ones."""
    with sqlite3.connect(bot / "tracker.db") as database:
        for number, data in database.execute("SELECT id, data FROM events WHERE type_name = 'user'").fetchall():
            event = {**json.loads(data), "timestamp": time.time() - 7200}
            database.execute("UPDATE events SET data = ? WHERE id = ?", (json.dumps(event), number))


@pytest.fixture(scope="module")
def handed_over(relay_bot, serve, callbacks):
    """Alice and Bob are handed over and talk to humans: Alice's key, and the last message that she has."""
    with serve(relay_bot) as server:
        return converse(server, Person(relay_bot), callbacks)


def converse(server, person, callbacks):
    alice, bob = Relayed(server, "alice"), Relayed(server, "bob", "callback")
    # A form is open when the bot hands over.
    assert alice.say("it is broken", human=False) == ["Which line?"]
    assert alice.say("line 5, and a human please", human=True) == HANDOFF
    assert bob.say("a human please", human=True) == "success"
    callbacks.wait_for(HANDOFF)
    # From the very next message on, the bot hears nothing.
    assert alice.say("where are you?", human=True) == []
    assert alice.say("/restart", human=True) == []
    assert alice.said_to_the_bot() == ["it is broken", "line 5, and a human please"]
    bob.say("well?", human=True)

    waiting = {row["sender"]: row for row in json.loads(person.desk("--json"))}
    assert set(waiting) == {"alice", "bob"}
    assert waiting["alice"]["channel"] == "emotion"
    assert waiting["alice"]["packet"]["form"]["name"] == "fault_form"
    assert [said["text"] for said in waiting["alice"]["messages"]] == ["where are you?", "/restart"]
    person.say("alice", "I am Ann.")
    (first,) = alice.fetch(wait=30).json()
    assert (first["text"], first["recipient_id"]) == ("I am Ann.", "alice")
    # What the other side refuses comes later, and before what was said after it.
    callbacks.refusals = 2
    for text in ("I am Ben.", "How can I help?"):
        person.say("bob", text)
    callbacks.wait_for([*HANDOFF, "I am Ben.", "How can I help?"])
    person.say("alice", "Still there?")
    (second,) = alice.fetch(after=first["id"]).json()
    return waiting["alice"]["key"], second["id"]


@pytest.fixture(scope="module")
def restarted(relay_bot, serve, handed_over, callbacks):
    """The server after a restart in which Rasa's sessions expired, with another tracker store and helpdesk."""
    age_session(relay_bot)
    # Words that are said while no server runs wait for the next one.
    Person(relay_bot).say("bob", "One moment.")
    (relay_bot / "endpoints.yml").write_text(OWN_STORE.format(url=callbacks.url, secret=SECRET))
    with serve(relay_bot) as server:
        yield server


def test_the_humans_still_have_the_conversations_and_give_them_back(restarted, handed_over, relay_bot, callbacks):
    server, (key, last), person = restarted, handed_over, Person(relay_bot)
    alice, bob = Relayed(server, "alice"), Relayed(server, "bob", "callback")
    callbacks.wait_for([*HANDOFF, "I am Ben.", "How can I help?", "One moment."])
    assert [said["text"] for said in alice.fetch().json()] == ["I am Ann.", "Still there?"]
    assert alice.fetch(after=last).json() == []
    # Rasa's session has expired, and with it the pause; the human still has the conversation.
    assert alice.say("hello", human=True) == []
    assert alice.fetch(after=last).headers[HUMAN] == "true"
    assert person.heard("alice") == ["where are you?", "/restart", "hello"]
    shown = person.desk(typed="1\nGoodbye.\n/back the line is repaired\n/quit\n")
    assert "where are you?" in shown
    assert [said["text"] for said in alice.fetch(after=last).json()] == ["Goodbye."]
    assert alice.say("hello", human=False) == ["Hello on the line."]
    tracker = alice.tracker()
    assert tracker["slots"]["handoff_outcome"] == "the line is repaired"
    assert tracker["slots"]["escalated"] is False
    assert tracker["active_loop"] == {}
    assert tracker["paused"] is False
    assert alice.said_to_the_bot() == ["it is broken", "line 5, and a human please", "hello"]
    # The form is closed, and has not heard the words with which the human was asked for.
    assert alice.say("it is broken", human=False) == ["Which line?"]

    # A channel that can push says at once that the bot is back, after the human's last words.
    person.say("bob", "Bye.")
    person.back("bob", "all paid")
    expected = [*HANDOFF, "I am Ben.", "How can I help?", "One moment.", "Bye.", "I know: all paid."]
    callbacks.wait_for(expected)
    bob.say("hello", human=False)
    callbacks.wait_for([*expected, "Hello."])
    assert bob.said_to_the_bot() == ["a human please", "hello"]
    # It may happen again, and is another handover.
    assert alice.say("a human please", human=True) == HANDOFF
    assert person.record.holder("alice").key != key


def test_a_helpdesk_over_http(restarted, callbacks):
    carol = Relayed(restarted, "carol")
    # The tracker store writes the handover itself here: the next message is relayed just the same.
    assert carol.say("a human please", human=True) == HANDOFF
    assert carol.say("are you there?", human=True) == []
    assert carol.said_to_the_bot() == ["a human please"]
    wait_until(lambda: "are you there?" in str(callbacks.of_type("message")))
    (packet,) = [body["packet"] for body in callbacks.of_type("handoff") if body["packet"]["sender"] == "carol"]
    (message,) = [body["message"] for body in callbacks.of_type("message") if body["ticket"] == packet["key"]]
    assert message["text"] == "are you there?"

    said = {"ticket": packet["key"], "id": "1", "text": "hi"}
    assert report(restarted, said, secret="another secret of 16") == 401
    assert report(restarted, {**said, "text": 5}) == 400
    assert report(restarted, {**said, "id": "0", "text": "", "undelivered": "the file a.pdf"}) == 200
    wait_until(lambda: "not delivered: the file a.pdf" in str(callbacks.of_type("message")))
    # 503 as long as another packet is on its way, whose ticket this could be.
    wait_until(lambda: report(restarted, {**said, "ticket": "unknown"}) == 404)
    assert report(restarted, {**said, "ticket": "unknown"}) == 404
    for _ in range(2):
        assert report(restarted, said) == 200
    assert [said["text"] for said in carol.fetch().json()] == ["hi"]
    assert report(restarted, {**said, "id": "2", "text": "bye", "hand_back": True, "outcome": "solved"}) == 200
    assert [said["text"] for said in carol.fetch().json()] == ["hi", "bye"]
    assert carol.say("hello", human=False) == ["Hello on the line."]
    assert carol.tracker()["slots"]["handoff_outcome"] == "solved"


def test_callers_who_ask_wrongly(restarted):
    dave = Relayed(restarted, "dave")
    for token in ("", "wrong"):
        assert dave.fetch(token=token).status_code == 401
    for query in ({"after": "x"}, {"wait": "soon"}, {"wait": 1000}, {"sender": ""}):
        everything = {"sender": "dave", "token": "open sesame", **query}
        answer = requests.get(f"{restarted}/webhooks/emotion/messages", params=everything, timeout=60)
        assert answer.status_code == 400
        assert answer.json()["message"].endswith(".")


def test_a_page_of_another_origin_may_read_who_has_the_conversation(restarted):
    answer = Relayed(restarted, "eve").post("hello")
    assert answer.headers["Access-Control-Expose-Headers"] == HUMAN


def report(server, content, secret=SECRET):
    """What a helpdesk's signed request is answered with."""
    body, now = json.dumps(content).encode(), str(int(time.time()))
    headers = {TIMESTAMP: now, SIGNATURE: signature(secret, now, body)}
    return requests.post(f"{server}/webhooks/emotion/helpdesk", data=body, headers=headers, timeout=60).status_code


def test_a_database_that_is_locked_stops_neither_the_server_nor_a_handover(restarted, relay_bot):
    frank, person = Relayed(restarted, "frank"), Person(relay_bot)
    with closing(sqlite3.connect(relay_bot / "tracker.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = []
        turn = threading.Thread(target=lambda: answers.append(frank.say("a human please", human=True)))
        turn.start()
        healthy = 0
        while turn.is_alive():
            healthy += requests.get(restarted, timeout=60).ok
            time.sleep(0.01)
        assert answers == [HANDOFF]
        assert healthy > 5, "others are answered while the turn waits for the database"
        assert frank.say("are you there?", human=True) == []
        assert person.record.holder("frank") is None
        other.execute("ROLLBACK")
    wait_until(lambda: person.record.holder("frank") and person.heard("frank"))
    assert person.heard("frank") == ["are you there?"]
    person.back("frank", "done")
    wait_until(lambda: frank.post("hello").headers[HUMAN] == "false")
