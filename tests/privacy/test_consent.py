"""Choices hold at once and everywhere, are kept under a hash, and a database that fails costs the analysis alone."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.privacy import consent
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.spool.folder import Spool

ALICE = "+44 7700 900123"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "emotion.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the package logs, from INFO on."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("rasa_emotion")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_who_said_nothing_is_analysed_unless_asked_first(url: str) -> None:
    assert Consents(url).allows(ALICE)
    assert not Consents(url, opt_in=True).allows(ALICE)
    assert not Consents.of(Endpoints(database=url, consent="opt_in")).allows(ALICE)


def test_asking_makes_no_file(url: str, file: Path) -> None:
    consents = Consents(url)
    assert consents.allows(ALICE)
    assert consents.find(ALICE) is None
    assert consents.drop(ALICE) == 0
    assert not file.exists()


@pytest.mark.parametrize("opt_in", [False, True])
def test_a_choice_holds_at_once_in_every_process(url: str, opt_in: bool) -> None:
    here, there = Consents(url, opt_in=opt_in), Consents(url, opt_in=opt_in)
    there.allows(ALICE)
    for allowed in (False, True, False):
        assert here.set(ALICE, allowed)
        assert (here.allows(ALICE), there.allows(ALICE)) == (allowed, allowed)
        assert there.allows("bob") is not opt_in
    assert Consents(url).allows(ALICE) is False


@pytest.mark.parametrize("opt_in", [False, True])
def test_many_are_asked_for_at_one_look(url: str, opt_in: bool) -> None:
    consents = Consents(url, opt_in=opt_in)
    said = {f"caller {number}": number % 3 == 0 for number in range(1000) if number % 2}
    for sender, allowed in [*said.items()][:50]:
        consents.set(sender, allowed)
    everybody = [f"caller {number}" for number in range(1000)]
    assert Consents(url, opt_in=opt_in).allowing(everybody) == {one for one in everybody if consents.allows(one)}


def test_what_is_known(url: str) -> None:
    consents = Consents(url)
    consents.set(ALICE, False, how="words", since=1700000000.123456)
    assert Consents(url).find(ALICE) == consent.Consent(False, 1700000000.123456, "words")


def test_the_database_does_not_name_the_caller(url: str, file: Path) -> None:
    consents = Consents(url)
    consents.set(ALICE, False)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (row,) = connection.execute("SELECT * FROM emotion_consents").fetchall()
    assert ALICE.encode() not in file.read_bytes()
    assert len(row[0]) == 64


def test_each_database_has_a_hash_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("a.db", "b.db"):
        Consents(f"sqlite:///{tmp_path / name}").set(ALICE, False)
        with sqlite3.connect(tmp_path / name) as connection:
            keys.add(connection.execute("SELECT caller FROM emotion_consents").fetchone())
    assert len(keys) == 2


def test_a_dropped_choice_is_unknown(url: str) -> None:
    consents = Consents(url)
    consents.set(ALICE, False)
    consents.set("bob", False)
    assert Consents(url).drop(ALICE) == 1
    assert consents.allows(ALICE)
    assert not consents.allows("bob")
    assert consents.drop(ALICE) == 0


@given(st.dictionaries(st.text(max_size=40), st.booleans(), max_size=5))
def test_any_id_keeps_its_own_choice(choices: dict[str, bool]) -> None:
    consents = Consents("sqlite://")
    for sender, allowed in choices.items():
        consents.set(sender, allowed)
    assert {sender: consents.allows(sender) for sender in choices} == choices


def test_many_at_once_agree_on_the_salt(url: str) -> None:
    everyone = [Consents(url) for _ in range(8)]
    begin = threading.Barrier(len(everyone))

    def choose(consents: Consents, sender: str) -> None:
        begin.wait()
        consents.set(sender, False)
        consents.set("all", False)

    threads = [threading.Thread(target=choose, args=(each, str(n))) for n, each in enumerate(everyone)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for consents in everyone:  # what met a lock is stored by the next question
        for sender in (*map(str, range(8)), "all"):
            consents._stored_again = 0.0
            consents.allows(sender)
    fresh = Consents(url)
    assert not any(fresh.allows(sender) for sender in (*map(str, range(8)), "all"))


def test_while_another_one_writes_turns_go_on(url: str, file: Path) -> None:
    consents = Consents(url)
    consents.set(ALICE, False)
    with sqlite3.connect(file, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert not consents.allows(ALICE)
        assert consents.allows("bob")
        writer.execute("ROLLBACK")


def test_a_choice_that_cannot_be_stored_holds_and_is_stored_later(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(consent, "PAUSE_SECS", 0.0)
    monkeypatch.setattr(consent, "WAIT_MSECS", 1)
    consents = Consents(url)
    consents.set("bob", True)
    with sqlite3.connect(file, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert consents.set(ALICE, False) is False
        assert not consents.allows(ALICE)
        assert not consents.allows(ALICE)
        assert Consents(url).allows(ALICE)
        writer.execute("ROLLBACK")
    assert len(lines) == 1
    assert "database is locked" in lines[0]
    assert not consents.allows(ALICE)
    assert not Consents(url).allows(ALICE)
    assert lines[1:] == ["Callers' choices can be stored again."]


def test_a_broken_database_means_no_analysis_and_one_line(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    file.write_bytes(b"this is no database, and never was one" * 100)
    consents = Consents(url)
    assert not any(consents.allows(sender) for sender in (ALICE, "bob"))
    monkeypatch.setattr(consents, "_asked_again", 0.0)
    assert not consents.allows(ALICE)
    assert len(lines) == 1
    assert "not a database" in lines[0]
    assert ALICE not in lines[0]


def test_after_a_failure_turns_do_not_wait_again(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    file.write_bytes(b"no database" * 1000)
    consents = Consents(url)
    consents.allows(ALICE)
    monkeypatch.setattr(consents, "_read", lambda sender: pytest.fail("it was asked again"))
    assert not consents.allows(ALICE)


def test_a_server_that_is_not_there() -> None:
    consents = Consents("postgresql://nobody@127.0.0.1:1/none")
    assert not consents.allows(ALICE)
    assert "connect_timeout=2" in str(consents._engine.url)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        Consents("nonsense")


def spooled(folder: Path, **options: object) -> Consents:
    """Those of one process."""
    return Consents(f"sqlite:///{folder}/consents.db", spool=Spool(folder / "consents.db.spool"), **options)


@contextmanager
def refusing(folder: Path):
    """The database can be read and not be written, as on a full disk."""
    with closing(sqlite3.connect(folder / "consents.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_no_that_the_database_refuses_holds_at_once_everywhere_and_for_good(tmp_path: Path) -> None:
    here, there = spooled(tmp_path), spooled(tmp_path)
    here.set("bob", True)
    assert there.allows("ada")
    with refusing(tmp_path):
        assert not here.set("ada", False)
        for consents in (here, there, spooled(tmp_path)):
            assert not consents.allows("ada")
            assert consents.find("ada").allowed is False
            assert consents.allows("bob")
            assert consents.allowing(["ada", "bob", "eve"]) == {"bob", "eve"}
    started_again = spooled(tmp_path)
    assert not started_again.allows("ada"), "which stores it"
    assert Spool(tmp_path / "consents.db.spool").look().entries == ()
    assert not Consents(f"sqlite:///{tmp_path}/consents.db").allows("ada")


def test_the_last_word_counts_whichever_process_heard_it(tmp_path: Path) -> None:
    here, there = spooled(tmp_path), spooled(tmp_path)
    here.set("bob", True)
    with refusing(tmp_path):
        here.set("ada", False)
        there.set("ada", True)
        assert here.allows("ada")
        here.set("ada", False)
        assert not there.allows("ada")
    fresh = spooled(tmp_path)
    assert fresh.set("ada", True)
    assert here.allows("ada"), "what waited before it does not come back"
    assert Consents(f"sqlite:///{tmp_path}/consents.db").allows("ada")


def test_a_yes_that_waited_does_not_undo_a_later_no(tmp_path: Path) -> None:
    """A process may end between storing a choice and noting in the spool that it has."""
    spool = Spool(tmp_path / "consents.db.spool")
    stored = Consents(f"sqlite:///{tmp_path}/consents.db")
    stored.set("ada", False, since=200.0)
    stored.set("bob", True, since=200.0)
    spool.keep("consent", "ada", {"allowed": True, "since": 100.0, "how": "command"})
    spool.keep("consent", "bob", {"allowed": False, "since": 100.0, "how": "command"})
    for sender in ("ada", "bob"):
        spooled(tmp_path).allows(sender)
    assert spool.look().entries == ()
    assert [stored.allows("ada"), stored.allows("bob")] == [False, False]


def test_where_the_spool_fails_too_it_holds_in_this_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    consents = spooled(tmp_path)
    consents.set("bob", True)
    (tmp_path / "consents.db.spool").write_text("no folder")
    with refusing(tmp_path):
        consents.set("ada", False)
        assert not consents.allows("ada")
    assert "consent.choice.memory" in [record.event for record in caplog.records]


def test_what_waits_is_dropped_with_the_choice(tmp_path: Path) -> None:
    consents = spooled(tmp_path)
    consents.set("bob", True)
    with refusing(tmp_path):
        consents.set("ada", False)
    assert spooled(tmp_path).find("ada") is not None
    consents.drop("ada")
    assert spooled(tmp_path).find("ada") is None
