"""Deepgram and AssemblyAI, faked at the protocols that they document: words, errors, closes, and what comes after."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from aiohttp import WSMsgType, web
from call_audio import fed

from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.recognisers import Recogniser, RecogniserError, Turn, load_recogniser

SECOND = np.zeros(16_000, np.float32)
Script = Callable[["Vendor", web.WebSocketResponse], Awaitable[None]]


class Vendor:
    """A server that follows a script and notes what it was told."""

    def __init__(self) -> None:
        self.script: Script = deepgram
        self.status, self.headers = 101, {}
        self.audio = b""
        self.messages: list[dict] = []
        self.requests: list[web.Request] = []
        self.url = ""
        self.cut = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.status != 101:
            return web.Response(status=self.status, headers=self.headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.script(self, socket)
        return socket

    async def received(self, socket: web.WebSocketResponse) -> AsyncIterator[dict]:
        """Messages of the client's; audio is gathered."""
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                assert message.data, "an empty message ends a session"
                self.audio += message.data
            else:
                self.messages.append(json.loads(message.data))
                yield self.messages[-1]

    @property
    def secs(self) -> float:
        return len(self.audio) / 32_000


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    app = web.Application()
    app.router.add_get("/listen", vendor.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    vendor.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/listen"
    yield vendor
    await runner.cleanup()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "dg-key")
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "aai-key")


def results(text: str, start: float, secs: float, *, final: bool = True, confidence: float = 0.9, **more) -> str:
    """A message of Deepgram's, as its reference of `/v1/listen` has it."""
    words = [
        {
            "word": word.lower().strip("."),
            "start": start + 0.1 * n,
            "end": start + 0.1 * n + 0.1,
            "confidence": confidence,
        }
        | {"punctuated_word": word}
        for n, word in enumerate(text.split())
    ]
    alternative = {"transcript": text, "confidence": confidence if text else 0.0, "words": words}
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": secs,
            "start": start,
            "is_final": final,
            "speech_final": False,
            "channel": {"alternatives": [alternative]},
            "metadata": {"request_id": "00000000-0000-0000-0000-000000000000"},
            **more,
        }
    )


async def deepgram(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """Answers `Finalize` with what is left, and `CloseStream` with its summary."""
    turns = iter(["I want my money back.", "Thank you."])
    said = 0.0
    async for message in vendor.received(socket):
        if message["type"] == "Finalize":
            text = next(turns, "")
            await socket.send_str(results(text[:6], said, 0.5, final=False))
            await socket.send_str(results(text, said, vendor.secs - said, from_finalize=True))
            said = vendor.secs
        elif message["type"] == "CloseStream":
            await socket.send_str(json.dumps({"type": "Metadata", "duration": vendor.secs, "channels": 1}))
            await socket.close()


def turn_message(text: str, order: int, *, end: bool, start: int = 100, **more) -> str:
    """A message of AssemblyAI's, as its specification of version 3 has it."""
    words = [
        {"text": word, "start": start + 100 * n, "end": start + 100 * n + 90, "confidence": 0.8, "word_is_final": end}
        for n, word in enumerate(text.split())
    ]
    return json.dumps(
        {
            "type": "Turn",
            "turn_order": order,
            "turn_is_formatted": False,
            "end_of_turn": end,
            "transcript": text if end else "",
            "end_of_turn_confidence": 0.9 if end else 0.1,
            "words": words,
            **more,
        }
    )


BEGIN = json.dumps({"type": "Begin", "id": "00000000-0000-0000-0000-000000000000", "expires_at": 1759796682})


async def assemblyai(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """Begins, answers `ForceEndpoint` with the end of a turn (twice, as with formatting), and ends with a summary."""
    await socket.send_str(BEGIN)
    order = 0
    async for message in vendor.received(socket):
        if message["type"] == "ForceEndpoint":
            start = round(1000 * (vendor.secs - 1))
            await socket.send_str(json.dumps({"type": "SpeechStarted", "timestamp": start, "confidence": 0.9}))
            await socket.send_str(turn_message("i want my", order, end=False, start=start))
            await socket.send_str(turn_message("i want my money back", order, end=True, start=start))
            await socket.send_str(
                turn_message("I want my money back.", order, end=True, start=start, turn_is_formatted=True)
            )
            order += 1
        elif message["type"] == "Terminate":
            await socket.send_str(json.dumps({"type": "Termination", "audio_duration_seconds": 1}))
            await socket.close()


async def started(name: str, vendor: Vendor, *, at_secs: float = 0.0, **options) -> Recogniser:
    recogniser = load_recogniser(name, {"url": vendor.url, **options})
    await recogniser.start(at_secs=at_secs)
    return recogniser


async def test_deepgram_hears_a_call(vendor: Vendor) -> None:
    recogniser = await started("deepgram", vendor, at_secs=10, options={"keyterm": "refund"})
    await fed(recogniser, SECOND)
    first = await recogniser.final(Turn(10.0, 10.8))
    assert (first.text, first.confidence, first.language) == ("I want my money back.", 0.9, "en")
    assert (first.words[0].start_secs, first.words[-1].text) == (10.0, "back.")
    await fed(recogniser, SECOND)
    assert (await recogniser.final(Turn(11.0, 11.8))).text == "Thank you."
    await recogniser.close()
    await recogniser.close()
    (request,) = vendor.requests
    assert request.headers["Authorization"] == "Token dg-key"
    assert request.query["encoding"] == "linear16"
    assert (request.query["sample_rate"], request.query["keyterm"]) == ("16000", "refund")
    assert [message["type"] for message in vendor.messages] == ["Finalize", "Finalize", "CloseStream"]
    assert vendor.secs == 2.0


async def test_assemblyai_hears_a_call(vendor: Vendor) -> None:
    vendor.script = assemblyai
    recogniser = await started("assemblyai", vendor, at_secs=10)
    for begin in (10.0, 11.0):
        await fed(recogniser, SECOND)
        found = await recogniser.final(Turn(begin, begin + 0.8))
        assert (found.text, found.confidence, found.language) == ("i want my money back", 0.8, "en")
        assert found.words[0].start_secs == begin
    await recogniser.close()
    (request,) = vendor.requests
    assert request.headers["Authorization"] == "aai-key"
    assert request.query["speech_model"] == "universal-streaming-english"
    assert [message["type"] for message in vendor.messages] == ["ForceEndpoint", "ForceEndpoint", "Terminate"]


async def told(recogniser: Recogniser) -> None:
    """Until the service's next words have come."""
    before = recogniser.partial()
    while recogniser.partial() == before:
        await asyncio.sleep(0)


async def test_guesses_are_there_while_somebody_speaks(vendor: Vendor) -> None:
    go = asyncio.Event()

    async def script(vendor: Vendor, socket: web.WebSocketResponse) -> None:
        await socket.send_str(results("I want", 0.0, 0.5, final=False))
        await go.wait()
        await socket.send_str(results("I want my", 0.0, 0.9, final=True))
        async for _ in vendor.received(socket):
            await socket.send_str(results("money back.", 0.9, 0.6, from_finalize=True))

    vendor.script = script
    recogniser = await started("deepgram", vendor)
    await told(recogniser)
    assert recogniser.partial().text == "I want"
    assert not recogniser.partial().is_final
    go.set()
    await fed(recogniser, SECOND)
    await told(recogniser)
    assert recogniser.partial().text == "I want my"
    assert (await recogniser.final(Turn(0.0, 1.0))).text == "I want my money back."
    assert recogniser.partial() is None
    await recogniser.close()


async def test_what_is_known_already_is_not_waited_for(vendor: Vendor) -> None:
    """Deepgram need not answer `Finalize` where nothing is left; AssemblyAI may have ended the turn by itself."""

    async def covered(vendor: Vendor, socket: web.WebSocketResponse) -> None:
        await socket.send_str(results("Yes.", 0.0, 1.0))
        async for _ in vendor.received(socket):
            pass

    async def ended(vendor: Vendor, socket: web.WebSocketResponse) -> None:
        await socket.send_str(BEGIN)
        await socket.send_str(turn_message("yes", 0, end=True))
        async for _ in vendor.received(socket):
            pass

    for name, script, text in (("deepgram", covered, "Yes."), ("assemblyai", ended, "yes")):
        vendor.script, vendor.messages = script, []
        recogniser = await started(name, vendor, wait_secs=600)
        await told(recogniser)
        await fed(recogniser, SECOND)
        assert (await recogniser.final(Turn(0.0, 1.0))).text == text
        assert vendor.messages == []
        await recogniser.close()


@pytest.mark.parametrize(("name", "script"), [("deepgram", deepgram), ("assemblyai", assemblyai)])
async def test_a_service_that_does_not_answer_gives_its_guess_or_nothing(
    vendor: Vendor, name: str, script: Script
) -> None:
    async def silent(vendor: Vendor, socket: web.WebSocketResponse) -> None:
        await socket.send_str(BEGIN)
        await socket.send_str(results("a guess", 0.0, 0.5, final=False))
        await socket.send_str(turn_message("a guess", 0, end=False))
        async for _ in vendor.received(socket):
            pass

    vendor.script = silent
    recogniser = await started(name, vendor, wait_secs=0.05)
    await told(recogniser)
    assert (await recogniser.final(Turn(0.0, 1.0))).text == "a guess"
    assert (await recogniser.final(Turn(1.0, 2.0))).text == ""
    await recogniser.close()


async def test_words_of_an_earlier_turn_that_come_late_are_not_those_of_this_one(vendor: Vendor) -> None:
    async def late(vendor: Vendor, socket: web.WebSocketResponse) -> None:
        async for _ in vendor.received(socket):
            await socket.send_str(results("too late", 0.2, 0.5))
            await socket.send_str(results("in time", 5.1, 0.5, from_finalize=True))

    vendor.script = late
    recogniser = await started("deepgram", vendor)
    await fed(recogniser, np.zeros(96_000, np.float32))
    assert (await recogniser.final(Turn(5.0, 6.0))).text == "in time"
    await recogniser.close()


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (401, {}, r"Deepgram refuses the key \(status 401\); correct DEEPGRAM_API_KEY"),
        (402, {}, "asks for payment"),
        (429, {}, "too many calls"),
        (400, {"dg-error": "Bad Request: no such model"}, "status 400, Bad Request: no such model"),
        (503, {}, "status 503"),
    ],
)
async def test_a_refusal_says_why(vendor: Vendor, status: int, headers: dict[str, str], sentence: str) -> None:
    vendor.status, vendor.headers = status, headers
    with pytest.raises(RecogniserError, match=sentence):
        await started("deepgram", vendor)


@pytest.mark.parametrize("name", ["deepgram", "assemblyai"])
async def test_nobody_there(name: str) -> None:
    with pytest.raises(RecogniserError, match="cannot be reached"):
        await load_recogniser(name, {"url": "ws://127.0.0.1:9/listen"}).start()


@pytest.mark.parametrize("name", ["deepgram", "assemblyai"])
def test_a_key_is_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{name.upper()}_API_KEY")
    with pytest.raises(ConfigError, match=f"{name.upper()}_API_KEY"):
        load_recogniser(name)


async def test_assemblyai_refuses_a_key_in_a_session_that_it_opened(vendor: Vendor) -> None:
    async def refuse(_: Vendor, socket: web.WebSocketResponse) -> None:
        await socket.send_str(json.dumps({"type": "Error", "error_code": 1008, "error": "Unauthorized connection"}))
        await socket.close(code=1008, message=b"See Error message for details")

    vendor.script = refuse
    with pytest.raises(RecogniserError, match=r"1008: Unauthorized connection\); correct ASSEMBLYAI_API_KEY"):
        await started("assemblyai", vendor)


async def closing(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """Deepgram's time-out, as its documents tell it."""
    await socket.close(code=1011, message=b"NET-0001")


async def expired(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """AssemblyAI's end of a session."""
    await socket.send_str(BEGIN)
    error = {"type": "Error", "error_code": 3008, "error": "Session Expired: Maximum session duration exceeded"}
    await socket.send_str(json.dumps(error))
    await socket.close(code=3008)


async def broken(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """Not what was agreed."""
    await socket.send_str(BEGIN)
    await socket.send_str('{"type": "Results", "channel": 7}')
    await socket.send_str('{"type": "Turn", "words": null}')
    async for _ in vendor.received(socket):
        pass


@pytest.mark.parametrize(
    ("name", "script", "sentence"),
    [
        ("deepgram", closing, "closed the connection .code 1011"),
        ("assemblyai", expired, "3008: Session Expired"),
        ("deepgram", broken, "sent what its protocol does not know"),
        ("assemblyai", broken, "sent what its protocol does not know"),
    ],
)
async def test_one_that_dies_in_the_call_says_so_and_is_connected_anew(
    vendor: Vendor, name: str, script: Script, sentence: str
) -> None:
    vendor.script = script
    recogniser = await started(name, vendor)
    await asyncio.wait(recogniser._tasks[:1])
    with pytest.raises(RecogniserError, match=sentence):
        await fed(recogniser, SECOND)
    with pytest.raises(RecogniserError, match=sentence):
        await recogniser.final(Turn(0.0, 1.0))
    vendor.script = deepgram if name == "deepgram" else assemblyai
    await recogniser.start(at_secs=30.0)
    await fed(recogniser, SECOND)
    found = await recogniser.final(Turn(30.0, 30.8))
    assert found.text.lower().strip(".") == "i want my money back"
    assert found.words[0].start_secs == 30.0
    await recogniser.close()


async def deaf(vendor: Vendor, socket: web.WebSocketResponse) -> None:
    """As a line that was cut without a word: nothing is read, nothing answered."""
    await socket.send_str(BEGIN)
    await vendor.cut.wait()


@pytest.mark.parametrize("name", ["deepgram", "assemblyai"])
async def test_a_line_that_was_cut_without_a_word_is_noticed_by_its_heartbeat(
    vendor: Vendor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasa_emotion.voice.recognisers.websocket.HEARTBEAT_SECS", 0.2)
    vendor.script = deaf
    recogniser = await started(name, vendor)
    await asyncio.wait(recogniser._tasks[:1])
    with pytest.raises(RecogniserError, match="does not answer any more"):
        await fed(recogniser, SECOND)
    vendor.cut.set()
    await recogniser.close()


async def test_deepgram_is_told_that_a_silent_call_goes_on(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_emotion.voice.recognisers.websocket.KEEP_ALIVE_SECS", 0.01)
    recogniser = await started("deepgram", vendor)
    while not vendor.messages:
        await asyncio.sleep(0.01)
    assert vendor.messages[0] == {"type": "KeepAlive"}
    await recogniser.close()


async def test_not_started() -> None:
    recogniser = load_recogniser("deepgram")
    with pytest.raises(RecogniserError, match="is not connected"):
        await recogniser.final(Turn(0.0, 1.0))
    await recogniser.close()
