"""The channel of live calls in a Sanic server of its own, with a client at the other end of a real socket."""

import asyncio
import socket
import threading
from types import SimpleNamespace

import fake_analyzer
import pytest
import websockets
from sanic import Sanic
from voice_kit import JsonAudioClient, LoudnessAnalyzer, ScriptedRecogniser, line_of, needs_espeak, speech, start_server

from rasa_emotion.bot.channels.voice import VoiceInput
from rasa_emotion.turn.evidence import EVIDENCE_KEY

pytestmark = needs_espeak

LINES = ["I have been waiting for three days", "nobody calls me back"]


class Bot:
    """Repeats what it was told, and remembers it."""

    def __init__(self):
        self.messages = []
        self.domain = SimpleNamespace(intents=["voice_without_words"])
        self.tracker_store = SimpleNamespace(retrieve=self.retrieve)
        self.escalated = False

    async def retrieve(self, sender):
        slots = {"caller_mood": "tense", "escalated": self.escalated}
        return SimpleNamespace(events=[], current_slot_values=lambda: slots)

    async def __call__(self, message):
        self.messages.append(message)
        if message.text == "fail":
            raise RuntimeError("on purpose")
        await message.output_channel.send_text_message(message.sender_id, f"You said: {message.text}.")


@pytest.fixture(scope="module")
def served():
    """A bot and its channel's port. One server for all tests: Sanic can be started once in a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bot, app, loop = Bot(), Sanic("voice", configure_logging=False), asyncio.new_event_loop()
    app.ctx.agent = bot
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(fake_analyzer, "FakeAnalyzer", LoudnessAnalyzer)
        fake_analyzer.install(monkeypatch)
        options = {"recogniser": {"name": "voice_kit.ScriptedRecogniser", "lines": LINES}, "silence_secs": None}
        channel = VoiceInput.from_credentials(options)
        app.blueprint(channel.blueprint(bot), url_prefix="/webhooks/voice")

        loop.run_until_complete(start_server(app, port))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        yield bot, port, channel
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def bot(served, tmp_path, monkeypatch):
    """The bot, without memory of other tests."""
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db'}}")
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(endpoints))
    served[0].__init__()
    ScriptedRecogniser.made.clear()
    return served[0]


@pytest.fixture
def address(served):
    return f"ws://127.0.0.1:{served[1]}/webhooks/voice/websocket"


async def test_a_call_from_its_first_word_to_its_last(bot, address):
    async with websockets.connect(f"{address}?events=1&sender=caller-1") as ws:
        client = JsonAudioClient(ws)
        await client.say(line_of(0.3, speech(LINES[0]), 1.2))
        await client.until(lambda c: c.told("state"))
        await client.say(line_of(speech(LINES[1]), 1.2))
        await client.until(lambda c: len(c.told("state")) == 2)
        await client.until(lambda c: c.marks)
    first, second = bot.messages
    assert (first.text, second.text) == tuple(LINES)
    assert first.sender_id == "caller-1"
    assert first.input_channel == "voice"
    assert first.metadata[EVIDENCE_KEY].pieces()[0].modality == "acoustic"
    assert first.metadata["text_confidence"] == 0.9
    assert client.told("emotion")
    assert [event["text"] for event in client.told("turn")] == LINES
    assert client.told("bot")[0]["text"] == f"You said: {LINES[0]}."
    assert len(client.audio) > 16_000
    assert client.told("state")[0]["mood"] == "tense"
