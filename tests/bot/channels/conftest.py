"""A server process with channels and a bot that answers by rote."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

HERE = Path(__file__).resolve().parent


@dataclass
class Served:
    """A server: its address, its process, and the file that it logs to, in the folder in which it runs."""

    address: str
    process: subprocess.Popen
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@pytest.fixture(scope="session")
def serve_channels(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Served]]:
    """`with serve_channels(credentials, host="127.0.0.1") as served`."""

    @contextmanager
    def run(credentials: Mapping[str, Any], host: str = "127.0.0.1") -> Iterator[Served]:
        folder = tmp_path_factory.mktemp("served")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, str(HERE / "serve_channel.py"), host, str(port), json.dumps(credentials)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path])}
        environment["RASA_EMOTION_ENDPOINTS"] = str(folder / "endpoints.yml")
        log = folder / "server.log"
        with log.open("w") as written:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=written, stderr=written)
        served = Served(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait(served)
            yield served
        finally:
            process.terminate()
            process.wait()

    return run


def _wait(served: Served) -> None:
    for _ in range(1200):
        if served.process.poll() is not None:
            break
        try:
            requests.get(served.address, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.25)
        else:
            return
    pytest.fail(f"the server did not start:\n{served.log.read_text()[-3000:]}")
