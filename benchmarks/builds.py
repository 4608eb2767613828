"""A turn of a bot with an earlier build beside the same turn with this one, side by side in one run.

The bot is the one that was kept aside (`tests/data/upgrade`), trained before the turn had one intake: both builds load
it as it is. Each build has a server of its own, from its own folder and with the models that shipped with it, in one
Python. Rounds of the same turns go to one and to the other: words alone, and words with 3 s of speech. The figure is
the server's CPU time for each turn; the ratio and the difference are taken within each round.

    python benchmarks/builds.py --markdown            # beside the build before the intake; takes it from git
    python benchmarks/builds.py --old 4e6ce48 --rounds 40
"""

import argparse
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import requests
from ruamel.yaml import YAML

from benchmarks.figures import around, machine, median, table
from benchmarks.printing import interval, parser, run, shown
from benchmarks.rasa_server import running
from benchmarks.turn import speech

REPOSITORY = Path(__file__).resolve().parent.parent
KEPT = REPOSITORY / "tests" / "data" / "upgrade"
BEFORE_THE_INTAKE = "1f3b026"
TURNS, WARM_UP = 20, 2
"""Turns of a round for each build, and rounds that do not count."""

TOKEN = {"token": "open sesame"}
"""What the kept bot asks for."""

PATH = "webhooks/emotion/webhook"
KINDS = ("words", "words and voice")


@dataclass(frozen=True)
class Server:
    """A running bot of one build."""

    address: str
    process: psutil.Process

    def turn_ms(self, voice: bytes | None, number: int) -> float:
        """Milliseconds of the processor for a turn, over one round of a new caller."""
        before = self._spent()
        for _ in range(TURNS):
            asked: dict[str, Any] = {"sender": f"caller-{number}-{voice is None}", "message": "hello"}
            sent = {"json": asked} if voice is None else {"data": asked, "files": {"audio": ("turn.wav", voice)}}
            requests.post(f"{self.address}/{PATH}", headers=TOKEN, timeout=300, **sent).raise_for_status()
        return (self._spent() - before) * 1000 / TURNS

    def _spent(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def earlier(commit: str, folder: Path) -> Path:
    """The files of an earlier build. Raises SystemExit where git does not have it."""
    folder.mkdir()
    packed = subprocess.Popen(
        ["git", "archive", commit, "rasa_emotion", "models"], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    unpacked = subprocess.run(["tar", "-x", "-C", str(folder)], stdin=packed.stdout, check=False)
    if packed.wait() or unpacked.returncode:
        raise SystemExit(f"git has no commit '{commit}'; name one, in a clone with its history.")
    return folder


@contextmanager
def served(build: Path, bot: Path) -> Iterator[Server]:
    """The kept bot, as it is but for who is told of handovers, in a folder of its own. Raises SystemExit."""
    shutil.copytree(KEPT, bot, ignore=shutil.ignore_patterns("*.sql.gz", "*.db"))
    yaml = YAML()
    endpoints = yaml.load(bot / "endpoints.yml")
    del endpoints["rasa_emotion"]["helpdesk"]
    yaml.dump(endpoints, bot / "endpoints.yml")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(build), "RASA_EMOTION_ENDPOINTS": "endpoints.yml"}
    environment |= {"CALLBACK_URL": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1", "RASA_TELEMETRY_ENABLED": "false"}
    with running(bot, port, environment, path="webhooks/emotion/") as process:
        yield Server(f"http://127.0.0.1:{port}", process)


def measure(old: str, rounds: int) -> dict[str, Any]:
    """Everything that is printed."""
    made_on, voice = machine(("rasa", "numpy", "onnxruntime")), speech()
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    with TemporaryDirectory(prefix="rasa-emotion-builds-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        builds = earlier(old, folder / "build"), REPOSITORY
        servers = [stack.enter_context(served(build, folder / f"bot-{number}")) for number, build in enumerate(builds)]
        for number in shown("rounds")(range(rounds + WARM_UP)):
            for kind, sound in zip(KINDS, (None, voice), strict=True):
                before, now = (server.turn_ms(sound, number) for server in servers)
                if number >= WARM_UP:
                    taken[kind].append((before, now))
    return {
        "machine": made_on,
        "load_after": round(psutil.getloadavg()[0], 1),
        "old": old,
        "rounds": rounds,
        "cpu_ms": {kind: compared(rows) for kind, rows in taken.items()},
    }


def compared(rows: list[tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Both, and what is taken within each round."""
    return {
        "before": median([before for before, _ in rows]),
        "now": median([now for _, now in rows]),
        "times": median([now / before for before, now in rows]),
        "added": median([now - before for before, now in rows]),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    names = ("before", "now", "times", "added")
    rows = [[kind, *(interval(row[name]) for name in names)] for kind, row in found["cpu_ms"].items()]
    heads = ["turn", f"{found['old']}, ms", "this build, ms", "times", "added, ms"]
    said = (
        f"The server's CPU time for a turn of the kept bot. {around(found['machine'])} Load {found['load_after']} "
        f"afterwards. Medians of {found['rounds']} rounds of {TURNS} turns with 95 % bootstrap intervals."
    )
    return f"{said}\n\n{table(heads, rows)}"


def main() -> None:
    arguments: argparse.ArgumentParser = parser(__doc__)
    arguments.add_argument(
        "--old", default=BEFORE_THE_INTAKE, help=f"commit of the earlier build ({BEFORE_THE_INTAKE})"
    )
    arguments.add_argument("--rounds", type=int, default=20, help=f"of {TURNS} turns for each build, of each kind (20)")
    run(arguments, lambda options: measure(options.old, options.rounds), markdown)


if __name__ == "__main__":
    main()
