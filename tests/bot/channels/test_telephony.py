"""Calls as Twilio, jambonz and Asterisk make them: real sockets, and clients written after the vendors' documents."""

import asyncio
import base64
import json
import random
import socket
import struct
import threading
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import fake_analyzer
import numpy as np
import pytest
import requests
import websockets
from sanic import Sanic
from twilio.request_validator import RequestValidator
from voice_kit import (
    JsonAudioClient,
    LoudnessAnalyzer,
    ScriptedRecogniser,
    line_of,
    needs_espeak,
    silence,
    speech,
    start_server,
)

from rasa_emotion.audio import Waveform, decode_raw, encode_mulaw
from rasa_emotion.bot.channels.voice import VoiceInput

pytestmark = needs_espeak

LINES = ["I have been waiting for three days", "nobody calls me back"]
TOKEN, PUBLIC, AGENT = "auth-token", "https://voice.example.org", "+441632960009"
JAMBONZ = ("jambonz", "pass word")


AT_LENGTH = "Please stay on the line while I look into it for you. " * 8
"""So long that a caller on a busy machine still interrupts it."""


class Bot:
    """Repeats what it was told, the first line with many words; escalates when it is told to."""

    def __init__(self):
        self.messages, self.escalated = [], False
        self.domain = SimpleNamespace(intents=["voice_without_words"])
        self.tracker_store = SimpleNamespace(retrieve=self.retrieve)

    async def retrieve(self, sender):
        slots = {"caller_mood": "tense", "escalated": self.escalated}
        return SimpleNamespace(events=[], current_slot_values=lambda: slots)

    async def __call__(self, message):
        self.messages.append(message)
        more = AT_LENGTH if message.text == LINES[0] and not self.escalated else ""
        await message.output_channel.send_text_message(message.sender_id, f"You said: {message.text}. {more}")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served():
    """A bot, the port of its server, that of AudioSocket, and the channel."""
    port, asterisk = free_port(), free_port()
    bot, app, loop = Bot(), Sanic("telephony", configure_logging=False), asyncio.new_event_loop()
    app.ctx.agent = bot
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(fake_analyzer, "FakeAnalyzer", LoudnessAnalyzer)
        fake_analyzer.install(monkeypatch)
        options = {
            "recogniser": {"name": "voice_kit.ScriptedRecogniser", "lines": LINES},
            "silence_secs": None,
            "twilio": {"auth_token": TOKEN, "url": PUBLIC},
            "jambonz": {"username": JAMBONZ[0], "password": JAMBONZ[1], "url": PUBLIC},
            "audiosocket": {"port": asterisk},
            "transfer_to": AGENT,
            "max_calls": 2,
        }
        channel = VoiceInput.from_credentials(options)
        app.blueprint(channel.blueprint(bot), url_prefix="/webhooks/voice")

        loop.run_until_complete(start_server(app, port))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        yield SimpleNamespace(bot=bot, port=port, asterisk=asterisk, channel=channel)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
async def server(served, tmp_path, monkeypatch):
    """The same, without memory of other tests."""
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db'}}")
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(endpoints))
    while served.channel.calls._ids:  # those of the test before end by themselves
        await asyncio.sleep(0.01)
    served.bot.__init__()
    ScriptedRecogniser.made.clear()
    return served


def signature(path, fields=None, scheme="https"):
    return RequestValidator(TOKEN).compute_signature(f"{scheme}://voice.example.org{path}", fields or {})


def incoming(server, **headers):
    """What Twilio asks when a call comes in."""
    fields = {"CallSid": "CA1", "From": "+441632960000", "To": "+441632960001"}
    path = "/webhooks/voice/twilio"
    headers = {"X-Twilio-Signature": signature(path, fields), **headers}
    return requests.post(f"http://127.0.0.1:{server.port}{path}", data=fields, headers=headers, timeout=60)


class TwilioClient:
    """Plays Twilio: frames of 20 ms in mu-law, marks back when what came before is played, or dropped."""

    def __init__(self, ws, call="CA1"):
        self.ws, self.call, self.number = ws, call, 0
        self.media, self.clears, self.marks = bytearray(), 0, []
        self.news = asyncio.Condition()
        self.closed = False
        self.reading = asyncio.ensure_future(self.read())

    async def read(self):
        try:
            async for text in self.ws:
                message = json.loads(text)
                assert message["streamSid"] == "MZ1"
                async with self.news:
                    if message["event"] == "media":
                        self.media += base64.b64decode(message["media"]["payload"])
                    elif message["event"] == "clear":
                        self.clears += 1
                    elif message["event"] == "mark":
                        self.marks.append(message["mark"]["name"])
                    self.news.notify_all()
                if message["event"] == "mark":
                    await self.send(event="mark", streamSid="MZ1", mark=message["mark"])
        finally:
            async with self.news:
                self.closed = True
                self.news.notify_all()

    async def send(self, **message):
        await self.ws.send(json.dumps(message))

    async def start(self):
        await self.send(event="connected", protocol="Call", version="1.0.0")
        start = {
            "streamSid": "MZ1",
            "accountSid": "AC1",
            "callSid": self.call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"caller": "+441632960000"},
        }
        await self.send(event="start", sequenceNumber="1", start=start, streamSid="MZ1")

    async def say(self, samples, *, jitter=False):
        line = encode_mulaw(Waveform(samples.astype(np.float32) / 32768))
        frames = [line[start : start + 160] for start in range(0, len(line), 160)]
        dice = random.Random(7)
        for frame in frames:
            self.number += 1
            media = {"track": "inbound", "chunk": str(self.number), "timestamp": str(20 * (self.number - 1))}
            media["payload"] = base64.b64encode(frame).decode()
            message = {"event": "media", "sequenceNumber": str(self.number + 1), "streamSid": "MZ1", "media": media}
            if jitter and dice.random() < 0.02:
                continue  # lost on the way to Twilio
            await self.send(**message)
            if jitter and dice.random() < 0.05:
                await self.send(**message)  # doubled
            if jitter and dice.random() < 0.05:
                await asyncio.sleep(dice.random() / 20)  # a burst follows

    async def until(self, what):
        async with self.news:
            await self.news.wait_for(lambda: what(self) or self.closed)
        return what(self)


def stream(server, **headers):
    path = "/webhooks/voice/twilio/stream"
    signed = {"X-Twilio-Signature": signature(path, scheme="wss"), **headers}
    return websockets.connect(f"ws://127.0.0.1:{server.port}{path}", extra_headers=signed)


async def test_a_whole_call_from_twilio_with_jitter_and_bursts(server):
    answer = incoming(server)
    connect = ElementTree.fromstring(answer.text).find("Connect")
    assert connect.get("action") == f"{PUBLIC}/webhooks/voice/twilio/next"
    assert connect.find("Stream").get("url") == "wss://voice.example.org/webhooks/voice/twilio/stream"
    assert connect.find("Stream/Parameter").attrib == {"name": "caller", "value": "+441632960000"}
    async with stream(server) as ws:
        client = TwilioClient(ws)
        await client.start()
        await client.say(line_of(0.3, speech(LINES[0]), 1.2), jitter=True)
        await client.until(lambda c: len(c.media) > 8000)
        await client.say(line_of(speech(LINES[1]), 1.2), jitter=True)  # while the bot speaks
        await client.until(lambda c: c.clears)
        await client.until(lambda c: len(c.marks) >= 1)
        await client.send(event="dtmf", streamSid="MZ1", dtmf={"track": "inbound_track", "digit": "5"})
        await client.send(event="dtmf", streamSid="MZ1", dtmf={"track": "inbound_track", "digit": "#"})
        marks = len(client.marks)
        await client.until(lambda c: len(c.marks) > marks)
        await client.send(event="stop", streamSid="MZ1", stop={"accountSid": "AC1", "callSid": "CA1"})
        await client.until(lambda c: False)
    assert [message.text for message in server.bot.messages] == [*LINES, "5"]
    assert server.bot.messages[0].sender_id == "CA1"
    assert "emotion_evidence" in server.bot.messages[0].metadata
    heard = decode_raw(bytes(client.media), encoding="mulaw", sample_rate=8000).samples
    assert np.abs(heard).max() > 0.1


async def test_an_escalated_call_is_dialled_on_by_twilio(server):
    server.bot.escalated = True
    async with stream(server) as ws:
        client = TwilioClient(ws)
        await client.start()
        await client.say(line_of(0.3, speech(LINES[0]), 1.2))
        await client.until(lambda c: False)  # the bot closes when it has spoken
    assert client.marks
    path, fields = "/webhooks/voice/twilio/next", {"CallSid": "CA1"}
    url = f"http://127.0.0.1:{server.port}{path}"
    signed = {"X-Twilio-Signature": signature(path, fields)}
    while (answer := requests.post(url, data=fields, headers=signed, timeout=60).text).count("Hangup"):
        await asyncio.sleep(0.02)  # until the server has ended the call
    assert ElementTree.fromstring(answer).find("Dial").text == AGENT
    other = {"CallSid": "CA-other"}
    signed = {"X-Twilio-Signature": signature(path, other)}
    assert "<Hangup" in requests.post(url, data=other, headers=signed, timeout=60).text


@pytest.mark.parametrize("headers", [{"X-Twilio-Signature": "forged"}, {"X-Twilio-Signature": ""}])
async def test_what_twilio_has_not_signed_is_refused(server, headers):
    assert incoming(server, **headers).status_code == 403
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with stream(server, **headers):
            pass
    assert refused.value.status_code == 403


async def test_what_bears_no_signature_is_refused_too(server):
    url = f"127.0.0.1:{server.port}/webhooks/voice/twilio"
    assert requests.post(f"http://{url}", data={"CallSid": "CA1"}, timeout=60).status_code == 403
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with websockets.connect(f"ws://{url}/stream"):
            pass
    assert refused.value.status_code == 403


async def test_a_signature_over_the_port_is_twilio_s_too(server):
    path = "/webhooks/voice/twilio/stream"
    # As the library computes it when it is told to leave the address alone.
    signed = RequestValidator(TOKEN).compute_signature(f"wss://voice.example.org:443{path}", {})
    async with stream(server, **{"X-Twilio-Signature": signed}) as ws:
        assert ws.open


async def test_twilio_signs_the_query_in_the_order_in_which_it_is_sent(server):
    path, fields = "/webhooks/voice/twilio", {"CallSid": "CA1"}
    for asked, status in (
        ("?b=2&a=1&c=%20x+y", 200),
        ("?a=1&b=2&c=%20x+y", 403),
        ("?b=2&a=1&c=+x%20y", 403),
        ("", 403),
    ):
        headers = {"X-Twilio-Signature": signature(f"{path}?b=2&a=1&c=%20x+y", fields)}
        url = f"http://127.0.0.1:{server.port}{path}{asked}"
        assert requests.post(url, data=fields, headers=headers, timeout=60).status_code == status
    signed = {"X-Twilio-Signature": signature(f"{path}/stream?b=2&a=1", scheme="wss")}
    address = f"ws://127.0.0.1:{server.port}{path}/stream"
    async with websockets.connect(f"{address}?b=2&a=1", extra_headers=signed) as ws:
        assert ws.open
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with websockets.connect(f"{address}?a=1&b=2", extra_headers=signed):
            pass
    assert refused.value.status_code == 403


async def test_a_whole_call_from_jambonz(server):
    url = f"http://127.0.0.1:{server.port}/webhooks/voice/jambonz"
    assert requests.post(url, json={"call_sid": "J1"}, timeout=60).status_code == 401
    _, listen = requests.post(url, json={"call_sid": "J1"}, auth=JAMBONZ, timeout=60).json()
    assert listen["verb"] == "listen"
    assert listen["bidirectionalAudio"] == {"enabled": True, "streaming": True, "sampleRate": 16000}
    path = urlsplit(listen["url"]).path
    basic = base64.b64encode(":".join(JAMBONZ).encode()).decode()
    socket_url = f"ws://127.0.0.1:{server.port}{path}"
    with pytest.raises(websockets.exceptions.InvalidStatusCode):
        async with websockets.connect(socket_url, subprotocols=["audio.jambonz.org"]):
            pass
    headers = {"Authorization": f"Basic {basic}"}
    async with websockets.connect(socket_url, subprotocols=["audio.jambonz.org"], extra_headers=headers) as ws:
        assert ws.subprotocol == "audio.jambonz.org"
        data = {"callSid": "J1", "from": "+441632960000", "to": "100", "direction": "inbound", "sampleRate": 16000}
        await ws.send(json.dumps({**data, "mixType": "mono"}))

        async def say(samples):
            for start in range(0, len(samples), 320):
                await ws.send(samples[start : start + 320].tobytes())

        audio, texts = bytearray(), []

        async def until(what):
            while not what():
                message = await ws.recv()
                if isinstance(message, bytes):
                    audio.extend(message)
                else:
                    texts.append(json.loads(message))
                    if texts[-1]["type"] == "mark":
                        await ws.send(json.dumps(texts[-1]))

        await say(line_of(0.3, speech(LINES[0]), 1.2))
        await until(lambda: len(audio) > 16_000)
        await say(line_of(speech(LINES[1]), 1.2))
        await until(lambda: {"type": "killAudio"} in texts)
        await until(lambda: any(text["type"] == "mark" for text in texts))
        await ws.send(json.dumps({"event": "dtmf", "dtmf": "42", "duration": "1600"}))
        await ws.send(json.dumps({"event": "dtmf", "dtmf": "#", "duration": "1600"}))
        marks = len(texts)
        await until(lambda: any(text["type"] == "mark" for text in texts[marks:]))
    assert [message.text for message in server.bot.messages] == [*LINES, "42"]
    following = requests.post(f"{url}/next", json={"call_sid": "J1"}, auth=JAMBONZ, timeout=60).json()
    for other in ([], "J1", {"call_sid": ["J1"]}):  # which names no call
        assert requests.post(f"{url}/next", json=other, auth=JAMBONZ, timeout=60).json() == [{"verb": "hangup"}]
    assert following == [{"verb": "hangup"}]


async def test_a_whole_call_from_asterisk(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.asterisk)
    call = uuid4()

    def send(kind, content):
        writer.write(bytes([kind]) + struct.pack(">H", len(content)) + content)

    async def say(samples):
        for start in range(0, len(samples), 160):
            send(0x10, samples[start : start + 160].tobytes())
            await writer.drain()

    async def heard(secs):
        audio = bytearray()
        while len(audio) < 16_000 * secs:
            kind, length = struct.unpack(">BH", await reader.readexactly(3))
            content = await reader.readexactly(length)
            assert kind == 0x10
            audio += content
        return np.frombuffer(audio, "<i2")

    send(0x01, call.bytes)
    await say(line_of(0.3, speech(LINES[0], rate=8000), 1.2, rate=8000))
    assert np.abs(await heard(1.0)).max() > 3000
    server.bot.escalated = True
    send(0x03, b"7")
    send(0x03, b"#")
    ended = False
    while not ended:
        kind, length = struct.unpack(">BH", await reader.readexactly(3))
        await reader.readexactly(length)
        ended = kind == 0x00
    assert await reader.read() == b""
    writer.close()
    assert [message.text for message in server.bot.messages] == [LINES[0], "7"]
    assert server.bot.messages[0].sender_id == str(call)
    url = f"http://127.0.0.1:{server.port}/webhooks/voice/next"
    while requests.get(f"{url}/{call}", timeout=60).text != "transfer":
        await asyncio.sleep(0.02)
    assert requests.get(f"{url}/{uuid4()}", timeout=60).text == "hangup"


async def test_what_is_no_audiosocket_is_closed(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.asterisk)
    writer.write(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" * 2000)
    assert await reader.read() == b""
    writer.close()


def client_url(server, **query):
    asked = "&".join(f"{key}={value}" for key, value in {"events": "1", **query}.items())
    return f"ws://127.0.0.1:{server.port}/webhooks/voice/websocket?{asked}"


async def closing(ws):
    """Code and reason with which the server closes."""
    with suppress(websockets.exceptions.ConnectionClosedError):
        async for _ in ws:
            pass
    return ws.close_code, ws.close_reason


async def test_two_sockets_with_one_call_s_id(server):
    async with websockets.connect(client_url(server, sender="ada")) as first:
        client = JsonAudioClient(first)
        await client.until(lambda c: c.told("call"))
        async with websockets.connect(client_url(server, sender="ada")) as second:
            code, reason = await closing(second)
        assert (code, reason) == (1008, "This call has another connection already.")
        await client.say(line_of(0.3, speech(LINES[0]), 1.2))
        assert await client.until(lambda c: c.told("turn"))  # the first one is not harmed


async def test_one_call_too_many_is_told_that_all_lines_are_busy(server):
    async with websockets.connect(client_url(server)) as one, websockets.connect(client_url(server)) as two:
        for ws in (one, two):
            await JsonAudioClient(ws).until(lambda c: c.told("call"))
        async with websockets.connect(client_url(server)) as three:
            code, reason = await closing(three)
        assert code == 1013
        assert "busy" in reason


async def test_a_client_that_vanishes_ends_its_call_and_its_words_are_heard(server):
    ws = await websockets.connect(client_url(server, sender="bob"))
    client = JsonAudioClient(ws)
    await client.say(line_of(0.3, speech(LINES[0])))
    await client.until(lambda c: c.told("emotion"))
    ws.transport.abort()
    while server.channel.calls.of("bob") is not None:
        await asyncio.sleep(0.02)
    assert [message.text for message in server.bot.messages] == [LINES[0]]


async def test_text_where_audio_belongs_is_closed_with_a_reason(server):
    async with websockets.connect(client_url(server)) as ws:
        with suppress(websockets.exceptions.ConnectionClosedError):
            for _ in range(30):
                await ws.send("hello")
        code, reason = await closing(ws)
    assert code == 1007
    assert "cannot be understood" in reason


async def test_a_message_of_more_than_a_megabyte_closes_its_own_call_alone(server):
    async with websockets.connect(client_url(server, sender="ada")) as other:
        client = JsonAudioClient(other)
        await client.until(lambda c: c.told("call"))
        async with websockets.connect(client_url(server, sender="bob"), max_size=None) as ws:
            with suppress(websockets.exceptions.ConnectionClosedError):
                await ws.send(json.dumps({"type": "audio", "audio": "A" * 2_000_000}))
            code, _ = await closing(ws)
        assert code == 1009
        while server.channel.calls.of("bob") is not None:
            await asyncio.sleep(0.02)
        await client.say(line_of(0.3, speech(LINES[0]), 1.2))
        assert await client.until(lambda c: c.told("turn"))


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}]
)
async def test_without_a_token_only_this_machine_may_call(server, headers):
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with websockets.connect(client_url(server), extra_headers=headers):
            pass
    assert refused.value.status_code == 401
    own = {"Origin": f"http://127.0.0.1:{server.port}"}
    async with websockets.connect(client_url(server), extra_headers=own) as ws:
        assert ws.open


async def test_the_relay_speaks_into_the_call_of_a_conversation(server):
    output = server.channel.get_output_channel()
    with pytest.raises(LookupError, match="hung up"):
        await output.send_text_message("eve", "Hello")
    async with websockets.connect(client_url(server, sender="eve")) as ws:
        client = JsonAudioClient(ws)
        await client.say(silence(0.2))
        await client.until(lambda c: c.told("call"))
        assert server.channel.is_present("eve")
        loop = server.channel.calls._loading.get_loop()
        said = output.send_text_message("eve", "This is Mary, how can I help?")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(said, loop))
        assert await client.until(lambda c: c.marks)
    assert len(client.audio) > 32_000
