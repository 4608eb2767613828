"""What may go wrong on the way to a helpdesk, and what is said of it."""

import asyncio
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from needed import skip_without

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import ConversationGone, PermanentFailure, TemporaryFailure
from rasa_emotion.handoff.http import MAX_ANSWER_BYTES, Answer, Client, check_id, check_url, retry_after_secs


@pytest.fixture
async def answers() -> AsyncIterator[list[web.Response]]:
    """A server that gives these answers; its address is `answers.url`."""

    class Answers(list):
        url = ""

    given_answers = Answers()

    async def answer(_: web.Request) -> web.Response:
        return given_answers.pop(0)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    given_answers.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield given_answers
    await runner.cleanup()


@pytest.fixture
async def client(answers) -> AsyncIterator[Client]:
    made = Client("x", answers.url + "/", key="'token'", place="'queue'")
    yield made
    await made.close()


async def test_what_comes_back(answers, client: Client) -> None:
    answers += [
        web.json_response({"a": [{"b": "ü"}]}, status=201),
        web.Response(status=204),
        web.Response(body=b"\xff"),
    ]
    assert (await client.request("POST", "/x", content={"c": "\ud800"})).find("a", 0, "b") == "ü"
    assert (await client.request("GET")).body is None
    assert (await client.request("GET")).find("a") is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
async def test_what_passes_by_itself(answers, client: Client, status: int) -> None:
    answers.append(web.Response(status=status))
    with pytest.raises(
        TemporaryFailure, match=f"^The helpdesk 'x' at 127.0.0.1 said HTTP {status}: .* asked again\\.$"
    ):
        await client.request("GET")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "does not accept the request"),
        (401, "does not know the key; correct 'token' in endpoints"),
        (403, "not allowed"),
        (404, "nothing at this address; correct 'queue' in endpoints"),
        (405, "compare 'queue' in endpoints"),
        (409, "in conflict"),
        (410, "compare 'queue' in endpoints"),
        (413, "too large"),
        (422, "what a field holds; compare 'queue'"),
        (451, "compare 'queue' in endpoints"),
    ],
)
async def test_what_a_person_must_correct(answers, client: Client, status: int, remedy: str) -> None:
    answers.append(web.Response(status=status, text="the caller's own words"))
    with pytest.raises(PermanentFailure, match=remedy) as caught:
        await client.request("GET")
    assert "own words" not in str(caught.value)


async def test_nothing_follows_to_another_address(answers, client: Client) -> None:
    answers += [web.Response(status=302, headers={"Location": answers.url}), web.Response()]
    with pytest.raises(PermanentFailure, match="it has moved; write its new address into 'queue'"):
        await client.request("POST", content={})
    assert len(answers) == 1


async def test_statuses_that_mean_something(answers, client: Client) -> None:
    answers += [web.Response(status=409), web.Response(status=404)]
    assert (await client.request("POST", known=(409,))).status == 409
    with pytest.raises(ConversationGone):
        await client.request("POST", known=(409,), gone=(404,))


async def test_an_answer_without_end_is_none(answers, client: Client) -> None:
    answers.append(web.Response(body=b'"' + b"a" * 2 * MAX_ANSWER_BYTES + b'"'))
    assert (await client.request("GET")).body is None


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    skip_without("openssl")
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    client = Client("x", f"https://127.0.0.1:{runner.addresses[0][1]}")
    with pytest.raises(TemporaryFailure, match="its certificate is not trusted"):
        await client.request("GET")
    await client.close()
    await runner.cleanup()


def test_one_client_in_several_loops_one_after_the_other() -> None:
    client = Client("x", "http://127.0.0.1:9", timeout_secs=5)
    for _ in range(2):
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            asyncio.run(client.request("GET"))


@given(st.integers(0, 10**8))
def test_seconds_to_wait(secs: int) -> None:
    assert retry_after_secs(f" {secs} ") == secs
    now = time.time()
    assert retry_after_secs(formatdate(now + secs, usegmt=True), now) == pytest.approx(secs, abs=1.1)
    assert retry_after_secs(formatdate(max(0, now - secs), usegmt=True), now) == 0


@given(st.one_of(st.none(), st.text()))
def test_whatever_the_header_says(text: str | None) -> None:
    secs = retry_after_secs(text)
    assert secs is None or secs >= 0


MIXED = {"a": ["x", {"b": 1}, None]}
BODIES = [None, 1, "a", [], ["b"], {}, {"a": None}, {"a": 3}, MIXED, {"a": {"0": {}}}, {"a": "text"}]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_whatever_stands_in_an_answer(body: object) -> None:
    assert Answer(200, body).rows("a") == ([{"b": 1}] if body == MIXED else [])
    assert Answer(200, body).find("a", 0, "b") is None


@pytest.mark.parametrize(
    "value", ["https://desk.example.com/a/", "http://localhost:1", "http://10.0.0.3", "http://rt:80"]
)
def test_addresses(value: str) -> None:
    assert check_url("It", "url", value) == value.rstrip("/")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "give a name"),
        (None, "give a name"),
        ("desk.example.com", "is not an address; write it like https"),
        ("ftp://desk.example.com", "is not an address"),
        ("https://", "is not an address"),
        ("https://a:99999", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://me:secret@desk.example.com", "holds a name, a password or a #"),
        ("http://desk.example.com", "would send keys and conversations unencrypted; write https"),
        ("http://8.8.8.8", "unencrypted"),
    ],
)
def test_addresses_that_cannot_be_used(value: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        check_url("It", "url", value)
    assert "secret" not in str(caught.value)


def test_numbers_of_things() -> None:
    assert check_id("It", "id", 7) == check_id("It", "id", "7") == 7
    for wrong in (0, -1, 1.5, True, None, "x", "²", "0", [1]):
        with pytest.raises(ConfigError, match="give its number"):
            check_id("It", "id", wrong)
