"""Keeps a bot aside as this build trains and runs it, for the test that later builds load it without an edit.

    python tests/rasa/keep_bot.py

trains the bot in `tests/data/upgrade/`, lets callers talk to it over `rasa run`, once with SQLite and once with
PostgreSQL (Debian's package), and leaves `models/kept.tar.gz`, `tracker.db` and `postgresql.sql.gz` beside its files.
What is there was made by version 0.1.0 before `turn/` and `bot/` existed. For the bot of a later release, add a folder
beside it; never make this one again.
"""

import gzip
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BOT = REPOSITORY / "tests" / "data" / "upgrade"


class Receiver:
    """A server that takes what is posted to it, or refuses it."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        self.refuses = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not outer.refuses:
                    outer.bodies.append(json.loads(body))
                self.send_response(503 if outer.refuses else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@contextmanager
def served(bot: Path, endpoints: str, **variables: str) -> Iterator[str]:
    """`rasa run` in a bot's folder; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rasa", "run", "--enable-api", "-i", "127.0.0.1", "--port", str(port)]
    command += ["--endpoints", endpoints]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path]),
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_EMOTION_ENDPOINTS": endpoints,
        **variables,
    }
    log_path = bot / "server.log"
    with log_path.open("a") as log:
        process = subprocess.Popen(command, cwd=bot, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        while not answers(f"{address}/status"):
            assert process.poll() is None, log_path.read_text()[-3000:]
            time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def wait_for(come: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 120
    while not come():
        assert time.monotonic() < until, what
        time.sleep(0.1)


TOKEN = {"token": "open sesame"}
"""What the kept bot's credentials.yml names; a client of the release that made it gave it with its questions alone."""


def say(server: str, sender: str, text: str, channel: str = "emotion") -> requests.Response:
    body = {"sender": sender, "message": text}
    answer = requests.post(f"{server}/webhooks/{channel}/webhook", json=body, headers=TOKEN, timeout=120)
    answer.raise_for_status()
    return answer


def converse(server: str, open_record: Callable[[], object], callbacks: Receiver, helpdesk: Receiver) -> None:
    """What is in the databases: six callers, each in another state."""
    # Alice is with a human, out of a form, and has not fetched the human's answer.
    say(server, "alice", "it is broken")
    say(server, "alice", "line 5, and a human please")
    say(server, "alice", "where are you?")
    # Bob was with a human and is with the bot again.
    say(server, "bob", "a human please", "callback")
    wait_for(lambda: {"alice", "bob"} <= handed_over(helpdesk), "the helpdesk gets both")
    wait_for(lambda: any(body.get("type") == "message" for body in helpdesk.bodies), "alice's words reach it")
    record = open_record()
    record.to_caller(record.holder("alice").key, "I am Ann.", "kept-1")
    record.close(record.holder("bob").key, "all paid")
    wait_for(lambda: any("all paid" in str(body) for body in callbacks.bodies), "the bot takes bob up again")
    # Carol does not want to be analysed; Dave did not, and does again.
    say(server, "carol", "/emotion_off")
    say(server, "dave", "/emotion_off")
    say(server, "dave", "/emotion_on")
    # Erin is in the middle of a form, and was angry.
    say(server, "erin", "it is broken, and I am furious about it")
    # Frank was promised a human whom the helpdesk has not been told of.
    helpdesk.refuses = True
    say(server, "frank", "a human please")
    time.sleep(3)


def handed_over(helpdesk: Receiver) -> set[str]:
    return {body["packet"]["sender"] for body in helpdesk.bodies if body.get("type") == "handoff"}


def fill(bot: Path, endpoints: str, database: str, **variables: str) -> None:
    from rasa_emotion.database import open_database  # noqa: PLC0415
    from rasa_emotion.handoff.record import Record  # noqa: PLC0415

    callbacks, helpdesk = Receiver(), Receiver()
    with served(bot, endpoints, CALLBACK_URL=callbacks.url, HELPDESK_URL=helpdesk.url, **variables) as server:
        converse(server, lambda: Record(open_database(database)), callbacks, helpdesk)
    callbacks.server.shutdown()
    helpdesk.server.shutdown()


def train(bot: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path]),
        "RASA_TELEMETRY_ENABLED": "false",
    }
    command = [sys.executable, "-m", "rasa", "train", "--fixed-model-name", "kept"]
    subprocess.run(command, cwd=bot, env=environment, check=True)


@contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """A server of one's own, as the tests start it; yields its URL and the folder of its programs."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
    as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        if as_user:
            shutil.chown(place, "postgres", "postgres")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place}"
        make = ["initdb", "-D", f"{place}/data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C"]
        control = ["pg_ctl", "-D", f"{place}/data", "-w", "-l", f"{place}/log", "-o", options]
        for program, *arguments in (make, [*control, "start"]):
            command = [*as_user, str(programs / program), *arguments]
            subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL)
        yield f"postgresql://tester@127.0.0.1:{port}/postgres", programs
        command = [*as_user, str(programs / "pg_ctl"), "-D", f"{place}/data", "-m", "immediate", "stop"]
        subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bot = Path(folder) / "bot"
        shutil.copytree(BOT, bot, ignore=shutil.ignore_patterns("models", "*.db", "*.sql*"))
        train(bot)
        fill(bot, "endpoints.yml", f"sqlite:///{bot}/tracker.db")
        with sqlite3.connect(bot / "tracker.db") as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with postgresql() as (url, programs):
            fill(bot, "endpoints-postgresql.yml", url, DB_URL=url)
            dump = [str(programs / "pg_dump"), "--no-owner", "--inserts", url]
            sql = subprocess.run(dump, check=True, stdout=subprocess.PIPE).stdout
        (BOT / "models").mkdir(exist_ok=True)
        shutil.copy(bot / "models" / "kept.tar.gz", BOT / "models")
        shutil.copy(bot / "tracker.db", BOT)
        # As it is, git would show what a bot wrote as a change of lines.
        (BOT / "postgresql.sql.gz").write_bytes(gzip.compress(sql, mtime=0))


if __name__ == "__main__":
    main()
