"""A Wyoming server, by the protocol's own package: words, other services, faults."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from call_audio import quiet, recognised

from rasa_emotion.audio import load_audio
from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.recognisers import RecogniserError, load_recogniser

pytest.importorskip("wyoming")
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info
from wyoming.server import AsyncEventHandler, AsyncServer

Speech = Callable[..., Path]
ATTRIBUTION = Attribution(name="test", url="")
MODEL = AsrModel(name="small", attribution=ATTRIBUTION, installed=True, description="", version="1", languages=["en"])
PROGRAM = AsrProgram(name="asr", attribution=ATTRIBUTION, installed=True, description="", version="1", models=[MODEL])


class Server:
    """What the server does and what it was told."""

    def __init__(self) -> None:
        self.mode, self.audio, self.asked, self.uri = "words", b"", None, ""
        self.form = None


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()

    class Handler(AsyncEventHandler):
        async def handle_event(self, event: Event) -> bool:
            if Describe.is_type(event.type):
                await self.write_event(Info(asr=[] if state.mode == "other" else [PROGRAM]).event())
            elif Transcribe.is_type(event.type):
                state.asked = Transcribe.from_event(event)
            elif AudioStart.is_type(event.type):
                start = AudioStart.from_event(event)
                state.form = (start.rate, start.width, start.channels)
            elif AudioChunk.is_type(event.type):
                state.audio += AudioChunk.from_event(event).audio
            elif AudioStop.is_type(event.type):
                return await self.answer()
            return True

        async def answer(self) -> bool:
            if state.mode == "error":
                await self.write_event(Error(text="my number is 07700 900123", code="no-model").event())
            elif state.mode == "hang":
                await asyncio.Event().wait()
            elif state.mode == "words":
                await self.write_event(Transcript(text=" I have been waiting. ", language="en").event())
            return False

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        state.uri = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    running = AsyncServer.from_uri(state.uri)
    await running.start(Handler)
    yield state
    await running.stop()


@pytest.fixture(scope="module")
def spoken(speech: Speech) -> np.ndarray:
    return load_audio(speech("I have been waiting for an hour.")).samples


async def test_words_of_a_turn(server: Server, spoken: np.ndarray) -> None:
    recogniser = load_recogniser("wyoming", {"uri": server.uri, "language": "en", "model": "small"})
    assert not recogniser.is_remote
    await recogniser.start()
    found = await recognised(recogniser, spoken)
    assert (found.text, found.language, found.confidence) == ("I have been waiting.", "en", None)
    assert (server.asked.name, server.asked.language, server.form) == ("small", "en", (16_000, 2, 1))
    assert len(server.audio) / 32_000 == pytest.approx(len(spoken) / 16_000 + 0.5, abs=0.01)
    await recogniser.close()


async def test_silence_is_sent_nowhere(server: Server) -> None:
    recogniser = load_recogniser("wyoming", {"uri": server.uri})
    await recogniser.start()
    assert (await recognised(recogniser, quiet(2.0))).text == ""
    assert server.audio == b""


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [("error", r"failed \(no-model\)"), ("close", "closed without an answer"), ("hang", "took longer than 0.5 s")],
)
async def test_a_server_that_fails_says_so(server: Server, spoken: np.ndarray, mode: str, sentence: str) -> None:
    recogniser = load_recogniser("wyoming", {"uri": server.uri, "wait_secs": 10.0 if mode != "hang" else 0.5})
    await recogniser.start()
    server.mode = mode
    with pytest.raises(RecogniserError, match=sentence) as error:
        await recognised(recogniser, spoken)
    assert "07700" not in str(error.value)
    server.mode = "words"
    assert (await recognised(recogniser, spoken, at_secs=len(spoken) / 16_000 + 1)).text == "I have been waiting."


async def test_a_server_for_something_else(server: Server) -> None:
    server.mode = "other"
    with pytest.raises(RecogniserError, match="recognises no speech"):
        await load_recogniser("wyoming", {"uri": server.uri}).start()


async def test_nobody_there() -> None:
    with pytest.raises(RecogniserError, match=r"tcp://127.0.0.1:9 cannot be used \(ConnectionRefusedError"):
        await load_recogniser("wyoming", {"uri": "tcp://127.0.0.1:9"}).start()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:10300", "tcp://127.0.0.1", "10300"])
def test_a_uri_that_is_none(uri: str) -> None:
    with pytest.raises(ConfigError, match="tcp://HOST:PORT"):
        load_recogniser("wyoming", {"uri": uri})


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("tcp://127.0.0.1:10300", False),
        ("tcp://localhost:10300", False),
        ("tcp://[::1]:10300", False),
        ("unix:///run/whisper.sock", False),
        ("tcp://10.0.0.7:10300", True),
        ("tcp://recogniser.example.org:10300", True),
    ],
)
def test_another_machine_is_one_that_audio_leaves_for(uri: str, remote: bool) -> None:
    assert load_recogniser("wyoming", {"uri": uri}).is_remote is remote
