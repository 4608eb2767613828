"""docs/quickstart.md does what it says: its commands, in its order, on two bots, to the hand-back."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
from bot_shapes import TABLE, make

pytestmark = pytest.mark.rasa

INSTALL = "pip install 'path/to/rasa-emotion[rasa,formats]'"
"""What tests/packaging does with the real wheel."""

START_SECS = 600
ANSWERED_SECS = 60


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "quickstart.md").read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """The page's commands, one an entry, with the lines that they go on over."""
    blocks = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    return [command for block in blocks for command in re.sub(r"\\\n\s*", "", block).splitlines() if command.strip()]


class Terminal:
    """Runs the page's commands, in the bot's folder, on a port that is free."""

    def __init__(self, bot: Path, cache: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.bot = bot
        programs = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "RASA_CACHE_DIRECTORY": str(cache),
        }
        self.environment.pop("RASA_EMOTION_ENDPOINTS", None)
        self.server: subprocess.Popen[bytes] | None = None

    def run(self, command: str, typed: str = "") -> str:
        command = command.replace("localhost:5005", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.bot, env=self.environment, input=typed, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def serve(self, command: str) -> None:
        """`rasa run`, in a terminal of its own."""
        command = f"exec {command.partition('#')[0].strip()} -i 127.0.0.1 --port {self.port}"
        with (self.bot / "server.log").open("w") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", command], cwd=self.bot, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + START_SECS
        while time.monotonic() < until and self.server.poll() is None:
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/status", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.5)
        pytest.fail(f"the server did not start:\n{self.log()[-3000:]}")

    def log(self) -> str:
        return (self.bot / "server.log").read_text(encoding="utf-8")

    def end(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait()

    def await_delivery(self) -> None:
        """The server takes a packet within a second; the page's reader types slower than this test."""
        until = time.monotonic() + ANSWERED_SECS
        while time.monotonic() < until:
            rows = json.loads(self.run("rasa-emotion handoff list --json"))
            if rows and rows[0]["state"] == "delivered":
                return
            time.sleep(0.5)


def template(folder: Path) -> Path:
    """The bot that `rasa init` makes."""
    spec = find_spec("rasa")
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent / "cli" / "initial_project", folder)
    return folder


BOTS = {"template": template, "form": lambda folder: make(TABLE, folder)}


@pytest.fixture(params=BOTS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(BOTS[request.param](tmp_path / "my_bot"), tmp_path / "cache")
    yield opened
    opened.end()


def texts(answer: str) -> list[str]:
    return [message["text"] for message in json.loads(answer)]


def test_the_page_is_true(page: str, terminal: Terminal) -> None:
    script = commands(page)
    typed = re.search(r"```text\n(.*?)```", page, flags=re.DOTALL)
    assert typed is not None
    asked = iter(script)

    def following(begin: str) -> str:
        """The page's next command, which must be that."""
        command = next(asked)
        assert command.startswith(begin), f"the page has '{command}' where the test has '{begin}'"
        return command

    assert following("pip install") == INSTALL
    assert "acoustic" in terminal.run(following("rasa-emotion doctor"))
    following("cd my_bot")
    files = {path: path.read_bytes() for path in terminal.bot.rglob("*.yml")}
    assert "EmotionPolicy" in terminal.run(following("rasa-emotion init --dry-run"))
    assert {path: path.read_bytes() for path in terminal.bot.rglob("*.yml")} == files
    asked_first = terminal.run(following("rasa-emotion init "), "y\n")
    assert "Changed " in asked_first
    assert "research and evaluation only" in asked_first
    assert "Nothing to do" in terminal.run("rasa-emotion init")
    assert "goes to the desk" in " ".join(terminal.run(following("rasa-emotion doctor ")).split())
    assert not (terminal.bot / "rasa_emotion.db").exists()

    terminal.run(following("rasa train"))
    terminal.serve(following("rasa run --enable-api"))
    terminal.run(following("espeak-ng -w turn.wav"))
    assert "I am an automated assistant" in texts(terminal.run(following("curl ")))[0]
    slots = json.loads(terminal.run(following("curl ").partition("  #")[0]))["slots"]
    assert slots["emotion"] not in {None, ""}
    assert slots["caller_mood"] == "calm"

    first = "".join(texts(terminal.run(following("curl "))))
    assert "colleague" not in first
    assert "take into account again" not in first  # the bot's intents are few; ours must not stand in for what it lacks
    said = texts(terminal.run(following("curl ")))
    assert said[-1].endswith("I am putting you through to a colleague.")
    terminal.await_delivery()
    assert re.search(r"handover, high\s+bob\s+delivered", terminal.run(following("rasa-emotion handoff list")))
    desk = terminal.run(following("rasa-emotion desk"), typed[1])
    assert "HANDOVER" in desk
    assert "This is outrageous" in desk
    assert "The bot has the conversation again." in desk
    assert texts(terminal.run(following('curl "'))) == ["I am Ann. What happened?"]
    again = texts(terminal.run(following("curl ")))
    assert again
    tracker = requests.get(f"http://127.0.0.1:{terminal.port}/conversations/bob/tracker", timeout=60).json()
    assert tracker["slots"]["handoff_outcome"] == "refunded 12 euros"
    assert tracker["slots"]["escalated"] is False
    assert "utter_greet" in terminal.run(following("rasa-emotion lint"))
    assert list(asked) == []
    assert "Nobody is behind the handover" not in terminal.log()


def test_the_replies_of_the_page_are_those_that_init_takes(page: str, tmp_path: Path) -> None:
    from rasa_emotion.cli import additions  # noqa: PLC0415
    from rasa_emotion.cli.wording import read_replies  # noqa: PLC0415

    (block,) = [found for found in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if "replies.yml" in found]
    (tmp_path / "replies.yml").write_text(block, encoding="utf-8")
    assert set(read_replies(tmp_path / "replies.yml").replies) == set(additions.SAID_WHEN)
    table = page.split("| reply | said |", 1)[1].split("\n\n", 1)[0]
    assert set(re.findall(r"`(utter_\w+)`", table)) == set(additions.SAID_WHEN)
