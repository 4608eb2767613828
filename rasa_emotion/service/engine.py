"""The analyzer behind a queue that does not grow."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rasa_emotion.protocol import Analyzer
from rasa_emotion.service.limits import Limits
from rasa_emotion.service.turns import Answered, Body, answer
from rasa_emotion.turn.refusal import TurnRefused

RETRY_SECS = 1
FULL = "Too many requests wait for an analysis; send this one again later."
NEWEST = 0.1
"""Share of the newest request in the running average of what they take."""


def busy(sentence: str, status: int = 429) -> TurnRefused:
    """The refusal of what can be tried again soon."""
    return TurnRefused(status, sentence, retry_after=RETRY_SECS)


class Engine:
    """Analyses requests in threads. What is more than they and the queue can hold is refused at once.

    Requests are not gathered into batches: windows of different lengths cost more together than one by one, and the
    text model that ships is not batched (`benchmarks/batches.py`). The turns of one request go to it together.
    """

    def __init__(self, analyzer: Analyzer, limits: Limits, noted: Callable[[int, int], None]) -> None:
        """Starts no thread yet.

        Args:
            analyzer: what is asked.
            limits: of threads and of who may wait.
            noted: called with the requests that wait and those that run, whenever they change.
        """
        self.analyzer = analyzer
        self._noted = noted
        self._limits = limits
        # onnxruntime and the decoders release the GIL, so these threads run beside the event loop.
        self._threads = ThreadPoolExecutor(limits.workers, thread_name_prefix="emotion")
        self._inside = 0
        self._secs = 0.0

    @property
    def running(self) -> int:
        """Requests in a thread."""
        return min(self._inside, self._limits.workers)

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""
        return self._inside - self.running

    @property
    def full(self) -> bool:
        """Whether one more would be refused: too many wait, or it would wait too long."""
        waiting, workers = self.waiting, self._limits.workers
        if self._inside >= workers + self._limits.waiting:
            return True
        if waiting < workers:  # a long request alone turns nobody away
            return False
        return (waiting + 1) / workers * self._secs > self._limits.wait_secs

    async def answer(self, body: Body) -> Answered:
        """Analyse a request.

        Raises:
            TurnRefused: too many wait (429), it took too long (503), or it cannot be taken (400, 413).
        """
        if self.full:
            raise busy(FULL)
        loop = asyncio.get_running_loop()
        self._count(1)
        work = self._threads.submit(self._timed, body)
        # A thread that goes on after its time is still taken; one that was never begun leaves at once.
        work.add_done_callback(lambda _: _soon(loop, lambda: self._count(-1)))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(work), self._limits.analysis_secs)
        except asyncio.TimeoutError as error:
            raise busy(f"The analysis took longer than {self._limits.analysis_secs:g} s; send less.", 503) from error

    def _timed(self, body: Body) -> Answered:
        begun = time.perf_counter()
        try:
            return answer(self.analyzer, body, self._limits)
        finally:
            # Of two threads at once, one may not count: it is an average.
            self._secs += NEWEST * (time.perf_counter() - begun - self._secs)

    def _count(self, change: int) -> None:
        self._inside += change
        self._noted(self.waiting, self.running)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _soon(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(what)
