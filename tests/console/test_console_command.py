"""`rasa-emotion console` as a process of its own: what its options do, and which are refused before it listens."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from console_kit import PATIENCE_MS

PLUGIN = """
from rasa_emotion.voice.recognisers import Transcript

class Counting:
    name = "counting"

    def __init__(self, unit="samples", *, elsewhere=False):
        self._unit, self._fed, self.is_remote = unit, 0, elsewhere

    async def start(self, *, at_secs=0.0): ...

    async def feed(self, samples):
        self._fed += len(samples)

    def pause(self, turn): ...

    def partial(self): ...

    async def final(self, turn):
        return Transcript(f"I am waiting for {self._fed} {self._unit}, and I am furious.", confidence=0.9)

    async def close(self): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a bot, with a recogniser of its own."""
    (tmp_path / "own_recogniser.py").write_text(PLUGIN)
    return tmp_path


def command(folder: Path, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    line = [sys.executable, "-m", "rasa_emotion.cli", "console", "--port", "0", "--db", "sqlite:///bot.db", *options]
    return subprocess.Popen(line, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """The address of a console with these options."""
    process = command(folder, *options)
    assert process.stderr
    try:
        said = next(line for line in process.stderr if "console.started" in line)
        yield json.loads(said)["message"].rpartition(" ")[2].rstrip(".")
    finally:
        process.terminate()
        process.communicate()


def refusal(folder: Path, *options: str) -> str:
    """What a console that does not start says, on one line."""
    process = command(folder, *options)
    said = process.communicate()[1]
    assert process.returncode == 1
    return " ".join(said.split())


def analysed(address: str, sound: Path, **fields: str) -> dict:
    """What the workbench says of a recording."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(f"{address}/workbench", timeout=PATIENCE_MS / 1000).read().decode()
    token = re.search(r'data-csrf="([0-9a-f]+)"', page)
    assert token
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    head = '--b\r\nContent-Disposition: form-data; name="sound"; filename="a.wav"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + sound.read_bytes() + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b", "X-CSRF-Token": token[1]}
    asked = urllib.request.Request(f"{address}/workbench/analyse", body, headers)
    with browser.open(asked, timeout=PATIENCE_MS / 1000) as answer:
        return json.load(answer)


def test_a_recogniser_of_ones_own_with_its_options_writes_the_words(folder: Path, speech: Callable[..., Path]) -> None:
    sound = speech("Hello, is anybody there?")
    with running(
        folder, "--recogniser", "own_recogniser.Counting", "--recogniser-option", "unit=hours",
        "--recogniser-option", "elsewhere=true",
    ) as address:  # fmt: skip
        found = analysed(address, sound)
        assert re.fullmatch(r"I am waiting for \d{4,6} hours, and I am furious\.", found["text"])
        assert found["words"]["emotion"] == "angry"
        assert [one["text"] for one in found["sentences"]] == [found["text"]]
        assert analysed(address, sound, text="Typed.")["text"] == "Typed."  # what a person writes is not written over
        with urllib.request.urlopen(f"{address}/workbench", timeout=PATIENCE_MS / 1000) as page:
            assert "“own_recogniser.Counting” runs elsewhere" in page.read().decode()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recogniser", "wisper"), "There is no recogniser 'wisper'; choose one of none, whisper"),
        (("--recogniser", "own_recogniser.Missing"), "own_recogniser.Missing"),
        (("--recogniser", "whisper", "--recogniser-option", "beam=1"), "beam_size"),
        (("--recogniser", "none", "--recogniser-option", "beam"), "write NAME=VALUE"),
        (("--compare", "nowhere"), "There is no folder 'nowhere'"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(folder: Path, options: tuple[str, ...], said: str) -> None:
    assert said in refusal(folder, *options)
