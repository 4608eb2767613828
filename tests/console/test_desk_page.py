"""The desk: who gets a conversation, what reaches the caller, and what is kept of what an agent says."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from rasa_emotion.console.app import make_app
from rasa_emotion.console.attending import FIRST_SENTENCES
from rasa_emotion.console.audit import entries
from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.database import writing
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn
from rasa_emotion.handoff.record import Record
from rasa_emotion.privacy.forget import Forgetter

HOSTILE = "<script>alert(1)</script>\"'\u202e"


def hand_over(engine: Engine, key: str = "k1", sender: str = "anna", **more) -> None:
    turn = TimelineTurn(1, 1000.5, "angry", 0.9, 0.9, 0.0, -0.7, 0.6, ("text",), None, "hostile")
    said = {"rule": "anger", "reason": "The caller was angry.", "urgency": "high", "created": time.time(), **more}
    lines = (Line("caller", "Where is my refund?", 1000.5, 1), Line("bot", "One moment.", 1001.0))
    packet = Packet(
        key=key,
        kind="handover",
        sender=sender,
        channel="rest",
        summary="Angry about a bill.",
        mood="hostile",
        timeline=(turn,),
        slots={"order": "7"},
        **{"transcript": lines, **said},
    )
    Outbox(engine).enqueue(packet)


async def queue(client) -> list[dict]:
    return (await (await client.get("/desk/queue")).json())["queue"]


async def test_the_queue_is_by_urgency_and_age_and_says_who_is_late(signed_in, engine: Engine) -> None:
    now = time.time()
    for key, urgency, age in (("a", "normal", 900), ("b", "urgent", 10), ("c", "urgent", 400), ("d", "normal", 5000)):
        hand_over(engine, key, f"caller {key}", urgency=urgency, created=now - age)
    client, _ = await signed_in("ada")
    rows = await queue(client)
    assert [row["key"] for row in rows] == ["c", "b", "d", "a"]
    assert [row["level"] for row in rows] == ["overdue", "in time", "overdue", "due"]


async def test_a_clock_that_was_put_back_makes_nobody_wait_for_less_than_nothing(
    console: Console, signed_in, engine: Engine
) -> None:
    hand_over(engine)
    client, _ = await signed_in("ada")
    console.clock = lambda: time.time() - 1000
    (row,) = await queue(client)
    assert row["waited_secs"] == 0


async def test_only_one_of_many_takes_it(signed_in, engine: Engine) -> None:
    hand_over(engine)
    ada, own = await signed_in("ada")
    bob, his = await signed_in("bob")
    tries = [client.post("/desk/take", json={"key": "k1"}, headers=h) for client, h in ((ada, own), (bob, his)) * 5]
    answers = await asyncio.gather(*tries)
    winner = DeskRecord(engine).find("k1").taken_by
    # Who has it may take it again, which changes nothing.
    assert [answer.status for answer in answers].count(200) == 5
    told = [(await answer.json())["error"] for answer in answers if answer.status == 409]
    assert set(told) == {f"{winner} has taken this conversation."}


async def test_a_message_reaches_the_caller_once_however_often_it_is_sent(signed_in, engine: Engine) -> None:
    hand_over(engine)
    client, headers = await signed_in("ada")
    message = {"key": "k1", "text": f"Hello {HOSTILE}", "number": "n-1"}
    assert (await client.post("/desk/say", json=message, headers=headers)).status == 409  # not taken
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    answers = [await client.post("/desk/say", json=message, headers=headers) for _ in range(3)]
    assert [(await answer.json())["fresh"] for answer in answers] == [True, False, False]
    (said,) = Record(engine).messages_after("anna")
    assert said.text == f"Hello {HOSTILE}"
    whole = await (await client.get("/desk/conversation", params={"key": "k1"})).json()
    assert [(one["speaker"], one["origin"]) for one in whole["messages"]] == [("agent", "console n-1")]


NONSENSE = [
    b"",
    b"nonsense",
    b"[]",
    b"{}",
    b'{"key": 7}',
    b'{"key": "k1"}',
    b'{"key": "k1", "text": " ", "number": "1"}',
]


@pytest.mark.parametrize("body", NONSENSE)
async def test_nonsense_is_refused_in_a_sentence(signed_in, engine: Engine, body: bytes) -> None:
    hand_over(engine)
    client, headers = await signed_in("ada")
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    answer = await client.post("/desk/say", data=body, headers={**headers, "Content-Type": "application/json"})
    assert answer.status in (400, 409)
    assert (await answer.json())["error"].endswith((".", "!"))


async def test_before_one_takes_it_the_callers_words_are_redacted(signed_in, engine: Engine) -> None:
    hand_over(engine)
    Record(engine).to_human("anna", "My card is 4111 1111 1111 1111", "m1")
    client, headers = await signed_in("ada")

    async def words() -> str:
        found = await (await client.get("/desk/messages", params={"key": "k1"})).json()
        return found["messages"][0]["text"]

    assert await words() == "My card is [card number]"
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    assert await words() == "My card is 4111 1111 1111 1111"


async def test_notes_passing_on_and_giving_back(signed_in, engine: Engine) -> None:
    hand_over(engine)
    ada, own = await signed_in("ada")
    bob, his = await signed_in("bob")
    sue, hers = await signed_in("sue")
    await ada.post("/desk/take", json={"key": "k1"}, headers=own)
    answer = await ada.post("/desk/note", json={"key": "k1", "text": HOSTILE}, headers=own)
    assert [note["text"] for note in (await answer.json())["notes"]] == [HOSTILE]
    assert (await bob.post("/desk/pass-on", json={"key": "k1", "to": "bob"}, headers=his)).status == 409
    assert (await ada.post("/desk/pass-on", json={"key": "k1", "to": "oz"}, headers=own)).status == 400
    assert (await ada.post("/desk/pass-on", json={"key": "k1", "to": "bob"}, headers=own)).status == 200
    assert (await ada.post("/desk/give-back", json={"key": "k1"}, headers=own)).status == 409
    assert (await sue.post("/desk/pass-on", json={"key": "k1", "to": ""}, headers=hers)).status == 200
    assert (await bob.post("/desk/take", json={"key": "k1"}, headers=his)).status == 200
    answer = await bob.post("/desk/give-back", json={"key": "k1", "outcome": "resolved: refunded"}, headers=his)
    assert await answer.json() == {"closed": True}
    assert Record(engine).handover("k1").outcome == "resolved: refunded"
    assert (await bob.get("/desk/messages", params={"key": "k1"})).status == 409
    done = [(entry.who, entry.action) for entry in entries(engine, subject="anna")]
    assert ("sue", "passed a handover on") in done
    assert ("bob", "gave a handover back") in done


async def test_an_opted_out_caller_shows_no_emotion_and_gets_no_feedback(
    console: Console, signed_in, engine: Engine
) -> None:
    hand_over(engine)
    consents_of(console).set("anna", False)
    client, headers = await signed_in("ada")
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    whole = await (await client.get("/desk/conversation", params={"key": "k1"})).json()
    assert "angry" not in json.dumps(whole)
    assert "hostile" not in json.dumps(whole)
    body = {"key": "k1", "turn": 1, "emotion": "sad"}
    assert (await client.post("/desk/feedback", json=body, headers=headers)).status == 403


async def test_feedback_is_kept_replaced_and_forgotten(
    console: Console, signed_in, engine: Engine, tmp_path, monkeypatch
) -> None:
    hand_over(engine)
    client, headers = await signed_in("ada")
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    for emotion in ("angry", "sad"):
        body = {"key": "k1", "turn": 1, "emotion": emotion}
        assert (await client.post("/desk/feedback", json=body, headers=headers)).status == 200
    (kept,) = DeskRecord(engine).judgements("anna")
    assert (kept.heard, kept.correct, kept.emotion, kept.text) == ("angry", False, "sad", "Where is my refund?")
    for wrong in ({"turn": 2, "emotion": "sad"}, {"turn": 1, "emotion": "bored"}, {"turn": 1}):
        assert (await client.post("/desk/feedback", json={"key": "k1", **wrong}, headers=headers)).status == 400
    await client.post("/desk/note", json={"key": "k1", "text": "A note."}, headers=headers)
    (tmp_path / "endpoints.yml").write_text(f"rasa_emotion: {{database: '{engine.url}'}}\n")
    forgetter = Forgetter(tmp_path / "endpoints.yml")
    deleted = forgetter.delete(forgetter.find("anna")).numbers
    assert deleted["feedback"] == 1
    assert deleted["notes"] == 1
    assert deleted["audit"] >= 2
    assert DeskRecord(engine).judgements() == []
    assert entries(engine, subject="anna") == []
    assert "took a handover" in [entry.action for entry in entries(engine)]  # that somebody did stays


async def test_an_operator_has_no_desk(signed_in, engine: Engine) -> None:
    hand_over(engine)
    client, headers = await signed_in("oz")
    assert (await client.get("/desk/queue")).status == 403
    assert (await client.post("/desk/take", json={"key": "k1"}, headers=headers)).status == 403


async def test_a_database_that_is_away_is_told_and_nothing_is_lost(signed_in, engine: Engine) -> None:
    hand_over(engine)
    client, headers = await signed_in("ada")
    await client.post("/desk/take", json={"key": "k1"}, headers=headers)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE emotion_messages RENAME TO away")
    message = {"key": "k1", "text": "Hello.", "number": "n-1"}
    answer = await client.post("/desk/say", json=message, headers=headers)
    assert answer.status == 503
    assert "nothing was changed" in (await answer.json())["error"]
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO emotion_messages")
    assert (await client.post("/desk/say", json=message, headers=headers)).status == 200
    assert len(Record(engine).messages_after("anna")) == 1


def of_a_bot(console: Console, folder: Path, language: str, *said: str) -> None:
    """Give a console the files of a bot."""
    folder.mkdir()
    (folder / "config.yml").write_text(f"language: {language}\n")
    responses = {f"utter_{number}": [{"text": text}] for number, text in enumerate(said)}
    (folder / "domain.yml").write_text(json.dumps({"responses": responses}))
    console.endpoints_file = folder / "endpoints.yml"


GERMAN = "Guten Tag, ich bin ein Bot und helfe Ihnen gern bei allen Fragen zu Ihrer Rechnung."
ENGLISH = "Good day, I am a bot and glad to help you with every question about your bill."
OWN = {"de": {"calm": "Guten Tag, wie kann ich helfen?"}}


@pytest.mark.parametrize(
    ("language", "domain", "bot", "own", "suggested"),
    [
        ("en", "", "One moment.", {}, FIRST_SENTENCES["hostile"]),
        ("de", "", "Moment.", {}, None),
        ("de", "", "Moment.", OWN, OWN["de"]["calm"]),
        ("en", GERMAN, "Moment.", {}, None),  # as people leave it
        ("en", GERMAN, ENGLISH, {}, FIRST_SENTENCES["hostile"]),  # a bot of two languages
        ("en", ENGLISH, GERMAN, OWN, OWN["de"]["calm"]),
        ("[", "", "One moment.", {}, FIRST_SENTENCES["hostile"]),  # no YAML
    ],
)
async def test_first_sentences_are_in_the_bots_language(
    console: Console, signed_in, engine: Engine, tmp_path: Path, *, language, domain, bot, own, suggested
) -> None:
    of_a_bot(console, tmp_path / "bot", language, domain)
    console.endpoints = replace(console.endpoints, first_sentences=own)
    hand_over(engine, transcript=(Line("caller", "Where is my refund?", 1000.5, 1), Line("bot", bot, 1001.0)))
    client, _ = await signed_in("ada")
    whole = await (await client.get("/desk/conversation", params={"key": "k1"})).json()
    assert whole["suggestion"] == suggested


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("{de: {furious: Hallo}}", "furious"), ("{de: Hallo}", "each mood"), ("{de: {calm: 1}}", "calm")],
)
def test_a_wrong_first_sentence_is_refused_at_the_start(
    console: Console, tmp_path: Path, wrong: str, told: str
) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(f"rasa_emotion: {{first_sentences: {wrong}}}")

    def start() -> None:
        console.endpoints = read_endpoints(file)
        make_app(console)

    with pytest.raises(ConfigError, match=told):
        start()
