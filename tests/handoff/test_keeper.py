"""What waits beside the database reaches it once, in order, whatever happens in between."""

import json
import logging
from pathlib import Path

import pytest
from fakes.packets import packet
from sqlalchemy.exc import OperationalError

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints, SpoolOptions
from rasa_emotion.handoff import keeper as module
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Line
from rasa_emotion.handoff.record import Record
from rasa_emotion.spool.folder import Spool


class Bench:
    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder / "bot.db.spool"
        engine = open_database(url or f"sqlite:///{folder}/bot.db")
        create_tables(engine)
        self.outbox, self.record = Outbox(engine), Record(engine)
        self.keeper = self.restarted()

    def restarted(self) -> Keeper:
        """That of another process, or of one that was started again."""
        return Keeper(Spool(self.folder))

    def replay(self, keeper: Keeper | None = None) -> int:
        return (keeper or self.keeper).replay(self.outbox, self.record)

    def keys(self) -> list[str]:
        return [row.key for row in self.outbox.rows()][::-1]

    def to_human(self, sender: str) -> list[str]:
        return [said.text for said in self.record.messages_after(sender, direction="to_human")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_caller_counts_as_handed_over_meanwhile(bench: Bench) -> None:
    assert bench.keeper.keep_packet(packet("a" * 32, sender="ada"))
    assert bench.keeper.keep_packet(packet("b" * 32, sender="bob", kind="alert"))
    for keeper in (bench.keeper, bench.restarted()):
        assert keeper.handed_over("ada")
        assert not keeper.handed_over("bob")
        assert [keeper.waits_for(sender) for sender in ("ada", "bob", "eve")] == [True, True, False]


def test_the_database_gets_all_of_it_in_order_and_once(bench: Bench) -> None:
    for number in range(5):
        sender = f"caller {number % 2}"
        bench.keeper.keep_packet(packet(f"{number:032x}", sender=sender, created=1_700_000_000.0 + number))
        bench.keeper.keep_words(sender, f"words {number}", f"origin {number}")
    assert bench.replay(bench.restarted()) == 10
    assert bench.replay() == 0
    assert bench.keys() == [f"{number:032x}" for number in range(5)]
    assert bench.to_human("caller 0") == ["words 0", "words 2", "words 4"]
    assert bench.to_human("caller 1") == ["words 1", "words 3"]
    assert not bench.keeper.waits_for("caller 0")


def test_what_the_database_has_already_is_not_given_to_it_again(bench: Bench) -> None:
    """It may have taken a packet whose transaction seemed to fail, or a process may end before it noted the replay."""
    bench.outbox.enqueue(packet("a" * 32, sender="ada"))
    bench.record.to_human("ada", "hello", "1")
    bench.keeper.keep_packet(packet("a" * 32, sender="ada"))
    bench.keeper.keep_words("ada", "hello", "1")
    assert bench.replay() == 2
    assert (bench.keys(), bench.to_human("ada")) == (["a" * 32], ["hello"])


def test_a_replay_that_breaks_off_goes_on_where_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        bench.keeper.keep_packet(packet(f"{number:032x}", created=1_700_000_000.0 + number))
    taken = []
    enqueue = Outbox.enqueue

    def locked(outbox: Outbox, one: object) -> bool:
        if len(taken) == 2:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        taken.append(one)
        return enqueue(outbox, one)

    monkeypatch.setattr(Outbox, "enqueue", locked)
    with pytest.raises(OperationalError):
        bench.replay()
    assert len(bench.restarted().waiting()) == 2
    monkeypatch.undo()
    assert bench.replay() == 2
    assert bench.keys() == [f"{number:032x}" for number in range(4)]


def test_one_that_no_database_takes_holds_no_other_up(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    spool = bench.keeper.spool
    spool.keep("packet", "ada", {"of": "another world"})
    bench.keeper.keep_packet(packet("a" * 32))
    for _ in range(2):
        bench.replay()
    assert bench.keys() == ["a" * 32]
    assert len(bench.keeper.waiting()) == 1
    assert [record.event for record in caplog.records].count("spool.refused") == 1


def test_a_long_packet_loses_its_middle_and_not_its_place(bench: Bench) -> None:
    lines = tuple(Line("caller", "words " * 50, 1.0, turn) for turn in range(500))
    assert bench.keeper.keep_packet(packet("a" * 32, transcript=lines))
    bench.replay()
    (row,) = bench.outbox.rows()
    assert row.packet.shortened > 300
    assert len(json.dumps(row.packet.to_dict())) <= module.MOST_PACKET_BYTES


def test_where_the_spool_fails_too_memory_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(tmp_path)
    bench.folder.write_text("no folder")
    with caplog.at_level(logging.ERROR), bench.keeper.hold() as held:
        assert not held
        assert not bench.keeper.keep_packet(packet("a" * 32, sender="ada"))
    assert bench.keeper.handed_over("ada")
    assert "Neither the database nor the spool takes the packet 'aaaa" in caplog.text
    assert bench.replay() == 1
    assert (bench.keys(), bench.keeper.waiting()) == (["a" * 32], [])


def test_where_a_spool_is_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def folder(database: str, **options: object) -> Path | None:
        spool = Keeper.of(Endpoints(database=database, spool=SpoolOptions(**options))).spool
        return spool and spool.folder

    assert folder("sqlite:///bot.db") == tmp_path / "bot.db.spool"
    assert folder(f"sqlite:///{tmp_path}/x/bot.db") == tmp_path / "x" / "bot.db.spool"
    assert folder("postgresql://bot@db.example/calls") == tmp_path / "rasa_emotion.spool"
    assert folder("sqlite:///bot.db", folder="/var/spool/bot") == Path("/var/spool/bot")
    assert folder("sqlite://") is None
    assert Keeper.of(Endpoints(database="sqlite:///bot.db")) is Keeper.of(Endpoints(database="sqlite:///bot.db"))


def test_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    test_the_database_gets_all_of_it_in_order_and_once(Bench(tmp_path, postgresql))
