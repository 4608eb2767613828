"""A recogniser for Rasa Pro's voice channels that wraps another one and hears how the caller speaks."""

import logging
from collections.abc import AsyncIterator
from typing import Any

from rasa.core.channels.voice_stream.asr.asr_engine import ASREngine
from rasa.core.channels.voice_stream.asr.asr_event import ASREvent, NewTranscript
from rasa.core.channels.voice_stream.audio_bytes import AudioEncoding, AudioFormat, RasaAudioBytes
from rasa.core.channels.voice_stream.call_state import call_state
from rasa.core.channels.voice_stream.voice_channel import asr_engine_from_config
from rasa.shared.exceptions import InvalidConfigException
from structlog.contextvars import get_contextvars

from rasa_emotion.audio.raw import RawEncoding
from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.turn.evidence import EVIDENCE_KEY
from rasa_emotion.turn.intake import Intake
from rasa_emotion.turn.message import Audio, Taken, Turn, TurnRefused

logger = logging.getLogger(__name__)

ENCODINGS: dict[AudioEncoding, RawEncoding] = {AudioEncoding.MULAW: "mulaw", AudioEncoding.LINEAR: "pcm_s16le"}


class EmotionASR(ASREngine):
    """Hands the caller's audio on to `inner`, and hears it until `inner` gives the words of the turn.

    In `credentials.yml`, under a voice channel whose class is one of `rasa_emotion.bot.pro.channels`:

        asr:
          name: rasa_emotion.EmotionASR
          inner: {name: deepgram}

    The evidence waits in Rasa's call state until the channel makes the turn's metadata.
    """

    def __init__(self, inner: ASREngine, audio_format: AudioFormat, options: dict[str, Any]) -> None:
        """Wraps a recogniser; what it is, its own configuration says.

        Args:
            inner: gives the words.
            audio_format: that of the channel.
            options: of the intake, see docs/rasa.md.

        Raises:
            InvalidConfigException: an option cannot be used.
        """
        self.inner = inner
        self.audio_format = audio_format
        try:
            self.intake = Intake(type(self).__name__, options)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        self._most_bytes = int(self.intake.options["max_secs"] * audio_format.bytes_per_second)
        self._heard = bytearray()

    @classmethod
    def name(cls) -> str:
        """The engine's name (see parent class for full docstring)."""
        return "emotion"

    @classmethod
    def from_config_dict(
        cls,
        config: dict[str, Any],
        format: AudioFormat,
        rasa_language: str,
        additional_languages: list[str] | None = None,
    ) -> "EmotionASR":
        """Creates the engine from `credentials.yml` (see parent class for full docstring)."""
        options = dict(config)
        inner = options.pop("inner", None)
        if not isinstance(inner, dict) or "name" not in inner:
            raise InvalidConfigException(
                f"{cls.__name__}: 'inner' is {inner!r}; give the recogniser that it wraps, such as {{name: deepgram}}."
            )
        return cls(asr_engine_from_config(inner, format, rasa_language, additional_languages), format, options)

    async def connect(self) -> None:
        """Connects the wrapped engine."""
        await self.inner.connect()

    async def close_connection(self) -> None:
        """Closes the wrapped engine's connection."""
        await self.inner.close_connection()

    async def __aenter__(self) -> "EmotionASR":
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> bool:
        return bool(await self.inner.__aexit__(*error))

    async def signal_audio_done(self) -> None:
        """Tells the wrapped engine that the call is over."""
        await self.inner.signal_audio_done()

    async def send_audio_chunks(self, chunk: RasaAudioBytes) -> None:
        """Keeps a chunk for the analysis and hands it on."""
        room = self._most_bytes - len(self._heard)
        self._heard += chunk.data[: max(0, room)]
        await self.inner.send_audio_chunks(chunk)

    async def stream_asr_events(self) -> AsyncIterator[ASREvent]:
        """The wrapped engine's events; before the words of a turn, its evidence goes into the call state."""
        async for event in self.inner.stream_asr_events():
            if isinstance(event, NewTranscript) and event.text:
                await self._hear(event.text)
            yield event

    async def send_keep_alive(self) -> None:
        """Keeps the wrapped engine's connection alive."""
        await self.inner.send_keep_alive()

    async def set_language(self, rasa_language: str) -> None:
        """Switches the wrapped engine's language."""
        await self.inner.set_language(rasa_language)

    async def _hear(self, text: str) -> None:
        content, self._heard = bytes(self._heard), bytearray()
        call_state.channel_data.pop(EVIDENCE_KEY, None)
        if not content:
            return
        # The voice channel binds the conversation's id for its logs, before it starts the recogniser.
        sender = get_contextvars().get("conversation_id")
        audio = Audio(content, ENCODINGS[self.audio_format.encoding], self.audio_format.sample_rate)
        try:
            taken = await self.intake.take(Turn(sender, text, audio), _leave_to_the_channel)
        except TurnRefused as error:
            logger.warning("A turn was not analysed. %s", error, extra=named("turn.refused"))
            return
        evidence = (taken.metadata or {}).get(EVIDENCE_KEY)
        if evidence is not None:
            call_state.channel_data[EVIDENCE_KEY] = evidence


async def _leave_to_the_channel(_: Taken) -> None:
    """The words reach the bot by the voice channel itself."""
