"""How soon the console's live page shows what happens, and what that costs, with many conversations in progress.

    python benchmarks/console.py --database postgresql://user@localhost/empty_database    # --json, --markdown

Without `--database` it is SQLite. One row is written after another, as Rasa's tracker store does; the time runs from
its commit until a browser has it. With `--listeners 5`, as many calls are recorded meanwhile, somebody listens to each,
and has its page open; the time then runs from the writing of a piece's first frame until the browser has it. At the end
all of these calls end, and the time counts until each listener is told.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, insert
from sqlalchemy.engine import Engine

from benchmarks.figures import around, machine, table
from benchmarks.printing import parser, run
from rasa_emotion.database import create_tables, open_database, writing
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.privacy.recordings import new_recording
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format

FRAME = 320
"""20 ms at 16 kHz, as a call brings them."""

EVENTS = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("sender_id", String(255), nullable=False, index=True),
    Column("type_name", String(255), nullable=False),
    Column("timestamp", Float),
    Column("intent_name", String(255)),
    Column("action_name", String(255)),
    Column("data", Text),
)
"""As Rasa's SQLTrackerStore makes it."""


def turn(sender: str, draw: random.Random) -> list[dict[str, Any]]:
    """The rows of one turn: the caller's words, a slot, the bot's answer."""
    now = time.time()
    shares = [draw.random() ** 3 for _ in EMOTIONS]
    heard = {name: share / sum(shares) for name, share in zip(EMOTIONS, shares, strict=True)}
    parsed = {
        "intent": {"name": "inform", "confidence": 1.0},
        "entities": [],
        "emotion_estimate": EmotionEstimate.from_probabilities(heard, {}).to_dict(),
    }
    said = {"event": "user", "text": "I have been waiting for an hour, and nobody calls me back.", "parse_data": parsed}
    events = [said, {"event": "slot", "name": "emotion", "value": "sad"}, {"event": "bot", "text": "One moment."}]
    return [
        {
            "sender_id": sender,
            "type_name": event["event"],
            "timestamp": now,
            "action_name": event.get("name"),
            "data": json.dumps({**event, "timestamp": now, "input_channel": "rest"}),
        }
        for event in events
    ]


def write(engine: Engine, rows: list[dict[str, Any]]) -> None:
    """Keep rows in one transaction."""
    with writing(engine) as connection:
        connection.execute(insert(EVENTS), rows)


async def watch(address: str, seen: dict[tuple[str, int], float], ready: asyncio.Event) -> None:
    """Be a browser: note when each number of turns of a conversation arrived."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout, read_bufsize=2**24) as session:
        while True:
            async with session.get(f"{address}/live/events") as stream:
                async for line in stream.content:
                    if line.startswith(b"data: "):
                        now, message = time.monotonic(), json.loads(line[6:])
                        for one in [*message.get("all", []), *message.get("changed", [])]:
                            seen.setdefault((one["sender"], one["turns"]), now)
                        ready.set()


class Calls:
    """Calls that are recorded in real time, each by the clock.

    Args:
        folder: of the recordings.
        senders: who calls.
    """

    def __init__(self, folder: Path, senders: Sequence[str]) -> None:
        self.names = {sender: new_recording(folder, sender) for sender in senders}
        self.written: dict[str, list[float]] = {sender: [] for sender in senders}
        self._recorders = {sender: Recorder(path, Format()) for sender, path in self.names.items()}
        self.over = float("inf")
        self.told: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go)

    def __enter__(self) -> "Calls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """All calls are over."""
        self._ended.set()
        self._thread.join()
        for recorder in self._recorders.values():
            recorder.close()
        self.over = time.monotonic()

    def _go(self) -> None:
        samples, begun, count = np.full(FRAME, 0.1, np.float32), time.monotonic(), 0
        while not self._ended.wait(max(0.0, begun + count * FRAME / 16_000 - time.monotonic())):
            for sender, recorder in self._recorders.items():
                recorder.caller(samples)
                self.written[sender].append(time.monotonic())
            count += 1

    async def listen(self, address: str, sender: str, late: list[float]) -> None:
        """Be a supervisor who has a call's page open and listens: note how late each piece's first sample arrives."""
        ask, written = {"sender": sender, "name": self.names[sender].name}, self.written[sender]
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)))
            await stack.enter_async_context(session.get(f"{address}/live/conversation/events", params=ask))
            while True:
                async with session.get(f"{address}/live/sound", params=ask) as sound:
                    if sound.headers.get("X-Emotion-Running") == "false":
                        self.told.append(time.monotonic() - self.over)
                        return
                    if sound.status != 200:
                        await asyncio.sleep(0.3)
                        continue
                    frames = int(sound.headers["X-Emotion-After"])
                    async for part in sound.content.iter_any():
                        late.append(time.monotonic() - written[frames // FRAME])
                        frames += len(part) // 4


async def measure(engine: Engine, url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Fill the database, start a console and a browser, and write turns at an even pace."""
    draw = random.Random(7)
    senders = [f"caller {number}" for number in range(options.conversations)]
    for sender in senders:
        write(engine, [row for _ in range(options.turns) for row in turn(sender, draw)])
    counts = dict.fromkeys(senders, options.turns)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        command = [sys.executable, "-m", "rasa_emotion.cli", "console", "--port", "0", "--db", url]
        record = {"record": {"announcement": "Recorded.", "folder": "recordings"}}
        Path(folder, "endpoints.yml").write_text(json.dumps({"rasa_emotion": record}))
        # The events stand in the same database, as with EmotionTrackerStore.
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
        )
        assert process.stderr is not None
        address = json.loads(await process.stderr.readline())["message"].rpartition(" ")[2].rstrip(".")
        server = psutil.Process(process.pid)
        started = server.cpu_times()
        seen: dict[tuple[str, int], float] = {}
        ready = asyncio.Event()
        browser = asyncio.create_task(watch(address, seen, ready))
        begun = time.monotonic()
        await ready.wait()
        first = time.monotonic() - begun
        calls, heard = Calls(Path(folder) / "recordings", senders[: options.listeners]), []
        stack.enter_context(calls)
        listeners = [asyncio.create_task(calls.listen(address, sender, heard)) for sender in calls.names]
        before, start = server.cpu_times(), time.monotonic()
        written: dict[tuple[str, int], float] = {}
        while time.monotonic() - start < options.secs:
            sender = draw.choice(senders)
            counts[sender] += 1
            await asyncio.to_thread(write, engine, turn(sender, draw))
            written[sender, counts[sender]] = time.monotonic()
            await asyncio.sleep(max(0.0, start + len(written) / options.rate - time.monotonic()))
        after, took = server.cpu_times(), time.monotonic() - start
        await asyncio.sleep(3)
        await asyncio.to_thread(calls.end)
        await asyncio.wait(listeners, timeout=15) if listeners else None
        for task in (browser, *listeners):
            task.cancel()
        process.terminate()
        await process.wait()
    # Of two turns of one caller in one second, the page shows the second.
    late = [seen[key] - moment for key, moment in written.items() if key in seen]
    cpu = after.user + after.system - before.user - before.system
    first_cpu = before.user + before.system - started.user - started.system
    return {
        "database": engine.dialect.name,
        "conversations": options.conversations,
        "turns_a_second": round(len(written) / took, 1),
        "first_page_secs": round(first, 2),
        "first_page_cpu_secs": round(first_cpu, 2),
        "refresh_secs": {f"p{share}": round(float(np.percentile(late, share)), 3) for share in (50, 95, 100)},
        "shown": len(late),
        "written": len(written),
        "cores": round(cpu / took, 3),
        "listeners": options.listeners,
        "heard_secs": {f"p{share}": round(float(np.percentile(heard, share)), 3) for share in (50, 95, 100) if heard},
        "ended_secs": [round(one, 3) for one in calls.told],
        "load_average": round(os.getloadavg()[0], 1),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    late, first = found["refresh_secs"], found["first_page_secs"]
    rows = [
        ["a turn is in the browser after, median", f"{late['p50']:.2f} s"],
        ["in 95 % of the cases", f"{late['p95']:.2f} s"],
        ["at most", f"{late['p100']:.2f} s"],
        ["first page", f"{first:.2f} s, {found['first_page_cpu_secs']:.2f} s of it CPU"],
        ["the console's process", f"{found['cores']:.2f} of a core"],
    ]
    if heard := found["heard_secs"]:
        rows.append(["a listener hears a piece after, median and 95 %", f"{heard['p50']:.2f}, {heard['p95']:.2f} s"])
    if ended := found["ended_secs"]:
        rows.append(["a listener is told of a call's end after, at most", f"{max(ended):.2f} s"])
    said = (
        f"{found['conversations']} conversations in {found['database']}, {found['turns_a_second']:g} new turns a "
        f"second, {found['listeners']} listeners. {around(found['machine'])} Load {found['load_average']} at the end."
    )
    return f"{said}\n\n{table(['', 'figure'], rows)}"


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line asks for."""
    made_on = machine(("aiohttp", "SQLAlchemy", "psycopg2-binary"))
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/console.db"
        engine = open_database(url)
        create_tables(engine)
        EVENTS.metadata.create_all(engine)
        try:
            return {"machine": made_on, **asyncio.run(measure(engine, url, options))}
        finally:
            EVENTS.metadata.drop_all(engine)
            engine.dispose()


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--database", help="an empty database; by default a SQLite file that is deleted")
    arguments.add_argument("--conversations", type=int, default=500)
    arguments.add_argument("--turns", type=int, default=20, help="that each has had before")
    arguments.add_argument("--rate", type=float, default=25, help="turns that are written each second")
    arguments.add_argument("--listeners", type=int, default=0, help="calls that are recorded, and heard by somebody")
    arguments.add_argument("--secs", type=float, default=30)
    run(arguments, measured, markdown)


if __name__ == "__main__":
    main()
