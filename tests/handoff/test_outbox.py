"""The outbox: once for each key, one worker at a time, in order for each caller. On SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.packets import packet
from sqlalchemy import text

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.outbox import DAY_SECS, Outbox
from rasa_emotion.handoff.record import Record


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")


@pytest.fixture
def outbox(url: str, clock: Clock) -> Outbox:
    engine = open_database(url)
    create_tables(engine)
    yield Outbox(engine, now=clock)
    engine.dispose()


def keys(outbox: Outbox, *, state: str | None = None) -> set[str]:
    return {row.key for row in outbox.rows(state=state)}


def claim(outbox: Outbox, worker: str = "w", *, lease_secs: float = 60):
    return outbox.claim_packet(worker, lease_secs=lease_secs)


def arrive(outbox: Outbox) -> str:
    claimed = claim(outbox)
    outbox.delivered(claimed, f"T-{claimed.key}")
    return claimed.key


@pytest.mark.parametrize("odd", ["\x00", "\ud83d"])
def test_a_packet_is_added_whatever_was_said(outbox: Outbox, odd: str) -> None:
    given = packet("a", channel=f"web{odd}", reason=f"The caller said {odd}.")
    assert outbox.enqueue(given)
    assert outbox.find("a").packet == given


def test_a_packet_is_added_once(outbox: Outbox) -> None:
    assert [outbox.enqueue(packet("a")), outbox.enqueue(packet("a", reason="other")), outbox.enqueue(packet("b"))] == [
        True,
        False,
        True,
    ]
    assert outbox.find("a").packet == packet("a")
    assert outbox.known(["a", "c"]) == {"a"}


def test_a_row_belongs_to_the_transaction_that_it_is_written_in(outbox: Outbox) -> None:
    with outbox.engine.connect() as connection, connection.begin() as transaction:
        assert outbox.enqueue(packet("a"), connection)
        transaction.rollback()
    assert keys(outbox) == set()


def test_a_packet_is_claimed_by_one_until_the_lease_ends(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("a"))
    first = claim(outbox, "first", lease_secs=10)
    assert (first.packet, first.attempts) == (packet("a"), 1)
    assert claim(outbox, "second") is None
    clock.now += 10
    second = claim(outbox, "second")
    assert second.attempts == 2
    outbox.failed(first, "too late", next_attempt=0)  # the lease is the other's now
    outbox.delivered(second, "T")
    row = outbox.find("a")
    assert (row.state, row.ticket, row.attempts, row.error, row.delivered) == ("delivered", "T", 2, None, clock.now)


def test_many_workers_never_claim_the_same(outbox: Outbox) -> None:
    for number in range(40):
        outbox.enqueue(packet(f"{number:02}", sender=f"caller-{number}"))

    def work(name: int) -> list[str]:
        claimed = []
        while (got := claim(outbox, str(name))) is not None:
            claimed.append(got.key)
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [key for part in pool.map(work, range(4)) for key in part]
    # One that looked while all others were being claimed may have ended early; nothing was claimed twice.
    assert len(claimed) == len(set(claimed))
    assert claim(outbox) is not None or len(claimed) == 40


def test_what_failed_waits(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("a"))
    outbox.failed(claim(outbox), "x" * 1000, next_attempt=clock.now + 5)
    assert claim(outbox) is None
    assert outbox.find("a").error == "x" * 500
    clock.now += 5
    assert claim(outbox).attempts == 2


def test_what_is_released_counts_no_try(outbox: Outbox) -> None:
    outbox.enqueue(packet("a"))
    outbox.release(claim(outbox), "wrong key")
    assert (outbox.find("a").attempts, outbox.find("a").error) == (0, "wrong key")
    assert claim(outbox).attempts == 1


def test_a_later_packet_of_a_caller_waits_for_the_earlier_one(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("b", created=2.0))
    outbox.enqueue(packet("a", created=1.0))
    outbox.enqueue(packet("c", created=3.0, sender="another"))
    first = claim(outbox)
    assert first.key == "a"
    outbox.failed(first, "no", next_attempt=clock.now + 5)
    assert arrive(outbox) == "c"
    assert claim(outbox) is None
    clock.now += 5
    assert [arrive(outbox), arrive(outbox)] == ["a", "b"]


def test_a_dead_packet_holds_nothing_up_and_can_be_tried_again(outbox: Outbox) -> None:
    outbox.enqueue(packet("a", created=1.0))
    outbox.enqueue(packet("b", created=2.0))
    outbox.give_up(claim(outbox), "refused")
    assert keys(outbox, state="dead") == {"a"}
    assert arrive(outbox) == "b"
    assert (outbox.retry("b"), outbox.retry("a")) == (0, 1)
    again = claim(outbox)
    assert (again.key, again.attempts) == ("a", 1)
    outbox.give_up(again, "refused")
    assert outbox.retry() == 1
    assert outbox.count() == {"pending": 1, "delivered": 1, "dead": 0}


def say(outbox: Outbox, clock: Clock, *texts: str, sender: str = "caller-7") -> None:
    record = Record(outbox.engine, clock)
    for words in texts:
        clock.now += 1
        record.to_human(sender, words, words)


def next_words(outbox: Outbox) -> str | None:
    claimed = outbox.claim_message("w", lease_secs=60)
    if claimed is None:
        return None
    outbox.delivered(claimed)
    return claimed.message.text


def test_words_follow_their_packet_in_order(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("a", created=1.0))
    say(outbox, clock, "one", "two", "three")
    assert outbox.claim_message("w", lease_secs=60) is None
    assert outbox.waiting() == 1
    arrive(outbox)
    assert outbox.waiting() == 3
    first = outbox.claim_message("w", lease_secs=60)
    assert (first.ticket, first.message.text, first.attempts) == ("T-a", "one", 1)
    assert outbox.claim_message("other", lease_secs=60) is None
    outbox.failed(first, "no", next_attempt=clock.now + 5)
    assert next_words(outbox) is None
    clock.now += 5
    again = outbox.claim_message("w", lease_secs=60)
    assert again.message.id == first.message.id
    outbox.delivered(again)
    assert [next_words(outbox), next_words(outbox), next_words(outbox)] == ["two", "three", None]
    assert outbox.waiting() == 0


def test_a_later_packet_waits_for_words_that_were_said_before(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("a", created=1.0))
    arrive(outbox)
    say(outbox, clock, "one")
    outbox.enqueue(packet("b", kind="alert", created=clock.now + 1))
    assert claim(outbox) is None
    assert next_words(outbox) == "one"
    assert arrive(outbox) == "b"


def test_words_of_a_dead_packet_wait_for_it_and_hold_nothing_up(outbox: Outbox, clock: Clock) -> None:
    outbox.enqueue(packet("a", created=1.0))
    say(outbox, clock, "lost?")
    outbox.give_up(claim(outbox), "refused")
    outbox.enqueue(packet("b", created=clock.now + 1))
    assert arrive(outbox) == "b"
    say(outbox, clock, "heard")
    assert next_words(outbox) == "heard"
    outbox.retry()
    assert arrive(outbox) == "a"
    assert next_words(outbox) == "lost?"


def test_words_that_were_given_up_are_found_and_tried_again(outbox: Outbox, clock: Clock) -> None:
    for key in ("a", "b"):
        outbox.enqueue(packet(key, sender=key))
        arrive(outbox)
    say(outbox, clock, "one", "two", sender="a")
    outbox.give_up(outbox.claim_message("w", lease_secs=60), "refused")
    assert next_words(outbox) == "two"
    assert [(row.key, row.dead_messages) for row in outbox.rows(state="dead")] == [("a", 1)]
    assert (outbox.find("a").dead_messages, outbox.find("b").dead_messages) == (1, 0)
    assert outbox.retry("a") == 1
    assert next_words(outbox) == "one"


def test_what_was_closed_long_ago_is_deleted_with_its_words(outbox: Outbox, clock: Clock) -> None:
    record = Record(outbox.engine, clock)
    for key, kind in (("open", "handover"), ("closed", "handover"), ("alert", "alert")):
        outbox.enqueue(packet(key, kind=kind, sender=key))
        arrive(outbox)
    say(outbox, clock, "words", sender="closed")
    record.close("closed")
    outbox.enqueue(packet("dead", sender="dead"))
    outbox.give_up(claim(outbox), "refused")
    outbox.enqueue(packet("pending", sender="pending"))
    clock.now += 10 * DAY_SECS
    assert outbox.delete_old(11) == 0
    assert outbox.delete_old(9) == 2
    assert keys(outbox) == {"open", "dead", "pending"}
    assert record.messages_after("closed", direction=None) == []


def test_a_packet_that_cannot_be_read_is_delivered_as_far_as_it_can(outbox: Outbox) -> None:
    outbox.enqueue(packet("a"))
    with outbox.engine.begin() as connection:
        connection.execute(text("UPDATE emotion_handoffs SET packet = '{\"key\": 1}'"))
    claimed = claim(outbox)
    assert (claimed.packet.key, claimed.packet.sender) == ("a", "caller-7")
    assert "cannot be read" in claimed.packet.reason


def test_a_row_is_found_by_how_its_key_begins(outbox: Outbox) -> None:
    for key in ("abc", "abd", "b_c"):
        outbox.enqueue(packet(key))
    assert outbox.find("abc").key == "abc"
    with pytest.raises(ConfigError, match="several handoffs"):
        outbox.find("ab")
    for key in ("x", "", "b%"):
        with pytest.raises(ConfigError, match="no handoff"):
            outbox.find(key)
    assert [row.key for row in outbox.rows(sender="caller-7", most=2)] == ["abc", "abd"]


def test_words_that_would_surprise_the_caller_are_not_tried_again(outbox: Outbox) -> None:
    outbox.enqueue(packet("a"))
    arrive(outbox)
    record = Record(outbox.engine)
    record.to_caller("a", "are you there?", "1")
    (said,) = record.messages_after("caller-7")
    record.settle(said, "dead", error="The caller could not be reached.")
    assert outbox.retry() == 0
    assert [one.state for one in record.messages_after("caller-7")] == ["dead"]
