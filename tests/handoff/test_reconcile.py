"""Escalations that are in a tracker store but not in the outbox."""

import time
from pathlib import Path

import pytest
from calls import START, Call, fault_call

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.handoff import reconcile as module
from rasa_emotion.handoff.outbox import DAY_SECS, Outbox
from rasa_emotion.handoff.reconcile import OLDEST_DAYS, enqueue_missing, reconcile
from rasa_emotion.handoff.record import Record

NOW = START + 100


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine)
    return Outbox(engine)


def add(outbox: Outbox, call: Call, sender: str = "ada", now: float = NOW, endpoints: Endpoints | None = None) -> int:
    return enqueue_missing(call.events, sender=sender, outbox=outbox, endpoints=endpoints or Endpoints(), now=now)


def test_what_is_missing_is_added_once(outbox: Outbox) -> None:
    call = fault_call().add("resume").says("again").decides("alert")
    assert [add(outbox, call), add(outbox, call)] == [2, 0]
    outbox.retry()
    call.says("and again").decides("alert", rule="another")
    assert add(outbox, call) == 1
    assert sorted(row.packet.rule for row in outbox.rows()) == ["anger", "anger", "another"]


def test_a_conversation_that_was_handed_back_stays_with_the_bot(outbox: Outbox) -> None:
    add(outbox, fault_call().add("resume"))
    add(outbox, fault_call(), sender="bob")
    record = Record(outbox.engine)
    assert record.holder("ada") is None
    assert record.holder("bob") is not None
    assert outbox.count()["pending"] == 2  # both are told of


def test_old_escalations_and_those_that_were_deleted_are_left_alone(outbox: Outbox) -> None:
    assert add(outbox, fault_call(), now=START + (OLDEST_DAYS + 1) * DAY_SECS) == 0
    assert add(outbox, fault_call(), now=START + 2 * DAY_SECS, endpoints=Endpoints(retention_days=1)) == 0
    assert add(outbox, fault_call(), now=START + 2 * DAY_SECS, endpoints=Endpoints(retention_days=None)) == 1


def test_a_packet_that_cannot_be_made_is_a_minimal_one(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_, **__):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(module, "packet_of", fail)
    assert add(outbox, fault_call()) == 1
    (row,) = outbox.rows()
    assert row.packet.reason == "The caller was angry in 2 of the last 3 turns."
    assert row.packet.transcript == ()


class Event:
    def __init__(self, stored: dict) -> None:
        self.stored = stored

    def as_dict(self) -> dict:
        return self.stored


class Tracker:
    def __init__(self, call: Call) -> None:
        self.events = [Event(stored) for stored in call.events]


class Store:
    """As Rasa's stores: some answer with bytes and a prefix."""

    def __init__(self, trackers: dict, prefix: str = "") -> None:
        self.trackers = trackers
        if prefix:
            self.key_prefix = prefix

    async def keys(self) -> list:
        prefix = getattr(self, "key_prefix", "")
        return [f"{prefix}{sender}".encode() if prefix else sender for sender in self.trackers]

    async def retrieve_full_tracker(self, sender: str) -> Tracker | None:
        call = self.trackers[sender]
        if isinstance(call, Exception):
            raise call
        return call and Tracker(call)


@pytest.mark.parametrize("prefix", ["", "tracker:"])
async def test_all_conversations_of_a_store(outbox: Outbox, prefix: str) -> None:
    now = time.time() - 60
    store = Store(
        {
            "ada": fault_call(now),
            "deleted": None,  # in between
            "broken": ValueError("on purpose"),
            "calm": Call(now).says("hello"),
            "tracker:bob": fault_call(now),
        },
        prefix,
    )
    assert await reconcile(store, outbox, Endpoints()) == 2
    assert await reconcile(store, outbox, Endpoints()) == 0
    assert {row.packet.sender for row in outbox.rows()} == {"ada", "tracker:bob"}
