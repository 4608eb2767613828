"""Synthesisers that run as services of their own and speak the Wyoming protocol, such as wyoming-piper.

The protocol carries no prosody: pauses and volume are made here, rate and pitch are the service's own.
"""

import asyncio
from collections.abc import AsyncGenerator

from rasa_emotion.extras import needs_extra
from rasa_emotion.settings import check_number, check_text
from rasa_emotion.voice.synthesisers.speech import Speech, SynthesisError, louder, parts_of, silence

OWNER = "The synthesiser 'wyoming'"


class Wyoming:
    """Speaks with a service over TCP.

    Args:
        host: of the service.
        port: of the service.
        voice: name of a voice; None for the service's own.
        sample_rate: Hz of that voice.
        wait_secs: how long the next piece of sound may take.

    Raises:
        ConfigError: an option cannot be used, or the package wyoming is missing.
    """

    name = "wyoming"
    dialect = None

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 10200,
        voice: str | None = None,
        sample_rate: int = 22_050,
        wait_secs: float = 10.0,
    ) -> None:
        check_text(OWNER, "host", host)
        check_text(OWNER, "voice", voice, optional=True)
        check_number(OWNER, "port", port, above=0, at_most=65535)
        check_number(OWNER, "wait_secs", wait_secs, above=0)
        with needs_extra("speech", OWNER):
            import wyoming.event  # noqa: F401, PLC0415 -- other synthesisers need none
        self.sample_rate = sample_rate
        self._address, self._voice, self._wait = (host, port), voice, wait_secs

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit. Raises SynthesisError."""
        for number, part in enumerate(parts_of(speech)):
            if number:
                yield silence(speech.prosody.pause_ms, self.sample_rate)
            async for piece in self._said(part):
                yield louder(piece, speech.prosody.volume)

    async def close(self) -> None:
        """Each sentence has a connection of its own."""

    async def _said(self, text: str) -> AsyncGenerator[bytes, None]:
        from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: PLC0415
        from wyoming.event import async_read_event, async_write_event  # noqa: PLC0415
        from wyoming.tts import Synthesize, SynthesizeVoice  # noqa: PLC0415

        host, port = self._address
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), self._wait)
        except (OSError, asyncio.TimeoutError) as error:
            raise SynthesisError(f"{OWNER} does not answer at {host}:{port}; start the service.") from error
        try:
            voice = SynthesizeVoice(name=self._voice) if self._voice else None
            await async_write_event(Synthesize(text, voice).event(), writer)
            while True:
                event = await asyncio.wait_for(async_read_event(reader), self._wait)
                if event is None or event.type == "error":
                    raise SynthesisError(f"{OWNER} ended before it had spoken; look at the service's log.")
                if AudioStop.is_type(event.type):
                    return
                if AudioStart.is_type(event.type):
                    self._check(AudioStart.from_event(event))
                if AudioChunk.is_type(event.type) and event.payload:
                    yield event.payload
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, KeyError) as error:
            raise SynthesisError(f"{OWNER} broke off ({type(error).__name__}).") from error
        finally:
            writer.close()

    def _check(self, start: object) -> None:
        rate, width, channels = (getattr(start, name) for name in ("rate", "width", "channels"))
        if (rate, width, channels) != (self.sample_rate, 2, 1):
            raise SynthesisError(
                f"{OWNER} speaks at {rate} Hz, {8 * width} bit, {channels} channels; set 'sample_rate'."
            )
