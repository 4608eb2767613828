"""What every page of the console has: a frame, headers, and errors that are told."""

import pytest
from aiohttp.test_utils import TestClient

from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.turn.roles import login_name


@pytest.mark.parametrize("page", [page.name for page in PAGES])
async def test_a_page_has_its_frame_and_its_entry(client: TestClient, page: str) -> None:
    answer = await client.get(f"/{page}")
    text = await answer.text()
    assert answer.status == 200
    assert f'<a href="/{page}" aria-current="page">' in text
    assert '<a class="skip" href="#main">' in text


@pytest.mark.parametrize("path", ["/live", "/", "/static/console.css", "/static/base.js", "/nothing"])
async def test_everything_has_the_headers(client: TestClient, path: str) -> None:
    answer = await client.get(path, allow_redirects=False)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/console", "/static/", "/static//etc/passwd", "/none"])
async def test_what_is_not_there_is_told(client: TestClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 404
    assert await answer.json() == {"error": "There is nothing at this address."}
    assert "That did not work" in await (await client.get(path, headers={"Accept": "text/html"})).text()


async def test_no_page_has_a_script_or_a_style_within(client: TestClient) -> None:
    for page in PAGES:
        text = await (await client.get(f"/{page.name}")).text()
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text


async def test_without_users_one_is_the_same_person_as_in_the_terminal(
    client: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ann smith")
    said = {"rule": "r", "reason": "Angry.", "urgency": "high", "created": 1000.0, "summary": "", "mood": "upset"}
    Outbox(console.engine).enqueue(Packet("k1", "handover", "anna", "rest", **said))
    desk = DeskRecord(console.engine)
    desk.take("k1", login_name())
    assert desk.find("k1").taken_by == "ann_smith"
    (row,) = (await (await client.get("/desk/queue")).json())["queue"]
    assert row["mine"]
