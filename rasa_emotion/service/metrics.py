"""What monitoring reads at `/metrics`: counts and times, nothing of any caller."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from rasa_emotion.emotions import EMOTIONS, UNKNOWN
from rasa_emotion.estimate import EmotionEstimate

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one process."""

    def __init__(self, waiting: Callable[[], int], running: Callable[[], int]) -> None:
        """Registers them.

        Args:
            waiting: how many requests wait for a thread now.
            running: how many are analysed now.
        """
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "rasa_emotion_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "rasa_emotion_request_seconds",
            "From a request's head to its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._turns = Histogram("rasa_emotion_turns", "Turns of one request.", buckets=SIZES, registry=self._registry)
        self._estimates = Counter(
            "rasa_emotion_estimates",
            "Estimates by emotion; a shift of their shares, or many unknowns, says that something changed.",
            ("emotion",),
            registry=self._registry,
        )
        for emotion in (*EMOTIONS, UNKNOWN):
            self._estimates.labels(emotion)
        Gauge("rasa_emotion_waiting", "Requests that wait for a thread.", registry=self._registry).set_function(waiting)
        Gauge("rasa_emotion_running", "Requests in analysis.", registry=self._registry).set_function(running)

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def note_turns(self, turns: int, estimates: Iterable[EmotionEstimate]) -> None:
        """Count one request's turns, and what those that could be analysed gave."""
        self._turns.observe(turns)
        for estimate in estimates:
            self._estimates.labels(estimate.emotion).inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
