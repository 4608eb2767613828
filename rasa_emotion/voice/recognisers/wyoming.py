"""Recognisers that run as services of their own and speak Wyoming: faster-whisper, Vosk and others, on any machine."""

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlparse

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import pip_install
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript
from rasa_emotion.voice.recognisers.segments import SegmentRecogniser

INSTALL = f"install it with: {pip_install('speech')}"
Answer = TypeVar("Answer")
CHUNK = 1600
"""Samples of one message: a tenth of a second."""


class WyomingRecogniser(SegmentRecogniser):
    """Sends each turn to a Wyoming server. It does not say how sure it is of the words, nor when they were said.

    Args:
        uri: of the server, such as "tcp://127.0.0.1:10300" or "unix:///run/whisper.sock".
        language: code such as "en"; None leaves it to the server.
        model: name of one of the server's models; None leaves it to the server.
        wait_secs: longest that a turn may take.

    Raises:
        ConfigError: the URI is none.
    """

    name = "wyoming"

    def __init__(
        self,
        uri: str = "tcp://127.0.0.1:10300",
        *,
        language: str | None = None,
        model: str | None = None,
        wait_secs: float = 10.0,
    ) -> None:
        super().__init__()
        place = urlparse(uri)
        if place.scheme not in ("tcp", "unix") or (place.scheme == "tcp" and not (place.hostname and place.port)):
            raise ConfigError(f"The recogniser 'wyoming' has the URI '{uri}'; write tcp://HOST:PORT or unix://PATH.")
        self.is_remote = place.scheme == "tcp" and not _is_this_machine(place.hostname or "")
        self._uri, self._language, self._model, self._wait_secs = uri, language, model, wait_secs

    async def start(self, *, at_secs: float = 0.0) -> None:
        """Sees that the server answers and recognises speech."""
        self._heard = round(at_secs * SAMPLE_RATE)
        self._held, self._held_count = [], 0
        await self._within(self._described())

    async def recognise(self, samples: NDArray[np.float32]) -> Transcript:
        """The server's words."""
        return await self._within(self._asked(samples))

    async def _within(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return await asyncio.wait_for(work, self._wait_secs)
        except asyncio.TimeoutError as error:
            raise RecogniserError(
                f"The recogniser at {self._uri} took longer than {self._wait_secs:g} s; give it more threads."
            ) from error
        except (OSError, ValueError, KeyError) as error:
            raise RecogniserError(
                f"The recogniser at {self._uri} cannot be used ({type(error).__name__}); see that it runs there."
            ) from error

    async def _described(self) -> None:
        client_of, _, info = _package()
        async with client_of(self._uri) as client:
            await client.write_event(info.Describe().event())
            while (event := await client.read_event()) is not None:
                if info.Info.is_type(event.type):
                    if not info.Info.from_event(event).asr:
                        raise RecogniserError(f"The server at {self._uri} recognises no speech; name another one.")
                    return
        raise RecogniserError(f"The server at {self._uri} does not say what it does; see that it speaks Wyoming.")

    async def _asked(self, samples: NDArray[np.float32]) -> Transcript:
        client_of, (asr, audio, error), _ = _package()
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        form = {"rate": SAMPLE_RATE, "width": 2, "channels": 1}
        async with client_of(self._uri) as client:
            await client.write_event(asr.Transcribe(name=self._model, language=self._language).event())
            await client.write_event(audio.AudioStart(**form).event())
            for start in range(0, len(pcm), CHUNK):
                chunk = pcm[start : start + CHUNK].tobytes()
                await client.write_event(audio.AudioChunk(audio=chunk, **form).event())
            await client.write_event(audio.AudioStop().event())
            while (event := await client.read_event()) is not None:
                if asr.Transcript.is_type(event.type):
                    found = asr.Transcript.from_event(event)
                    return Transcript(found.text.strip(), language=found.language or self._language)
                if error.Error.is_type(event.type):
                    said = error.Error.from_event(event)
                    raise RecogniserError(
                        f"The recogniser at {self._uri} failed ({said.code or 'no code'}); see its log."
                    )
        raise RecogniserError(f"The recogniser at {self._uri} closed without an answer; see its log.")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _package() -> tuple[Callable[[str], Any], tuple[Any, Any, Any], Any]:
    try:
        from wyoming import asr, audio, error, info  # noqa: PLC0415 -- an optional package
        from wyoming.client import AsyncClient  # noqa: PLC0415
    except ImportError as missing:
        raise RecogniserError(f"Wyoming needs its package; {INSTALL}.") from missing
    return AsyncClient.from_uri, (asr, audio, error), info
