"""A bot's server that runs while something is measured."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

START_SECS = 600.0


@contextmanager
def running(
    bot: Path, port: int, environment: Mapping[str, str], *, path: str = "", core: int | None = None
) -> Iterator[psutil.Process]:
    """`rasa run` with the bot in a folder, from when it answers under `path`; its words go to the bot's `server.log`.

    Args:
        bot: its folder.
        port: of 127.0.0.1.
        environment: all variables.
        path: asked until it is there.
        core: on which alone it runs; any where None.

    Raises:
        SystemExit: it does not start.
    """
    command = [sys.executable, "-W", "ignore", "-m", "rasa", "run", "--interface", "127.0.0.1", "--port", str(port)]
    with (bot / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=bot, env=dict(environment), stdout=log, stderr=log)
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # before it has threads
        begun = time.monotonic()
        while not _answers(f"http://127.0.0.1:{port}/{path}"):
            if process.poll() is not None or time.monotonic() - begun > START_SECS:
                raise SystemExit(f"The server did not start:\n{(bot / 'server.log').read_text()[-2000:]}")
            time.sleep(0.3)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
