"""The tracker store that writes an escalation and its packet in one transaction."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_analyzer import estimate
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy.exc import OperationalError

from rasa_emotion import EmotionTrackerStore
from rasa_emotion.bot import tracker_store as module
from rasa_emotion.bot.rasa_versions import TrackerStore, inner_store
from rasa_emotion.database import open_database
from rasa_emotion.handoff import reconcile
from rasa_emotion.handoff.outbox import Outbox

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [inform]
slots:
  escalation: {type: any, influence_conversation: false, mappings: [{type: custom}]}
responses:
  utter_handoff: [{text: "A colleague takes over."}]
"""
)
DECISION = {
    "action": "handover",
    "rule": "anger",
    "reason": "The caller was angry.",
    "urgency": "high",
    "dry_run": False,
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`write(text)`: the bot's endpoints.yml."""
    path = tmp_path / "endpoints.yml"
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(path))
    return lambda text: path.write_text(text, encoding="utf-8")


@pytest.fixture
def store(write, tmp_path: Path) -> EmotionTrackerStore:
    """Made as Rasa makes it."""
    database = f"{tmp_path}/bot.db"
    write(f"tracker_store: {{type: rasa_emotion.EmotionTrackerStore, db: {database}}}")
    endpoint = EndpointConfig(type="rasa_emotion.EmotionTrackerStore", db=database)
    made = inner_store(TrackerStore.create(endpoint, DOMAIN))
    assert isinstance(made, EmotionTrackerStore)
    return made


def rows(store: EmotionTrackerStore) -> list:
    return Outbox(open_database(str(store.engine.url))).rows()


def angry(text: str = "this is outrageous") -> UserUttered:
    parsed = {"emotion_estimate": estimate("angry", 0.9).to_dict()}
    return UserUttered(text, {"name": "inform", "confidence": 1.0}, parse_data=parsed, input_channel="emotion")


def conversation(*events, sender: str = "ada") -> DialogueStateTracker:
    session = [ActionExecuted("action_session_start", timestamp=1.0), SessionStarted(timestamp=2.0)]
    begun = [*session, ActionExecuted("action_listen", timestamp=3.0)]
    return DialogueStateTracker.from_events(sender, [*begun, *events], slots=DOMAIN.slots)


def escalated() -> list:
    return [angry(), SlotSet("escalation", DECISION), BotUttered("A colleague takes over.")]


async def test_a_sender_over_whom_rasas_store_would_end_the_process_is_an_error(store: EmotionTrackerStore) -> None:
    with pytest.raises(module.StoreGaveUp):
        await store.retrieve("\ud800")  # which SQLite's driver refuses with a ValueError


async def test_the_packet_is_saved_with_the_turn(store: EmotionTrackerStore) -> None:
    tracker = conversation(*escalated())
    await store.save(tracker)
    (row,) = rows(store)
    assert (row.packet.sender, row.packet.reason, row.state) == ("ada", "The caller was angry.", "pending")
    assert [line.text for line in row.packet.transcript] == ["this is outrageous", "A colleague takes over."]
    await store.save(await store.retrieve("ada"))
    assert len(rows(store)) == 1
    assert len((await store.retrieve_full_tracker("ada")).events) == len(tracker.events)


async def test_each_escalation_of_a_conversation_has_one(store: EmotionTrackerStore) -> None:
    tracker = conversation(*escalated())
    await store.save(tracker)
    for event in (angry("and again"), SlotSet("escalation", {**DECISION, "action": "alert"})):
        tracker.update(event)
    await store.save(tracker)
    assert [row.packet.kind for row in rows(store)] == ["alert", "handover"]
    await store.save(conversation(angry(), SlotSet("escalation", {**DECISION, "dry_run": True}), sender="bob"))
    assert len(rows(store)) == 2


async def test_neither_is_saved_without_the_other(store: EmotionTrackerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_) -> None:
        raise RuntimeError("the process ends here")

    module.event.listen(store.sessionmaker, "before_commit", fail)
    with pytest.raises(RuntimeError, match="the process ends"):
        await store.save(conversation(*escalated()))
    assert rows(store) == []
    assert await store.retrieve("ada") is None


async def test_a_packet_that_cannot_be_made_keeps_no_turn_from_being_saved(
    store: EmotionTrackerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_, **__) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(reconcile, "packet_of", fail)
    await store.save(conversation(*escalated()))
    (row,) = rows(store)
    assert "could not be put together" in row.packet.summary
    assert (await store.retrieve("ada")).latest_message.text == "this is outrageous"


async def test_a_packet_that_cannot_be_stored_does_not_either(store: EmotionTrackerStore, caplog) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE emotion_handoffs RENAME TO gone")
    with caplog.at_level(logging.ERROR):
        await store.save(conversation(*escalated()))
    assert "could not be stored (OperationalError" in caplog.text
    assert (await store.retrieve("ada")).latest_message.text == "this is outrageous"


async def test_nor_does_one_that_the_driver_does_not_take(store: EmotionTrackerStore, monkeypatch, caplog) -> None:
    def fail(*_, **__) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(Outbox, "enqueue", fail)
    with caplog.at_level(logging.ERROR):
        await store.save(conversation(*escalated()))
    assert "could not be stored (ValueError" in caplog.text
    assert (await store.retrieve("ada")).latest_message.text == "this is outrageous"


async def test_a_locked_database_is_tried_again(store: EmotionTrackerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OperationalError("locked", {}, Exception())] * 2
    original = module.SQLTrackerStore.save

    async def save(self, tracker) -> None:
        if failures:
            raise failures.pop()
        await original(self, tracker)

    monkeypatch.setattr(module.SQLTrackerStore, "save", save)
    await store.save(conversation(*escalated()))
    assert len(rows(store)) == 1


async def test_an_event_broker_is_told_once_of_what_is_written_twice(store: EmotionTrackerStore, monkeypatch) -> None:
    published: list[dict] = []
    store.event_broker = SimpleNamespace(publish=published.append)
    failures = [OperationalError("locked", {}, Exception())] * 2
    original = module.SQLTrackerStore._additional_events

    def additional(self, session, tracker):
        if failures:
            raise failures.pop()
        return original(self, session, tracker)

    monkeypatch.setattr(module.SQLTrackerStore, "_additional_events", additional)
    tracker = conversation(*escalated())
    await store.save(tracker)
    assert failures == []
    assert len(published) == len(tracker.events)


async def test_turns_that_are_refused_are_remembered_and_saved_later(
    store: EmotionTrackerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next turn goes on from them, and other callers' turns do not wait for the database."""
    monkeypatch.setattr(module, "RETRY_SECS", 0.01)
    refused = OperationalError("full", {}, Exception("database or disk is full"))
    with monkeypatch.context() as broken:
        broken.setattr(module.SQLTrackerStore, "_additional_events", lambda *_: (_ for _ in ()).throw(refused))
        await store.save(conversation(angry("one")))
        tracker = await store.retrieve("ada")
        tracker.update(angry("two"))
        await store.save(tracker)
        await store.save(conversation(angry("hello"), sender="bob"))
        assert [said.text for said in (await store.retrieve("ada")).events if isinstance(said, UserUttered)] == [
            "one",
            "two",
        ]
        assert [said.text for said in (await store.retrieve_full_tracker("ada")).events if hasattr(said, "text")] == [
            "one",
            "two",
        ]
    await store._saving_later
    assert store._put_by == {}
    for sender, words in (("ada", ["one", "two"]), ("bob", ["hello"])):
        saved = await store.retrieve(sender)
        assert [said.text for said in saved.events if isinstance(said, UserUttered)] == words


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("rasa_emotion: {database: 'sqlite:///other.db'}", "leave 'database' out"),
        ("rasa_emotion: {redact: {kep: []}}", "did you mean 'keep'"),
        ("rasa_emotion: {helpdesk: 3}", "'helpdesk' is 3"),
    ],
)
def test_settings_that_cannot_be_used(write, tmp_path: Path, section: str, sentence: str) -> None:
    database = f"{tmp_path}/bot.db"
    write(f"tracker_store: {{type: rasa_emotion.EmotionTrackerStore, db: {database}}}\n{section}")
    with pytest.raises(InvalidConfigException, match=sentence):
        EmotionTrackerStore(DOMAIN, db=database)
