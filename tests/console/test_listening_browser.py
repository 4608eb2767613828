"""Listening to a call in progress, in a real Chromium, while a recorder writes it."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from console_kit import PATIENCE_MS, listening, serious
from test_live_page import EVENTS, store, user

from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.pages import PAGES
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints, RecordOptions
from rasa_emotion.privacy.recordings import new_recording, recordings_of
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format

FRAME_SECS = 0.02


class Call:
    """A call that is recorded in real time, until the caller says no or it ends."""

    def __init__(self, folder: Path) -> None:
        self._recorder = Recorder(new_recording(folder, "anna"), Format())
        self._ended, self._allowed = threading.Event(), True
        self.level = 1.0
        self._thread = threading.Thread(target=self._go)
        self._thread.start()

    def _go(self) -> None:
        begun, frames = time.monotonic(), 0
        samples = np.sin(np.arange(320, dtype=np.float32) * np.float32(0.1))
        while not self._ended.wait(max(0.0, begun + frames * FRAME_SECS - time.monotonic())):
            self._recorder.caller(self.level * samples)
            frames += 1
        if not self._allowed:
            self._recorder.discard()
        self._recorder.close()

    def end(self, *, allowed: bool = True) -> None:
        self._allowed = allowed
        self._ended.set()
        self._thread.join()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    engine = open_database(f"sqlite:///{tmp_path}/bot.db")
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(EVENTS)
    options = RecordOptions("We record.", tmp_path / "recordings")
    yield Console(engine, Endpoints(database=str(engine.url), record=options), PAGES)
    engine.dispose()


def until(page, expression: str) -> None:
    # Not `wait_for_function`, whose eval the pages' Content-Security-Policy forbids, as it should.
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, page.inner_text("main")
        page.wait_for_timeout(50)


LEVEL = "(document.querySelector('#recordings meter')?.value ?? 0)"
SAID = "document.querySelector('#heard').textContent"


def test_a_call_is_heard_as_it_goes_on_until_the_caller_says_no(console: Console, browser, tmp_path: Path) -> None:
    bot = console.engine.execution_options(isolation_level="AUTOCOMMIT")
    store(bot, "anna", user("Hello.", angry=0.9))
    call = None
    try:
        with listening(console) as address:
            page = browser.new_context().new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{address}/live/conversation?sender=anna")
            assert "Nothing of this caller is recorded" in page.inner_text("#recordings")
            call = Call(tmp_path / "recordings")  # begun after the page was opened
            button = page.get_by_role("button", name="Listen to the call in progress")
            button.wait_for()
            assert serious(page) == []
            button.click()
            until(page, f"{LEVEL} > 0.5")
            call.level = 0.1  # what is heard follows the call
            until(page, f"{LEVEL} > 0.05 && {LEVEL} < 0.2")
            assert button.get_attribute("aria-pressed") == "true"
            store(bot, "anna", user("Is anybody there?", angry=0.9))  # while somebody listens, the page goes on
            until(page, "document.querySelector('#words').textContent.includes('Is anybody there?')")
            assert button.get_attribute("aria-pressed") == "true"
            assert page.locator("#course tbody tr").count() == 2
            button.click()  # enough
            assert button.get_attribute("aria-pressed") == "false"
            button.click()
            until(page, f"{LEVEL} > 0.05")
            consents_of(console).set("anna", False)
            until(page, f"{SAID}.includes('does not allow it')")
            button.wait_for(state="detached")
            assert "has not allowed the analysis" in page.inner_text("#course")
            call.end(allowed=False)
            assert recordings_of(tmp_path / "recordings", "anna") == []
            page.context.close()
    finally:
        if call:
            call.end()


def test_a_lost_connection_is_told_and_the_call_goes_on(console: Console, browser, tmp_path: Path) -> None:
    store(console.engine.execution_options(isolation_level="AUTOCOMMIT"), "anna", user("Hello.", angry=0.9))
    call = Call(tmp_path / "recordings")
    try:
        with listening(console) as address:
            page = browser.new_context().new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{address}/live/conversation?sender=anna")
            page.get_by_role("button", name="Listen to the call in progress").click()
            until(page, f"{LEVEL} > 0.5")
        until(page, f"{SAID}.includes('connection is lost')")  # the console has ended
        port = int(address.rpartition(":")[2])
        console.ended.clear()
        with listening(console, port=port):
            until(page, f"{SAID}.startsWith('Live:') && {LEVEL} > 0.5")
            call.end()
            until(page, f"{SAID} === 'The call has ended.'")
            page.get_by_role("button", name="Listen to the call in progress").wait_for(state="detached")
            assert page.locator("#recordings audio").count() == 1
            page.context.close()
    finally:
        call.end()
