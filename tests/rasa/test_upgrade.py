"""A bot that an earlier release trained, configured and ran goes on after an upgrade, without an edit.

Trained models and YAML files in the field name modules by the paths of the release that made them, and the databases
hold people's conversations. `keep_bot.py` made what is loaded here.
"""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from keep_bot import BOT, TOKEN, Receiver, handed_over, say, served, wait_for
from postgresql_server import programs

pytestmark = pytest.mark.rasa

HUMAN, WARNING = "X-Emotion-Human", "X-Emotion-Warning"
STORES = {"sqlite": "endpoints.yml", "postgresql": "endpoints-postgresql.yml"}


class Upgraded:
    """The bot that was kept aside, served by this build."""

    def __init__(self, folder: Path, server: str, callbacks: Receiver, helpdesk: Receiver) -> None:
        self.folder, self.server, self.callbacks, self.helpdesk = folder, server, callbacks, helpdesk

    def texts(self, sender: str, text: str) -> list[str]:
        return [said["text"] for said in say(self.server, sender, text).json()]

    def tracker(self, sender: str) -> dict:
        return requests.get(f"{self.server}/conversations/{sender}/tracker", timeout=60).json()

    def speak(self, sender: str, sound: bytes) -> requests.Response:
        url = f"{self.server}/webhooks/emotion/webhook"
        files = {"audio": ("voice.wav", sound)}
        body = {"sender": sender, "message": "hello"}
        return requests.post(url, data=body, files=files, headers=TOKEN, timeout=120)


@pytest.fixture(scope="module", params=list(STORES))
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("upgrade") / "bot"
    shutil.copytree(BOT, folder)
    callbacks, helpdesk = Receiver(), Receiver()
    variables = {"CALLBACK_URL": callbacks.url, "HELPDESK_URL": helpdesk.url}
    if request.param == "postgresql":
        url = f"{request.getfixturevalue('postgresql_server')}/postgres"
        restore = [str(programs() / "psql"), "--quiet", "-v", "ON_ERROR_STOP=1", url]
        sql = gzip.decompress((folder / "postgresql.sql.gz").read_bytes())
        subprocess.run(restore, input=sql, check=True, stdout=subprocess.DEVNULL)
        (folder / "tracker.db").unlink()
        variables["DB_URL"] = url
    with served(folder, STORES[request.param], **variables) as server:
        yield Upgraded(folder, server, callbacks, helpdesk)
    for receiver in (callbacks, helpdesk):
        receiver.server.shutdown()


def test_conversations_with_people_and_the_bot_go_on(upgraded: Upgraded) -> None:
    # In the middle of a form.
    assert upgraded.texts("erin", "line 5") == ["What is wrong with line 5?"]
    # With a human, whose answer was not fetched yet.
    answer = say(upgraded.server, "alice", "still there?")
    assert (answer.json(), answer.headers[HUMAN]) == ([], "true")
    query = {"sender": "alice", "token": "open sesame"}
    fetched = requests.get(f"{upgraded.server}/webhooks/emotion/messages", params=query, timeout=60)
    assert [said["text"] for said in fetched.json()] == ["I am Ann."]
    wait_for(lambda: "still there?" in str(upgraded.helpdesk.bodies), "the human hears it")
    # Back from a human, and what they left is known.
    say(upgraded.server, "bob", "hello", "callback")
    wait_for(lambda: upgraded.callbacks.bodies, "the bot answers")
    assert upgraded.callbacks.bodies[-1]["recipient_id"] == "bob"
    assert upgraded.tracker("bob")["slots"]["handoff_outcome"] == "all paid"


def test_a_promised_human_is_told_and_a_new_one_can_be_had(upgraded: Upgraded) -> None:
    wait_for(lambda: "frank" in handed_over(upgraded.helpdesk), "the packet that waited")
    assert say(upgraded.server, "gina", "a human please").headers[HUMAN] == "true"
    wait_for(lambda: "gina" in handed_over(upgraded.helpdesk), "a new packet")
    assert [body["packet"]["sender"] for body in upgraded.helpdesk.bodies if body["type"] == "handoff"].count(
        "frank"
    ) == 1


def test_choices_hold(upgraded: Upgraded, voice) -> None:
    assert "not to be analysed" in upgraded.speak("carol", voice(400)).headers[WARNING]
    assert WARNING not in upgraded.speak("dave", voice(400)).headers
    assert upgraded.tracker("carol")["slots"]["emotion"] == "unknown"
    assert upgraded.tracker("dave")["slots"]["emotion_confidence"] > 0


def test_nothing_fails(upgraded: Upgraded) -> None:
    upgraded.texts("henry", "hello")
    log = (upgraded.folder / "server.log").read_text()
    assert [line for line in log.splitlines() if "ERROR" in line or "Traceback" in line] == []
