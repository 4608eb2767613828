"""Services for tests: inside the test, or as processes of their own whose log is read."""

import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import soundfile
from aiohttp.test_utils import TestClient, TestServer
from fake_analyzer import FakeAnalyzer

from rasa_emotion.service.app import Service
from rasa_emotion.service.limits import Limits
from rasa_emotion.turn.access import Access

SERVED = Path(__file__).resolve().parent / "service" / "served.py"
WAIT_SECS = 120
LIMITS = Limits(analysis_secs=60, body_secs=60)
"""A busy machine must not fail a test."""


def recording(samples, **options) -> bytes:
    """A file of 16 kHz samples; WAV unless told otherwise."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, **{"format": "WAV", **options})
    return file.getvalue()


@asynccontextmanager
async def service(limits: Limits = LIMITS, analyzer=None, access=None) -> AsyncIterator[TestClient]:
    """A client of a service on this event loop; its attribute `service` is that."""
    made = Service(analyzer or FakeAnalyzer(), access or Access("serve", {}), limits)
    async with TestClient(TestServer(made.app)) as client:
        client.service = made
        yield client
        made.close()


class Served:
    """A running service.

    Args:
        process: writes JSON lines on its standard error.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.records: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        started = self.wait_for("service.started")
        found = re.search(r"(https?)://[\d.]+:(\d+)", started["message"])
        assert found
        self.port = int(found[2])
        self.url = f"{found[1]}://127.0.0.1:{self.port}"

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, event: str, having: Callable[[str], bool] = lambda _: True) -> dict[str, Any]:
        """The next record of this name."""
        while True:
            line = self._lines.get(timeout=WAIT_SECS)
            assert line is not None, f"the service has ended: {self.other}"
            if not line.startswith("{"):
                self.other.append(line)
                continue
            record = json.loads(line)
            self.records.append(record)
            if record["event"] == event and having(record["message"]):
                return record

    def rest(self) -> list[str]:
        """The lines that nobody has waited for, once the service has ended."""
        return list(iter(lambda: self._lines.get(timeout=WAIT_SECS), None))

    def end(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECS)


@contextmanager
def served(*options: object, command: list[str] | None = None) -> Iterator[Served]:
    """A service on a free port."""
    words = [*(command or [sys.executable, str(SERVED)]), *map(str, options)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield Served(process)
    finally:
        process.kill()
        process.wait()
