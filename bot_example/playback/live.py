"""Plays a call through the channel of live calls: the caller's sound goes in as it is spoken, the bot's comes out.

The client is written after docs/live.md: `json_audio` with events.
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import websockets

from playback.calls import Call, Turn
from playback.outcome import Outcome, outcome_of
from playback.server import Bot, BotError
from rasa_emotion.audio import load_audio

RECOGNISERS = {"moonshine": "moonshine_voice", "whisper": "faster_whisper"}
"""By name, what shows that one is installed; the faster one first."""

FRAME_SECS = 0.05
RATE = 16_000
TURN_SECS = 120.0


def installed() -> str:
    """The recogniser that can be used; none where there is none."""
    return next((name for name, module in RECOGNISERS.items() if find_spec(module)), "none")


def play_live(bot: Bot, call: Call, sender: str) -> Iterator[tuple[Turn, Outcome]]:
    """Hold the call turn by turn; each turn with what was heard of it and what it did. Raises BotError."""
    with _loop() as loop:
        caller = loop.run_until_complete(_Caller.dial(bot.address, sender))
        try:
            for number, turn in enumerate(call.turns, start=1):
                try:
                    heard, answers = loop.run_until_complete(asyncio.wait_for(caller.say(turn), TURN_SECS))
                except (asyncio.TimeoutError, OSError, websockets.exceptions.WebSocketException) as error:
                    raise BotError(
                        f"The bot did not answer turn {number} of the call ({type(error).__name__})."
                    ) from error
                said = Turn(heard, turn.audio, turn.note)
                yield said, outcome_of(number, said, answers, bot.tracker(sender))
        finally:
            loop.run_until_complete(caller.hang_up())


class _Caller:
    """One end of a call: a microphone that is always open, and an ear."""

    def __init__(self, ws: Any) -> None:
        self._ws = ws
        self._voice: list[np.ndarray[Any, Any]] = []
        self._news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._until = 0.0
        self._tasks = [asyncio.ensure_future(self._speak()), asyncio.ensure_future(self._listen())]

    @classmethod
    async def dial(cls, address: str, sender: str) -> "_Caller":
        url = f"{address.replace('http', 'ws')}/webhooks/voice/websocket?events=1&sender={sender}"
        return cls(await websockets.connect(url))  # type: ignore[attr-defined]

    async def say(self, turn: Turn) -> tuple[str, list[str]]:
        """Say a turn and listen to the answer's end; what the bot understood, and what it said."""
        if turn.audio is None:
            await self._ws.send(json.dumps({"type": "transcript", "text": turn.text}))
        else:
            samples = load_audio(turn.audio).samples
            self._voice = list(np.array_split(samples, max(1, round(len(samples) / (RATE * FRAME_SECS)))))
        heard, answers = [], []
        while (event := await self._news.get())["event"] != "state" or self._voice:
            if event["event"] == "turn":
                heard.append(event["text"])
            elif event["event"] == "bot":
                answers.append(event["text"])
        await asyncio.sleep(0.3)  # for the last words of the answer to arrive
        while time.monotonic() < self._until:
            await asyncio.sleep(FRAME_SECS)
        return " ".join(heard), answers

    async def hang_up(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ws.close()

    async def _speak(self) -> None:
        due = time.monotonic()
        while True:
            frame = self._voice.pop(0) if self._voice else np.zeros(round(RATE * FRAME_SECS), np.float32)
            audio = base64.b64encode((np.clip(frame, -1, 1) * 32767).astype("<i2").tobytes()).decode()
            await self._ws.send(json.dumps({"type": "audio", "audio": audio}))
            due += len(frame) / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _listen(self) -> None:
        async for text in self._ws:
            message = json.loads(text)
            if message["type"] == "audio":
                secs = len(base64.b64decode(message["audio"])) / (2 * RATE)
                self._until = max(self._until, time.monotonic()) + secs
            elif message["type"] == "clear":
                self._until = 0.0
            elif message["type"] == "mark":
                await self._ws.send(text)
            elif message["type"] == "event":
                self._news.put_nowait(message)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.close()
        asyncio.set_event_loop(None)
