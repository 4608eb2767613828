"""espeak-ng as a process of its own: on every machine, at once, and with a tone that is heard.

Rate and pitch are options of the command, the volume and the pauses are made here. So each is what it says: espeak-ng's
own `<prosody>` moves the pitch half as far as asked, and its `<break>` replaces the pause between two sentences.
espeak-ng is under GPL-3.0-or-later and stays outside of this process.
"""

import asyncio
import contextlib
import shutil
import struct
import subprocess
from collections.abc import AsyncGenerator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

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

THREADS = 8
"""Which wait for espeak-ng's next piece, each some milliseconds; they are not taken while a piece is played."""

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
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="espeak")

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
        command = [self._program, "-v", self._voice, "-b", "1", *options, "--stdin", "--stdout"]
        run = _Run(self._threads, command, text.encode(), self._timeout)
        try:
            header = await run.read(HEADER)
            if len(header) < HEADER:
                raise SynthesisError("espeak-ng ended without a sound; try it with: espeak-ng hello")
            _check(header, self.sample_rate)
            while piece := await run.read(PIECE):
                yield piece[: len(piece) // 2 * 2]
        except OSError as error:
            raise SynthesisError(f"espeak-ng cannot be started ({type(error).__name__}).") from error
        finally:
            run.end()


class _Run:
    """One run of the program, started, read and ended in threads.

    An event loop that starts a process stands still meanwhile, for 3 to 30 ms: uvloop copies the tables of all the
    memory that this process has.

    Args:
        threads: for it.
        command: the program and its options.
        text: that it reads.
        timeout_secs: how long the next piece of sound may take.
    """

    def __init__(self, threads: ThreadPoolExecutor, command: list[str], text: bytes, timeout_secs: float) -> None:
        self._threads, self._timeout = threads, timeout_secs
        self._started = threads.submit(_start, command, text)

    async def read(self, count: int) -> bytes:
        """So many bytes, or those that were left. Raises OSError where it could not be started, SynthesisError."""
        reading = asyncio.wrap_future(self._threads.submit(self._read, count))
        try:
            return await asyncio.wait_for(reading, self._timeout)
        except asyncio.TimeoutError as error:
            raise SynthesisError(f"espeak-ng said nothing for {self._timeout:g} s.") from error

    def end(self) -> None:
        """Kill it if it still runs; a thread that reads it then comes to the end."""
        # At once and not in a thread: all of them may wait for programs that say nothing.
        self._started.add_done_callback(_kill)
        self._threads.submit(self._end)

    def _read(self, count: int) -> bytes:
        stdout = self._started.result().stdout
        assert stdout is not None
        return stdout.read(count)

    def _end(self) -> None:
        with contextlib.suppress(OSError):  # it was never started
            process = self._started.result()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _start(command: list[str], text: bytes) -> "subprocess.Popen[bytes]":
    # `close_fds` off lets Python take `posix_spawn`, which copies nothing; its own files are not inherited anyway.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=False
    )
    assert process.stdin is not None
    # One that has ended takes no text; its output tells the rest. It reads the whole text before it speaks, so that no
    # length of it makes both wait.
    with contextlib.suppress(OSError), process.stdin as pipe:
        pipe.write(text)
    return process


def _kill(started: "Future[subprocess.Popen[bytes]]") -> None:
    with contextlib.suppress(OSError, CancelledError):  # it was never started
        started.result().kill()


def _check(header: bytes, sample_rate: int) -> None:
    channels, rate, bits = *struct.unpack_from("<HI", header, 22), struct.unpack_from("<H", header, 34)[0]
    if header[:4] != b"RIFF" or (channels, rate, bits) != (1, sample_rate, 16):
        raise SynthesisError(f"espeak-ng gave {channels} channels of {bits} bit at {rate} Hz; take another voice.")
