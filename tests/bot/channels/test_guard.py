"""What stands before the routes of our channels, in a real server that real sockets talk to."""

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from rasa.shared.exceptions import InvalidConfigException

from rasa_emotion import EmotionRestInput, RelayInput
from rasa_emotion.bot.channels import guard
from rasa_emotion.bot.channels.guard import MOST_PARTS
from rasa_emotion.turn.access import is_loopback
from rasa_emotion.turn.keys import add_key, digest_of
from rasa_emotion.turn.plain import MOST_VALUES
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Role
from rasa_emotion.turn.tickets import make_ticket

ROUTES = ["emotion", "rest"]


class Desk:
    """The server, its token file, and a way to ask it."""

    def __init__(self, served, keys: Path) -> None:
        self.served, self.keys = served, keys
        self.caller = add_key(keys, "caller").secret
        self.signing = add_key(keys, "tickets").secret
        self.agent = add_key(keys, "agent").secret

    def post(self, route="rest", token=None, path="webhook", **body):
        headers = {} if token is None else {"token": token}
        body = {"sender": "ada", "message": "hello", **body}
        url = f"{self.served.address}/webhooks/{route}/{path}"
        return requests.post(url, json=body, headers=headers, timeout=60)

    def said(self, *args, **body):
        answer = self.post(*args, **body)
        assert answer.status_code == 200, answer.text
        return [message["text"] for message in answer.json()]

    def ticket(self, name="ada", **options):
        return make_ticket(self.signing, name, **options)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    add_key(path, "operator")
    return path


@pytest.fixture(scope="module")
def desk(serve_channels, keys):
    """`emotion` by itself and `rest` in a relay, both behind one token file."""
    credentials = {
        "rasa_emotion.EmotionRestInput": {"token_file": str(keys)},
        "rasa_emotion.RelayInput": {"channel": "rest", "token_file": str(keys)},
    }
    with serve_channels(credentials) as served:
        yield Desk(served, keys)


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_speaks_without_a_key(desk, route):
    for token in (None, "", "wrong", "a.b.c", desk.signing):
        answer = desk.post(route, token)
        assert answer.status_code == 401
        assert answer.json()["message"] == "This needs a key or a ticket that holds, in the header 'token'."
    assert desk.said(route, desk.caller) == [f"ada {route} hello"]


@pytest.mark.parametrize("route", ROUTES)
def test_each_way_to_give_a_key(desk, route):
    url, body = f"{desk.served.address}/webhooks/{route}/webhook", {"sender": "ada", "message": "hello"}
    for headers in ({"Authorization": f"Bearer {desk.caller}"}, {"TOKEN": desk.caller}):
        assert requests.post(url, json=body, headers=headers, timeout=60).ok
    assert requests.post(url, json=body, params={"token": desk.caller}, timeout=60).ok


def test_every_route_asks(desk):
    address = f"{desk.served.address}/webhooks"
    assert requests.get(f"{address}/rest/messages?sender=ada", timeout=60).status_code == 401
    assert requests.get(f"{address}/rest/messages?sender=ada&token={desk.caller}", timeout=60).json() == []
    # A helpdesk signs; a server that is watched says that it runs.
    assert requests.post(f"{address}/rest/helpdesk", json={}, timeout=60).status_code == 401
    for route in ROUTES:
        assert requests.get(f"{address}/{route}/", timeout=60).json() == {"status": "ok"}


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data", "MULTIPART/FORM-DATA"])
def test_a_content_type_in_any_case(desk, kind):
    body = '--x\r\nContent-Disposition: form-data; name="sender"\r\n\r\nada\r\n'
    body += '--x\r\nContent-Disposition: form-data; name="message"\r\n\r\nhello\r\n--x--\r\n'
    url, headers = f"{desk.served.address}/webhooks/emotion/webhook", {"token": desk.caller}
    answer = requests.post(url, body, headers={**headers, "Content-Type": f"{kind}; boundary=x"}, timeout=60)
    assert [message["text"] for message in answer.json()] == ["ada emotion hello"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_ticket_speaks_in_one_name(desk, route):
    ticket = desk.ticket("ada")
    assert desk.said(route, ticket) == [f"ada {route} hello"]
    assert desk.said(route, ticket, sender=None) == [f"ada {route} hello"]
    answer = desk.post(route, ticket, sender="bob")
    assert (answer.status_code, "another caller's" in answer.text) == (403, True)
    assert desk.post(route, ticket, sender="bob", message="/emotion_on").status_code == 403
    assert desk.post(route, ticket, input_channel="telephone").status_code == 403
    assert desk.said(route, desk.ticket("ada", channel="shop")) == ["ada shop hello"]
    url = f"{desk.served.address}/webhooks/rest/messages"
    for sender, status in (("ada", 200), ("bob", 403)):
        assert requests.get(url, {"sender": sender}, headers={"token": ticket}, timeout=60).status_code == status


@pytest.mark.parametrize("route", ROUTES)
def test_only_callers_speak_and_choose(desk, route):
    for message in ("hello", "/emotion_on", "/emotion_off"):
        answer = desk.post(route, desk.agent, message=message)
        assert (answer.status_code, "lacks the right 'speak'" in answer.text) == (403, True)
        assert desk.post(route, desk.ticket("ann", role=Role.SUPERVISOR), message=message).status_code == 403


def test_keys_change_without_a_restart(desk):
    before = desk.keys.read_text()
    fresh = add_key(desk.keys, "caller").secret
    assert desk.said("rest", fresh) == desk.said("rest", desk.caller) == ["ada rest hello"]
    desk.keys.write_text(
        before.replace(digest_of(desk.caller).hex(), f"{digest_of(desk.caller).hex()} 2020-01-01") + f"caller {fresh}\n"
    )
    assert desk.post("rest", desk.caller).status_code == 401
    assert desk.said("rest", fresh) == ["ada rest hello"]
    # What cannot be used, or what others can read, changes nothing.
    desk.keys.write_text("caller\n")
    assert desk.said("rest", fresh) == ["ada rest hello"]
    desk.keys.write_text(before)
    desk.keys.chmod(0o644)
    assert desk.post("rest", desk.caller).status_code == 401
    desk.keys.chmod(0o600)
    assert desk.said("rest", desk.caller) == ["ada rest hello"]
    log = desk.served.log.read_text()
    assert log.count("Line 1 of the token file") == 1
    assert log.count("run: chmod 600") == 1
    assert desk.caller not in log
    assert fresh not in log


def test_the_log_says_once_a_minute_that_keys_are_tried(desk):
    for _ in range(5):
        desk.post("rest", "wrong")
    assert desk.served.log.read_text().count("requests to the channel 'RelayInput' were refused") <= 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("path", ["webhook", "webhook?stream=true"])
def test_a_bot_that_asks_to_exit_ends_one_turn(desk, route, path):
    answer = desk.post(route, desk.caller, path, message="exit")
    if (route, path) != ("rest", "webhook?stream=true"):  # whose answer is Rasa's own
        assert answer.json()["code"] == 500
    assert desk.said(route, desk.caller) == [f"ada {route} hello"]


def test_who_waits_in_vain_is_told_when_to_come_again(desk):
    assert desk.post("rest", desk.caller, message="x" * 2001).status_code == 413
    assert desk.post("rest", desk.caller, metadata={"a": "x" * 17_000}).status_code == 413


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("form", [False, True])
def test_a_retry_is_no_second_turn(desk, route, form):
    if form and route == "rest":
        pytest.skip("Rasa's channel takes no forms")
    url, ask = f"{desk.served.address}/webhooks/{route}/webhook", {"timeout": 60}

    def send(text, key):
        body = {"sender": "ada", "message": text}
        sent = {"data": body, "files": {"other": b"x"}} if form else {"json": body}
        return requests.post(url, headers={"token": desk.caller, "Idempotency-Key": key}, **sent, **ask)

    first, again, other = send("count", f"a{form}"), send("count", f"a{form}"), send("count", f"b{form}")
    assert first.json() == again.json() != other.json()
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert first.headers.get("X-Emotion-Human") == again.headers.get("X-Emotion-Human")
    answer = send("something else", f"a{form}")
    assert (answer.status_code, "another request's" in answer.text) == (422, True)
    # A turn that failed is done again.
    assert [send("exit", f"c{form}").status_code for _ in range(2)] == [500, 500]
    assert send("hello", "").status_code == 400
    assert requests.post(f"{url}?stream=true", json={}, headers=first.request.headers, **ask).status_code == 400


def test_a_retry_while_the_first_is_answered_waits_for_it(desk):
    url, key = f"{desk.served.address}/webhooks/emotion/webhook", {"token": desk.caller, "Idempotency-Key": "slow"}
    body = {"sender": "ada", "message": "slow"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: requests.post(url, json=body, headers=key, timeout=60), range(2)))
    assert sorted(answer.headers.get("Idempotency-Replayed", "") for answer in answers) == ["", "true"]
    assert answers[0].json() == answers[1].json()
    number = answers[0].json()[0]["text"].split()[-1]
    assert desk.said("emotion", desk.caller, message="number")[0].endswith(number)


def head(path: str, length: int, token: str | None = None) -> bytes:
    given = f"token: {token}\r\n" if token else ""
    return f"POST /webhooks/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{given}\r\n".encode()


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_is_read_of_who_may_not_speak_or_says_too_much(desk, route):
    for length, token, status in ((1000, "wrong", b" 401 "), (50_000_000, desk.caller, b" 413 ")):
        with socket.create_connection(("127.0.0.1", desk.served.port), timeout=60) as connection:
            connection.sendall(head(f"{route}/webhook", length, token))
            assert status in connection.recv(1000).split(b"\r\n")[0]


@pytest.mark.parametrize("route", ROUTES)
def test_what_takes_seconds_to_read_is_not_read(desk, route):
    """While the server reads a request it answers nobody else."""
    url, headers = f"{desk.served.address}/webhooks/{route}/webhook", {"token": desk.caller}
    many = {"sender": "ada", "message": "hello", "metadata": {"page": [[]] * MOST_VALUES}}
    answer = requests.post(url, json=many, headers=headers, timeout=60)
    assert (answer.status_code, "more than 100,000 values" in answer.json()["message"]) == (413, True)
    fields = [("sender", (None, "ada"))] * (MOST_PARTS + 1)
    answer = requests.post(url, files=fields, headers=headers, timeout=60)
    assert (answer.status_code, "more than 100 parts" in answer.json()["message"]) == (413, True)
    assert desk.said(route, desk.caller)


@pytest.mark.parametrize("credentials", [{"token": ""}, {"token": 7}, {"token_file": "there_is_none.txt"}])
def test_what_cannot_be_asked_for_is_told_at_the_start(credentials):
    with pytest.raises(InvalidConfigException, match="token"):
        EmotionRestInput.from_credentials(credentials)
    with pytest.raises(InvalidConfigException, match="token"):
        RelayInput.from_credentials({"channel": "rest", **credentials})


def test_a_token_stands_in_one_place():
    wrapped = {"channel": "rasa_emotion.EmotionRestInput", "options": {"token": "x"}}
    assert RelayInput.from_credentials(wrapped).access.asks
    with pytest.raises(InvalidConfigException, match="stands here and in 'options'"):
        RelayInput.from_credentials({**wrapped, "token": "x"})


class Slow:
    """A request of which a byte comes, and nothing after it."""

    def __init__(self):
        self.parts = [b"x"]
        self.stream = self
        self.keep_alive, self.request_body, self.headers = True, True, {}
        self.app = SimpleNamespace(config=SimpleNamespace(REQUEST_MAX_SIZE=10))

    async def read(self):
        return self.parts.pop() if self.parts else await asyncio.Event().wait()


async def test_a_body_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "GRACE_SECS", 0.05)
    request = Slow()
    with pytest.raises(TurnRefused, match="too slowly") as caught:
        await guard.read_body(request, None)
    assert caught.value.status == 408
    assert (request.keep_alive, request.request_body) == (False, None)  # its line is closed


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions")
def test_a_token_file_that_others_read_is_refused_with_the_command(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("caller 0123456789abcdef\n")
    path.chmod(0o644)
    with pytest.raises(InvalidConfigException, match=f"run: chmod 600 {path}"):
        EmotionRestInput.from_credentials({"token_file": str(path)})
    path.chmod(0o640)
    assert EmotionRestInput.from_credentials({"token_file": str(path)}).access.asks


@pytest.mark.parametrize(
    ("host", "inside"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), (None, False)],
)
def test_addresses_of_this_machine(host, inside):
    assert is_loopback(host) is inside


@pytest.mark.parametrize(("host", "warnings"), [("0.0.0.0", 2), ("127.0.0.1", 0)])
def test_an_open_channel_is_named_at_the_start(serve_channels, host, warnings):
    credentials = {
        "rasa_emotion.RelayInput": {"channel": "rasa_emotion.EmotionRestInput"},
        "rasa_emotion.relay.rest": {"channel": "rest"},
    }
    with serve_channels(credentials, host) as served:
        assert Desk.post(type("", (), {"served": served}), "emotion").ok
        assert served.log.read_text().count("asks for no key") == warnings
