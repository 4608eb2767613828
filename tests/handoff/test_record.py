"""Who has a conversation, and what is said in it: nothing lost, order kept, nothing twice."""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import insert, update
from sqlalchemy.engine import Engine

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.handoff.record import Record, UnknownHandover
from rasa_emotion.handoff.tables import ALERT, DEAD, DELIVERED, HANDOVER, PENDING, TO_CALLER, TO_HUMAN, handoffs
from rasa_emotion.handoff.text import storable


def hand_over(
    engine: Engine, key: str, sender: str, *, created: float = 0, kind: str = HANDOVER, channel: str = "rest"
) -> None:
    """What the tracker store or the reconciler writes when an escalation was decided."""
    row = {"key": key, "kind": kind, "sender": sender, "channel": channel, "packet": "{}", "state": DELIVERED}
    with engine.begin() as connection:
        connection.execute(
            insert(handoffs).values(**row, attempts=0, next_attempt=0, created=created, ticket=f"t{key}")
        )


@pytest.fixture
def record(engine: Engine) -> Record:
    return Record(engine)


def test_who_is_left_alone(engine: Engine) -> None:
    now = 10_000.0
    record = Record(engine, clock=lambda: now)
    hand_over(engine, "new", "alice", created=now - 100)
    hand_over(engine, "talking", "bob", created=now - 5000)
    hand_over(engine, "silent", "carol", created=now - 5000)
    hand_over(engine, "dead", "dan", created=now - 100)
    hand_over(engine, "closed", "eve", created=now - 5000)
    hand_over(engine, "alert", "fred", created=now - 5000, kind=ALERT)
    record.to_caller("talking", "one moment", "1")
    record.close("closed")
    with engine.begin() as connection:
        connection.execute(update(handoffs).where(handoffs.c.key == "dead").values(state=DEAD))
    assert [handover.key for handover in record.unattended(600)] == ["silent", "dead"]
    now += 700
    assert [handover.key for handover in record.unattended(600)] == ["silent", "talking", "dead", "new"]


def test_nobody_has_a_conversation_at_first(record: Record) -> None:
    assert record.holder("alice") is None
    assert record.to_human("alice", "hello", "1") is None
    assert record.messages_after("alice", direction=None) == []


def test_a_human_has_it_until_they_give_it_back(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice")
    assert record.holder("alice") == record.handover("a") == record.of_ticket("ta")
    assert record.holder("bob") is record.unfinished("bob") is None
    assert record.unfinished("alice") == record.holder("alice")
    assert record.close("a", "paid") is True
    assert record.close("a", "again") is False
    assert record.holder("alice") is None
    waiting = record.to_resume("alice")
    assert waiting is not None
    assert waiting.outcome == "paid"
    assert record.unfinished("alice") == waiting
    assert record.all_to_resume("rest") == [waiting]
    assert record.all_to_resume("callback") == []
    record.mark_resumed("alice")
    assert record.to_resume("alice") is record.unfinished("alice") is None


def test_an_alert_leaves_the_conversation_with_the_bot(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice", kind=ALERT)
    assert record.holder("alice") is None
    assert record.handover("a") is record.of_ticket("ta") is None
    with pytest.raises(UnknownHandover):
        record.close("a")


def test_several_open_handovers_end_together(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice", created=1)
    hand_over(engine, "b", "alice", created=2)
    assert record.holder("alice") == record.handover("b")
    assert [handover.key for handover in record.open_handovers()] == ["a", "b"]
    record.close("a", "done")
    assert record.holder("alice") is None
    record.mark_resumed("alice")
    assert record.to_resume("alice") is None


def test_what_was_deleted_is_named(record: Record) -> None:
    with pytest.raises(UnknownHandover, match="'gone'"):
        record.to_caller("gone", "hello", "1")
    with pytest.raises(UnknownHandover, match="'gone'"):
        record.close("gone")


def test_words_after_the_hand_back_still_reach_the_caller(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice")
    record.close("a")
    assert record.to_caller("a", "goodbye", "1") is True
    assert [said.text for said in record.messages_after("alice")] == ["goodbye"]


@pytest.mark.parametrize("odd", ["\x00", "\ud83d"])  # what PostgreSQL refuses, and half an emoji
def test_words_that_no_database_takes_are_kept_all_the_same(engine: Engine, record: Record, odd: str) -> None:
    hand_over(engine, "a", "alice")
    assert record.to_human("alice", f"help{odd} me", f"1{odd}") is not None
    assert record.to_caller("a", f"yes{odd}", f"2{odd}") is True
    assert record.to_caller("a", f"yes{odd}", f"2{odd}") is False
    assert [said.text for said in record.messages_after("alice", direction=None)] == ["help\ufffd me", "yes"]
    assert record.close("a", f"done{odd}") is True
    waiting = record.to_resume("alice")
    assert waiting is not None
    assert waiting.outcome == "done\ufffd"


def test_what_the_caller_has_is_delivered(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice")
    for number in range(3):
        record.to_caller("a", str(number), str(number))
    first, second, _ = record.messages_after("alice")
    record.heard("alice", second.id)
    assert [said.state for said in record.messages_after("alice")] == [DELIVERED, DELIVERED, PENDING]
    assert [said.text for said in record.messages_after("alice", first.id)] == ["1", "2"]


def test_each_caller_is_due_their_oldest_message_once(engine: Engine) -> None:
    now = [100.0]
    record = Record(engine, lambda: now[0])
    hand_over(engine, "a", "alice")
    hand_over(engine, "b", "bob")
    for key in "ab":
        for number in range(2):
            record.to_caller(key, f"{key}{number}", str(number))
    assert record.due("callback") == []
    alice, bob = record.due("rest")
    assert (alice.text, bob.text) == ("a0", "b0")
    assert record.claim(alice, 30) is True
    assert record.claim(alice, 30) is False
    assert record.due("rest") == [bob]
    # A process that dies after its claim leaves the message to others.
    now[0] += 31
    assert [said.text for said in record.due("rest")] == ["a0", "b0"]
    assert record.claim(alice, 30) is True
    record.settle(alice, DELIVERED)
    assert [said.text for said in record.due("rest")] == ["a1", "b0"]
    record.settle(bob, PENDING, wait_secs=60, error="refused")
    # Order before speed: what comes later waits for what failed.
    assert [said.text for said in record.due("rest")] == ["a1"]


def test_what_was_not_fetched_on_one_channel_holds_nothing_up_on_another(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice", created=1)
    record.to_caller("a", "goodbye", "1")
    record.close("a")
    hand_over(engine, "b", "alice", created=2, channel="callback")
    record.to_caller("b", "hello", "2")
    assert [said.text for said in record.due("callback")] == ["hello"]
    assert [said.text for said in record.due("rest")] == ["goodbye"]


def test_reading_does_not_wait_for_a_writer(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice")
    with engine.begin() as connection:
        connection.execute(handoffs.update().values(error="x"))
        with ThreadPoolExecutor(1) as pool:
            holder = pool.submit(record.holder, "alice").result(timeout=10)
    assert holder is not None


def test_many_writers_keep_the_order_of_each(engine: Engine, record: Record) -> None:
    hand_over(engine, "a", "alice")

    def speak(number: int) -> None:
        for word in range(20):
            record.to_human("alice", f"{number} {word}", f"{number}-{word}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(speak, range(4)))
    kept = [said.text.split() for said in record.messages_after("alice", direction=TO_HUMAN)]
    assert len(kept) == 80
    for number in "0123":
        assert [word for speaker, word in kept if speaker == number] == [str(word) for word in range(20)]


SENDERS = ["alice", "bob"]
ORIGINS = st.integers(0, 5).map(str)


class Relay(RuleBasedStateMachine):
    """Two conversations against lists in memory; every step opens the database anew, as a restart would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 0.0
        self.open: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.said: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        self.pushed: dict[str, list[str]] = {sender: [] for sender in SENDERS}
        self.read: dict[str, tuple[int, list[str]]] = {sender: (0, []) for sender in SENDERS}
        self.engine = open_database(f"sqlite:///{self.folder.name}/record.db")
        create_tables(self.engine)
        self.record = Record(self.engine, lambda: self.now)

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    def _say(self, sender: str, direction: str, key: str, origin: str) -> str:
        lines = self.said.setdefault((sender, direction), [])
        text = f"{len(lines)}"
        if all(line[:2] != (key, origin) for line in lines):
            lines.append((key, origin, text))
        return text

    @rule(sender=st.sampled_from(SENDERS))
    def escalate(self, sender: str) -> None:
        # While a human has the conversation the bot hears nothing, and before it resumes neither.
        if sender in self.open or sender in self.waiting:
            return
        key = f"k{len(self.keys)}"
        self.now += 1
        hand_over(self.engine, key, sender, created=self.now)
        self.keys[key] = sender
        self.open[sender] = key

    @rule(sender=st.sampled_from(SENDERS), origin=ORIGINS)
    def caller_speaks(self, sender: str, origin: str) -> None:
        key = self.open.get(sender)
        text = self._say(sender, TO_HUMAN, key, origin) if key else "to the bot"
        holder = self.record.to_human(sender, text, origin)
        assert (holder.key if holder else None) == key

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), origin=ORIGINS)
    def human_speaks(self, data: st.DataObject, origin: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.keys)))
        sender = self.keys[key]
        before = len(self.said.get((sender, TO_CALLER), []))
        text = self._say(sender, TO_CALLER, key, origin)
        new = len(self.said[sender, TO_CALLER]) > before
        assert self.record.to_caller(key, text, origin) is new

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), outcome=st.text(max_size=5))
    def hand_back(self, data: st.DataObject, outcome: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.keys)))
        sender = self.keys[key]
        is_open = self.open.get(sender) == key
        assert self.record.close(key, outcome) is is_open
        if is_open:
            del self.open[sender]
            self.waiting[sender] = storable(outcome)

    @rule(sender=st.sampled_from(SENDERS))
    def bot_resumes(self, sender: str) -> None:
        handover = self.record.to_resume(sender)
        assert (handover.outcome if handover else None) == self.waiting.pop(sender, None)
        self.record.mark_resumed(sender)

    @rule(sender=st.sampled_from(SENDERS))
    def caller_reads(self, sender: str) -> None:
        after, texts = self.read[sender]
        news = self.record.messages_after(sender, after)
        self.read[sender] = (news[-1].id if news else after, texts + [said.text for said in news])

    @rule(dies=st.booleans())
    def push(self, dies: bool) -> None:
        self.now += 100
        for said in self.record.due("rest"):
            assert self.record.claim(said, 30)
            if not dies:
                self.pushed[said.sender].append(said.text)
                self.record.settle(said, DELIVERED)

    @rule()
    def restart(self) -> None:
        self.engine.dispose()
        self.engine = open_database(f"sqlite:///{self.folder.name}/record.db")
        self.record = Record(self.engine, lambda: self.now)

    @invariant()
    def as_it_was_said(self) -> None:
        assert {handover.sender for handover in self.record.open_handovers()} == set(self.open)
        for sender in SENDERS:
            for direction in (TO_HUMAN, TO_CALLER):
                kept = [said.text for said in self.record.messages_after(sender, direction=direction)]
                said = [text for _, _, text in self.said.get((sender, direction), [])]
                assert kept == said
            texts = [text for _, _, text in self.said.get((sender, TO_CALLER), [])]
            assert self.pushed[sender] == texts[: len(self.pushed[sender])]
            assert self.read[sender][1] == texts[: len(self.read[sender][1])]


TestRelay = Relay.TestCase
TestRelay.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
