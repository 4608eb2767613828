"""One small bot, trained once; one real server that runs it."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests
import soundfile
from fake_analyzer import install
from made_once import made_once

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """`train(folder, dry_run=False, shipped=False)`: Rasa's training of the bot in a folder.

    With the foreseeable analyzer, or with the models that ship.
    """
    from rasa.model_training import train as rasa_train  # noqa: PLC0415 -- loads TensorFlow

    cache = str(tmp_path_factory.mktemp("cache"))

    def run(folder: Path, *, dry_run: bool = False, shipped: bool = False) -> object:
        with pytest.MonkeyPatch.context() as monkeypatch:
            if not shipped:
                install(monkeypatch)
            monkeypatch.setenv("RASA_CACHE_DIRECTORY", cache)
            return rasa_train(
                domain=str(folder / "domain.yml"),
                config=str(folder / "config.yml"),
                training_files=[str(folder / "data")],
                output=str(folder / "models"),
                dry_run=dry_run,
            )

    return run


@pytest.fixture(scope="session")
def bot(train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trained bot, a copy for the tests of this process."""

    def make(folder: Path) -> None:
        shutil.copytree(HERE / "bot", folder, dirs_exist_ok=True)
        train(folder)

    folder = tmp_path_factory.mktemp("bot") / "bot"
    shutil.copytree(made_once(tmp_path_factory, "trained-bot", make), folder)
    return folder


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """`with serve(folder) as address`: `rasa run` with the bot's files, ended as an operator would.

    `script` is what installs another analyzer than `serve.py` does.
    """

    @contextmanager
    def run(bot: Path, script: str = "serve.py") -> Iterator[str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, str(HERE / script), "run", "--enable-api"]
        command += ["-i", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])}
        with (bot / "server.log").open("a") as log:
            process = subprocess.Popen(command, cwd=bot, env=environment, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(process, f"{address}/status", bot / "server.log")
            yield address
        finally:
            process.terminate()
            process.wait()

    return run


@pytest.fixture(scope="session")
def server(bot: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """The address of the bot's server."""
    with serve(bot) as address:
        yield address


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.25)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def voice(tone) -> Callable[..., bytes]:
    """`voice(pitch, secs=1.0)`: the bytes of a WAV file; the pitch is the emotion."""

    def make(pitch: float, secs: float = 1.0) -> bytes:
        stream = io.BytesIO()
        soundfile.write(stream, tone(pitch, secs), 16_000, format="WAV")
        return stream.getvalue()

    return make


@pytest.fixture(scope="module")
def browser():
    """`browser(wav, *flags)`: Debian's Chromium, headless, whose microphone plays a file; None gives it a tone."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        opened = []

        def launch(wav: Path | None = None, *more: str):
            flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
            flags += ["--disable-background-networking", "--disable-component-update"]
            flags += ["--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required", *more]
            if wav is not None:
                flags += [f"--use-file-for-fake-audio-capture={wav}%noloop"]
            opened.append(driver.chromium.launch(executable_path=chromium, args=flags))
            return opened[-1]

        yield launch
        for one in opened:
            one.close()
