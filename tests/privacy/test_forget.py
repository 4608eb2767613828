"""What is kept of a caller is deleted for good, everywhere and of nobody else; what is elsewhere is named."""

import asyncio
import importlib
import json
import re
import socket
import socketserver
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from needed import skip_without
from rasa.core.tracker_store import RedisTrackerStore, SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.exc import SQLAlchemyError
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.database import create_tables, metadata, open_database
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.tables import handoffs, messages
from rasa_emotion.privacy import places
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.privacy.forget import Forgetter
from rasa_emotion.privacy.places import sql_conversations
from rasa_emotion.spool.folder import Spool

run = CliRunner().invoke
ALICE, BOB = "+44 7700 900123", "+44 7700 900124"
SAID = "my password is marzipan"
ODD = ["'; DROP TABLE events; --", "%", "_", "tracker:*", "a b\tc", "ü\u202e", 'quote"', "\\", "-rf"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a bot."""
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sql_bot(folder: Path) -> Path:
    """A bot that keeps conversations in an SQLite file."""
    (folder / "endpoints.yml").write_text("tracker_store: {type: SQL, dialect: sqlite, db: bot.db}")
    return folder


def talk(store: Any, *senders: str) -> None:
    """Rasa saves a conversation of each."""
    for sender in senders:
        tracker = DialogueStateTracker.from_events(sender, [SessionStarted(), UserUttered(SAID)])
        asyncio.run(store.save(tracker))


def conversation(store: Any, sender: str) -> Any:
    return asyncio.run(store.retrieve_full_tracker(sender))


def sql_store() -> SQLTrackerStore:
    return SQLTrackerStore(Domain.empty(), dialect="sqlite", db="bot.db")


def hand_over(sender: str, *, url: str = "sqlite:///rasa_emotion.db", ticket: str | None = None) -> None:
    """A packet and a message of the caller in the outbox."""
    engine = open_database(url)
    create_tables(engine)
    packet = Packet(f"key of {sender}", "handover", sender, "rest", "anger", SAID, "high", 1.0, SAID, "hostile")
    row = {"kind": "handover", "sender": sender, "channel": "rest", "packet": json.dumps(packet.to_dict())}
    more = {"state": "delivered" if ticket else "pending", "attempts": 0, "next_attempt": 0.0, "created": 1.0}
    with engine.begin() as connection:
        connection.execute(handoffs.insert().values(key=packet.key, ticket=ticket, **row, **more))
        connection.execute(
            messages.insert().values(
                handoff=packet.key, sender=sender, direction="to_human", text=SAID, origin="1", **more
            )
        )


def left_in(*files: Path) -> bytes:
    return b"".join(file.read_bytes() for file in files if file.exists())


def test_all_of_one_caller_and_nothing_of_another(sql_bot: Path) -> None:
    store = sql_store()
    talk(store, ALICE, BOB)
    for sender in (ALICE, BOB):
        hand_over(sender)
    forgetter = Forgetter()
    traces = forgetter.find(ALICE)
    numbers = {found.place.name: found.number for found in traces.found}
    assert (numbers["messages"], numbers["handoffs"]) == (1, 1)
    assert numbers["events"] >= 2
    assert forgetter.delete(traces).numbers == numbers
    assert forgetter.find(ALICE).total == 0
    assert forgetter.find(BOB).total == traces.total
    assert conversation(store, ALICE) is None
    assert conversation(store, BOB) is not None


def test_nothing_can_be_read_from_the_files_any_more(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    hand_over(ALICE)
    files = [sql_bot / name for name in ("bot.db", "rasa_emotion.db", "rasa_emotion.db-wal")]
    assert left_in(*files).count(b"marzipan") >= 3
    forgetter = Forgetter()
    forgetter.delete(forgetter.find(ALICE))
    assert b"marzipan" not in left_in(*files)
    assert ALICE.encode() not in left_in(*files)


@pytest.mark.parametrize("older_than", [False, True])
def test_what_a_reader_holds_up_is_told_till_it_is_gone(
    sql_bot: Path, older_than: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "READERS_SECS", 0.1)
    talk(sql_store(), ALICE)
    hand_over(ALICE)
    files = [sql_bot / name for name in ("bot.db", "rasa_emotion.db", "rasa_emotion.db-wal")]
    asked = ["forget", "--older-than", "0", "--yes"] if older_than else ["forget", ALICE, "--yes"]
    with closing(sqlite3.connect(files[1], isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM emotion_messages").fetchone()
        # Told again for as long as it is so, though nothing is found any more.
        for _ in range(2):
            done = run(app, asked, env={"COLUMNS": "300"})
            assert done.exit_code == 1
            assert "may still be read in 'rasa_emotion.db-wal'" in done.output
            assert "marzipan" in left_in(*files).decode(errors="replace")
    done = run(app, [*asked, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["left"]) == (0, [])
    assert b"marzipan" not in left_in(*files)


@pytest.mark.parametrize("sender", ODD)
def test_odd_names(sql_bot: Path, sender: str) -> None:
    store = sql_store()
    talk(store, sender, ALICE)
    forgetter = Forgetter()
    assert forgetter.delete(forgetter.find(sender)).numbers["events"] >= 2
    assert conversation(store, sender) is None
    assert conversation(store, ALICE) is not None


def test_a_name_finds_itself_alone(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    place = sql_conversations("sqlite:///bot.db")

    @given(st.text(max_size=30))
    def check(sender: str) -> None:
        assert place.count(sender) == 0 or sender == ALICE

    check()


def test_the_tracker_store_of_ours(folder: Path) -> None:
    (folder / "endpoints.yml").write_text("tracker_store: {type: rasa_emotion.EmotionTrackerStore, db: bot.db}")
    talk(sql_store(), ALICE)
    hand_over(ALICE, url="sqlite:///bot.db")
    forgetter = Forgetter()
    numbers = forgetter.delete(forgetter.find(ALICE)).numbers
    assert (numbers["messages"], numbers["handoffs"]) == (1, 1)
    assert b"marzipan" not in left_in(folder / "bot.db", folder / "bot.db-wal")


def test_every_table_with_a_caller_is_looked_into(repository: Path) -> None:
    package = repository / "rasa_emotion"
    of_tables = [path for path in package.rglob("*.py") if re.search(r"^ +metadata,$", path.read_text(), re.MULTILINE)]
    for path in of_tables:
        importlib.import_module(".".join(path.relative_to(repository).with_suffix("").parts))
    assert len(of_tables) >= 2
    assert {table.name for table in metadata.tables.values() if "sender" in table.columns} == {
        "emotion_feedback",
        "emotion_handoffs",
        "emotion_messages",
        "emotion_notes",
    }


def test_a_no_is_kept_and_a_yes_is_not(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    consents = Consents("sqlite:///rasa_emotion.db")
    for said, choice in ((False, "kept"), (True, "deleted"), (None, "none")):
        if said is not None:
            consents.set(ALICE, said)
        forgetter = Forgetter()
        assert forgetter.delete(forgetter.find(ALICE)).choice == choice
        assert (consents.find(ALICE) is None) == (choice != "kept")
        assert ALICE.encode() not in left_in(sql_bot / "rasa_emotion.db", sql_bot / "rasa_emotion.db-wal")


def test_a_no_can_be_dropped_too(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    Consents("sqlite:///rasa_emotion.db").set(ALICE, False)
    assert run(app, ["forget", ALICE, "--yes", "--drop-choice"]).exit_code == 0
    assert Consents("sqlite:///rasa_emotion.db").find(ALICE) is None


# --- what cannot be deleted from here


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        ("", "in its memory"),
        ("tracker_store: {type: mongod, url: 'mongodb://x', collection: calls}", "in the collection 'calls'"),
        ("tracker_store: {type: dynamo}", "in the table 'states'"),
        ("tracker_store: {type: my.own.Store}", "type 'my.own.Store' cannot be deleted from here"),
        ("event_broker: {type: pika, url: x}", r"event broker \(pika\)"),
    ],
)
def test_what_is_elsewhere_is_named(folder: Path, store: str, sentence: str) -> None:
    (folder / "endpoints.yml").write_text(store)
    result = run(app, ["forget", ALICE, "--yes", "--json"])
    assert result.exit_code == 1
    assert any(re.search(sentence, left) for left in json.loads(result.stdout)["left"])


def test_tickets_are_named(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    hand_over(ALICE, ticket="4711")
    assert Forgetter().find(ALICE).left == ()
    with (sql_bot / "endpoints.yml").open("a") as file:
        file.write("\nrasa_emotion: {helpdesk: {type: zendesk}}\n")
    assert Forgetter().find(ALICE).left == ("The helpdesk 'zendesk' has 4711; delete that there.",)


def test_a_missing_file_is_told(sql_bot: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no file 'bot.db'.*in the bot's folder"):
        Forgetter()
    assert not (sql_bot / "bot.db").exists()


def test_a_database_without_rasas_table_holds_nothing(sql_bot: Path) -> None:
    sqlite3.connect("bot.db").execute("CREATE TABLE other (id INTEGER)")
    assert Forgetter().find(ALICE).total == 0


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "cannot be used"),
        ("postgresql://nobody@127.0.0.1:1/none", r"'postgresql://nobody@127.0.0.1:1/none'"),
    ],
)
def test_a_database_that_cannot_be_reached(url: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        sql_conversations(url).count(ALICE)


def test_a_locked_database_is_told_and_nothing_is_half_deleted(sql_bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk(sql_store(), ALICE)
    place = sql_conversations("sqlite:///bot.db?timeout=0.05")
    with closing(sqlite3.connect("bot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConfigError, match="database is locked"):
            place.delete(ALICE)
        other.execute("ROLLBACK")
    assert place.delete(ALICE) >= 2


# --- Redis


class FakeRedis(socketserver.StreamRequestHandler):
    """As much of Redis's protocol (RESP 2) as Rasa's store and we ask of it."""

    kept: ClassVar[dict[bytes, bytes]] = {}

    def handle(self) -> None:
        while (head := self.rfile.readline()).startswith(b"*"):
            name, *words = [self._word() for _ in range(int(head[1:]))]
            self.wfile.write(self._answer(name.upper(), words))

    def _word(self) -> bytes:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:-2]

    def _answer(self, name: bytes, words: list[bytes]) -> bytes:
        if name == b"SET":
            self.kept[words[0]] = words[1]
            return b"+OK\r\n"
        if name == b"GET":
            found = self.kept.get(words[0])
            return b"$-1\r\n" if found is None else b"$%d\r\n%s\r\n" % (len(found), found)
        if name == b"EXISTS":
            return b":%d\r\n" % (words[0] in self.kept)
        if name == b"DEL":
            return b":%d\r\n" % (self.kept.pop(words[0], None) is not None)
        return b"-ERR unknown command\r\n"


@pytest.fixture(params=["fake", "real"])
def redis_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """The port of a Redis server without any data."""
    if request.param == "fake":
        FakeRedis.kept = {}
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), FakeRedis) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_address[1]
            server.shutdown()
        return
    skip_without("redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("prefix", [None, "shop", "not:taken"])
def test_conversations_in_redis(folder: Path, redis_port: int, prefix: str | None) -> None:
    options = f"type: redis, url: 127.0.0.1, port: {redis_port}, db: 0" + (
        f", key_prefix: '{prefix}'" if prefix else ""
    )
    (folder / "endpoints.yml").write_text(f"tracker_store: {{{options}}}")
    store = RedisTrackerStore(Domain.empty(), host="127.0.0.1", port=redis_port, key_prefix=prefix)
    talk(store, ALICE, BOB, *ODD)
    for sender in (ALICE, *ODD):
        forgetter = Forgetter()
        assert forgetter.delete(forgetter.find(sender)).numbers["conversations"] == 1
        assert conversation(store, sender) is None
        assert forgetter.find(sender).total == 0
    assert conversation(store, BOB) is not None


def test_a_redis_that_is_not_there(folder: Path) -> None:
    (folder / "endpoints.yml").write_text("tracker_store: {type: redis, url: 127.0.0.1, port: 1, password: hidden}")
    with pytest.raises(ConfigError, match=r"'redis://127.0.0.1:1/0' cannot be used") as raised:
        Forgetter().find(ALICE)
    assert "hidden" not in str(raised.value)


# --- the command


def test_the_command_asks_first(sql_bot: Path) -> None:
    store = sql_store()
    talk(store, ALICE)
    refused = run(app, ["forget", ALICE], input="n\n")
    assert refused.exit_code == 1
    assert conversation(store, ALICE) is not None
    agreed = run(app, ["forget", ALICE], input="y\n")
    assert agreed.exit_code == 0
    assert "Deleted:" in agreed.stdout
    assert conversation(store, ALICE) is None


def test_nothing_to_forget_is_no_failure(sql_bot: Path) -> None:
    sql_store()
    result = run(app, ["forget", ALICE])
    assert result.exit_code == 0
    assert f"Nothing of '{ALICE}' is kept there." in result.stdout


def test_json_without_yes_deletes_nothing(sql_bot: Path) -> None:
    store = sql_store()
    talk(store, ALICE)
    result = run(app, ["forget", ALICE, "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["deleted"] is None
    assert {place["name"]: place["number"] > 0 for place in found["found"]} == {
        "events": True,
        "spool": False,
        "messages": False,
        "handoffs": False,
        "notes": False,
        "feedback": False,
        "audit": False,
    }
    done = json.loads(run(app, ["forget", ALICE, "--json", "--yes"]).stdout)
    assert done["deleted"]["events"] >= 2
    assert conversation(store, ALICE) is None


def test_another_endpoints_file(sql_bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk(sql_store(), ALICE)
    (sql_bot / "endpoints.yml").rename(sql_bot / "other.yml")
    assert run(app, ["forget", ALICE, "--yes", "--endpoints", "other.yml"]).exit_code == 0
    result = run(app, ["forget", ALICE, "--yes", "--endpoints", "none.yml"])
    assert isinstance(result.exception, ConfigError)


def test_a_forgotten_caller_who_said_no_is_told_to_be_remembered_so(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    Consents("sqlite:///rasa_emotion.db").set(ALICE, False)
    result = run(app, ["forget", ALICE, "--yes"])
    assert result.exit_code == 0
    assert "--drop-choice deletes it too" in " ".join(result.stdout.split())
    assert not Consents("sqlite:///rasa_emotion.db").allows(ALICE)


def test_a_choice_whose_database_fails_is_told(sql_bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    consents = Consents("sqlite:///rasa_emotion.db")
    consents.set(ALICE, True)

    def fail(*_: Any) -> int:
        raise SQLAlchemyError("on purpose")

    monkeypatch.setattr(consents, "_delete", fail)
    with pytest.raises(ConfigError, match="try again"):
        consents.drop(ALICE)


def age(sender: str, days: float) -> None:
    """Make all events of a caller older."""
    with sqlite3.connect("bot.db") as connection:
        connection.execute("UPDATE events SET timestamp = timestamp - ? WHERE sender_id = ?", (days * 86_400, sender))


def test_who_has_been_quiet_for_long_is_forgotten(sql_bot: Path) -> None:
    store = sql_store()
    talk(store, ALICE, BOB, *ODD)
    hand_over(ALICE)
    for sender, days in ((ALICE, 31), *((sender, 40) for sender in ODD), (BOB, 29)):
        age(sender, days)
    with sqlite3.connect("bot.db") as connection:  # one of them has called again
        again = "SELECT max(id) FROM events WHERE sender_id = ?"
        connection.execute(f"UPDATE events SET timestamp = {time.time()} WHERE id = ({again})", (ODD[0],))
    quiet = Forgetter().quiet_for(30)
    assert sorted(quiet) == sorted([*ODD[1:], ALICE])
    assert quiet[-1] == ALICE
    shown = json.loads(run(app, ["forget", "--older-than", "30", "--json"]).stdout)
    assert shown == {"callers": len(ODD), "deleted": False, "left": []}
    done = run(app, ["forget", "--older-than", "30", "--yes"])
    assert done.exit_code == 0
    assert [sender for sender in (ALICE, BOB, *ODD) if conversation(store, sender)] == [BOB, ODD[0]]
    assert Forgetter().find(ALICE).total == 0
    assert Forgetter().quiet_for(30) == []


def test_age_is_known_of_sql_alone(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'record_exp'"):
        Forgetter().quiet_for(30)


@pytest.mark.parametrize("arguments", [[], [ALICE, "--older-than", "3"]])
def test_one_caller_or_an_age(sql_bot: Path, arguments: list[str]) -> None:
    assert isinstance(run(app, ["forget", *arguments]).exception, ConfigError)


def test_what_waits_in_the_spool_is_forgotten_too(sql_bot: Path) -> None:
    talk(sql_store(), ALICE, BOB)
    hand_over(BOB)
    keeper = Keeper(Spool(sql_bot / "rasa_emotion.db.spool", database="rasa_emotion.db"))
    for sender in (ALICE, BOB):
        keeper.keep_words(sender, SAID, "1")
    assert {"name": "spool", "number": 1}.items() <= found(ALICE)["spool"].items()
    forget(ALICE)
    assert [entry.sender for entry in keeper.waiting()] == [BOB]
    assert SAID.encode() in b"".join(path.read_bytes() for path in sql_bot.glob("*.spool/*"))
    forget(BOB)
    assert SAID.encode() not in b"".join(path.read_bytes() for path in sql_bot.glob("*.spool/*"))


def found(sender: str) -> dict[str, dict]:
    return {one.place.name: {"name": one.place.name, "number": one.number} for one in Forgetter().find(sender).found}


def forget(sender: str) -> None:
    forgetter = Forgetter()
    forgetter.delete(forgetter.find(sender))
    assert forgetter.find(sender).total == 0


def test_a_no_in_the_spool_is_kept_under_a_hash(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    spool = Spool(sql_bot / "rasa_emotion.db.spool", database="rasa_emotion.db")
    spool.keep("consent", ALICE, {"allowed": False, "since": 1.0, "how": "command"})
    forget(ALICE)
    assert spool.look().entries == ()
    assert not Consents("sqlite:///rasa_emotion.db").allows(ALICE)
    assert ALICE.encode() not in b"".join(path.read_bytes() for path in sql_bot.glob("*.spool/*"))


def test_a_spool_that_cannot_be_read_is_no_success(sql_bot: Path) -> None:
    talk(sql_store(), ALICE)
    spool = Spool(sql_bot / "rasa_emotion.db.spool", database="rasa_emotion.db")
    spool.keep("words", ALICE, {"text": SAID, "origin": "1"})
    for file in spool.folder.glob("*.spool"):
        file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Forgetter().find(ALICE)
