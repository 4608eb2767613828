"""What the bot promises a caller is kept, whatever becomes of disk and database; else it is not promised."""

import asyncio
import logging
import sqlite3
import threading
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_analyzer import estimate
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from sqlalchemy import event

from rasa_emotion import EmotionTrackerStore
from rasa_emotion.bot import tracker_store
from rasa_emotion.bot.channels.relay_service import RelayService
from rasa_emotion.bot.channels.relay_turns import Turns
from rasa_emotion.bot.policy import EmotionPolicy
from rasa_emotion.bot.rasa_versions import InMemoryTrackerStore, SQLTrackerStore
from rasa_emotion.database import open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record

try:  # Rasa Open Source
    from rasa.core.tracker_store import FailSafeTrackerStore
except ModuleNotFoundError:  # Rasa Pro
    from rasa.core.tracker_stores.tracker_store import FailSafeTrackerStore

DOMAIN = """
version: "3.1"
intents: [inform]
slots:
  escalated: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  escalation: {type: any, influence_conversation: false, mappings: [{type: custom}]}
responses:
  utter_handoff: [{text: "I am getting a colleague."}]
  utter_nobody_available: [{text: "Nobody is there."}]
"""


class Processor:
    """Rasa's, as far as a turn needs it: the real policy decides, the real stores keep."""

    def __init__(self, domain: Domain, store: Any, policy: EmotionPolicy) -> None:
        self.domain, self.store, self.policy = domain, store, policy

    async def get_tracker(self, sender: str) -> Any:
        return await self.store.get_or_create_tracker(sender, append_action_listen=False)

    async def save_tracker(self, tracker: Any) -> None:
        await self.store.save(tracker)

    async def handle_message(self, message: UserMessage) -> None:
        tracker = await self.get_tracker(message.sender_id)
        emotion = "angry" if "!" in message.text else "neutral"
        parsed = {"emotion_estimate": estimate(emotion, 0.95).to_dict()}
        said = UserUttered(message.text, {"name": "inform"}, parse_data=parsed, input_channel="rest")
        tracker.update_with_events([ActionExecuted("action_listen"), said], self.domain)
        prediction = self.policy.predict_action_probabilities(tracker, self.domain)
        best = max(prediction.probabilities)
        action = self.domain.action_names_or_texts[prediction.probabilities.index(best)] if best else "utter_echo"
        tracker.update_with_events([*prediction.events, *prediction.optional_events], self.domain)
        text = self.domain.responses[action][0]["text"] if best else message.text
        await message.output_channel.send_response(message.sender_id, {"text": text})
        tracker.update_with_events([ActionExecuted(action), BotUttered(text)], self.domain)
        await self.save_tracker(tracker)


class Bench:
    """A relay, a bot that hands the angry over, and a database that can be filled and locked."""

    def __init__(self, folder: Path, policy: EmotionPolicy, kind: type) -> None:
        self.kind, self.folder, self.database = kind, folder, folder / "bot.db"
        domain = Domain.from_yaml(DOMAIN)
        if kind is InMemoryTrackerStore:
            store = InMemoryTrackerStore(domain)
        else:
            # Rasa's own keeps conversations in a file of its own.
            name = self.database if kind is EmotionTrackerStore else folder / "rasa.db"
            store = FailSafeTrackerStore(kind(domain, db=str(name)))
            event.listen(store._tracker_store.engine, "connect", self._limit)
        self.store, self.pages = store, 0
        self.service = RelayService(Endpoints(database=f"sqlite:///{self.database}"))
        event.listen(self.service.engine, "connect", self._limit)
        self.service.engine.dispose()
        self.processor = Processor(domain, store, policy)
        agent = SimpleNamespace(
            lock_store=InMemoryLockStore(),
            tracker_store=store,
            processor=self.processor,
            domain=domain,
            is_ready=lambda: True,
        )
        self.turns = Turns(self.service, lambda: agent, None)
        engine = open_database(f"sqlite:///{self.database}")
        self.record, self.outbox = Record(engine), Outbox(engine)

    def _limit(self, connection: Any, _: object) -> None:
        if self.pages:
            connection.execute(f"PRAGMA max_page_count={self.pages}")

    async def say(self, text: str, sender: str = "ada") -> tuple[bool, list[str]]:
        output = CollectingOutputChannel()
        human = await self.turns.take(UserMessage(text, output, sender, input_channel="rest"))
        return human, [said["text"] for said in output.messages]

    @contextmanager
    def full(self):
        """No page can be added to the databases."""
        self.pages = 1  # SQLite takes the present size where that is more
        self._connect_again()
        for file in (self.database, self.folder / "rasa.db"):
            if file.exists():
                _fill(file)
        yield
        self.pages = 1_000_000
        self._connect_again()

    def _connect_again(self) -> None:
        self.service.engine.dispose()
        inner = getattr(self.store, "_tracker_store", None)
        if inner is not None:
            inner.engine.dispose()

    def shut_spool(self) -> None:
        """The disk has no room for one, or its folder is not ours."""
        self.service.keeper.spool.folder.write_text("no folder")

    def senders(self) -> list[str]:
        return [row.packet.sender for row in self.outbox.rows()][::-1]

    def heard(self, sender: str = "ada") -> list[str]:
        return [said.text for said in self.record.messages_after(sender, direction="to_human")]


def _fill(file: Path) -> None:
    """Use up the pages that are free inside of the file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        size = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={size}")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = "emotion_trials (id, filler)" if "emotion_trials" in tables else "events (sender_id, type_name)"
        for length in (3000, 300, 30, 3):
            try:
                while True:
                    connection.execute(f"INSERT INTO {table} VALUES (hex(randomblob(16)), ?)", ("x" * length,))
            except sqlite3.OperationalError:
                continue


@pytest.fixture(params=[EmotionTrackerStore, SQLTrackerStore, InMemoryTrackerStore])
async def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: Any):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracker_store, "LOCK_MSECS", 50)
    (tmp_path / "endpoints.yml").write_text("rasa_emotion: {database: 'sqlite:///bot.db'}")
    if request.param is EmotionTrackerStore:
        text = f"tracker_store: {{type: rasa_emotion.EmotionTrackerStore, db: {tmp_path}/bot.db}}"
        (tmp_path / "endpoints.yml").write_text(text)
    made = Bench(tmp_path, EmotionPolicy.create({"threshold": 0.4}, *graph), request.param)
    await made.service.ask(lambda record: None)
    yield made
    await made.service.stop()


ANGRY = "This is an outrage! " + "I have waited for an hour. " * 500
"""Needs new pages; a few words find room in those that are there."""

HANDED_OVER, NOBODY = ["I am getting a colleague."], ["Nobody is there."]


async def test_a_full_disk_loses_no_handover(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.say("hello")
    with bench.full():
        assert await bench.say(ANGRY) == (True, HANDED_OVER)
        assert await bench.say("are you there?") == (True, []), "the caller counts as handed over"
        assert await bench.say("hello", "bob") == (False, ["hello"])
    assert "waits in the spool" in caplog.text
    await bench.service.replay()
    assert bench.senders() == ["ada"]
    assert bench.heard() == ["are you there?"]
    assert await bench.say("hello?") == (True, [])
    assert bench.heard() == ["are you there?", "hello?"]


async def test_a_packet_that_alone_finds_no_room_leaves_its_turn_in_place(bench: Bench) -> None:
    """It repeats what was said before, and SQLite takes back more than the statement that finds no room."""
    await bench.say(ANGRY.replace("!", "."))
    with bench.full():
        assert await bench.say("This is an outrage!") == (True, HANDED_OVER)
        tracker = await bench.store.retrieve("ada")
        assert bench.kind is SQLTrackerStore or tracker.latest_message.text == "This is an outrage!"
    await bench.service.replay()
    assert bench.senders() == ["ada"]


async def test_where_the_spool_is_full_too_nobody_is_promised(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.shut_spool()
    await bench.say("hello")
    with bench.full():
        with caplog.at_level(logging.WARNING):
            assert await bench.say(ANGRY) == (False, NOBODY)
        (line,) = [record.getMessage() for record in caplog.records if getattr(record, "event", "") == "handoff.nobody"]
        assert "neither the database nor its spool can keep a handover now" in line
        assert (await bench.say("well then"))[0] is False, "the bot has the conversation"
    assert await bench.say(ANGRY, "bob") == (True, HANDED_OVER), "the database alone is enough"


@contextmanager
def locked(file: Path, how: str):
    """Somebody else writes, or has the whole file for themselves."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        if how == "EXCLUSIVE":
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute(f"BEGIN {how}")
        other.execute("INSERT INTO emotion_trials VALUES ('lock', '')")
        yield
        other.execute("ROLLBACK")


async def test_a_locked_database_loses_no_handover_and_does_not_stop_the_server(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_store, "LOCK_MSECS", 500)
    await bench.say("hello")
    with locked(bench.database, "IMMEDIATE"):
        turn = asyncio.create_task(bench.say(ANGRY))
        ticks = 0
        while not turn.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert turn.result() == (True, HANDED_OVER)
        assert ticks > 5, "other callers are answered meanwhile"
        assert bench.senders() == []
        assert await bench.say("are you there?") == (True, [])
    await bench.service.replay()
    assert (bench.senders(), bench.heard()) == (["ada"], ["are you there?"])


async def test_a_handover_is_kept_before_the_caller_hears_of_it(bench: Bench) -> None:
    """A server that is killed in between would leave them waiting."""
    known: list[bool] = []

    class Output(CollectingOutputChannel):
        async def send_response(self, recipient_id: str, message: dict) -> None:
            known.append("ada" in bench.senders() or bench.service.keeper.handed_over("ada"))
            await super().send_response(recipient_id, message)

    for full, text in ((False, "hello"), (True, ANGRY)):
        with bench.full() if full else nullcontext():
            await bench.turns.take(UserMessage(text, Output(), "ada", input_channel="rest"))
    assert known == [False, True]


async def test_a_server_that_ends_meanwhile_leaves_it_to_the_next(bench: Bench) -> None:
    await bench.say("hello")
    with bench.full():
        await bench.say(ANGRY)
        await bench.say("are you there?")
        await bench.service.stop()
        next_one = RelayService(bench.service.endpoints)
        assert next_one.keeper.handed_over("ada")
    await next_one.replay()
    assert (bench.senders(), bench.heard()) == (["ada"], ["are you there?"])
    await next_one.stop()


async def test_an_order_that_the_spool_does_not_change(bench: Bench) -> None:
    """Words that the database could take wait behind those that are in the spool."""
    await bench.say(ANGRY)
    with bench.full():
        assert await bench.say("one " * 5000) == (True, [])
        assert bench.heard() == []
    assert await bench.say("two") == (True, [])
    assert [said.split()[0] for said in bench.heard()] == ["one", "two"]


async def test_a_turn_that_decides_nothing_takes_no_room(bench: Bench) -> None:
    for number in range(3):
        await bench.say("hello", f"caller {number}")
    assert bench.service.keeper.waiting() == []
    assert threading.active_count() < 60
