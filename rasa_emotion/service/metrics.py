"""What monitoring reads at `/metrics`: counts and times, nothing of any caller. Of one process, or summed over several.

Several processes share a folder (`PROMETHEUS_MULTIPROC_DIR`, set before this is imported). There, prometheus_client
leaves out what an Info or Enum says and gives 0 for a gauge with a function, without a word: gauges here are set when
they change. Those of a process that has died are left out, its counters stay.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from rasa_emotion.emotions import EMOTIONS, UNKNOWN
from rasa_emotion.estimate import EmotionEstimate

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Name of the variable with the folder that processes share."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of this process, and of those that share its folder."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("rasa_emotion_requests", "Requests answered.", ("route", "status"), registry=registry)
        self._seconds = Histogram(
            "rasa_emotion_request_seconds",
            "From a request's head to its answer.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self._turns = Histogram("rasa_emotion_turns", "Turns of one request.", buckets=SIZES, registry=registry)
        self._estimates = Counter(
            "rasa_emotion_estimates",
            "Estimates by emotion; a shift of their shares, or many unknowns, says that something changed.",
            ("emotion",),
            registry=registry,
        )
        for emotion in (*EMOTIONS, UNKNOWN):
            self._estimates.labels(emotion)
        self._waiting = _gauge("rasa_emotion_waiting", "Requests that wait for a thread.", registry)
        self._running = _gauge("rasa_emotion_running", "Requests in analysis.", registry)
        self._streams = _gauge("rasa_emotion_streams", "Streams that are open.", registry)
        _gauge("rasa_emotion_processes", "Processes that serve.", registry).set(1)

    def note_request(self, route: str, status: int, seconds: float | None) -> None:
        """Count one answer, and its time where that says something."""
        self._requests.labels(route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def note_turns(self, turns: int, estimates: Iterable[EmotionEstimate]) -> None:
        """Count one request's turns, and what those that could be analysed gave."""
        self._turns.observe(turns)
        for estimate in estimates:
            self._estimates.labels(estimate.emotion).inc()

    def note_load(self, waiting: int, running: int) -> None:
        """How many requests wait for a thread now, and how many are analysed."""
        self._waiting.set(waiting)
        self._running.set(running)

    def note_streams(self, count: int) -> None:
        """How many streams are open now."""
        self._streams.set(count)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        bury(Path(folder))
        shared = CollectorRegistry()
        MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def bury(folder: Path) -> None:
    """Leave out the gauges of processes that have died: nobody else does, and what they said would stay for ever."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another process was faster
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            pass  # it lives, and is somebody else's


def _gauge(name: str, what: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, what, registry=registry, multiprocess_mode="livesum")
