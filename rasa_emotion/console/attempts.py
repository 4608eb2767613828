"""How often somebody may try to sign in."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

WINDOW_SECS = 300.0
"""The time in which failures are counted."""

MOST_OF_NAME, MOST_OF_ADDRESS = 10, 30
"""Failures in that time for one name, and from one address, where several people may sit."""

MOST_KEPT = 10_000
"""Names and addresses that are remembered; the oldest go first."""


class Attempts:
    """Failures to sign in, in this process.

    Args:
        clock: seconds that never go back.

    >>> attempts = Attempts()
    >>> [attempts.failed("ada", "::1") for _ in range(10)] and attempts.wait_secs("ada", "::2") > 0
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait_secs(self, name: str, address: str) -> float:
        """How long this name, from this address, has to wait; 0 where it may try."""
        now = self._clock()
        waits = [0.0]
        for key, most in _keys(name, address):
            failures = self._failures.get(key, deque())
            while failures and now - failures[0] > WINDOW_SECS:
                failures.popleft()
            if len(failures) >= most:
                waits.append(failures[-most] + WINDOW_SECS - now)
        return max(waits)

    def failed(self, name: str, address: str) -> None:
        """Note a failure."""
        for key, most in _keys(name, address):
            self._failures.setdefault(key, deque(maxlen=most)).append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > MOST_KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name; those of the address go on counting."""
        self._failures.pop(("name", name), None)


def _keys(name: str, address: str) -> Iterable[tuple[tuple[str, str], int]]:
    return (("name", name[:64]), MOST_OF_NAME), (("address", address), MOST_OF_ADDRESS)
