"""The worker, against a helpdesk that does as it is told."""

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError
from fakes.packets import packet

from rasa_emotion.database import create_tables, open_database, writing
from rasa_emotion.endpoints import Delivery
from rasa_emotion.handoff import worker as module
from rasa_emotion.handoff.helpdesk import ConversationGone, Helpdesk, PermanentFailure, TemporaryFailure
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Line
from rasa_emotion.handoff.record import Record
from rasa_emotion.handoff.worker import Attempt, Worker

FAST = Delivery(attempts=3, first_wait_secs=0.02, longest_wait_secs=0.05, timeout_secs=1, at_once=2)


class Desk(Helpdesk):
    """Fails with what stands in its lists, then takes everything."""

    name = "desk"
    two_way = True

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.checks: list[Exception] = []
        self.taken: list = []
        self.tries = 0
        self.waits = 0.0

    async def check(self) -> None:
        if self.checks:
            raise self.checks.pop(0)

    async def deliver(self, given) -> str:
        self.tries += 1
        await asyncio.sleep(self.waits)
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(given)
        return f"T-{given.key}"

    async def send(self, ticket: str, message) -> None:
        await self.deliver(packet(message.text))


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECS", 0.02)
    monkeypatch.setattr(module, "CHECK_WAIT", lambda state: 0.02)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    return Outbox(engine)


class Bench:
    def __init__(self, outbox: Outbox, **more) -> None:
        self.outbox, self.desk = outbox, Desk()
        self.attempts: list[Attempt] = []
        self.troubles: list[str] = []
        self.worker = Worker(
            outbox,
            self.desk,
            delivery=FAST,
            on_attempt=self.attempts.append,
            on_trouble=self.troubles.append,
            **more,
        )

    async def run(self) -> list[str]:
        await self.worker.run(until_empty=True)
        return [attempt.outcome for attempt in self.attempts]


@pytest.fixture
def bench(outbox: Outbox) -> Bench:
    return Bench(outbox)


async def test_what_waits_is_delivered(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    assert await bench.run() == ["delivered"]
    assert bench.desk.taken == [packet("a")]
    assert bench.outbox.find("a").ticket == "T-a"
    assert bench.attempts[0] == Attempt("packet", "a", "delivered", 1, "caller-7", "T-a")


async def test_what_passes_by_itself_is_tried_again(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    bench.desk.faults = [TemporaryFailure("overloaded"), RuntimeError("a fault of ours, with the caller's words")]
    assert await bench.run() == ["retry", "retry", "delivered"]
    first, ours, last = [attempt.error for attempt in bench.attempts]
    assert (first, last) == ("overloaded", None)
    assert "RuntimeError" in ours
    assert "words" not in ours


async def test_a_broken_connection_is_tried_again_at_once(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    broken = TemporaryFailure("broken")
    broken.__cause__ = ClientConnectionError()
    bench.desk.faults = [broken]
    assert await bench.run() == ["delivered"]
    assert bench.desk.tries == 2


async def test_the_helpdesk_says_how_long_to_wait(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    bench.desk.faults = [TemporaryFailure("later", retry_after=0.4)]
    start = time.monotonic()
    await bench.run()
    assert time.monotonic() - start >= 0.4
    assert bench.attempts[0].wait_secs == 0.4


async def test_after_so_many_tries_it_is_a_dead_letter(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    bench.desk.faults = [TemporaryFailure("down")] * 3
    assert await bench.run() == ["retry", "retry", "dead"]
    assert (bench.outbox.find("a").state, bench.outbox.find("a").error) == ("dead", "down")


async def test_what_is_refused_for_itself_is_a_dead_letter_at_once(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a", sender="x"))
    bench.outbox.enqueue(packet("b", sender="y"))
    bench.desk.faults = [PermanentFailure("refused")]
    assert sorted(await bench.run()) == ["dead", "delivered"]


async def test_a_wrong_key_makes_no_dead_letters(bench: Bench) -> None:
    """It is found before the first delivery, said once, and everything goes on when it is corrected."""
    bench.outbox.enqueue(packet("a"))
    bench.desk.checks = [PermanentFailure("The key is wrong; correct it.")] * 5
    assert await bench.run() == ["delivered"]
    assert bench.troubles == [
        "The key is wrong; correct it. Nothing is lost: 1 wait in the queue, and it is tried again."
    ]
    assert bench.attempts[0].attempts == 1


async def test_a_key_that_becomes_wrong_makes_none_either(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    bench.worker._usable.set()
    bench.desk.faults = [PermanentFailure("wrong key")]
    bench.desk.checks = [PermanentFailure("wrong key")] * 2
    assert await bench.run() == ["delivered"]
    assert len(bench.troubles) == 1


async def test_a_helpdesk_that_does_not_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.outbox.enqueue(packet("a"))
    bench.desk.waits = 3
    running = asyncio.create_task(bench.run())
    while not bench.attempts:
        await asyncio.sleep(0.02)
    bench.desk.waits = 0
    await running
    assert bench.attempts[0].error == "It took longer than 1 s; see that it runs."
    assert bench.attempts[-1].outcome == "delivered"


async def test_words_follow(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    for words in ("one", "two", "three"):
        Record(bench.outbox.engine).to_human("caller-7", words, words)
    bench.desk.faults = [TemporaryFailure("no"), TemporaryFailure("no")]
    await bench.run()
    assert [given.key for given in bench.desk.taken] == ["a", "one", "two", "three"]


async def test_a_conversation_that_was_deleted_over_there_goes_back_to_the_bot(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    record = Record(bench.outbox.engine)
    record.to_human("caller-7", "anybody?", "1")
    bench.worker._usable.set()
    assert bench.outbox.claim_packet("w", lease_secs=9)
    with bench.outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE emotion_handoffs SET state = 'delivered', ticket = 'T'")
    bench.desk.faults = [ConversationGone("gone")]
    assert await bench.run() == ["gone"]
    assert record.holder("caller-7") is None
    assert record.to_resume("caller-7").key == "a"


async def test_a_packet_that_is_too_large_is_shortened(bench: Bench) -> None:
    lines = tuple(Line("caller", f"line {number}", None, number) for number in range(1, 500))
    bench.outbox.enqueue(packet("a", transcript=lines))
    Desk.max_bytes = 2000
    try:
        await bench.run()
    finally:
        Desk.max_bytes = None
    (taken,) = bench.desk.taken
    assert taken.shortened == len(lines) - len(taken.transcript) > 300


async def test_stopping_finishes_what_was_begun(bench: Bench) -> None:
    for key in ("a", "b", "c", "d"):
        bench.outbox.enqueue(packet(key, sender=key))
    bench.desk.waits = 0.3
    running = asyncio.create_task(bench.worker.run())
    while not bench.desk.tries:
        await asyncio.sleep(0.01)
    bench.worker.stop()
    await running
    assert len(bench.desk.taken) == bench.outbox.count()["delivered"] == bench.desk.tries <= FAST.at_once
    await bench.worker.run()  # stays stopped
    assert bench.outbox.count()["pending"] == 4 - len(bench.desk.taken)


async def test_a_locked_database_is_waited_for(bench: Bench) -> None:
    bench.outbox.enqueue(packet("a"))
    engine = open_database(f"{bench.outbox.engine.url}?timeout=0.05")
    other = Bench(Outbox(engine))
    with writing(bench.outbox.engine):
        running = asyncio.create_task(other.run())
        while not other.troubles:
            await asyncio.sleep(0.02)
        assert other.desk.taken == []
    assert await running == ["delivered"]
    assert set(other.troubles) == {"The database does not answer (database is locked); it is tried again."}


async def test_what_is_old_is_deleted(outbox: Outbox) -> None:
    outbox.enqueue(packet("a", kind="alert"))
    outbox.delivered(outbox.claim_packet("w", lease_secs=9), "T")
    time.sleep(0.01)
    await Bench(outbox, retention_days=1e-9).run()
    assert outbox.rows() == []


def test_waits_double_up_to_the_longest() -> None:
    wait = Worker(None, Desk(), delivery=Delivery(first_wait_secs=2, longest_wait_secs=60))._wait
    for attempts, most in ((1, 2), (2, 4), (4, 16), (10, 60), (1000, 60)):
        drawn = [module._wait_secs(wait, attempts) for _ in range(50)]
        assert 1 <= min(drawn) <= max(drawn) <= most
        assert len(set(drawn)) > 40
