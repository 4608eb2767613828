"""The live view: what is in progress, in which order, for whom, and what happens when the database fails."""

import asyncio
import json
import os
import re
import time
from contextlib import aclosing
from unittest.mock import Mock

import numpy as np
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from rasa_emotion.console.audit import entries
from rasa_emotion.console.events import EventTable
from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.listening import BEFORE_SECS, MOST_SECS
from rasa_emotion.console.overview import HIDDEN
from rasa_emotion.console.watch import Watch
from rasa_emotion.endpoints import Endpoints, RecordOptions
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.privacy.recordings import new_recording
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format

# As Rasa 3.6 makes it.
EVENTS = """CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255) NOT NULL,
type_name VARCHAR(255) NOT NULL, timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)"""


def estimate(**probabilities: float) -> dict:
    return EmotionEstimate.from_probabilities(probabilities, {}).to_dict()


def user(text: str, *, at: float | None = None, intent: str = "inform", **heard: float) -> dict:
    parsed = {"intent": {"name": intent}, **({"emotion_estimate": estimate(**heard)} if heard else {})}
    moment = time.time() if at is None else at
    return {"event": "user", "text": text, "timestamp": moment, "parse_data": parsed, "input_channel": "rest"}


def escalation(reason: str) -> dict:
    decided = {"action": "alert", "rule": "anger", "reason": reason, "urgency": "high"}
    return {"event": "slot", "name": "escalation", "value": decided, "timestamp": time.time()}


def store(engine: Engine, sender: str, *events: dict) -> None:
    """Write events as Rasa's tracker store does."""
    row = "INSERT INTO events (sender_id, type_name, timestamp, action_name, data) VALUES (?, ?, ?, ?, ?)"
    with engine.connect() as connection:
        for event in events:
            values = (sender, event["event"], event["timestamp"], event.get("name"), json.dumps(event))
            connection.exec_driver_sql(row, values)


@pytest.fixture
def tracker(engine: Engine) -> Engine:
    """The bot's own connection to the events."""
    bots = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with bots.connect() as connection:
        connection.exec_driver_sql(EVENTS)
    return bots


async def test_the_worst_mood_comes_first_and_changes_come_as_they_happen(console: Console, tracker: Engine) -> None:
    store(tracker, "carl", user("Hello.", happy=0.9))
    store(tracker, "anna", user("Again!", angry=0.9), escalation("The caller was angry (anger 0.90)."))
    store(tracker, "old", user("Long ago.", at=time.time() - 100_000, angry=0.9))
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        shown = [one.to_dict(words=True) for one in (await anext(changes))["all"]]
        assert [(one["sender"], one["mood"]) for one in shown] == [("anna", "hostile"), ("carl", "calm")]
        assert shown[0]["reason"] == "The caller was angry (anger 0.90)."
        store(tracker, "carl", user("My card is 4111 1111 1111 1111", angry=0.95))
        (changed,) = (await anext(changes))["changed"]
    assert changed.overview.mood != "calm"
    assert changed.to_dict(words=True)["words"] == "My card is [card number]"
    assert changed.to_dict(words=False)["words"] == HIDDEN


async def test_who_has_said_no_shows_no_emotion(console: Console, tracker: Engine) -> None:
    store(tracker, "nora", user("Grr", angry=0.9), escalation("The caller was angry."), user("Stop it."))
    store(tracker, "olaf", user("Grr", angry=0.9), user("/emotion_off", intent="emotion_off"))
    consents_of(console).set("nora", False)
    async with aclosing(Watch(console).changes()) as changes:
        shown = (await anext(changes))["all"]
    for told in [one.to_dict(words=True) for one in shown]:
        assert not told["allowed"]
        assert (told["mood"], told["emotion"], told["curve"], told["reason"], told["anger"]) == (None, None, [], "", 0)
        assert "angry" not in json.dumps(told)
    assert len(shown) == 2
    for sender in ("nora", "olaf"):
        assert (await Watch(console).whole(sender))[1].timeline == ()


async def test_a_choice_shows_at_once_though_nothing_was_said(console: Console, tracker: Engine) -> None:
    store(tracker, "anna", user("Grr", angry=0.9))
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        assert (await anext(changes))["all"][0].overview.mood == "hostile"
        for allowed, mood in ((False, None), (True, "hostile")):
            consents_of(console).set("anna", allowed)
            (changed,) = (await anext(changes))["changed"]
            assert (changed.overview.allowed, changed.overview.mood) == (allowed, mood)


async def test_a_database_that_fails_is_told_and_read_on(console: Console, tracker: Engine) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        assert len((await anext(changes))["all"]) == 1
        with tracker.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE events RENAME TO away")
        assert "does not answer" in (await anext(changes))["trouble"]
        with tracker.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO events")
        store(tracker, "anna", user("Still here.", happy=0.9))
        message = await anext(changes)
        while "changed" not in message:
            message = await anext(changes)
        assert message["changed"][0].overview.words == "Still here."


@pytest.mark.parametrize("jump", [-1e6, 1e6, float("nan")])
async def test_a_clock_that_jumps_ends_no_conversation(console: Console, tracker: Engine, jump: float) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        assert len((await anext(changes))["all"]) == 1
        console.clock = lambda: time.time() + jump
        store(tracker, "bert", user("Hello.", happy=0.9))
        assert [one.overview.sender for one in (await anext(changes))["changed"]] == ["bert"]


async def test_what_no_bot_wrote_hides_nobody(console: Console, tracker: Engine) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    for data in ("nonsense", "[]", "{}", '{"event": 7}', "null"):
        with tracker.connect() as connection:
            row = "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES ('anna', 'user', 1e10, ?)"
            connection.exec_driver_sql(row, (data,))
    assert (await Watch(console).whole("anna")) is not None


async def test_who_is_forgotten_is_gone_at_once(console: Console, signed_in, tracker: Engine) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    store(tracker, "bert", user("Hello.", happy=0.9))
    sue, _ = await signed_in("sue")
    async with (
        aclosing(Watch(console, look_secs=0.01).changes()) as changes,
        sue.get("/live/conversation/events", params={"sender": "anna"}) as stream,
    ):
        assert len((await anext(changes))["all"]) == 2
        assert await state(stream) == await shown(sue)
        with tracker.connect() as connection:
            connection.exec_driver_sql("DELETE FROM events WHERE sender_id = 'anna'")
        assert await anext(changes) == {"changed": [], "gone": ["anna"]}
        assert await state(stream) == "gone"
    assert (await sue.get("/live/conversation", params={"sender": "anna"})).status == 404


async def test_what_comes_while_a_look_fails_is_read_at_the_next(
    console: Console, tracker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        assert len((await anext(changes))["all"]) == 1
        with monkeypatch.context() as patched:
            fail = OperationalError("SELECT", {}, Exception("the server closed the connection"))
            patched.setattr(EventTable, "with_newest", Mock(side_effect=fail))
            store(tracker, "anna", user("Still here.", happy=0.9))
            assert "does not answer" in (await anext(changes))["trouble"]
        message = await anext(changes)
    assert message["changed"][0].overview.words == "Still here."


async def test_what_comes_out_of_order_is_read(console: Console, tracker: Engine) -> None:
    """PostgreSQL may show a lower id after a higher one."""
    store(tracker, "anna", user("Hello.", happy=0.9))
    store(tracker, "bert", user("Hello.", happy=0.9))
    with tracker.connect() as connection:
        connection.exec_driver_sql("UPDATE events SET id = 50 WHERE sender_id = 'bert'")
    async with aclosing(Watch(console, look_secs=0.01).changes()) as changes:
        assert len((await anext(changes))["all"]) == 2
        with tracker.connect() as connection:
            late = user("Late.", happy=0.9)
            row = "INSERT INTO events (id, sender_id, type_name, timestamp, data) VALUES (40, 'anna', 'user', ?, ?)"
            connection.exec_driver_sql(row, (late["timestamp"], json.dumps(late)))
        (changed,) = (await anext(changes))["changed"]
    assert changed.overview.words == "Late."


async def test_an_event_brokers_table_does_as_well(console: Console, engine: Engine) -> None:
    with create_engine(engine.url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)")
        said = [("anna", user("Hello.", angry=0.9)), ("old", user("Hello.", at=1.0)), ("anna", {"event": "action"})]
        for sender, event in said:
            row = "INSERT INTO events (sender_id, data) VALUES (?, ?)"
            connection.exec_driver_sql(row, (sender, json.dumps(event)))
    async with aclosing(Watch(console).changes()) as changes:
        (one,) = (await anext(changes))["all"]
    assert (one.overview.sender, one.overview.mood) == ("anna", "hostile")


async def test_without_a_tracker_store_nothing_is_in_progress(console: Console) -> None:
    async with aclosing(Watch(console).changes()) as changes:
        assert (await anext(changes)) == {"all": [], "trouble": ""}


async def test_the_stream_says_all_and_who_watched_is_noted(signed_in, tracker: Engine, engine: Engine) -> None:
    store(tracker, "anna", user("<b>Hello</b>", happy=0.9))
    client, _ = await signed_in("sue")
    async with client.get("/live/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert "default-src 'none'" in stream.headers["Content-Security-Policy"]
        while not (line := await stream.content.readline()).startswith(b"data: "):
            pass
    (one,) = json.loads(line[6:])["all"]
    assert one["words"] == "<b>Hello</b>"
    with engine.connect() as connection:
        noted = connection.exec_driver_sql("SELECT who, action FROM emotion_audit ORDER BY id DESC LIMIT 1").first()
    assert tuple(noted) == ("sue", "watched the live view")


HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}\u202e"


async def test_hostile_text_is_text_on_the_page_of_a_conversation(signed_in, tracker: Engine) -> None:
    store(tracker, HOSTILE, {**user(HOSTILE, angry=0.9), "input_channel": HOSTILE}, escalation(HOSTILE))
    client, _ = await signed_in("sue")
    answer = await client.get("/live/conversation", params={"sender": HOSTILE})
    text = await answer.text()
    assert answer.status == 200
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 4


async def test_an_operator_reads_no_words(signed_in, tracker: Engine) -> None:
    store(tracker, "anna", user("It is private.", angry=0.9))
    client, _ = await signed_in("oz")
    text = await (await client.get("/live/conversation", params={"sender": "anna"})).text()
    assert "It is private." not in text
    assert HIDDEN in text


async def test_calls_are_heard_where_they_are_recorded_and_by_whom_they_may(
    console: Console, signed_in, tracker: Engine, tmp_path
) -> None:
    store(tracker, "anna", user("Hello.", angry=0.9))
    store(tracker, "nora", user("Hello.", angry=0.9))
    consents_of(console).set("nora", False)
    for sender in ("anna", "nora"):
        new_recording(tmp_path, sender).write_bytes(b"RIFF")
    ask = {"sender": "anna", "name": next(tmp_path.glob("*/*.wav")).name}
    sue, _ = await signed_in("sue")
    assert (await sue.get("/live/recording", params=ask)).status == 404  # recordings are off
    console.endpoints = Endpoints(database=str(console.engine.url), record=RecordOptions("We record.", tmp_path))
    names = {sender: new_recording(tmp_path, sender).name for sender in ("anna", "nora")}
    oz, _ = await signed_in("oz")
    for client, sender, status in ((sue, "anna", 200), (sue, "nora", 404), (oz, "anna", 403)):
        asked = {"sender": sender, "name": names[sender]}
        assert (await client.get("/live/recording", params=asked)).status == status
    for name in ("../../bot.db", "", "none.wav"):
        assert (await sue.get("/live/recording", params={"sender": "anna", "name": name})).status == 404


async def test_a_running_call_is_heard_as_it_grows(console: Console, signed_in, tracker: Engine, tmp_path) -> None:
    store(tracker, "anna", user("Hello.", angry=0.9))
    console.endpoints = Endpoints(database=str(console.engine.url), record=RecordOptions("We record.", tmp_path))
    path = new_recording(tmp_path, "anna")
    ask = {"sender": "anna", "name": path.name}
    sue, _ = await signed_in("sue")
    nothing = await sue.get("/live/sound", params=ask)
    assert (nothing.status, nothing.headers["X-Emotion-Running"]) == (204, "true")
    recorder = Recorder(path, Format())
    recorder.caller(np.zeros(96_000, np.float32))
    page = await (await sue.get("/live/conversation", params={"sender": "anna"})).text()
    assert "Listen to the call in progress" in page
    async with sue.get("/live/sound", params=ask) as stream:
        assert stream.headers["X-Emotion-After"] == str(round(96_000 - BEFORE_SECS * 16_000))
        assert [stream.headers[name] for name in ("X-Emotion-Rate", "X-Emotion-Channels")] == ["16000", "2"]
        assert not (await frames(stream, round(BEFORE_SECS * 16_000))).any()
        for level in (0.5, 0.25):
            recorder.caller(np.full(16_000, level, np.float32))
            sound = await frames(stream, 16_000)
            assert sound[:, 0] == pytest.approx(np.full(16_000, level), abs=1e-3)
            assert not sound[:, 1].any()
    async with sue.get("/live/sound", params={**ask, "after": "112000"}) as stream:  # it goes on where it was
        assert stream.headers["X-Emotion-After"] == "112000"
        assert (await frames(stream, 16_000))[:, 0].min() == pytest.approx(0.25, abs=1e-3)
    async with sue.get("/live/sound", params={**ask, "after": "0"}) as stream:  # of what is long ago, the latest
        assert stream.headers["X-Emotion-After"] == str(round(128_000 - MOST_SECS * 16_000))
    async with sue.get("/live/sound", params={**ask, "after": "999999"}) as stream:
        assert stream.headers["X-Emotion-After"] == "128000"
    for wrong in ("-1", "x", "9" * 30, "\u0661"):
        assert (await sue.get("/live/sound", params={**ask, "after": wrong})).status == 400
    oz, _ = await signed_in("oz")
    assert (await oz.get("/live/sound", params=ask)).status == 403
    listened = [one for one in entries(console.engine, subject="anna") if one.action == "listened to a running call"]
    assert [(one.who, one.detail) for one in listened] == [("sue", path.name)]  # once an hour

    async with sue.get("/live/sound", params=ask) as stream:
        consents_of(console).set("anna", False)
        await stream.content.read()  # it ends
    assert (await sue.get("/live/sound", params=ask)).status == 404
    consents_of(console).set("anna", True)
    recorder.discard()  # as the call itself does
    assert (await sue.get("/live/sound", params=ask)).status == 404


async def test_a_call_that_has_ended_is_not_in_progress(console: Console, signed_in, tracker: Engine, tmp_path) -> None:
    store(tracker, "anna", user("Hello.", angry=0.9))
    console.endpoints = Endpoints(database=str(console.engine.url), record=RecordOptions("We record.", tmp_path))
    path = new_recording(tmp_path, "anna")
    recorder = Recorder(path, Format())
    recorder.caller(np.zeros(160_000 * 2, np.float32))
    sue, _ = await signed_in("sue")
    async with sue.get("/live/sound", params={"sender": "anna", "name": path.name}) as stream:
        await frames(stream, round(BEFORE_SECS * 16_000))
        recorder.caller(np.full(1600, 0.5, np.float32))
        recorder.close()
        assert len(await stream.content.read()) == 4 * 1600  # the last words, and the end of it
    page = await (await sue.get("/live/conversation", params={"sender": "anna"})).text()
    assert "Listen to the call in progress" not in page
    assert "/live/recording?" in page
    last = await sue.get("/live/sound", params={"sender": "anna", "name": path.name, "after": "0"})
    assert (last.status, last.headers["X-Emotion-Running"]) == (204, "false")


async def test_a_recording_to_which_nothing_comes_is_not_in_progress(
    console: Console, signed_in, tracker: Engine, tmp_path
) -> None:
    store(tracker, "anna", user("Hello.", angry=0.9))
    console.endpoints = Endpoints(database=str(console.engine.url), record=RecordOptions("We record.", tmp_path))
    path = new_recording(tmp_path, "anna")
    Recorder(path, Format()).caller(np.zeros(1600, np.float32))  # and its process dies
    sue, _ = await signed_in("sue")
    for age, said in ((0, "true"), (60, "unknown")):
        os.utime(path, (time.time() - age,) * 2)
        page = await (await sue.get("/live/conversation", params={"sender": "anna"})).text()
        assert ("Listen to the call in progress" in page) is (said == "true")
        async with sue.get("/live/sound", params={"sender": "anna", "name": path.name}) as sound:
            assert sound.headers["X-Emotion-Running"] == said


async def frames(stream: ClientResponse, number: int) -> np.ndarray:
    """The next frames of a call: [number, 2], -1 to 1."""
    return np.frombuffer(await stream.content.readexactly(4 * number), "<i2").reshape(-1, 2) / 32_768


async def test_the_page_of_a_conversation_is_told_when_it_is_out_of_date(
    console: Console, signed_in, tracker: Engine, tmp_path
) -> None:
    store(tracker, "anna", user("Hello.", angry=0.9))
    console.endpoints = Endpoints(database=str(console.engine.url), record=RecordOptions("We record.", tmp_path))
    sue, _ = await signed_in("sue")
    oz, _ = await signed_in("oz")
    assert (await sue.get("/live/conversation/events", params={"sender": "nobody"})).status == 404
    ask = {"sender": "anna"}
    async with sue.get("/live/conversation/events", params=ask) as stream:
        told = [await state(stream)]
        assert told == [await shown(sue)]
        store(tracker, "anna", user("Hello?", angry=0.9))
        told.append(await state(stream))
        Recorder(new_recording(tmp_path, "anna"), Format()).close()
        told.append(await state(stream))
        assert told[-1] == await shown(sue)
        consents_of(console).set("anna", False)
        told.append(await state(stream))
        assert told[-1] == await shown(sue) == await shown(oz)
    assert len(set(told)) == 4
    opened = [(one.who, one.action) for one in entries(console.engine, subject="anna")]
    assert opened == [("oz", "followed a conversation"), ("sue", "followed a conversation")]  # once an hour each


async def state(stream: ClientResponse) -> str:
    """The next event of a stream."""
    while not (line := await stream.content.readline()).startswith(b"data: "):
        pass
    return line[6:].strip().decode()


async def shown(client: TestClient) -> str:
    """The state of the page as it asks for itself."""
    ask = {"params": {"sender": "anna"}, "headers": {"X-Background": "1"}}
    found = re.search(r'data-state="([0-9a-f]+)"', await (await client.get("/live/conversation", **ask)).text())
    assert found
    return found[1]


async def test_what_is_in_progress_is_read_as_long_as_somebody_looks(console: Console, tracker: Engine) -> None:
    store(tracker, "anna", user("Hello.", happy=0.9))
    watch = Watch(console, look_secs=0.01)
    async with watch.awake():
        async with aclosing(watch.changes()) as changes:
            assert len((await anext(changes))["all"]) == 1
        store(tracker, "bert", user("Hello.", happy=0.9))
        while "bert" not in watch.in_progress:
            await asyncio.sleep(0.01)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*left, return_exceptions=True))
