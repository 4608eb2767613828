"""Many calls on one event loop: their windows are heard together, in threads of their own."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.speech import SpeechEvent, State
from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import ModelError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.streaming.cutting import Cut, Cutter, StreamSettings
from rasa_emotion.streaming.doubt import FormatDoubt
from rasa_emotion.streaming.events import StreamEvent, Window
from rasa_emotion.streaming.hearing import SWITCHED_OFF, Found, TurnHearing

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Windows in one call of the model; more would only make the first of them wait."""

MOST_UNREAD = 256
"""Events that wait for who reads a call's events; further updates are left out until they are read."""

MOST_BEHIND = 64
"""Windows and events of a call that may wait, for `LiveStream.caught_up`."""

FINISHED = 0.5
"""Probability from which a turn that pauses has ended."""


class TurnEnd(Protocol):
    """Tells from the sound of a turn whether the speaker has finished; `audio.turn_end.SmartTurn` is one."""

    secs: float
    """Of the turn's latest audio that it looks at."""

    def probability(self, samples: NDArray[np.float32]) -> float:
        """That the turn is complete, 0 to 1, of 16 kHz samples that end 0.2 s after the voice fell silent."""


class SharedHearing:
    """One analyzer for all calls of a process: what waits is heard together. Belongs to one event loop.

    While the model hears some windows, those of other calls gather and go into its next call: the busier, the larger
    the batches. Windows that close a turn go before updates.

    Args:
        analyzer: hears and fuses.
        workers: threads that hear; one core each.
        turn_end: tells whether a turn that pauses has ended; None leaves it to the silence.
    """

    def __init__(self, analyzer: Analyzer, *, workers: int = 1, turn_end: TurnEnd | None = None) -> None:
        self.analyzer, self.turn_end = analyzer, turn_end
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="emotion-live")
        # A thread of its own: judging the end of a turn must not wait behind windows, nor windows behind it.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="emotion-turn-end")
        self._waiting: deque[tuple[Waveform, asyncio.Future[Found]]] = deque()
        self._free = workers
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, waveform: Waveform, *, first: bool = False) -> "asyncio.Future[Found]":
        """Evidence of a piece, as `Analyzer.hear_many` gives it; a future that is cancelled is not heard.

        Args:
            waveform: 16 kHz.
            first: whether they go before what waits already.
        """
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        item = (waveform, future)
        if first:
            self._waiting.appendleft(item)
        else:
            self._waiting.append(item)
        if self._free:
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def finished(self, samples: NDArray[np.float32]) -> float:
        """Probability that a turn has ended; 0 without a network for it, or where it fails."""
        if self.turn_end is None:
            return 0.0
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._beside, self.turn_end.probability, samples)
        except Exception as error:  # whatever happens inside a network of somebody's own
            logger.error(
                "The end of a turn is left to its silence (%s).", place_of(error), extra=named("stream.end.failed")
            )
            trace(logger, "stream.end.failed", error)
            return 0.0

    def close(self) -> None:
        """Lets the threads end; what is being heard is heard to its end."""
        self._threads.shutdown(wait=False)
        self._beside.shutdown(wait=False)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch: list[tuple[Waveform, asyncio.Future[Found]]] = []
                while self._waiting and len(batch) < MOST_AT_ONCE:
                    waveform, future = self._waiting.popleft()
                    if not future.done():
                        batch.append((waveform, future))
                if batch:
                    found = await loop.run_in_executor(self._threads, self._heard, [waveform for waveform, _ in batch])
                    for (_, future), one in zip(batch, found, strict=True):
                        if not future.done():
                            future.set_result(one)
        finally:
            self._free += 1

    def _heard(self, waveforms: list[Waveform]) -> list[Found]:
        try:
            return self.analyzer.hear_many(waveforms)
        except Exception as error:  # a fault in the analysis must not end a call
            logger.error(
                "Live audio could not be analysed (%s); calls go on.", place_of(error), extra=named("stream.failed")
            )
            trace(logger, "stream.failed", error)
            return [ModelError("The voice could not be analysed.")] * len(waveforms)


class LiveStream(Cut):
    """Hears one call of many. One per call, on the event loop of its `SharedHearing`.

    `feed` costs some 0.3 ms and never waits for a model; what is found comes out of `events`. Where the machine is too
    slow, an update that still waits is replaced by the next one: updates become fewer, never late by more and more.

    Args:
        hearing: shared by all calls.
        encoding: of the frames, see `audio.stream.StreamDecoder`.
        sample_rate: Hz of the frames.
        settings: how the call is heard.
        clock: seconds, by which a wrong rate is noticed; None where audio does not come as it is spoken.

    Raises:
        AudioError: the encoding or rate cannot be used.
    """

    def __init__(
        self,
        hearing: SharedHearing,
        *,
        encoding: str = "pcm_s16le",
        sample_rate: int = SAMPLE_RATE,
        settings: StreamSettings | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.analyse = True
        """Whether emotions are heard; set it to False when a caller says no. Turns are told all the same."""
        self.skipped = 0
        """Updates that were replaced by later ones."""
        self.doubt: str | None = None
        """What is likely wrong with the announced rate or encoding, in one sentence; None while nothing is."""
        self._hearing = hearing
        self._decoder = StreamDecoder(encoding, sample_rate)
        self._format = FormatDoubt(sample_rate, clock)
        asked = settings or StreamSettings()
        looks_at = hearing.turn_end.secs if hearing.turn_end is not None else 0.0
        self._cutter = Cutter(replace(asked, keep_secs=max(asked.keep_secs, looks_at)))
        self._turns = TurnHearing(hearing.analyzer)
        self._events: asyncio.Queue[StreamEvent | None] = asyncio.Queue()
        self._update: asyncio.Future[Found] | None = None
        self._windows: dict[int, list[asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: asyncio.Task[None] | None = None
        self._paused_at = -1.0
        self._closed = False
        self._moved = asyncio.Event()

    @property
    def pausing(self) -> bool:
        """Whether a turn is under way and its voice has fallen silent, so that the next frame may end it."""
        return self._cutter.detector.state is State.PAUSED

    def feed(self, frame: bytes) -> NDArray[np.float32]:
        """Take the next frame; returns its samples, 16 kHz float32, for a recogniser that hears beside.

        Raises:
            AudioError: the frame is no audio; the call can go on with the next one.
        """
        samples = self._decoder.feed(frame)
        doubt = self._format.take(samples)
        if doubt is not None:
            self.doubt = doubt
            logger.warning("%s", doubt, extra=named("stream.format.doubtful"))
        self._take(self._cutter.feed(samples))
        return samples

    def end_turn(self, reason: str = "network") -> None:
        """End the turn under way, because it is known from elsewhere that the caller has finished."""
        self._take(self._cutter.end_turn(reason))

    async def caught_up(self) -> None:
        """Returns once little waits to be heard and read, for who feeds audio faster than it is spoken."""
        while len(self._tasks) + self._events.qsize() > MOST_BEHIND:
            self._moved.clear()
            await self._moved.wait()

    def abandon(self) -> None:
        """Nobody listens any more: what waits is not heard. `events` may then never end."""
        for task in tuple(self._tasks):
            task.cancel()

    def close(self) -> None:
        """The call is over: the turn under way is ended and told, then `events` ends. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._take([*self._cutter.feed(self._decoder.finish()), *self._cutter.end_turn("closed")])
        self._spawn(self._ended(self._told))

    async def events(self) -> AsyncIterator[StreamEvent]:
        """All events in order, until the call was closed: `SpeechEvent`, `Update` and, after an end, `Utterance`."""
        while (event := await self._events.get()) is not None:
            self._moved.set()
            yield event

    def _take(self, found: list[SpeechEvent | Window]) -> None:
        for one in found:
            if isinstance(one, Window):
                self._listen(one)
                continue
            self._events.put_nowait(one)
            if one.kind == "pause":
                self._paused_at = one.at_secs
                turn_end = self._hearing.turn_end
                if turn_end is not None:
                    self._spawn(self._judge(one, self._cutter.recent(turn_end.secs)))
            elif one.kind == "end":
                self._told = self._spawn(self._tell(one, self._windows.pop(one.turn, []), self._told))

    def _listen(self, window: Window) -> None:
        if not self.analyse:
            self._turns.note(window, SWITCHED_OFF)
            return
        future = self._hearing.hear(window.waveform, first=window.last)
        if not window.last and not window.kept:
            if self._update is not None and not self._update.done():
                self.skipped += self._update.cancel()
            self._update = future
        self._windows.setdefault(window.turn, []).append(self._spawn(self._note(window, future)))

    async def _note(self, window: Window, future: "asyncio.Future[Found]") -> None:
        try:
            found = await future
        except asyncio.CancelledError:
            return
        update = self._turns.note(window, found if self.analyse else SWITCHED_OFF)
        if update is not None and self._events.qsize() < MOST_UNREAD:
            self._events.put_nowait(update)

    async def _tell(
        self, end: SpeechEvent, windows: list["asyncio.Task[None]"], before: "asyncio.Task[None] | None"
    ) -> None:
        for task in [*([before] if before else []), *windows]:
            await task
        self._events.put_nowait(self._turns.utterance(end))

    async def _judge(self, pause: SpeechEvent, samples: NDArray[np.float32]) -> None:
        probability = await self._hearing.finished(samples)
        same = self._cutter.detector.state is State.PAUSED and self._paused_at == pause.at_secs
        if probability >= FINISHED and same:
            self.end_turn("network")

    async def _ended(self, last: "asyncio.Task[None] | None") -> None:
        if last is not None:
            await last
        self._events.put_nowait(None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._let_go)
        return task

    def _let_go(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._moved.set()
