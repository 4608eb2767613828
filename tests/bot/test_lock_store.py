"""The lock store of several processes, with a real Redis server."""

import asyncio
import contextlib
import multiprocessing
import queue
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from rasa.core.lock_store import LockError, LockStore
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.lock_store import EmotionLockStore

TICKETS, TURNS = 60, 12


def store_at(port: int, **options: Any) -> EmotionLockStore:
    return EmotionLockStore(EndpointConfig(url="127.0.0.1", port=port, **options))


@pytest.fixture
def store(redis_port: int) -> EmotionLockStore:
    return store_at(redis_port)


@pytest.fixture
def caller() -> str:
    return f"caller-{uuid4().hex}"


def in_two_processes(work: Callable[..., Any], *given: Any) -> list[Any]:
    """What each of two processes puts into a queue, which begin together."""
    context = multiprocessing.get_context("spawn")
    gate, found = context.Barrier(2), context.Queue()
    processes = [context.Process(target=work, args=(gate, found, *given)) for _ in range(2)]
    for process in processes:
        process.start()
    answers: list[Any] = []
    while len(answers) < len(processes):
        ended = any(process.exitcode for process in processes)
        with contextlib.suppress(queue.Empty):
            answers.append(found.get(timeout=1))
        assert not ended, "a process failed before it answered"
    for process in processes:
        process.join()
    return answers


def take_tickets(gate, found, port: int, caller: str) -> None:
    store = store_at(port)
    gate.wait()
    found.put([store.issue_ticket(caller, 300) for _ in range(TICKETS)])


def test_two_processes_never_get_one_ticket_twice(redis_port: int, store: EmotionLockStore, caller: str) -> None:
    first, second = in_two_processes(take_tickets, redis_port, caller)
    kept = [ticket.number for ticket in store.get_lock(caller).tickets]
    assert kept == sorted({*first, *second})
    assert len(kept) == 2 * TICKETS
    assert (first, second) == (sorted(first), sorted(second))


def take_turns(gate, found, port: int, caller: str) -> None:
    """Each turn reads a number and writes the next one, which loses some wherever two turns run at once."""
    store = store_at(port)

    async def turns() -> None:
        for _ in range(TURNS):
            async with store.lock(caller, wait_time_in_seconds=0.005):
                count = int(store.red.get(f"count-{caller}") or 0)
                await asyncio.sleep(0.01)
                store.red.set(f"count-{caller}", count + 1)

    gate.wait()
    asyncio.run(turns())
    found.put(True)


def test_turns_of_two_processes_never_run_at_once(redis_port: int, store: EmotionLockStore, caller: str) -> None:
    in_two_processes(take_turns, redis_port, caller)
    assert int(store.red.get(f"count-{caller}")) == 2 * TURNS
    assert store.get_lock(caller) is None


async def test_who_is_too_late_takes_nobodys_ticket(store: EmotionLockStore, caller: str) -> None:
    late = store.issue_ticket(caller, 0.05)
    await asyncio.sleep(0.1)
    mine = store.issue_ticket(caller, 60)
    assert mine > late
    store.cleanup(caller, late)
    assert store.get_lock(caller).now_serving == mine


async def test_a_lock_goes_with_its_last_ticket(store: EmotionLockStore, caller: str) -> None:
    tickets = [store.issue_ticket(caller, 60) for _ in range(2)]
    for ticket in tickets:
        assert store.get_lock(caller).now_serving == ticket
        store.cleanup(caller, ticket)
    assert store.get_lock(caller) is None
    # And where the process that held it has died.
    store.issue_ticket(caller, 0.05)
    await asyncio.sleep(0.1)
    assert store.red.keys(f"*{caller}*") == []


async def test_who_waits_for_a_process_that_died_is_served_in_the_end(store: EmotionLockStore, caller: str) -> None:
    dead = store.issue_ticket(caller, 0.3)  # and never handed back
    async with store.lock(caller, wait_time_in_seconds=0.01):
        assert store.get_lock(caller).now_serving > dead


def test_a_change_is_made_again_where_another_process_was_faster(store: EmotionLockStore, caller: str) -> None:
    other, tries = store_at(store.red.connection_pool.connection_kwargs["port"]), []

    def change(lock) -> int:
        tries.append(len(lock.tickets))
        if len(tries) == 1:
            other.issue_ticket(caller, 60)
        return len(tries)

    assert store._changed(caller, change) == 2
    assert tries == [0, 1]
    assert len(store.get_lock(caller).tickets) == 1


def test_without_redis_a_turn_gets_rasas_error(store: EmotionLockStore, caller: str) -> None:
    nowhere = store_at(1)
    with pytest.raises(LockError):
        nowhere.issue_ticket(caller)


def test_rasa_makes_it_from_endpoints_yml(redis_port: int, caller: str) -> None:
    options = {"url": "127.0.0.1", "port": redis_port, "key_prefix": "bot", "db": 3}
    made = LockStore.create(EndpointConfig(type="rasa_emotion.EmotionLockStore", **options))
    assert isinstance(made, EmotionLockStore)
    made.issue_ticket(caller)
    assert redis.Redis(port=redis_port, db=3).exists(f"bot:lock:{caller}")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InvalidConfigException, match=r"'lock_store' has no option 'prot'; did you mean 'port'"):
        store_at(6379, prot=6380)
