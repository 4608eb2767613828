"""Whose turn it is, with Rasa's lock and tracker stores and a bot that answers by rote."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.channels.callback import CallbackInput
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.channels.rest import RestInput
from rasa.core.channels.socketio import SocketIOInput
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, ConversationPaused, SlotSet, UserUttered
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion import RelayInput
from rasa_emotion.bot.channels import relay_callers, relay_service, relay_turns
from rasa_emotion.bot.channels.relay_callers import Callers, presence_of, push_of
from rasa_emotion.bot.channels.relay_reports import keep
from rasa_emotion.bot.channels.relay_service import UNATTENDED, RelayService, Unavailable
from rasa_emotion.bot.channels.relay_turns import Turns
from rasa_emotion.bot.channels.rest import EmotionRestInput
from rasa_emotion.bot.rasa_versions import InMemoryTrackerStore, is_paused, socket_server
from rasa_emotion.conversation.commands import HEARD_PREFIX, NO_WORDS
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.handoff import keeper
from rasa_emotion.handoff.helpdesk import FromHuman
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record, Said
from rasa_emotion.handoff.tables import TO_HUMAN
from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import Spool

DOMAIN = """
version: "3.1"
forms: {fault_form: {required_slots: [line]}}
slots:
  escalated: {type: bool, mappings: [{type: custom}]}
  escalation: {type: any, mappings: [{type: custom}]}
  handoff_outcome: {type: text, mappings: [{type: custom}]}
  line: {type: text, mappings: [{type: custom}]}
responses:
  utter_back: [{text: "I know: {handoff_outcome}."}]
"""
DECISION = {"action": "handover", "rule": "r", "reason": "The caller asked.", "urgency": "normal", "dry_run": False}


class Processor:
    """Echoes what it is told; the word "human" hands over, with a form open."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.store = InMemoryTrackerStore(domain)
        self.heard: list[str] = []

    async def get_tracker(self, sender: str) -> Any:
        return await self.store.get_or_create_tracker(sender, append_action_listen=False)

    async def save_tracker(self, tracker: Any) -> None:
        await self.store.save(tracker)

    async def handle_message(self, message: UserMessage) -> None:
        tracker = await self.get_tracker(message.sender_id)
        self.heard.append(message.text)
        await asyncio.sleep(0.01)
        events = [UserUttered(message.text, input_channel="rest"), SlotSet("line", "5"), ActiveLoop("fault_form")]
        if message.text == "human":
            events += [SlotSet("escalation", DECISION), SlotSet("escalated", True), ConversationPaused()]
        tracker.update_with_events([*events, BotUttered("ok")], self.domain)
        await self.save_tracker(tracker)
        await message.output_channel.send_text_message(message.sender_id, message.text)


class Bench:
    """A relay's turns with a bot and a record."""

    def __init__(self, folder: Path) -> None:
        database = f"sqlite:///{folder}/relay.db"
        domain = Domain.from_yaml(DOMAIN)
        self.processor = Processor(domain)
        self.started, self.passed_secs = time.time(), 0.0
        self.service = RelayService(Endpoints(database=database), self._now)
        self.agent = SimpleNamespace(
            lock_store=InMemoryLockStore(),
            tracker_store=self.processor.store,
            processor=self.processor,
            domain=domain,
            nlg=TemplatedNaturalLanguageGenerator(domain.responses),
            is_ready=lambda: True,
        )
        self.turns = Turns(self.service, lambda: self.agent, self._unguarded)
        create_tables(open_database(database))
        self.record = Record(open_database(database), self._now)

    def _now(self) -> float:
        return self.started + self.passed_secs

    async def _unguarded(self, message: UserMessage) -> None:
        raise AssertionError("the agent is there")

    async def say(self, text: str | None, sender: str = "alice", **more: Any) -> tuple[bool, list[str]]:
        """Whether a human has the conversation, and the bot's answers."""
        output = CollectingOutputChannel()
        human = await self.turns.take(UserMessage(text, output, sender, input_channel="rest", **more))
        return human, [said["text"] for said in output.messages]

    async def miss(self, monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
        """Say to a human what the database does not take."""
        with monkeypatch.context() as broken:
            broken.setattr(Record, "to_human", _fail)
            for text in texts:
                assert await self.say(text) == (True, [])

    def to_human(self, sender: str = "alice") -> list[str]:
        return [said.text for said in self.record.messages_after(sender, direction=TO_HUMAN)]

    def close(self, outcome: str = "done", sender: str = "alice") -> str:
        holder = self.record.holder(sender)
        assert holder is not None
        self.record.close(holder.key, outcome)
        return holder.key

    async def tracker(self, sender: str = "alice") -> Any:
        return await self.processor.get_tracker(sender)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path)
    yield made
    await made.service.stop()


async def test_the_bot_answers_until_it_hands_over(bench: Bench) -> None:
    assert await bench.say("hello") == (False, ["hello"])
    assert await bench.say("human") == (True, ["human"])
    assert await bench.say("are you there?") == (True, [])
    assert await bench.say("hello", sender="bob") == (False, ["hello"])
    assert bench.to_human() == ["are you there?"]
    assert bench.processor.heard == ["hello", "human", "hello"]


async def test_of_two_messages_at_once_the_second_knows_what_the_first_led_to(bench: Bench) -> None:
    first, second = await asyncio.gather(bench.say("human"), bench.say("quick!"))
    assert (first, second) == ((True, ["human"]), (True, []))
    assert bench.to_human() == ["quick!"]


async def test_a_message_that_comes_twice_is_kept_once(bench: Bench) -> None:
    await bench.say("human")
    for _ in range(2):
        await bench.say("once", message_id="7")
    assert bench.to_human() == ["once"]


async def test_nothing_is_said_of_nothing(bench: Bench) -> None:
    await bench.say("human")
    for text in (None, "", "  "):
        assert await bench.say(text) == (True, [])
    await bench.say("/voice_without_words", message_id=f"{HEARD_PREFIX}1")
    await bench.say("/affirm")
    assert bench.to_human() == [NO_WORDS, "/affirm"]


async def test_the_bot_goes_on_knowing_the_outcome(bench: Bench) -> None:
    await bench.say("human")
    await bench.say("for the human alone")
    key = bench.close("the line is repaired")
    assert await bench.say("hello") == (False, ["hello"])
    tracker = await bench.tracker()
    assert tracker.get_slot("handoff_outcome") == "the line is repaired"
    assert tracker.get_slot("escalated") is False
    assert tracker.get_slot("escalation") is None
    assert tracker.get_slot("line") == "5"
    assert not is_paused(tracker)
    assert bench.processor.heard == ["human", "hello"]
    assert bench.record.to_resume("alice") is None
    handover = bench.record.handover(key)
    assert handover is not None
    assert handover.resumed is not None
    # Nobody is handed over again for what has been dealt with.
    assert bench.record.holder("alice") is None


async def test_the_form_is_closed_before_the_caller_speaks_again(bench: Bench) -> None:
    await bench.say("human")
    bench.close()
    await bench.turns.take_up_all("rest", utter=None)
    tracker = await bench.tracker()
    assert tracker.active_loop_name is None
    assert tracker.latest_action_name == "action_listen"
    assert bench.record.messages_after("alice") == []


async def test_the_bot_says_that_it_is_back_once(bench: Bench) -> None:
    await bench.say("human")
    bench.close("all paid")
    for _ in range(2):
        await bench.turns.take_up_all("rest", utter="utter_back")
    assert [said.text for said in bench.record.messages_after("alice")] == ["I know: all paid."]
    assert (await bench.tracker()).latest_action_name == "action_listen"


async def test_a_response_that_is_missing_costs_one_log_line(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.say("human")
    bench.close()
    await bench.turns.take_up_all("rest", utter="utter_missing")
    assert "utter_missing" in caplog.text
    assert bench.record.messages_after("alice") == []
    assert await bench.say("hello") == (False, ["hello"])


async def test_a_session_is_not_begun_twice_when_that_cannot_be_noted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.say("human")
    bench.close()
    with monkeypatch.context() as broken:
        broken.setattr(Record, "mark_resumed", _fail)
        assert await bench.say("one") == (False, ["one"])
        assert await bench.say("two") == (False, ["two"])
    assert [event.text for event in (await bench.tracker()).events if isinstance(event, UserUttered)] == ["one", "two"]


async def test_a_database_that_fails_costs_one_log_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Record, "unfinished", _fail)
        broken.setattr(Record, "holder", _fail)
        for text in ("one", "two"):
            assert await bench.say(text) == (False, [text])
        with pytest.raises(Unavailable, match="try again later") as told:
            await bench.service.ask(_fail)
    assert "disk full" not in str(told.value)  # which clients read
    assert [record.levelno for record in caplog.records if "database" in record.message] == [logging.ERROR]
    assert "fails (disk full)" in caplog.text
    caplog.set_level(logging.INFO)
    assert await bench.say("human") == (True, ["human"])
    assert "answers again" in caplog.text


async def test_the_bot_does_not_answer_for_the_human_where_words_cannot_be_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.say("human")
    await bench.miss(monkeypatch, "are you there?")
    assert "refuses a caller's words for a human; it waits in the spool" in caplog.text
    assert "alice" not in caplog.text
    assert bench.processor.heard == ["human"]
    assert await bench.say("and now?") == (True, [])
    assert bench.to_human() == ["are you there?", "and now?"]


@pytest.mark.parametrize("speaks_again", [True, False])
async def test_what_was_said_without_the_database_reaches_the_human_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, speaks_again: bool
) -> None:
    await bench.say("human")
    await bench.say("hello", sender="bob")
    with monkeypatch.context() as broken:
        for question in ("unfinished", "holder"):
            broken.setattr(Record, question, _fail)
        for text in ("one", "two"):
            await bench.say(text)
        await bench.say("three", sender="bob")
    if speaks_again:
        assert await bench.say("four") == (True, [])
    for _ in range(2):
        await bench.service.replay()
    assert bench.to_human() == ["one", "two", *(["four"] if speaks_again else [])]
    assert bench.to_human("bob") == []


async def test_the_bot_does_not_answer_where_what_was_missed_cannot_be_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.say("human")
    await bench.miss(monkeypatch, "one", "two")
    await bench.service.replay()
    assert bench.to_human() == ["one", "two"]


async def test_a_silent_database_keeps_no_caller_waiting_who_was_missed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.say("human")
    await bench.miss(monkeypatch, "one")
    with monkeypatch.context() as broken:
        broken.setattr(relay_turns, "PATIENCE_SECS", 0.05)
        broken.setattr(Record, "to_human", _fail_slowly)
        assert await bench.say("two") == (True, [])
    await bench.service.replay()
    assert bench.to_human() == ["one", "two"]


async def test_memory_is_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper, "MOST_IN_MEMORY", 1)
    monkeypatch.setattr(Spool, "keep", _spool_full)
    await bench.say("human")
    await bench.miss(monkeypatch, "one", "two")
    assert "Neither the database nor the spool takes a caller's words for a human; it is kept in memory" in caplog.text
    assert "takes a caller's words for a human; it is lost" in caplog.text
    await bench.service.replay()
    assert bench.to_human() == ["one"]


async def test_what_was_missed_is_dropped_with_the_hand_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.say("human")
    await bench.miss(monkeypatch, "are you there?")
    bench.close()
    await bench.service.replay()
    assert bench.to_human() == []
    assert "none gets them" in caplog.text
    assert bench.service.keeper.waiting() == []
    assert await bench.say("hello") == (False, ["hello"])


async def test_a_database_that_is_silent_does_not_keep_the_bot_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_turns, "PATIENCE_SECS", 0.05)
    for question in ("unfinished", "holder"):
        monkeypatch.setattr(Record, question, lambda *_: time.sleep(0.3))
    assert await bench.say("one") == (False, ["one"])


@pytest.mark.parametrize("fails", ["_fail", "_exit"])
async def test_a_tracker_store_that_fails_is_tried_again(
    bench: Bench, fails: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.say("human")
    bench.close()
    with monkeypatch.context() as broken:
        broken.setattr(Processor, "save_tracker", globals()[fails])
        for _ in range(2):
            await bench.turns.take_up_all("rest", utter=None)
    assert caplog.text.count("cannot take up") == 1
    assert "alice" not in caplog.text
    await bench.turns.take_up_all("rest", utter=None)
    assert bench.record.to_resume("alice") is None


async def test_without_an_agent_rasa_is_left_to_answer(tmp_path: Path) -> None:
    heard = []

    async def rasa(message: UserMessage) -> None:
        heard.append(message.text)

    service = RelayService(Endpoints(database=f"sqlite:///{tmp_path}/relay.db"))
    turns = Turns(service, lambda: None, rasa)
    assert await turns.take(UserMessage("hello")) is False
    await turns.take_up_all("rest", utter=None)
    assert heard == ["hello"]
    await service.stop()


def _fail(*_: Any) -> None:
    raise OSError("disk full")


def _exit(*_: Any) -> None:
    raise SystemExit(1)


def _fail_slowly(*_: Any) -> None:
    time.sleep(0.5)
    raise OSError("disk full")


def _spool_full(*_: Any) -> None:
    raise SpoolError("It is full.")


class Pushed:
    """A way to callers that refuses what it is told to."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {"alice": [], "bob": []}
        self.refused: set[str] = set()
        self.absent: set[str] = set()

    async def __call__(self, said: Said) -> None:
        if said.text in self.refused:
            raise ConnectionError("refused")
        self.texts[said.sender].append(said.text)

    def present(self, sender: str) -> bool:
        return sender not in self.absent


async def test_a_caller_whom_nobody_answers_gets_the_bot_back(bench: Bench) -> None:
    await bench.say("human")
    await bench.service.give_back_unattended()
    assert await bench.say("hello?") == (True, [])
    bench.passed_secs += 60 * bench.service.endpoints.give_back_minutes + 3600
    await bench.service.give_back_unattended()
    assert await bench.say("hello?") == (False, ["hello?"])
    assert (await bench.tracker()).get_slot("handoff_outcome") == UNATTENDED


async def test_a_human_may_keep_it_for_as_long_as_they_like(bench: Bench) -> None:
    await bench.say("human")
    bench.service.endpoints = replace(bench.service.endpoints, give_back_minutes=None)
    await bench.service.give_back_unattended()
    assert await bench.say("hello?") == (True, [])


@pytest.fixture
async def pushed(bench: Bench):
    """A `Pushed`, the deliverer to it, and two conversations in which two things were said."""
    for sender in ("alice", "bob"):
        await bench.say("human", sender)
        holder = bench.record.holder(sender)
        for number in (1, 2):
            bench.record.to_caller(holder.key, str(number), str(number))
    made = Pushed()
    return made, Callers(bench.service, "rest", made, made.present)


async def test_an_answer_before_the_ticket_is_noted(bench: Bench) -> None:
    await bench.say("human")
    holder = bench.record.holder("alice")
    assert bench.record.delivering() is False
    assert keep(FromHuman("T1", "1", "Hello."), bench.record) is False
    assert keep(FromHuman("T1", "1", "Hello.", key="unknown"), bench.record) is False
    assert keep(FromHuman("T1", "1", "Hello.", key=holder.key), bench.record) is True
    assert [said.text for said in bench.record.messages_after("alice")] == ["Hello."]
    assert Outbox(bench.service.engine).claim_packet("w", lease_secs=600)
    assert bench.record.delivering() is True


async def test_what_a_machine_wrote_reaches_the_caller_and_is_no_persons_word(bench: Bench) -> None:
    await bench.say("human")
    key = bench.record.holder("alice").key
    bench.passed_secs += 60 * bench.service.endpoints.give_back_minutes - 60
    for machine in (True, False):
        item = FromHuman("T1", f"m{machine}", f"by a machine: {machine}", key=key, machine=machine)
        assert keep(item, bench.record) is True
        bench.passed_secs += 120
        assert bench.record.unattended(60 * bench.service.endpoints.give_back_minutes) == (
            [bench.record.holder("alice")] if machine else []
        )
    said = bench.record.messages_after("alice")
    assert [one.text for one in said] == ["by a machine: True", "by a machine: False"]
    assert [one.machine for one in said] == [True, False]


async def test_whoever_wrote_it_is_told_what_does_not_arrive(bench: Bench) -> None:
    await bench.say("human")
    key = bench.record.holder("alice").key
    said = FromHuman("T1", "i" * 255, "See:", key=key, undelivered="a sticker")
    assert keep(said, bench.record)
    assert keep(said, bench.record)  # sent again
    assert keep(FromHuman("T1", "2", "x" * 10_003, key=key), bench.record)
    assert bench.to_human() == [
        "not delivered: a sticker",
        "not delivered: the last 3 characters; send them as another message",
    ]
    assert [one.machine for one in bench.record.messages_after("alice", direction=TO_HUMAN)] == [True, True]
    assert [len(one.text) for one in bench.record.messages_after("alice")] == [4, 10_000]


async def test_a_rule_is_told_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A survey that is sent when a conversation is resolved would open it again."""
    await bench.say("human")
    key = bench.record.holder("alice").key
    with caplog.at_level(logging.INFO):
        assert keep(FromHuman("T1", "1", "Rate us.", key=key, machine=True, undelivered="a survey"), bench.record)
    assert bench.to_human() == []
    assert [said.text for said in bench.record.messages_after("alice")] == ["Rate us."]
    assert "does not reach the caller: a survey" in caplog.text


async def test_a_voice_says_no_marks_and_no_addresses(bench: Bench) -> None:
    await bench.say("human")
    key = bench.record.holder("alice").key
    said = FromHuman("T1", "1", "Open this (https://a.example).", key=key, spoken="Open this.")
    assert keep(said, bench.record, voices={"rest"})
    assert keep(replace(said, id="2", text="https://a.example/lamp.png", spoken=""), bench.record, voices={"rest"})
    assert keep(replace(said, id="3"), bench.record, voices={"twilio_voice"})
    texts = [one.text for one in bench.record.messages_after("alice")]
    assert texts == ["Open this.", "Open this (https://a.example)."]
    assert bench.to_human() == ["not delivered: addresses and files, since the caller only hears"] * 2


@pytest.mark.parametrize(
    ("written", "kept"),
    [("a\x07b\x1b[31mc", "ab[31mc"), ("a\r\nb\u2028c\td", "a\nb\nc\td"), ("\x00", None), ("  \x9f ", None), ("", None)],
)
async def test_control_characters_reach_no_caller(bench: Bench, written: str, kept: str | None) -> None:
    await bench.say("human")
    bench.record.to_caller(bench.record.holder("alice").key, written, "1")
    assert [said.text for said in bench.record.messages_after("alice")] == ([] if kept is None else [kept])


async def test_an_old_hand_back_ends_no_newer_handover(bench: Bench) -> None:
    await bench.say("human")
    holder, outbox = bench.record.holder("alice"), Outbox(bench.service.engine)
    outbox.delivered(outbox.claim_packet("w", lease_secs=600), "T1")
    back = FromHuman("T1", "1", hand_back=True, at=holder.created - 100)
    assert keep(back, bench.record) is True
    assert bench.record.holder("alice") == replace(holder, ticket="T1")
    assert keep(replace(back, at=holder.created - 10), bench.record) is True  # clocks differ
    assert bench.record.holder("alice") is None


async def test_callers_get_their_messages_in_order(pushed) -> None:
    made, callers = pushed
    for _ in range(3):
        await callers.deliver()
    assert made.texts == {"alice": ["1", "2"], "bob": ["1", "2"]}


async def test_what_is_refused_is_tried_again_and_holds_nobody_else_up(
    bench: Bench, pushed, caplog: pytest.LogCaptureFixture
) -> None:
    made, callers = pushed
    made.absent = {"bob"}
    made.refused = {"1"}
    for _ in range(3):
        await callers.deliver()
    made.absent, made.refused = set(), set()
    assert made.texts == {"alice": [], "bob": []}
    assert caplog.text.count("did not reach") == 1
    await callers.deliver()
    # Alice's first message has to wait for its next try, and her second one for that.
    assert made.texts == {"alice": [], "bob": ["1"]}
    bench.passed_secs += 1.1
    for _ in range(2):
        await callers.deliver()
    assert made.texts == {"alice": ["1", "2"], "bob": ["1", "2"]}


async def test_what_nobody_fetched_is_given_up(bench: Bench, pushed) -> None:
    made, callers = pushed
    bench.passed_secs += relay_callers.KEPT_SECS + 1
    await callers.deliver()
    assert made.texts == {"alice": [], "bob": []}
    assert {said.state for said in bench.record.messages_after("bob")} == {"dead", "pending"}


async def test_two_server_processes_do_not_both_deliver(bench: Bench, pushed) -> None:
    made, callers = pushed
    other = Callers(bench.service, "rest", made, made.present)
    for _ in range(3):
        await asyncio.gather(callers.deliver(), other.deliver())
    assert made.texts == {"alice": ["1", "2"], "bob": ["1", "2"]}


def test_how_channels_take_messages() -> None:
    assert push_of(RestInput(), None) is None
    assert push_of(RestInput(), "http://127.0.0.1:1") is not None
    assert push_of(CallbackInput(EndpointConfig("http://127.0.0.1:1")), None) is not None


async def test_a_socket_that_nobody_holds_is_no_caller() -> None:
    channel = SocketIOInput()
    channel.blueprint(_fail)
    present = presence_of(channel)
    assert present("alice") is False
    server = socket_server(channel)
    sid = await server.manager.connect("e1", "/")
    await server.enter_room(sid, "alice")
    assert present("alice") is True
    assert presence_of(RestInput())("alice") is True


@pytest.mark.parametrize(
    ("helpdesk", "warned"),
    [({"type": "desk"}, False), ({"type": "slack", "webhook_url": "https://hooks.slack.com/services/T0/B0/a"}, True)],
)
async def test_a_helpdesk_without_answers_is_named_at_the_start(
    tmp_path: Path, helpdesk: dict, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await RelayService(Endpoints(database=f"sqlite:///{tmp_path}/a.db", helpdesk=helpdesk)).stop()
    assert ("brings callers no answers" in caplog.text) is warned


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
async def test_what_runs_beside_is_repeated_whatever_it_meets(
    bench: Bench, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(relay_service, "RETRY_SECS", 0.0)
    steps = []

    async def step() -> None:
        steps.append(1)
        raise kind("on purpose, with what the caller said")

    bench.service.repeat(step, 0.0)
    while len(steps) < 5:
        await asyncio.sleep(0)
    assert caplog.text.count(kind.__name__) == 1
    assert "said" not in caplog.text


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "options", "kind", "name"),
    [
        ("rest", None, RestInput, "rest"),
        ("callback", {"url": "http://127.0.0.1:1"}, CallbackInput, "callback"),
        ("rasa_emotion.EmotionRestInput", {"max_secs": 5}, EmotionRestInput, "emotion"),
    ],
)
def test_the_channel_keeps_its_name(folder: Path, named: str, options: Any, kind: type, name: str) -> None:
    relay = RelayInput.from_credentials({"channel": named, "options": options})
    assert isinstance(relay.channel, kind)
    assert relay.name() == relay.url_prefix() == name
    assert RelayInput.name() == "emotion_relay"
    output, inner = relay.get_output_channel(), relay.channel.get_output_channel()
    assert type(output) is type(inner)
    request = SimpleNamespace(json={"metadata": {"shop": 7}})
    assert relay.get_metadata(request) == relay.channel.get_metadata(request)
    routes = {route.uri for route in relay.blueprint(_fail)._future_routes}
    own = {route.uri for route in relay.channel.blueprint(_fail)._future_routes}
    assert routes == own | {"/messages", "/helpdesk"}
    assert {"/", "/webhook"} <= own


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        (None, "'channel' is None"),
        ({"channel": "nosuch"}, "'nosuch' cannot be loaded"),
        ({"channel": "nosuch.module.Class"}, "cannot be loaded"),
        ({"channel": "collections.OrderedDict"}, "not an input channel"),
        ({"channel": "rasa_emotion.RelayInput"}, "not an input channel"),
        ({"channel": "rest", "options": 3}, "'options' is 3"),
        ({"channel": "rest", "worker": "yes"}, "'worker' is 'yes'"),
        ({"channel": "rest", "tokn": "x"}, "did you mean 'token'"),
        ({"channel": "rasa_emotion.EmotionRestInput", "options": {"max_sec": 5}}, "max_secs"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, credentials: Any, said: str) -> None:
    with pytest.raises(InvalidConfigException, match=said):
        RelayInput.from_credentials(credentials)


def test_a_helpdesk_that_cannot_be_used_is_named_at_the_start(folder: Path) -> None:
    (folder / "endpoints.yml").write_text("rasa_emotion: {helpdesk: {type: desc}}\n")
    with pytest.raises(InvalidConfigException, match="did you mean 'desk'"):
        RelayInput.from_credentials({"channel": "rest"})
