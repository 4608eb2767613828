"""The replicas of a service: which one is asked next, and which is left alone after failures (a circuit breaker)."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rasa_emotion.errors import ConfigError

FAILURES = 3
"""In a row, after which a replica is left alone for a while."""

TRIES = 2
"""Replicas that one request asks at most."""


@dataclass
class Replica:
    """One address, and how it did."""

    url: str
    failures: int = 0
    rests_until: float = 0.0

    @property
    def place(self) -> str:
        """Host and port alone: an address may hold a password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


class Replicas:
    """All of them, asked by turns. May be shared between threads.

    Args:
        urls: of the replicas, such as "http://emotion:8100".
        rest_secs: how long a replica that failed is left alone.
        clock: seconds.

    Raises:
        ConfigError: there is no address, or one that is none.
    """

    def __init__(
        self, urls: Sequence[str], *, rest_secs: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._all = [Replica(check_url(url)) for url in urls]
        if not self._all:
            raise ConfigError("There is no address of a service; give one such as http://emotion:8100.")
        self._rest_secs, self._clock = rest_secs, clock
        self._turn_of = itertools.count()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def order(self) -> Iterator[Replica]:
        """The replicas of one request's tries, those that rest left out."""
        start = next(self._turn_of)
        count = len(self._all)
        tries = 0
        for step in range(max(TRIES, count)):
            replica = self._all[(start + step) % count]
            if tries == TRIES or not self._may_ask(replica):
                continue
            tries += 1
            yield replica

    def note_failure(self, replica: Replica) -> None:
        """Count one more failure in a row."""
        with self._lock:
            replica.failures += 1
            replica.rests_until = self._clock() + self._rest_secs

    def _may_ask(self, replica: Replica) -> bool:
        """Whether it does not rest; of one whose rest is over, one request tries it and the others go on waiting."""
        with self._lock:
            now = self._clock()
            if replica.failures < FAILURES:
                return True
            if now < replica.rests_until:
                return False
            replica.rests_until = now + self._rest_secs
            return True


def check_url(url: str) -> str:
    """An address of a service, without a slash at its end. Raises ConfigError for one that is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigError(f"'{url}' is no address of a service; write one such as http://emotion:8100.")
    return url.rstrip("/")
