"""espeak-ng as a process of its own: on every machine, at once, and with a tone that is heard.

Rate and pitch are options of the command, the volume and the pauses are made here. So each is what it says: espeak-ng's
own `<prosody>` moves the pitch half as far as asked, and its `<break>` replaces the pause between two sentences.
espeak-ng is under GPL-3.0-or-later and stays outside of this process.
"""

import asyncio
import contextlib
import shutil
import struct
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_number, check_text
from rasa_emotion.voice.synthesisers.speech import Speech, SynthesisError, louder, parts_of, silence

OWNER = "The synthesiser 'espeak'"

PACE = 175
"""Words per minute of espeak-ng's own way."""

PIECE = 4096
"""Bytes that are handed on at a time: 93 ms."""

HEADER = 44
"""Bytes of the WAV header that espeak-ng writes."""

# What `-p` does to the pitch, in semitones; measured by autocorrelation on espeak-ng 1.51, voices en-gb and en-us.
_SEMITONES = (-6.3, -4.1, -2.75, -1.5, 0.0, 1.5, 3.2, 5.0, 8.5)
_PITCH = (0, 20, 30, 40, 50, 60, 70, 80, 99)


class Espeak:
    """Speaks with espeak-ng. `prosody.pitch` reaches from 6 semitones down to 8 up; what is beyond is said so far.

    >>> Espeak().sample_rate
    22050
    """

    name = "espeak"
    dialect = "espeak"
    sample_rate = 22_050

    def __init__(
        self,
        *,
        voice: str = "en-gb",
        words_per_minute: float = PACE,
        program: str = "espeak-ng",
        timeout_secs: float = 10,
    ) -> None:
        """Prepares; the program is looked for now.

        Args:
            voice: as `espeak-ng --voices` lists them.
            words_per_minute: of the voice's own way, 80 to 450.
            program: name or path.
            timeout_secs: how long the next piece of sound may take.

        Raises:
            ConfigError: the program is missing, or an option cannot be used.
        """
        check_text(OWNER, "voice", voice)
        check_number(OWNER, "words_per_minute", words_per_minute, above=79, at_most=450)
        check_number(OWNER, "timeout_secs", timeout_secs, above=0)
        found = shutil.which(program)
        if found is None:
            raise ConfigError(f"{OWNER} needs '{program}', which is not installed; apt-get install espeak-ng.")
        self._program, self._voice, self._pace, self._timeout = found, voice, words_per_minute, timeout_secs

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples at 22,050 Hz, 16 bit. Raises SynthesisError."""
        if speech.ssml:
            async with contextlib.aclosing(self._said(speech.ssml, "-m")) as pieces:
                async for piece in pieces:
                    yield piece
            return
        options = self._options(speech)
        for number, part in enumerate(parts_of(speech)):
            if number:
                yield silence(speech.prosody.pause_ms, self.sample_rate)
            plain = part.replace("[[", "[ [")  # which would begin phonemes
            async with contextlib.aclosing(self._said(plain, *options)) as pieces:
                async for piece in pieces:
                    yield louder(piece, speech.prosody.volume)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _options(self, speech: Speech) -> list[str]:
        pace = min(450, max(80, self._pace * (1 + speech.prosody.rate / 100)))
        pitch = np.interp(speech.prosody.pitch, _SEMITONES, _PITCH)
        return ["-s", str(round(pace)), "-p", str(round(float(pitch)))]

    async def _said(self, text: str, *options: str) -> AsyncGenerator[bytes, None]:
        process = await self._started(options)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # One that has ended takes no text, which uvloop tells by a RuntimeError; its output tells the rest.
            with contextlib.suppress(RuntimeError, ConnectionError):
                process.stdin.write(text.encode())
                process.stdin.close()
            header = await self._read(process.stdout, HEADER)
            if len(header) < HEADER:
                raise SynthesisError("espeak-ng ended without a sound; try it with: espeak-ng hello")
            _check(header, self.sample_rate)
            while piece := await self._read(process.stdout, PIECE):
                yield piece
        except OSError as error:
            raise SynthesisError(f"espeak-ng ended before it had spoken ({type(error).__name__}).") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.communicate()  # what is left unread would keep the pipe open

    async def _started(self, options: tuple[str, ...]) -> Any:
        try:
            return await asyncio.create_subprocess_exec(
                self._program, "-v", self._voice, "-b", "1", *options, "--stdin", "--stdout",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise SynthesisError(f"espeak-ng cannot be started ({type(error).__name__}).") from error

    async def _read(self, stream: asyncio.StreamReader, count: int) -> bytes:
        """So many bytes, or those that were left."""
        try:
            return await asyncio.wait_for(stream.readexactly(count), self._timeout)
        except asyncio.IncompleteReadError as error:
            return error.partial[: len(error.partial) // 2 * 2]
        except asyncio.TimeoutError as error:
            raise SynthesisError(f"espeak-ng said nothing for {self._timeout:g} s.") from error


def _check(header: bytes, sample_rate: int) -> None:
    channels, rate, bits = *struct.unpack_from("<HI", header, 22), struct.unpack_from("<H", header, 34)[0]
    if header[:4] != b"RIFF" or (channels, rate, bits) != (1, sample_rate, 16):
        raise SynthesisError(f"espeak-ng gave {channels} channels of {bits} bit at {rate} Hz; take another voice.")
