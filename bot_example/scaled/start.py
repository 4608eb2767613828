"""Starts the example bot as several processes on this machine, from Debian's packages, and ends them with Ctrl-C.

    apt-get install nginx-light postgresql redis-server
    python bot_example/scaled/start.py

PostgreSQL, Redis and nginx are started by themselves in a folder of their own: those of the system are left alone.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import requests
import typer
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from playback import command  # noqa: E402
from playback.server import BOT, BotError, free_port, running_bot, trained_model  # noqa: E402

from scaled.shared_config import share  # noqa: E402

LOCAL = "127.0.0.1"
PROCESSES = 2
READY_SECS = 60.0


def start(
    folder: Annotated[
        Path | None, typer.Option(help="Keep the database, logs and the trained bot here; else they go at the end.")
    ] = None,
    *,
    port: Annotated[int, typer.Option(help="Of the balancer; 0 takes a free one.")] = 8080,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one JSON object.")] = False,
) -> None:
    """Start the bot in two Rasa processes that share one emotion service, behind one balancer.

    It needs Debian's packages nginx-light, postgresql and redis-server, and the extras rasa and serve.
    """
    progress = Console(stderr=True, soft_wrap=True)
    with ExitStack() as stack:
        place = (folder or Path(stack.enter_context(TemporaryDirectory(prefix="scaled-")))).resolve()
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)  # PostgreSQL runs as another user
        progress.print("Starting PostgreSQL, Redis and the emotion service ...")
        service = stack.enter_context(emotion_service(place))
        os.environ |= {
            "EMOTION_URL": service,
            **stack.enter_context(postgresql(place)),
            **stack.enter_context(redis(place)),
        }
        progress.print("Training the bot, unless it has not changed ...")
        model = trained_model(shared_bot(place / "bot", service))
        progress.print(f"Starting {PROCESSES} Rasa processes ...")
        bots = [
            stack.enter_context(
                running_bot(model, HERE / "credentials.yml", HERE / "endpoints.yml", place / f"rasa-{number}.log")
            ).address
            for number in range(1, PROCESSES + 1)
        ]
        address = stack.enter_context(balancer(place, bots, port or free_port()))
        if as_json:
            environment = {name: os.environ[name] for name in NAMES}
            print(json.dumps({"address": address, "bots": bots, "service": service, **environment}), flush=True)
        else:
            progress.print(f"\nThe bot is at [bold]{address}/webhooks/emotion/webhook[/bold]; Ctrl-C ends it.")
        signal.pause()


NAMES = ("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_PASSWORD", "REDIS_HOST", "REDIS_PORT", "EMOTION_URL")
"""What endpoints.yml and credentials.yml take from the environment."""


def shared_bot(folder: Path, service: str) -> Path:
    """A copy of the example bot whose words are read by the service too."""
    folder.mkdir(exist_ok=True)
    for name in ("config.yml", "domain.yml"):
        shutil.copyfile(BOT / name, folder / name)
    shutil.copytree(BOT / "data", folder / "data", dirs_exist_ok=True)
    share(folder / "config.yml", service)
    return folder


@contextmanager
def emotion_service(place: Path) -> Iterator[str]:
    """`rasa-emotion serve` on a free port of this machine."""
    port = free_port()
    command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--host", LOCAL, "--port", str(port)]
    address = f"http://{LOCAL}:{port}"
    with program(command, place / "service.log", lambda: requests.get(f"{address}/readyz", timeout=5).ok):
        yield address


@contextmanager
def postgresql(place: Path) -> Iterator[dict[str, str]]:
    """A server of its own with an empty database, or the one of an earlier start in this folder."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    if not programs:
        raise BotError("PostgreSQL is not installed; run: apt-get install postgresql")
    folder, port, data = programs[-1].parent, free_port(), place / "postgresql"
    as_user: list[str] = []
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        data.mkdir(exist_ok=True)
        shutil.chown(data, "postgres", "postgres")
        as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    log = place / "postgresql.log"
    if not (data / "PG_VERSION").exists():
        made = [str(folder / "initdb"), "-D", str(data), "-U", "bot", "-A", "trust", "-E", "UTF8", "--locale=C"]
        run([*as_user, *made], log, data)
    options = ["-p", str(port), "-c", f"listen_addresses={LOCAL}", "-c", "unix_socket_directories="]
    server = [*as_user, str(folder / "postgres"), "-D", str(data), *options]
    client = [str(folder / "psql"), "-h", LOCAL, "-p", str(port), "-U", "bot"]

    def ready() -> bool:
        return subprocess.run([*client, "-c", "SELECT 1", "postgres"], capture_output=True, check=False).returncode == 0

    with program(server, log, ready, end=signal.SIGINT, cwd=data):
        found = subprocess.run([*client, "-c", "SELECT 1", "bot"], capture_output=True, check=False)
        if found.returncode:
            run([*client, "-c", "CREATE DATABASE bot", "postgres"], log, place)
        yield {"POSTGRES_HOST": LOCAL, "POSTGRES_PORT": str(port), "POSTGRES_PASSWORD": "unasked"}


@contextmanager
def redis(place: Path) -> Iterator[dict[str, str]]:
    """A server of its own that writes nothing to disk: it holds locks alone."""
    port = free_port()
    options = ["--bind", LOCAL, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(place)]

    def ready() -> bool:
        asked = ["redis-cli", "-h", LOCAL, "-p", str(port), "ping"]
        return subprocess.run(asked, capture_output=True, check=False).stdout.strip() == b"PONG"

    with program(["redis-server", *options], place / "redis.log", ready):
        yield {"REDIS_HOST": LOCAL, "REDIS_PORT": str(port)}


@contextmanager
def balancer(place: Path, bots: list[str], port: int) -> Iterator[str]:
    """nginx with this folder's configuration, in which the names of the processes are their addresses."""
    written = (HERE / "nginx.conf").read_text(encoding="utf-8").replace("listen 8080", f"listen {LOCAL}:{port}")
    for number, bot in enumerate(bots, start=1):
        written = written.replace(f"rasa-{number}:5005", bot.removeprefix("http://"))
    places = [f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    user = "user root;" if os.geteuid() == 0 else ""
    lines = [
        f"daemon off; pid {place}/nginx.pid; error_log {place}/nginx.log; {user}",
        "events { worker_connections 1024; }",
        f"http {{ access_log off; {' '.join(places)}",
        written,
        "}",
    ]
    (place / "nginx.conf").write_text("\n".join(lines), encoding="utf-8")
    command = ["nginx", "-e", f"{place}/nginx.log", "-p", str(place), "-c", str(place / "nginx.conf")]
    address = f"http://{LOCAL}:{port}"
    with program(command, place / "nginx.log", lambda: requests.get(address, timeout=5).status_code == 404):
        yield address


@contextmanager
def program(
    command: list[str], log: Path, ready: Callable[[], bool], *, end: int = signal.SIGTERM, cwd: Path | None = None
) -> Iterator[None]:
    """A program that runs until the block ends. Raises BotError where it cannot be started."""
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True
            )
    except FileNotFoundError as error:
        raise BotError(f"'{error.filename}' is not installed; start.py --help names the packages.") from error
    try:
        wait_until(ready, process, log)
        yield
    finally:
        if process.poll() is None:
            process.send_signal(end)
            process.wait()


def wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + READY_SECS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    name = Path(str(process.args[0] if isinstance(process.args, list) else process.args)).name
    raise BotError(f"{name} did not start; its log is '{log}':\n{log.read_text(errors='replace')[-1000:]}")


def run(command: list[str], log: Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BotError(f"'{' '.join(command[-8:])}' failed: {done.stderr.strip()}")
    with log.open("a", encoding="utf-8") as file:
        file.write(done.stdout)


if __name__ == "__main__":
    sys.exit(command.run(start))
