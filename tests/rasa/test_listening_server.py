"""A supervisor listens to a live call: a caller at the softphone, a real bot that records, a console beside it."""

import json
import shutil

import pytest
import soundfile
from test_console_pages import Person, console
from voice_kit import line_of, needs_espeak, speech

from rasa_emotion.console.users import add_user
from rasa_emotion.turn.roles import Role

pytestmark = [pytest.mark.rasa, needs_espeak]

GREETING, COMPLAINT = "hello there", "hello, I am furious, nobody calls me back"
LEVEL = "(document.querySelector('#recordings meter')?.value ?? 0)"


@pytest.fixture
def recording_bot(bot, tmp_path):
    """The folder of a bot that records calls."""
    folder = tmp_path / "bot"
    shutil.copytree(bot, folder)
    recogniser = {"name": "voice_kit.ScriptedRecogniser", "lines": [GREETING, COMPLAINT]}
    (folder / "credentials.yml").write_text(json.dumps({"rasa_emotion.VoiceInput": {"recogniser": recogniser}}))
    endpoints = {
        "nlg": {"type": "rasa_emotion.EmotionResponses"},
        "tracker_store": {"type": "rasa_emotion.EmotionTrackerStore", "dialect": "sqlite", "db": "tracker.db"},
        "rasa_emotion": {"record": {"announcement": "We record.", "folder": "recordings"}},
    }
    (folder / "endpoints.yml").write_text(json.dumps(endpoints))
    add_user(folder / "users.txt", "sue", Role.SUPERVISOR, "correct horse battery")
    return folder


def test_a_supervisor_hears_a_call_while_it_goes_on(recording_bot, serve, browser, tmp_path):
    wav = tmp_path / "caller.wav"
    # The microphone plays it again and again: greetings, then a complaint, then nothing for a while.
    soundfile.write(wav, line_of(1.0, speech(GREETING, level=0.2), 6.0, speech(COMPLAINT), 5.0), 16_000)
    with serve(recording_bot, "serve_calls.py") as address, console(recording_bot) as pages:
        chrome = browser(None, f"--use-file-for-fake-audio-capture={wav}")
        caller = chrome.new_context(permissions=["microphone"]).new_page()
        caller.goto(f"{address}/webhooks/voice/softphone")
        caller.get_by_role("button", name="Call").click()
        caller.locator("#log").get_by_text("Hello.", exact=False).wait_for(timeout=180_000)
        sue = Person(chrome, pages, "sue")
        sue.page.locator("#list h2 a").click()
        button = sue.page.get_by_role("button", name="Listen to the call in progress")
        button.click()
        sue.until(f"{LEVEL} > 0.02")
        sue.until("document.querySelector('#heard').textContent.startsWith('Live:')")
        sue.is_accessible("listening", height=900)
        sue.until("document.querySelector('#words').textContent.includes('I am furious')")  # without a reload
        sue.until("document.querySelector('#course').textContent.includes('angry')")
        sue.until("document.querySelector('#course').textContent.includes('Waits for a person')")
        assert button.get_attribute("aria-pressed") == "true"
        assert float(button.get_attribute("data-heard")) > 1
        caller.get_by_role("button", name="Hang up").click()
        sue.until("document.querySelector('#heard').textContent === 'The call has ended.'")
        button.wait_for(state="detached")
        assert sue.page.locator("#recordings audio").count() == 1
        recorded = sue.page.evaluate("document.querySelector('#recordings audio').src")
        assert sue.page.request.get(recorded).body()[:4] == b"RIFF"
        assert sue.errors == []
