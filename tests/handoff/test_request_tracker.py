"""The helpdesk 'request_tracker' against a Request Tracker that really runs."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from aiohttp import web
from fakes.packets import packet
from needed import needs
from request_tracker import RequestTracker, Server, free_port

from rasa_emotion.handoff.helpdesk import ConversationGone, Helpdesk, Message, PermanentFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.packet import Line
from rasa_emotion.handoff.text import plain

pytestmark = [
    pytest.mark.request_tracker,
    pytest.mark.nightly,
    needs("request-tracker5"),
    needs("rt5-db-sqlite"),
]

SECRET = "a secret for the tests"
BOT_PORT = free_port()
SCRIP = Path(__file__).resolve().parents[2] / "docs" / "examples" / "request_tracker_scrip.pl"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    code = SCRIP.read_text(encoding="utf-8")
    code = code.replace("https://bot.example.com/webhooks/emotion/helpdesk", f"http://127.0.0.1:{BOT_PORT}/")
    code = code.replace("the secret of endpoints.yml", SECRET)
    with RequestTracker(tmp_path_factory.mktemp("rt"), code) as running:
        yield running


@pytest.fixture
async def helpdesk(server: Server) -> AsyncIterator[Helpdesk]:
    made = open_helpdesk({**server.settings(), "secret": SECRET, "timeout_secs": 60})
    yield made
    await made.close()


def ask(server: Server, path: str, content: dict | None = None, method: str | None = None):
    """What a person's token gets."""
    data = None if content is None else json.dumps(content).encode()
    headers = {"Authorization": f"token {server.person_token}", "Content-Type": "application/json"}
    request = Request(f"{server.url}/REST/2.0{path}", data=data, headers=headers, method=method)
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def texts(server: Server, ticket: str) -> list[str]:
    """What stands in a ticket, oldest first."""
    fields = "fields=Type,Content&per_page=100"
    rows = ask(server, f"/ticket/{ticket}/attachments?{fields}")["items"]
    whole = (ask(server, f"/attachment/{row['id']}") for row in rows)
    return [base64.b64decode(row["Content"]).decode() for row in whole if row.get("Content")]


def tickets(server: Server) -> int:
    return ask(server, f"/tickets?query={quote('id > 0')}")["total"]


async def test_one_ticket_that_a_person_can_read(server: Server, helpdesk: Helpdesk) -> None:
    await helpdesk.check()
    before = tickets(server)
    sent = packet("k-read", summary="Grüße 😡 <b>'bold'</b> & more.")
    ticket = await helpdesk.deliver(sent)
    assert await helpdesk.deliver(sent) == ticket
    assert tickets(server) == before + 1
    shown = ask(server, f"/ticket/{ticket}")
    assert shown["Subject"].startswith("Handover (high): The caller sounded angry")
    assert shown["Queue"]["id"] == str(ask(server, f"/queue/{quote(server.queue)}")["id"])
    assert texts(server, ticket)[0].strip() == plain(sent)


async def test_messages_become_correspondence_in_order(server: Server, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet("k-order"))
    said = ["Hello?", "Ünïcode 😡 & <b>", "a\nb"]
    for number, text in enumerate(said):
        await helpdesk.send(ticket, Message(str(number), text, 0.0))
    assert [text.strip() for text in texts(server, ticket)[1:]] == said


async def test_a_large_packet_arrives_whole(server: Server, helpdesk: Helpdesk) -> None:
    sent = packet("k-large", transcript=tuple(Line("caller", "Ärger 😡 " * 40) for _ in range(300)))
    assert len(plain(sent).encode()) > 100_000
    ticket = await helpdesk.deliver(sent)
    assert texts(server, ticket)[0].split() == plain(sent).split()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"token": "1-1-abc"}, "HTTP 401: it does not know the key"), ({"queue": "none"}, "there is no queue 'none'")],
)
async def test_what_is_set_wrong(server: Server, wrong: dict, says: str) -> None:
    made = open_helpdesk({**server.settings(), "timeout_secs": 60, **wrong})
    with pytest.raises(PermanentFailure, match=says):
        await made.check()
    with pytest.raises(PermanentFailure):
        await made.deliver(packet("k-wrong"))
    await made.close()


async def test_a_ticket_that_is_gone(server: Server, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet("k-gone"))
    ask(server, f"/ticket/{ticket}", {"Status": "deleted"}, "PUT")
    for number in (ticket, "99999"):
        with pytest.raises(ConversationGone):
            await helpdesk.send(number, Message("m", "Hello?", 0.0))
    assert ask(server, f"/ticket/{ticket}")["Status"] == "deleted"


async def test_what_people_answer_comes_back(server: Server, helpdesk: Helpdesk) -> None:
    came: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((dict(request.headers), await request.read()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", BOT_PORT).start()
    try:
        ticket = await helpdesk.deliver(packet("k-back"))
        await helpdesk.send(ticket, Message("m", "Is anybody there?", 0.0))
        answer = {"Content": "Ja, ich bin's 😀 & höre.", "ContentType": "text/plain"}
        ask_person = asyncio.get_running_loop().run_in_executor
        await ask_person(None, ask, server, f"/ticket/{ticket}/correspond", answer)
        await ask_person(None, ask, server, f"/ticket/{ticket}", {"Status": "resolved"}, "PUT")
    finally:
        await runner.cleanup()
    said = [word for headers, body in came for word in helpdesk.receive(headers, body)]
    assert [(word.ticket, word.text.strip(), word.hand_back) for word in said] == [
        (ticket, "Ja, ich bin's 😀 & höre.", False),
        (ticket, "", True),
    ]
    assert len({word.id for word in said}) == 2
