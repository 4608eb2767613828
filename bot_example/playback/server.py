"""Trains the example bot where needed and runs it as a real Rasa server on a free port of this machine."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

import rasa_emotion
from rasa_emotion.endpoints import PATH_VARIABLE
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.model_folder import MANIFEST, shipped_models

BOT = Path(__file__).resolve().parent.parent
WEBHOOK = "/webhooks/emotion/webhook"
MESSAGES = "/webhooks/emotion/messages"
WARNING_HEADER = "X-Emotion-Warning"
START_SECS = 180.0
"""A cold start imports TensorFlow: about 15 s on two cores, several times that on a busy machine."""
TURN_SECS = 60.0
STOP_SECS = 10.0
TAIL_LINES = 12


class BotError(RasaEmotionError):
    """The bot cannot be trained, started or talked to."""


def bot_fingerprint(bot: Path = BOT) -> str:
    """Changes whenever the bot's files, the plugin's code or its models do."""
    package = Path(rasa_emotion.__file__).parent
    files = [
        *(bot / name for name in ("config.yml", "domain.yml")),
        *sorted((bot / "data").rglob("*.yml")),
        *sorted(package.rglob("*.py")),
        *sorted(shipped_models().glob(f"*/{MANIFEST}")),
    ]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def trained_model(bot: Path = BOT) -> Path:
    """The bot's model, trained now unless nothing has changed since the last time.

    Raises:
        BotError: the training fails.
    """
    name = f"bot-{bot_fingerprint(bot)}"
    model = bot / "models" / f"{name}.tar.gz"
    if not model.is_file():
        training = subprocess.run(
            [*_rasa("train"), "--fixed-model-name", name],
            cwd=bot, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if training.returncode or not model.is_file():
            raise BotError(f"The bot in '{bot}' could not be trained; Rasa said:\n{_fault(training.stdout)}")
        for outdated in set(model.parent.glob("bot-*.tar.gz")) - {model}:
            outdated.unlink()
    return model


class Bot:
    """A client of the running server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy must not see, nor break, requests to this machine

    def send(self, sender: str, text: str, audio: Path | None) -> tuple[list[str], str]:
        """Send one turn as multipart form data; the bot's answers, in order, and the channel's warning, if any.

        Raises:
            BotError: the server does not answer as it should.
        """
        fields: dict[str, Any] = {"sender": (None, sender)}
        if text:
            fields["message"] = (None, text)
        if audio is not None:
            fields["audio"] = (audio.name, audio.read_bytes())
        response = self._request("POST", WEBHOOK, files=fields)
        answers = [answer["text"] for answer in response.json() if answer.get("text")]
        return answers, response.headers.get(WARNING_HEADER, "")

    def messages(self, sender: str, after: int) -> list[dict[str, Any]]:
        """What a human has said to the caller since the message with the id `after`. Raises BotError."""
        query = {"sender": sender, "after": after, "wait": 10}
        said: list[dict[str, Any]] = self._request("GET", MESSAGES, params=query).json()
        return said

    def tracker(self, sender: str) -> dict[str, Any]:
        """The conversation as Rasa stores it, with all events. Raises BotError."""
        path = f"/conversations/{sender}/tracker"
        tracker: dict[str, Any] = self._request("GET", path, params={"include_events": "ALL"}).json()
        return tracker

    def is_ready(self) -> bool:
        try:
            return self.session.get(f"{self.address}/status", timeout=5).ok
        except requests.RequestException:
            return False

    def _request(self, method: str, path: str, **request: Any) -> requests.Response:
        try:
            response = self.session.request(method, self.address + path, timeout=TURN_SECS, **request)
        except requests.RequestException as error:
            raise BotError(f"The bot did not answer {method} {path}: {error}") from error
        if not response.ok:
            raise BotError(f"The bot refused {method} {path} ({response.status_code}): {response.text[:300]}")
        return response


@contextmanager
def running_bot(model: Path, credentials: Path, endpoints: Path, log: Path) -> Iterator[Bot]:
    """A Rasa server with the model, ready to talk; it is stopped at the end, whatever happens.

    Raises:
        BotError: the server ends or is not ready in time.
    """
    port = free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*_rasa("run"), "--model", str(model), "--interface", "127.0.0.1", "--port", str(port), "--enable-api",
             "--credentials", str(credentials), "--endpoints", str(endpoints)],
            cwd=BOT, env={**_environment(), PATH_VARIABLE: str(endpoints)}, stdout=output, stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C reaches this process alone, which then stops the server in good order.
            start_new_session=True,
        )  # fmt: skip
    try:
        bot = Bot(f"http://127.0.0.1:{port}")
        _wait_until_ready(bot, server, log)
        yield bot
    finally:
        _stop(server)


def _wait_until_ready(bot: Bot, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECS
    while not bot.is_ready():
        if server.poll() is not None:
            said = _fault(log.read_text(encoding="utf-8", errors="replace"))
            raise BotError(f"The Rasa server ended with code {server.returncode} before it was ready; it said:\n{said}")
        if time.monotonic() > deadline:
            raise BotError(f"The Rasa server was not ready after {START_SECS:.0f} s; see its log in '{log}'.")
        time.sleep(0.3)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(STOP_SECS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _rasa(verb: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "rasa", verb]


def _environment() -> dict[str, str]:
    offline = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **offline}


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _fault(output: str) -> str:
    """The error that Rasa names, or else the last lines of what it said."""
    named = re.findall(r"^[\w.]+(?:Error|Exception): .+", output, flags=re.MULTILINE)
    return str(named[0]) if named else "\n".join(output.strip().splitlines()[-TAIL_LINES:])
