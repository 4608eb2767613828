"""The console in a real browser, beside a real bot, on PostgreSQL: two processes, two agents, one caller."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from console_kit import PASSWORD
from test_relay_server import EDITS, HERE, Relayed

from rasa_emotion.console.users import add_user
from rasa_emotion.turn.roles import Role

pytestmark = pytest.mark.rasa

PATIENCE_MS = 120_000
"""A busy machine must not fail a test."""

CREDENTIALS = "rasa_emotion.RelayInput: {channel: rasa_emotion.EmotionRestInput, token: open sesame}\n"
HOSTILE = "<img src=x onerror=alert(1)> I am furious, a human please"


@pytest.fixture(scope="module")
def stored_bot(train, tmp_path_factory, postgresql_server):
    """The folder of a trained bot whose conversations and handovers are on PostgreSQL."""
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.engine import make_url  # noqa: PLC0415

    engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE console")
    engine.dispose()
    folder = tmp_path_factory.mktemp("console") / "bot"
    shutil.copytree(HERE / "bot", folder)
    for name, old, new in EDITS:
        text = (folder / name).read_text()
        assert old in text, old
        (folder / name).write_text(text.replace(old, new, 1))
    url = make_url(postgresql_server)
    store = {"type": "rasa_emotion.EmotionTrackerStore", "dialect": "postgresql", "url": url.host, "port": url.port}
    store |= {"db": "console", "username": url.username}
    endpoints = {"nlg": {"type": "rasa_emotion.EmotionResponses"}, "tracker_store": store}
    (folder / "endpoints.yml").write_text(json.dumps(endpoints))
    (folder / "credentials.yml").write_text(CREDENTIALS)
    train(folder)
    for name, role in (("ada", Role.AGENT), ("bob", Role.AGENT), ("sue", Role.SUPERVISOR)):
        add_user(folder / "users.txt", name, role, PASSWORD)
    return folder


@contextmanager
def console(folder: Path):
    """A console in a process of its own; its address."""
    command = [sys.executable, "-m", "rasa_emotion.cli", "console", "--port", "0", "--users", "users.txt"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if "console.started" in line:
                yield json.loads(line)["message"].rpartition(" ")[2].rstrip(".")
                break
        else:
            pytest.fail(f"the console did not start: {line}")
    finally:
        process.terminate()
        process.communicate()


class Person:
    """Somebody at a browser of their own, whose page must not fail."""

    def __init__(self, browser, address: str, name: str, **context):
        self.page = browser.new_context(**context).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.goto(f"{address}/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "sign-in" not in url)

    def is_accessible(self, where: str, *, height: int = 720) -> None:
        """No serious violation, in light and in dark, and no page wider than a phone; pictures of that height."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 -- where there is a browser

        axe = Axe()
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            found = axe.run(self.page).response["violations"]
            serious = [
                (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], f"{where}, {scheme}: {serious}"
            folder = os.environ.get("SCREENSHOTS")
            if folder:
                self.page.set_viewport_size({"width": 1280, "height": height})
                self.page.evaluate("scrollTo(0, 0)")
                self.page.screenshot(path=str(Path(folder) / f"console-{where}-{scheme}.png"))
        self.page.emulate_media(color_scheme="light")
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": 360, "height": 740})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 360, where
        self.page.set_viewport_size(size)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def until(self, expression: str) -> None:
        # Not `wait_for_function`, whose eval the pages' Content-Security-Policy forbids, as it should.
        end = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            self.page.wait_for_timeout(50)


def test_from_an_angry_caller_to_an_agent_and_back(stored_bot, serve, browser):
    with ExitStack() as stack:
        server = stack.enter_context(serve(stored_bot))
        first, second = (stack.enter_context(console(stored_bot)) for _ in range(2))
        chrome = browser()
        anna = Relayed(server, "anna")
        Relayed(server, "otto").say("hello", human=False)
        sue = Person(chrome, first, "sue")
        watch(sue, anna)
        ada, bob = Person(chrome, first, "ada"), Person(chrome, second, "bob")
        winner, loser = race(ada, bob)
        chat(winner, anna)
        attend(winner)
        anna.say("hello", human=False)
        loser.until("document.querySelectorAll('#queue li').length === 0")
        look_at_a_recording(sue)
        repeat_the_day(stored_bot)
        look_back(sue)
        for person in (sue, ada, bob):
            assert person.errors == []


def watch(sue: Person, anna: Relayed) -> None:
    """What the caller says changes the supervisor's page by itself, and is never markup."""
    sue.until("document.querySelectorAll('#list > li').length === 1")
    anna.say("hello", human=False)
    sue.until("document.querySelectorAll('#list > li').length === 2")
    anna.say(HOSTILE, human=True)
    sue.until("document.querySelector('#list > li h2').textContent.startsWith('anna')")
    sue.until("document.querySelector('#list > li').textContent.includes('waits for a person')")
    assert HOSTILE in sue.text("#list > li >> nth=0")
    assert sue.page.locator("#list .mood-calm").count() == 1
    sue.page.get_by_label("needs a person").check()
    sue.until("document.querySelectorAll('#list > li').length === 1")
    sue.is_accessible("live")
    sue.page.get_by_role("link", name="anna").click()
    sue.page.wait_for_url("**/live/conversation*")
    assert HOSTILE in sue.text("main")
    sue.is_accessible("conversation")


def race(ada: Person, bob: Person) -> tuple[Person, Person]:
    """Both see the caller, both want her, one gets her: who has her, and who has not."""
    for agent in (ada, bob):
        agent.page.locator("#queue button").click()
        agent.page.get_by_role("button", name="Take").wait_for()
    for agent in (ada, bob):
        agent.page.evaluate("document.querySelector('#take').click()")
    for agent in (ada, bob):
        agent.until("document.querySelector('#take').hidden")
    has = [agent.page.locator("#say textarea").is_enabled() for agent in (ada, bob)]
    assert sorted(has) == [False, True]
    return (ada, bob) if has[0] else (bob, ada)


def chat(agent: Person, anna: Relayed) -> None:
    """The connection is lost in mid-chat: a message is shown as not sent, and sent once when it is there again."""
    anna.say("are you there?", human=True)
    agent.until("document.querySelector('#chat').textContent.includes('are you there?')")
    agent.page.context.set_offline(True)
    agent.page.get_by_label("Your words to the caller").fill("I am here.")
    agent.page.keyboard.press("Control+Enter")
    agent.until("document.querySelector('#chat').textContent.includes('not sent')")
    agent.page.context.set_offline(False)
    agent.page.get_by_role("button", name="Send again").click()
    (said,) = anna.fetch(wait=30).json()
    assert said["text"] == "I am here."
    agent.until("document.querySelectorAll('#chat .agent').length === 1")


def attend(agent: Person) -> None:
    """Say what the emotion was, write a note, give the conversation back."""
    agent.page.locator("#timeline select").last.select_option("sad")
    agent.until("document.querySelector('#state').textContent.startsWith('Kept')")
    agent.page.get_by_label("Note", exact=True).fill("She waits for a refund.")
    agent.page.get_by_role("button", name="Keep the note").click()
    agent.until("document.querySelector('#notes').textContent.includes('refund')")
    agent.is_accessible("desk")
    agent.page.get_by_label("Outcome, which the bot knows").fill("refunded")
    agent.page.get_by_role("button", name="Resolved").click()
    agent.until("document.querySelector('#state').textContent.includes('bot has the conversation')")


def look_at_a_recording(sue: Person) -> None:
    """The sample, over telephone lines."""
    sue.page.get_by_role("link", name="Workbench").click()
    sue.until("document.querySelector('#state')?.textContent.startsWith('Done')")
    sue.page.get_by_role("button", name="Try lines and noise").click()
    sue.page.locator("#tried").wait_for()
    sue.is_accessible("workbench", height=1500)


def repeat_the_day(bot: Path) -> None:
    """What the two said, as if ten callers more had said it on each of the days before."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    store = json.loads((bot / "endpoints.yml").read_text())["tracker_store"]
    engine = create_engine(f"postgresql://{store['username']}@{store['url']}:{store['port']}/{store['db']}")
    columns = "sender_id, type_name, timestamp, intent_name, action_name, data"
    values = ":sender_id, :type_name, :timestamp, :intent_name, :action_name, :data"
    with engine.begin() as connection:
        rows = [dict(row) for row in connection.execute(text(f"SELECT {columns} FROM events ORDER BY id")).mappings()]
        for caller in range(40):
            secs = 86_400 * (1 + caller % 4)
            sender = ("anna", "otto")[caller % 3 % 2]
            for row in (row for row in rows if row["sender_id"] == sender):
                at = row["timestamp"] - secs
                moved = {"timestamp": at, "data": json.dumps({**json.loads(row["data"]), "timestamp": at})}
                one = {**row, "sender_id": f"{sender} {caller}", **moved}
                connection.execute(text(f"INSERT INTO events ({columns}) VALUES ({values})"), one)
    engine.dispose()


def look_back(sue: Person) -> None:
    """Escalations by day, and what another threshold would change."""
    sue.page.get_by_role("link", name="Review").click()
    sue.page.locator("#by-day tbody tr").nth(3).wait_for()
    assert sue.page.locator("#day-charts figure").count() == 9
    assert sue.text("#judged") == "1 turn of 1 caller was judged at the desk."
    assert "fewer than 5 callers" in sue.text("#left-out")
    sue.page.get_by_label("Threshold of the rules on emotions").fill("0.9")
    sue.page.get_by_role("button", name="Try").click()
    sue.until("document.querySelector('#changed').textContent.includes('reach a human')")
    sue.is_accessible("review", height=1100)
