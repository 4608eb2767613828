"""What tests of live calls share: a recogniser that knows what is said, an analyzer that hears loudness, sound."""

import asyncio
import base64
import json
import shutil
import subprocess
from contextlib import suppress
from functools import lru_cache

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer, evidence
from sanic.touchup import TouchUp

from rasa_emotion.audio import Waveform
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

LOUD = 0.04
"""Root mean square from which `LoudnessAnalyzer` hears anger."""


class LoudnessAnalyzer(FakeAnalyzer):
    """Hears anger in what is loud, else nothing special; reads as its parent does."""

    def hear(self, audio):
        assert isinstance(audio, Waveform)
        loud = float(np.sqrt(np.mean(audio.samples**2)))
        return evidence("acoustic", "angry", 0.9) if loud > LOUD else evidence("acoustic", "neutral", 0.8)


class ScriptedRecogniser:
    """Knows what each turn says; counts what it was fed.

    Args:
        lines: of the turns, in order; "!" fails.
        is_remote: whether it counts as one in a cloud.
    """

    name = "scripted"
    made: list["ScriptedRecogniser"] = []  # noqa: RUF012 -- all of them, for the tests

    def __init__(self, lines=(), *, is_remote=False, fails_to_start=False):
        self.lines, self.is_remote, self.fails_to_start = list(lines), is_remote, fails_to_start
        self.fed = 0
        self.turns = []
        self.closed = False
        self.started_at = None
        ScriptedRecogniser.made.append(self)

    async def start(self, *, at_secs=0.0):
        self.started_at = at_secs
        if self.fails_to_start:
            raise RecogniserError("It does not answer; start it.")

    async def feed(self, samples):
        self.fed += len(samples)

    def pause(self, turn):
        pass

    def partial(self):
        return Transcript(" ".join(self.lines[0].split()[:2]), is_final=False) if self.lines else None

    async def final(self, turn):
        self.turns.append(turn)
        line = self.lines.pop(0) if self.lines else ""
        if line == "!":
            raise RecogniserError("It does not answer; start it.")
        return Transcript(line, 0.9 if line else None)

    async def close(self):
        self.closed = True


@lru_cache
def speech(text="I have been waiting for three days", rate=16_000, level=1.0, voice="en-us"):
    """Someone saying something, int16 samples at `rate` Hz, with some silence around."""
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True, stdin=subprocess.DEVNULL
    ).stdout
    samples = np.frombuffer(said[44:], "<i2").astype(np.float32)
    import soxr  # noqa: PLC0415

    samples = soxr.resample(samples, 22_050, rate) * level
    return np.clip(samples, -32768, 32767).astype("<i2")


def silence(secs, rate=16_000):
    """Nothing, int16."""
    return np.zeros(round(secs * rate), "<i2")


def line_of(*parts, rate=16_000):
    """What a caller says, a number standing for seconds of silence."""
    return np.concatenate([silence(part, rate) if isinstance(part, int | float) else part for part in parts])


async def start_server(app, port):
    """Start a Sanic app, also where another one was started in this process before."""
    original = TouchUp.run

    def run(app):
        # Sanic rewrites its own methods when it starts, which succeeds once in a process.
        with suppress(KeyError):
            original(app)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(TouchUp, "run", run)
        server = await app.create_server("127.0.0.1", port, return_asyncio_server=True, access_log=False)
        await server.startup()
        await server.before_start()


class JsonAudioClient:
    """A client of the `json_audio` dialect, written after Rasa Pro's messages."""

    def __init__(self, ws, rate=16_000):
        self.ws, self.rate = ws, rate
        self.audio = bytearray()
        self.events, self.marks, self.cleared = [], [], 0
        self.closed = asyncio.Event()
        self._news = asyncio.Condition()
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self):
        try:
            async for message in self.ws:
                await self._take(json.loads(message))
        finally:
            async with self._news:
                self.closed.set()
                self._news.notify_all()

    async def _take(self, message):
        async with self._news:
            if message["type"] == "audio":
                self.audio += base64.b64decode(message["audio"])
            elif message["type"] == "clear":
                self.cleared += 1
            elif message["type"] == "event":
                self.events.append(message)
            elif message["type"] == "mark":
                self.marks.append(message["mark"]["name"])
            self._news.notify_all()
        if message["type"] == "mark":
            await self.ws.send(json.dumps(message))

    async def say(self, samples, frame_secs=0.02):
        """Send sound as fast as it is taken."""
        size = round(frame_secs * self.rate)
        for start in range(0, len(samples), size):
            piece = base64.b64encode(samples[start : start + size].tobytes()).decode()
            await self.ws.send(json.dumps({"type": "audio", "audio": piece}))

    async def until(self, what):
        """Wait until `what(self)` holds, or the connection is closed; returns what it gives."""
        async with self._news:
            await self._news.wait_for(lambda: what(self) or self.closed.is_set())
        return what(self)

    def told(self, kind):
        """The events of a kind, so far."""
        return [event for event in self.events if event["event"] == kind]
