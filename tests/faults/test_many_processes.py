"""Escalations under all faults at once: none is lost, none is promised in vain, and people see each of them once.

Server processes that are killed promise callers a human, into one database that is locked, full and away by turns, with
spools that fill up. Workers, which are killed too, deliver to a helpdesk that is slow and fails at random.
"""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from judge import HERE, POINTS, command_of, environment, promised
from sqlalchemy import text

from rasa_emotion.database import create_tables, open_database, writing
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record
from rasa_emotion.spool.folder import PLACE_BYTES, Spool

HANDOFF = HERE.parent / "handoff"
SERVERS, WORKERS = 3, 2
STUCK_SECS = 900


def started(*command: object) -> subprocess.Popen:
    return subprocess.Popen(list(map(str, command)), env=environment(), stdout=subprocess.PIPE, text=True)


class Faults:
    """What goes wrong with the database, in a thread, until `stop`."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self.url, self.chance = url, chance
        self.engine = open_database(url)
        self.stopping = threading.Event()
        self.locked = 0
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.stopping.wait(self.chance.uniform(0.1, 0.4)):
            with suppress(Exception):  # the fault before this one may still last
                self.lock()

    def lock(self) -> None:
        with writing(self.engine) as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE emotion_handoffs IN ACCESS EXCLUSIVE MODE"))
            self.locked += 1
            self.stopping.wait(self.chance.uniform(0.2, 1.0))

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join()
        self.engine.dispose()


class Crowd:
    """Servers that promise until all keys are used up, some of which are killed at a step, and the workers."""

    def __init__(self, folder: Path, url: str, settings: str, chance: random.Random) -> None:
        self.folder, self.url, self.settings, self.chance = folder, url, settings, chance
        self.servers: list[subprocess.Popen] = []
        self.workers = [self.worker() for _ in range(WORKERS)]
        self.killed = self.started = 0

    def worker(self) -> subprocess.Popen:
        return started(sys.executable, HANDOFF / "drill_worker.py", self.url, self.settings)

    def server(self, first: int, number: int) -> subprocess.Popen:
        options: list[object] = ["--first", first, "--refuse", 0.1, "--seed", first, "--pause-secs", 0.01]
        if self.chance.random() < 0.3:
            options += ["--max-bytes", 2 * PLACE_BYTES]
        self.started += 1
        if self.started % 2:
            when, point = self.chance.choice(("before", "after")), self.chance.choice(POINTS)
            options += ["--kill", f"{when} {point} {self.chance.randrange(1, 6)}"]
        return started(*command_of(self.url, self.folder / "bot.db.spool", number, *options))

    def work(self, escalations: int, share: int) -> None:
        first = 0
        while first < escalations or self.servers:
            ended = [one for one in self.servers if one.poll() is not None]
            self.killed += sum(one.returncode == -signal.SIGKILL for one in ended)
            self.servers = [one for one in self.servers if one not in ended]
            if ended:
                self.workers.pop(0).kill()
                self.workers.append(self.worker())
            while len(self.servers) < SERVERS and first < escalations:
                number = min(share, escalations - first)
                self.servers.append(self.server(first, number))
                first += number
            time.sleep(0.1)

    def end(self) -> None:
        for process in (*self.servers, *self.workers):
            process.kill()
            process.wait()


def exercise(folder: Path, url: str, escalations: int) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    engine = open_database(url)
    create_tables(engine)
    outbox = Outbox(engine)
    helpdesk = started(sys.executable, HANDOFF / "fakes" / "webhook.py", "--chance", 0.1, "--seed", seed)
    settings = helpdesk.stdout.readline()
    crowd, faults = Crowd(folder, url, settings, chance), Faults(url, chance)
    faults.thread.start()
    try:
        crowd.work(escalations, share=max(10, escalations // 30))
        faults.stop()
        Keeper(Spool(folder / "bot.db.spool")).replay(outbox, Record(engine))
        assert Spool(folder / "bot.db.spool").look().entries == ()
        until = time.monotonic() + STUCK_SECS
        while outbox.waiting():
            assert time.monotonic() < until, outbox.count()
            time.sleep(0.2)
        judge(promised(folder), outbox, f"{json.loads(settings)['url']}/_state")
        assert len(promised(folder)) > escalations / 5
        assert faults.locked > 2
        print(f"{len(promised(folder))} of {escalations} promised, {crowd.killed} kills, {faults.locked} locks")
    finally:
        faults.stop()
        crowd.end()
        helpdesk.kill()
        helpdesk.wait()
        engine.dispose()


def judge(told: list[str], outbox: Outbox, address: str) -> None:
    tickets = Counter(requests.get(address, timeout=60).json()["tickets"].values())
    assert set(told) <= set(tickets), "none is lost"
    assert max(tickets.values()) == 1, "each is one ticket"
    assert {row.key for row in outbox.rows()} == set(tickets)


def test_on_sqlite(tmp_path: Path) -> None:
    exercise(tmp_path, f"sqlite:///{tmp_path}/bot.db", 100)


def test_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    exercise(tmp_path, postgresql, 60)


@pytest.mark.nightly
def test_a_thousand_on_sqlite(tmp_path: Path) -> None:
    exercise(tmp_path, f"sqlite:///{tmp_path}/bot.db", 1000)


@pytest.mark.nightly
def test_a_thousand_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    exercise(tmp_path, postgresql, 1000)
