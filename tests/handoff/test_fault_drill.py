"""Whatever fails, no packet is lost, nobody sees one twice, and every caller's things arrive in their order.

Escalations are enqueued while workers, real processes, deliver them to a helpdesk that is slow and fails at random,
before and after it made the ticket; the workers are killed at random moments, and the database is locked for a while.
"""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from fakes.packets import packet
from sqlalchemy import text

from rasa_emotion.database import create_tables, open_database, writing
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record

HERE = Path(__file__).parent
WORKERS, KILLS, LOCKED_SECS = 2, 6, 2.0
CHANCE, SLOW_SECS = 0.2, 0.05
STUCK_SECS = 900


class Drill:
    """One outbox, one helpdesk, and the workers between them."""

    def __init__(self, url: str, fake: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = open_database(url)
        create_tables(self.engine)
        self.outbox, self.record = Outbox(self.engine), Record(self.engine)
        chances = ["--chance", str(CHANCE), "--slow-secs", str(SLOW_SECS), "--seed", str(seed)]
        self.helpdesk = _start(HERE / "fakes" / f"{fake}.py", *chances)
        self.settings = self.helpdesk.stdout.readline()
        self.url = url
        self.workers = [self.start_worker() for _ in range(WORKERS)]
        self.kills = 0

    def start_worker(self) -> subprocess.Popen:
        return _start(HERE / "drill_worker.py", self.url, self.settings)

    def kill_workers(self) -> None:
        """Now and then, one of them; another takes its place."""
        for number in range(KILLS):
            time.sleep(self.random.uniform(0.5, 2))
            worker = self.workers.pop(0)
            if number % 2:
                worker.stdout.readline()  # one that is at work, not one that is just starting
            worker.kill()
            self.kills += worker.wait() == -signal.SIGKILL
            self.workers.append(self.start_worker())

    def lock_database(self) -> None:
        with writing(self.engine) as connection:  # on SQLite, the one writer
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE emotion_handoffs, emotion_messages IN ACCESS EXCLUSIVE MODE"))
            time.sleep(LOCKED_SECS)

    def state(self) -> dict:
        return requests.get(f"{json.loads(self.settings)['url']}/_state", timeout=60).json()

    def until_all_arrived(self) -> None:
        until = time.monotonic() + STUCK_SECS
        while self.outbox.waiting():
            assert time.monotonic() < until, f"stuck: {self.outbox.count()}"
            time.sleep(0.2)

    def stop(self) -> list[int]:
        """Exit codes of the workers, which were asked to end."""
        for worker in self.workers:
            worker.stdout.readline()
            worker.terminate()
        codes = [worker.wait(60) for worker in self.workers]
        self.end()
        return codes

    def end(self) -> None:
        for process in (*self.workers, self.helpdesk):
            process.kill()
            process.wait()
        self.engine.dispose()


def _start(*command: str | Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent)


@pytest.fixture
def drill(request: pytest.FixtureRequest):
    """`drill(url, fake)` starts one; the seed is printed with a failure."""
    drills = []

    def start(url: str, fake: str) -> Drill:
        seed = random.randrange(10**6)
        print(f"seed {seed}")
        drills.append(Drill(url, fake, seed))
        return drills[-1]

    yield start
    for each in drills:
        each.end()


def play(drill: Drill, *, escalations: int, callers: int, chats: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Enqueue, kill and lock; the keys in order of creation with their callers, and what some of these said."""
    threads = [threading.Thread(target=work) for work in (drill.kill_workers, drill.lock_database)]
    keys: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for number in range(escalations):
        sender, key = f"caller-{drill.random.randrange(callers)}", f"{number:032x}"
        keys[key] = sender
        drill.outbox.enqueue(packet(key, sender=sender, created=1_700_000_000.0 + number))
        if len(said) < chats and sender not in said:
            said[sender] = [f"{sender} says {count}" for count in range(3)]
            for count, words in enumerate(said[sender]):
                drill.record.to_human(sender, words, f"{key}-{count}")
        if number == escalations // 10:
            for thread in threads:
                thread.start()
    for thread in threads:
        thread.join()
    drill.until_all_arrived()
    return keys, said


def judge(drill: Drill, keys: dict[str, str], said: dict[str, list[str]]) -> None:
    state = drill.state()
    seen = list(state["tickets"].values())
    assert Counter(seen) == Counter(list(keys))
    for sender in set(keys.values()):
        assert [key for key in seen if keys[key] == sender] == [key for key in keys if keys[key] == sender]
    texts = [text for texts in state["messages"].values() for text in texts]
    assert Counter(texts) == Counter(text for texts in said.values() for text in texts)
    for sender, expected in said.items():
        assert [text for text in texts if text.startswith(f"{sender} ")] == expected
    rows = drill.outbox.rows()
    assert {row.state for row in rows} == {"delivered"}
    assert all(row.ticket for row in rows)
    # It was a drill: workers died, and many packets needed more than one try.
    assert drill.kills == KILLS
    assert sum(row.attempts > 1 for row in rows) > len(rows) * CHANCE / 4
    assert drill.stop() == [0] * WORKERS


def test_with_an_idempotency_key(drill, tmp_path: Path) -> None:
    exercise = drill(f"sqlite:///{tmp_path}/outbox.db", "webhook")
    judge(exercise, *play(exercise, escalations=1000, callers=250, chats=50))


def test_with_a_look_up_alone(drill, tmp_path: Path) -> None:
    exercise = drill(f"sqlite:///{tmp_path}/outbox.db", "request_tracker")
    judge(exercise, *play(exercise, escalations=100, callers=25, chats=0))


def test_on_postgresql(drill, postgresql: str) -> None:
    exercise = drill(postgresql, "webhook")
    judge(exercise, *play(exercise, escalations=1000, callers=250, chats=50))
