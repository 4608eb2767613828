"""Who may call: keys, tickets and roles before every route and socket of the channel for live calls."""

import json
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import requests
import websockets
from sanic import Blueprint
from voice_kit import JsonAudioClient, needs_espeak
from websockets.legacy.client import connect  # takes the same options in the old releases and the new ones

from rasa_emotion.bot.channels.voice import VoiceInput
from rasa_emotion.turn.keys import add_key, digest_of
from rasa_emotion.turn.roles import Role
from rasa_emotion.turn.tickets import make_ticket

pytestmark = needs_espeak

JAMBONZ, TWILIO = ("jambonz", "secret"), "auth-token"
LINES = {
    "twilio": {"auth_token": TWILIO, "url": "https://voice.example.org"},
    "jambonz": {"username": JAMBONZ[0], "password": JAMBONZ[1], "url": "https://voice.example.org"},
}


@pytest.fixture(scope="module")
def desk(serve_channels, tmp_path_factory):
    """The channel in a relay, both with one token file; the server's addresses, and what is in the file."""
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    secrets = {holder: add_key(path, holder).secret for holder in ("caller", "tickets", "agent", "operator")}
    options = {**LINES, "digit_secs": 0.05, "silence_secs": None}
    relay = {"channel": "rasa_emotion.VoiceInput", "token_file": str(path), "options": options}
    with serve_channels({"rasa_emotion.RelayInput": relay}) as served:
        http = f"{served.address}/webhooks/voice"
        yield SimpleNamespace(http=http, ws=http.replace("http", "ws", 1), path=path, **secrets)


@asynccontextmanager
async def calling(desk, token=None, *, bearer=False, **query):
    headers = {} if token is None else ({"Authorization": f"Bearer {token}"} if bearer else {"token": token})
    asked = "&".join(f"{key}={value}" for key, value in {"events": 1, **query}.items())
    async with connect(f"{desk.ws}/websocket?{asked}", extra_headers=headers) as ws:
        yield ws


async def status_of(desk, *args, **query) -> int:
    """With which a call is refused; 101 where it is taken."""
    try:
        async with calling(desk, *args, **query):
            return 101
    except websockets.exceptions.InvalidStatusCode as refused:
        return refused.status_code


async def answered(ws) -> str:
    """What the bot says to a key that is pressed: whose turn it was, and on which channel."""
    client = JsonAudioClient(ws)
    await ws.send(json.dumps({"type": "digit", "digit": "5"}))
    await client.until(lambda c: c.told("bot"))
    return client.told("bot")[0]["text"]


async def test_a_key_speaks_for_all_callers_and_another_roles_for_none(desk):
    for given in (None, "wrong", "a.b.c", desk.tickets):
        assert await status_of(desk, given) == 401
    for given in (desk.agent, desk.operator):
        assert await status_of(desk, given) == 403
    async with calling(desk, desk.caller, sender="ada") as ws:
        assert await answered(ws) == "ada voice 5"
    assert await status_of(desk, token=desk.caller) == 101  # as a browser gives it
    assert await status_of(desk, desk.caller, bearer=True) == 101


async def test_a_ticket_speaks_for_one_caller(desk):
    ticket = make_ticket(desk.tickets, "ada lovelace")
    async with calling(desk, ticket) as ws:
        assert await answered(ws) == "ada lovelace voice 5"
    assert await status_of(desk, ticket, sender="bob") == 403
    assert await status_of(desk, make_ticket(desk.tickets, "ada", channel="emotion")) == 403
    assert await status_of(desk, make_ticket(desk.tickets, "ada", channel="voice"), sender="ada") == 101
    assert await status_of(desk, make_ticket(desk.tickets, "mary", role=Role.AGENT)) == 403
    assert await status_of(desk, make_ticket(desk.tickets, "ada", secs=60, now=time.time() - 3600)) == 401


async def test_a_key_is_changed_while_calls_go_on(desk):
    old = add_key(desk.path, "caller").secret
    async with calling(desk, old, sender="eve") as ws:
        kept = [line for line in desk.path.read_text().splitlines() if digest_of(old).hex() not in line]
        desk.path.write_text("\n".join(kept) + "\n")
        assert await status_of(desk, old) == 401
        assert await answered(ws) == "eve voice 5"


def test_what_a_dialplan_asks(desk):
    url = f"{desk.http}/next/call-1"
    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, headers={"token": desk.agent}, timeout=60).status_code == 403
    assert requests.get(url, params={"token": desk.caller}, timeout=60).text == "hangup"
    other = make_ticket(desk.tickets, "ada")
    assert requests.get(url, headers={"token": other}, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"), [("twilio", 403), ("twilio/next", 403), ("jambonz", 401), ("jambonz/next", 401)]
)
def test_telephone_services_prove_themselves_in_their_own_way(desk, path, status):
    # A key of the file is none of theirs.
    answer = requests.post(f"{desk.http}/{path}", headers={"token": desk.caller}, timeout=60)
    assert answer.status_code == status
    assert answer.json()["status"] == "failure"


@pytest.mark.parametrize("path", ["twilio/stream", "jambonz/listen"])
async def test_their_sockets_too(desk, path):
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with connect(f"{desk.ws}/{path}", extra_headers={"token": desk.caller}):
            pass
    assert refused.value.status_code == (403 if "twilio" in path else 401)


def test_what_is_open(desk):
    assert requests.get(f"{desk.http}/", timeout=60).json() == {"status": "ok"}
    assert requests.get(f"{desk.http}/softphone", timeout=60).ok


def test_a_long_body_is_refused_before_it_is_read(desk):
    answer = requests.post(f"{desk.http}/jambonz", data=b"x" * 200_000, auth=JAMBONZ, timeout=60)
    assert answer.status_code == 413


async def _on_new_message(message):
    raise AssertionError("nothing is sent")


def test_no_route_is_without_the_guard():
    webhook: Blueprint = VoiceInput.from_credentials(LINES).blueprint(_on_new_message)
    assert {route.uri for route in webhook._future_routes} >= {"/websocket", "/twilio/stream", "/next/<call>"}
    assert all(hasattr(route.handler, "is_guarded") for route in webhook._future_routes)
