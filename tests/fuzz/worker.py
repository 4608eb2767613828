"""Reads altered inputs in a process of its own, within bounds of memory and time.

    python tests/fuzz/worker.py TARGET COUNT SEED

Prints one JSON line: how many inputs were read, and the number in its seed and the fault of each that was neither taken
nor refused in a sentence.
"""

import faulthandler
import json
import logging
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from targets import TARGETS, fault

MEMORY_BYTES = 300_000_000
"""Beyond what the process takes after it has read the right examples."""

INPUT_SECS = 20
"""For one input; a right one takes milliseconds."""


class TooLong(BaseException):
    """No `except Exception` of what is tested catches it."""


def _too_long(*_: Any) -> None:
    raise TooLong


def main(name: str, count: str, seed: str) -> None:
    faulthandler.enable()
    logging.disable()
    target, chance = TARGETS[name], random.Random(f"{name} {seed}")
    for example in target.made():
        target.read(example)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_BYTES, taken + MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    faults = []
    for number in range(int(count)):
        content = target.altered(chance)
        signal.alarm(INPUT_SECS)
        try:
            found = fault(target, content)
        except TooLong:
            found = f"took longer than {INPUT_SECS} s"
        finally:
            signal.alarm(0)
        if found:
            faults.append([number, found[:300], len(content)])
    print(json.dumps({"read": int(count), "faults": faults}))


if __name__ == "__main__":
    main(*sys.argv[1:])
