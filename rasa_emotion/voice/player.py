"""Says things on a line: synthesised piece by piece, sent little ahead of their playing, stopped at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from rasa_emotion.logs import named
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format, LineEncoder
from rasa_emotion.voice.synthesisers.speech import Speech, Synthesiser, SynthesisError
from rasa_emotion.voice.tasks import end_all
from rasa_emotion.voice.transports.protocol import Message, Transport

logger = logging.getLogger(__name__)

PIECE_SECS = 0.1
"""Of sound in one message, at most."""

MOST_WAITING = 64
"""Speeches that wait; a bot that says more has lost its mind, and the rest is left out."""

Send = Callable[[Sequence[Message]], Awaitable[None]]


class Player:
    """The bot's voice in one call.

    Sound is sent at most `lead_secs` of the transport ahead of its playing, so that what is interrupted falls silent
    even where the line cannot drop it, and so that nobody's memory fills.

    Args:
        transport: of the call.
        send: sends its messages.
        voices: synthesisers; where one fails before it has said anything, the next one speaks.
        clock: of the call.
    """

    def __init__(self, transport: Transport, send: Send, voices: Sequence[Synthesiser], clock: Clock) -> None:
        self._transport, self._send, self._voices, self._clock = transport, send, voices, clock
        self._format = Format()
        self._waiting: asyncio.Queue[Speech] = asyncio.Queue(MOST_WAITING)
        self._current: asyncio.Task[None] | None = None
        self._until = 0.0
        self._marks = 0
        self.recorder: Recorder | None = None
        """Gets what is played, where the call is recorded."""
        self.first_audio: float | None = None
        """When the first sound of the speech under way was sent, by the clock."""

    def use(self, format_: Format) -> None:
        """What the line carries, known when the call has started."""
        self._format = format_

    @property
    def speaking(self) -> bool:
        """Whether the caller hears the bot now, or is about to."""
        return self._current is not None or not self._waiting.empty() or self._clock.now() < self._until

    @property
    def silent_since(self) -> float:
        """When the latest speech ends, or ended, by the clock."""
        return self._until

    def say(self, speech: Speech) -> None:
        """Say it after what waits already."""
        try:
            self._waiting.put_nowait(speech)
        except asyncio.QueueFull:
            logger.warning("The bot says too much at once; not all is spoken.", extra=named("voice.speech.dropped"))

    async def run(self) -> None:
        """Speak for as long as the call lasts. Raises what sending raises."""
        while True:
            speech = await self._waiting.get()
            self._current = asyncio.ensure_future(self._speak(speech))
            try:
                await asyncio.wait({self._current})
            finally:
                await end_all([self._current])
                ended, self._current = self._current, None
            if not ended.cancelled():
                ended.result()

    async def stop(self) -> None:
        """Fall silent: the caller has begun to speak, or pressed a key."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        if self._current is not None:
            await end_all([self._current])
        self._until = self._clock.now()
        if self.recorder is not None:
            self.recorder.interrupted()
        await self._send(self._transport.clear())

    async def finished(self) -> None:
        """Wait until all has been played."""
        while self.speaking:
            await self._clock.sleep(max(0.02, min(0.2, self._until - self._clock.now())))

    async def _speak(self, speech: Speech) -> None:
        for number, voice in enumerate(self._voices):
            self.first_audio = None
            try:
                await self._spoken(voice, speech)
                return
            except SynthesisError as error:
                logger.error("The bot's voice failed. %s", error, extra=named("voice.synthesis.failed"))
                if self.first_audio is not None or number == len(self._voices) - 1:
                    return

    async def _spoken(self, voice: Synthesiser, speech: Speech) -> None:
        encoder = LineEncoder(voice.sample_rate, self._format)
        async with aclosing(voice.speak(speech)) as pieces:
            async for piece in pieces:
                await self._play(encoder.feed(piece))
        await self._play(encoder.finish())
        self._marks += 1
        await self._send(self._transport.mark(f"speech-{self._marks}"))

    async def _play(self, audio: bytes) -> None:
        size = max(1, int(PIECE_SECS * self._format.sample_rate)) * self._format.width
        for start in range(0, len(audio), size):
            piece = audio[start : start + size]
            now = self._clock.now()
            ahead = self._until - now
            if ahead > self._transport.lead_secs:
                await self._clock.sleep(ahead - self._transport.lead_secs)
                now = self._clock.now()
            await self._send(self._transport.play(piece))
            if self.recorder is not None:
                self.recorder.bot(piece)
            self.first_audio = now if self.first_audio is None else self.first_audio
            self._until = max(self._until, now) + len(piece) / self._format.bytes_per_sec
