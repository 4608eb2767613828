"""The review over HTTP, on the table that Rasa's tracker store makes."""

import json

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.review.reading import BOTS, SHIPPED
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.handoff.desk_record import DeskRecord, Judgement

EVENTS = """CREATE TABLE events (id {key} PRIMARY KEY, sender_id VARCHAR(255) NOT NULL,
type_name VARCHAR(255) NOT NULL, timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)"""
NOW = 1_700_000_000.0
HOUR = 3600.0


def said(angry: float, at: float) -> dict:
    probabilities = {"angry": angry, "neutral": 1 - angry}
    estimate = EmotionEstimate.from_probabilities(probabilities, {"text": Evidence("text", probabilities)})
    parsed = {"intent": {"name": "inform"}, "emotion_estimate": estimate.to_dict()}
    return {"event": "user", "text": "Grr", "timestamp": at, "parse_data": parsed, "input_channel": "rest"}


@pytest.fixture
def engine(either_engine: Engine) -> Engine:
    return either_engine


@pytest.fixture
def past(engine: Engine, console: Console) -> Console:
    """Six callers an hour ago, one long ago, one who opted out."""
    console.clock = lambda: NOW
    row = text("INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (:sender, 'user', :at, :data)")
    bots = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with bots.connect() as connection:
        key = "SERIAL" if engine.dialect.name == "postgresql" else "INTEGER"
        connection.exec_driver_sql(EVENTS.format(key=key))
        calls = {f"caller-{number}": NOW - HOUR for number in range(6)} | {"old": NOW - 99 * 86_400, "no": NOW - HOUR}
        for sender, at in calls.items():
            connection.execute(row, {"sender": sender, "at": at, "data": json.dumps(said(0.9, at))})
    bots.dispose()
    consents_of(console).set("no", False)
    return console


async def test_without_a_bot_there_is_nothing(client: TestClient) -> None:
    found = await (await client.get("/review/figures")).json()
    assert found["days"] == []
    assert found["feedback"]["turns"] == 0


async def test_figures_of_the_last_days(past: Console, client: TestClient) -> None:
    desk = DeskRecord(past.engine, past.clock)
    for number in range(6):
        desk.judge(Judgement(f"caller-{number}", NOW - HOUR, "ada", "angry", number > 2, "angry", "Grr", NOW))
    answer = await client.get("/review/figures?days=7")
    told = await answer.text()
    found = json.loads(told)
    assert [day["conversations"] for day in found["days"]] == [6]
    assert found["feedback"]["recall"]["angry"] == {"turns": 6, "right": 0.5}
    assert "caller-" not in told
    assert "Grr" not in told


async def test_other_thresholds_change_calls(past: Console, client: TestClient, tmp_path) -> None:
    found = await (await client.get("/review/what-if?days=7&threshold=1")).json()
    assert (found["rules"], found["conversations"]) == (SHIPPED, 6)
    assert found["now"] == found["fewer"] + found["then"]
    past.endpoints_file = tmp_path / "endpoints.yml"
    rule = "{name: rasa_emotion.EmotionPolicy, rules: [{when: {emotion: angry, at_least: 0.95}}]}"
    (tmp_path / "config.yml").write_text(f"policies: [{rule}]\n")
    found = await (await client.get("/review/what-if?days=7&threshold=0.5")).json()
    assert (found["rules"], found["now"], found["then"], found["more"]) == (BOTS, 0, 6, 6)


@pytest.mark.parametrize(
    "query", ["days=0", "days=1e9", "days=x", "threshold=0", "threshold=nan", "threshold=2", "cooldown=1.5", "cap=0"]
)
async def test_numbers_that_cannot_be_are_refused(client: TestClient, query: str) -> None:
    answer = await client.get(f"/review/what-if?{query}")
    assert answer.status == 422
    assert "must be" in (await answer.json())["error"]


async def test_agents_see_no_review(signed_in) -> None:
    client, _ = await signed_in("ada")
    assert (await client.get("/review/figures")).status == 403
