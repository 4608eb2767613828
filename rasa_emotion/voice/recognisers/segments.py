"""Recognisers that hear a turn as a whole: they keep the call's latest audio and cut the turn out of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, highpass, speech_secs
from rasa_emotion.errors import AudioError, RasaEmotionError, place_of
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript, Turn

KEPT_SECS = 32.0
"""Of the call's latest audio, as 16 bit numbers: a megabyte. Longer turns are recognised from there on."""

MARGIN_SECS = 0.25
"""Heard before and after the voice, since a detector's edges cut soft sounds."""

LEAST_SPEECH_SECS = 0.1
"""Less voice in a turn is a click, which a recogniser would put words to."""


class Engine(Protocol):
    """A model that all calls of a process share; its methods run in its own threads."""

    def recognise(self, samples: NDArray[np.float32]) -> Transcript:
        """The words in 16 kHz samples; times count from their beginning. Raises RecogniserError."""


class SegmentRecogniser:
    """A recogniser (see `interface.Recogniser`) of whole turns; derive from it and give `load`.

    Recognition begins where a turn pauses, so that it is mostly done when the turn's end is decided. Where the voice
    detector hears no voice in a turn, the model is not asked: models put words to noise and silence.
    """

    name = "segments"
    is_remote = False

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._held: list[NDArray[np.int16]] = []
        self._held_count = 0
        self._heard = 0  # samples since the beginning of the call
        self._pending: tuple[Turn, asyncio.Task[Transcript]] | None = None
        self._guess: Transcript | None = None

    def load(self) -> Engine:
        """The engine, loaded once for all calls; runs in a thread. Raises RecogniserError."""
        raise NotImplementedError

    async def start(self, *, at_secs: float = 0.0) -> None:
        """Loads the model where no call has needed it yet."""
        self._heard = round(at_secs * SAMPLE_RATE)
        self._held, self._held_count = [], 0
        self._engine = await asyncio.get_running_loop().run_in_executor(threads(self.name), self.load)

    async def recognise(self, samples: NDArray[np.float32]) -> Transcript:
        """The words in 16 kHz samples in which there is a voice; times count from their beginning."""
        if self._engine is None:
            raise RecogniserError(f"The recogniser '{self.name}' was not started; start it before the first turn.")
        return await asyncio.get_running_loop().run_in_executor(threads(self.name), self._engine.recognise, samples)

    async def feed(self, samples: NDArray[np.float32]) -> None:
        """Keeps the next audio. Raises AudioError for numbers of another kind: models hear those as noise."""
        if samples.dtype != np.float32:
            raise AudioError(f"A recogniser got {samples.dtype} numbers; give float32 from -1 to 1.")
        self._held.append(np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16))
        self._heard += len(samples)
        self._held_count += len(samples)
        while self._held_count - len(self._held[0]) >= KEPT_SECS * SAMPLE_RATE:
            self._held_count -= len(self._held.pop(0))

    def pause(self, turn: Turn) -> None:
        """Begins to recognise what may be the whole turn."""
        self._begin(turn)

    def partial(self) -> Transcript | None:
        """What was recognised at the latest pause of the turn under way."""
        return self._guess

    async def final(self, turn: Turn) -> Transcript:
        """The words of a turn."""
        begun = self._pending is not None and self._pending[0] == turn
        task = self._pending[1] if begun and self._pending is not None else self._begin(turn)
        try:
            return await task
        except RasaEmotionError:
            raise
        except Exception as error:  # whatever happens inside a model
            raise RecogniserError(
                f"The recogniser '{self.name}' failed ({place_of(error)}); the turn has no words."
            ) from error
        finally:
            self._pending, self._guess = None, None

    async def close(self) -> None:
        """Drops the audio; the model stays for other calls."""
        if self._pending is not None:
            self._pending[1].cancel()
        self._pending, self._guess, self._held, self._held_count = None, None, [], 0

    def _begin(self, turn: Turn) -> "asyncio.Task[Transcript]":
        if self._pending is not None:
            self._pending[1].cancel()  # one that waits for a thread is not heard any more
        task = asyncio.get_running_loop().create_task(self._words(*self._cut(turn)))
        task.add_done_callback(self._guessed)
        self._pending = (turn, task)
        return task

    def _guessed(self, task: "asyncio.Task[Transcript]") -> None:
        if task.cancelled() or task.exception() is not None:
            return
        if self._pending is not None and self._pending[1] is task:
            self._guess = replace(task.result(), is_final=False)

    def _cut(self, turn: Turn) -> tuple[NDArray[np.float32], float]:
        """The samples of a turn and where they begin, in seconds of the call."""
        held = np.concatenate(self._held) if self._held else np.zeros(0, np.int16)
        first = self._heard - len(held)
        start = max(first, round((turn.start_secs - MARGIN_SECS) * SAMPLE_RATE), 0)
        stop = max(start, round((turn.end_secs + MARGIN_SECS) * SAMPLE_RATE))
        samples = held[start - first : stop - first].astype(np.float32) / np.float32(32768)
        return samples, start / SAMPLE_RATE

    async def _words(self, samples: NDArray[np.float32], start_secs: float) -> Transcript:
        voice = await asyncio.get_running_loop().run_in_executor(threads("voice"), _voice_secs, samples)
        if voice < LEAST_SPEECH_SECS:
            return Transcript("", warning="No voice was found in the turn.")
        found = await self.recognise(samples)
        end = len(samples) / SAMPLE_RATE
        words = tuple(
            replace(
                word,
                start_secs=round(start_secs + min(max(word.start_secs, 0.0), end), 3),
                end_secs=round(start_secs + min(max(word.end_secs, 0.0), end), 3),
            )
            for word in found.words
        )
        return replace(found, words=words)


def _voice_secs(samples: NDArray[np.float32]) -> float:
    return speech_secs(highpass(Waveform(samples)))


@lru_cache(maxsize=8)
def threads(name: str) -> ThreadPoolExecutor:
    """The thread in which all calls of a kind of recogniser compute, one after another: a turn is done soonest so."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"words-{name}")
