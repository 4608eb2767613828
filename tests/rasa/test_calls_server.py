"""Live calls to a real Rasa server: over the WebSocket, and from the softphone in a real browser."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
import requests
import soundfile
import websockets
from voice_kit import JsonAudioClient, line_of, needs_espeak, speech

pytestmark = [pytest.mark.rasa, needs_espeak]

GREETING, COMPLAINT = "hello there", "hello, I am furious, nobody calls me back"
HANDOFF = "I am getting a colleague."


@pytest.fixture(scope="module")
def calls_server(bot, serve, tmp_path_factory):
    """A server whose voice channel knows what is said, and listens for Asterisk too."""
    folder = tmp_path_factory.mktemp("calls") / "bot"
    shutil.copytree(bot, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    recogniser = {"name": "voice_kit.ScriptedRecogniser", "lines": [GREETING, COMPLAINT]}
    voice = {"recogniser": recogniser, "silence_secs": None, "audiosocket": {"port": port}}
    (folder / "credentials.yml").write_text(json.dumps({"rasa_emotion.VoiceInput": voice}))
    with serve(folder, "serve_calls.py") as address:
        yield address, port


def tracker(address: str, sender: str) -> dict:
    return requests.get(f"{address}/conversations/{sender}/tracker?include_events=ALL", timeout=60).json()


async def test_a_whole_call(calls_server):
    address, _ = calls_server
    url = f"{address.replace('http', 'ws')}/webhooks/voice/websocket?events=1"
    async with websockets.connect(url, extra_headers={"X-Rasa-Sender": "ada"}) as ws:
        client = JsonAudioClient(ws)
        await client.say(line_of(0.3, speech(GREETING, level=0.2), 1.2))
        await client.until(lambda c: c.told("state"))
        await client.say(line_of(speech(COMPLAINT), 1.2))
        await client.until(lambda c: len(c.told("state")) == 2)
        await client.until(lambda c: len(c.marks) == 2)
    said = [event["text"] for event in client.told("bot")]
    assert said == ["Hello.", HANDOFF]
    calm, angry = client.told("turn")
    assert (calm["emotion"], angry["emotion"]) == ("neutral", "angry")
    assert client.told("state")[1]["escalated"] is True
    assert client.told("state")[1]["emotion"] == "angry"
    events = tracker(address, "ada")["events"]
    users = [event for event in events if event["event"] == "user"]
    assert [event["text"] for event in users] == [GREETING, COMPLAINT]
    assert {event["input_channel"] for event in users} == {"voice"}
    (handed,) = [event for event in events if event["event"] == "bot" and event["text"] == HANDOFF]
    assert handed["metadata"]["prosody"]["rate"] < 0  # the tone for somebody angry


PATIENCE_MS = 180_000
"""A busy machine must not fail a test."""


def opened(browser, address, **context):
    """The page, with what it asked for and what went wrong on it."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/webhooks/voice/softphone")
    return page


def test_from_a_click_to_a_spoken_answer_to_escalation(calls_server, browser, tmp_path):
    address, _ = calls_server
    wav = tmp_path / "caller.wav"
    soundfile.write(wav, line_of(1.0, speech(GREETING, level=0.2), 6.0, speech(COMPLAINT), 30.0), 16_000)
    page = opened(browser(wav), address, permissions=["microphone"], viewport={"width": 1000, "height": 700})
    page.get_by_role("button", name="Call").click()
    page.get_by_role("button", name="Hang up").wait_for()
    page.locator("#log").get_by_text("Hello.", exact=False).wait_for()
    page.locator("#status", has_text="The bot listens.").wait_for()  # so its voice was played to the end
    page.locator("#log").get_by_text(HANDOFF).wait_for()
    page.locator("#escalated", has_text="takes over").wait_for()
    assert int(page.locator("#chart").get_attribute("data-points")) > 0
    assert "angry" in page.locator("#chart").get_attribute("aria-label")
    assert [line.partition(" (")[0] for line in page.locator("#log li").all_inner_texts()] == [
        f"You: {GREETING}",
        "Bot: Hello.",
        f"You: {COMPLAINT}",
        f"Bot: {HANDOFF}",
    ]
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / "softphone.png"), full_page=True)
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("button", name="Call").wait_for()
    assert page.errors == []
    own = (address, address.replace("http", "ws"), "data:,")
    assert [url for url in page.asked if not url.startswith(own)] == []


def test_a_refused_microphone_is_told_in_a_sentence_and_typing_goes_on(calls_server, browser):
    address, _ = calls_server
    page = opened(browser(), address)  # nobody gives it leave
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "call"
    page.keyboard.press("Enter")
    page.locator("#notice", has_text="The microphone was refused.").wait_for()
    page.wait_for_function("document.activeElement.id == 'words'")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    page.locator("#log").get_by_text("Bot: Hello.").wait_for()
    page.get_by_role("button", name="star").focus()
    page.keyboard.press("Enter")
    page.locator("#log").get_by_text("pressed *").wait_for()
    assert page.errors == []


def test_a_page_that_is_not_on_https_says_why_there_is_no_microphone(calls_server, browser):
    address, _ = calls_server
    elsewhere = address.replace("127.0.0.1", "phone.test")
    page = opened(browser(None, "--host-resolver-rules=MAP phone.test 127.0.0.1"), elsewhere)
    page.locator("#notice", has_text="only to pages over https or from localhost").wait_for()
    page.get_by_role("button", name="Call").click()
    page.get_by_role("button", name="Hang up").wait_for()
    page.locator("#notice", has_text="only to pages over https or from localhost").wait_for()


def test_two_tabs_are_two_calls(calls_server, browser):
    address, _ = calls_server
    one = browser()
    pages = [opened(one, address) for _ in range(2)]
    for page in pages:
        page.get_by_role("button", name="Call").click()
        page.locator("#notice", has_text="refused").wait_for()
    for page in pages:
        page.get_by_label("Type instead of speaking").fill("hello")
        page.get_by_role("button", name="Send").click()
    for page in pages:
        page.locator("#log").get_by_text("Bot: Hello.").wait_for()
        assert page.locator("#log li").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_telephone_and_has_a_name_for_everything(calls_server, browser, scheme):
    address, _ = calls_server
    page = opened(browser(), address, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, meter, canvas")].filter((element) =>
            !(element.ariaLabel || element.textContent.trim() || (element.labels && element.labels.length)))
            .map((element) => element.id)"""
    )
    assert nameless == []
    small = page.evaluate(
        """[...document.querySelectorAll("button")]
            .filter((button) => button.offsetParent && button.offsetHeight < 44).map((b) => b.id)"""
    )
    assert small == []
