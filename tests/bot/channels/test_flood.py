"""Many times what a server takes: each request is answered or told when to come back, and nothing is lost."""

import contextlib
import json
import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests
from sanic import Blueprint, Sanic

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from load import Callers

from rasa_emotion.bot.channels import guard
from rasa_emotion.bot.channels.guard import MOST_UNACCEPTED, SWITCH_SECS, hold_connections
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.admission import FULL

LISTENS = "0A"
"""State of a socket in Linux's table of connections."""


def waiting_to_be_accepted(port: int) -> int:
    """Connections that the system holds for a server that has not taken them yet."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(one[4].split(":")[1], 16) for one in lines if one[1].endswith(f":{port:04X}") and one[3] == LISTENS)


def test_each_of_a_flood_is_answered_or_refused_and_the_server_goes_on(serve_channels):
    credentials = {"rasa_emotion.EmotionRestInput": {"max_turns": 4}}
    with serve_channels(credentials) as served:
        url = f"{served.address}/webhooks/emotion/webhook"
        flood = Callers(url, None, words=("slow",)).hold(60, 12.0, warm_secs=0.0)
        assert not flood.faults
        assert flood.statuses[200] > 0
        assert flood.statuses[429] > 0
        said = requests.post(url, json={"sender": "after", "message": "number"}, timeout=60)
        assert said.json()[0]["text"] == f"after emotion number {flood.statuses[200]}"
        assert served.process.poll() is None


def test_two_hundred_senders_at_once_get_their_own_answers(serve_channels):
    def converse(url, sender):
        with requests.Session() as session:
            said = [
                session.post(url, json={"sender": sender, "message": f"turn {turn}"}, timeout=60) for turn in range(5)
            ]
        return [message["text"] for answer in said for message in answer.json()]

    senders = [f"sender-{number}" for number in range(200)]
    with serve_channels({"rasa_emotion.EmotionRestInput": {"max_turns": None}}) as served:
        url = f"{served.address}/webhooks/emotion/webhook"
        with ThreadPoolExecutor(200) as pool:
            said = list(pool.map(partial(converse, url), senders))
    assert said == [[f"{sender} emotion turn {turn}" for turn in range(5)] for sender in senders]


def test_who_is_refused_need_not_send_a_recording_first(serve_channels):
    credentials = {"rasa_emotion.EmotionRestInput": {"max_turns": 1}}
    with serve_channels(credentials) as served:
        url = f"{served.address}/webhooks/emotion/webhook"
        first = threading.Thread(target=requests.post, args=(url,), kwargs={"json": {"sender": "a", "message": "wait"}})
        first.start()
        head = f"POST /webhooks/emotion/webhook HTTP/1.1\r\nHost: {served.address}\r\nContent-Length: 9000000\r\n\r\n"
        answer = ""
        while "429" not in answer:  # until the first turn has begun, this one is waited for
            with socket.create_connection(("127.0.0.1", served.port), 60) as line:
                line.settimeout(1.0)
                line.sendall(head.encode())
                with contextlib.suppress(socket.timeout):
                    answer = line.recv(4096).decode()
            assert first.is_alive()
        assert "retry-after: 1" in answer.lower()
        assert json.loads(answer.split("\r\n\r\n")[1])["message"] == FULL
        (served.log.parent / "go_on").touch()
        first.join()


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of connections")
def test_connections_that_come_while_the_server_is_busy_are_held(serve_channels):
    credentials = {"rasa_emotion.EmotionRestInput": {"max_turns": 4}}
    many = 400
    with serve_channels(credentials) as served, contextlib.ExitStack() as lines:
        url = f"{served.address}/webhooks/emotion/webhook"
        stand = threading.Thread(
            target=requests.post, args=(url,), kwargs={"json": {"sender": "a", "message": "stand"}}
        )
        stand.start()
        while not (served.log.parent / "stands").exists():
            time.sleep(0.01)
        connected = []
        for _ in range(many):
            line = lines.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(("127.0.0.1", served.port))
            connected.append(line)
        assert waiting_to_be_accepted(served.port) > many / 2
        (served.log.parent / "go_on").touch()
        stand.join()
        for line in connected:
            line.settimeout(60)
            line.sendall(b"GET /webhooks/emotion/ HTTP/1.1\r\nHost: bot\r\n\r\n")
        assert all(b"200 OK" in line.recv(4096) for line in connected)


def test_a_caller_who_thinks_for_a_while_goes_on_over_the_same_line(serve_channels):
    """A line that the server closes while a client begins to use it loses that turn."""
    body = b'{"sender": "a", "message": "hello"}'
    head = "POST /webhooks/emotion/webhook HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
    turn = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with (
        serve_channels({"rasa_emotion.EmotionRestInput": {}}) as served,
        socket.create_connection(("127.0.0.1", served.port), 60) as line,
    ):
        for pause in (0.0, 8.0):  # Sanic's own is 5 s, looked at each 2.5
            time.sleep(pause)
            line.sendall(turn)
            assert b"200 OK" in line.recv(4096)


@pytest.mark.parametrize(
    ("name", "own", "said", "secs"),
    [
        ("KEEP_ALIVE_TIMEOUT", 5, None, guard.IDLE_SECS),
        ("KEEP_ALIVE_TIMEOUT", 120, None, 120),
        ("KEEP_ALIVE_TIMEOUT", 7, "7", 7),
        ("RESPONSE_TIMEOUT", 60, None, 3600),
        ("RESPONSE_TIMEOUT", 90, None, 90),
        ("RESPONSE_TIMEOUT", 60, "60", 60),
    ],
)
async def test_how_long_a_line_may_be_idle_and_a_turn_may_take(monkeypatch, name, own, said, secs):
    """What Sanic has by itself is raised; what somebody asked for stays. Rasa asks with `--enable-api` alone."""
    monkeypatch.delenv(f"SANIC_{name}", raising=False)
    if said:
        monkeypatch.setenv(f"SANIC_{name}", said)
    app = Sanic(f"{name}-{own}-{said}", configure_logging=False)
    app.config[name] = own
    await guard.keep_lines(app, None)
    assert app.config[name] == secs


async def test_threads_that_compute_leave_the_sockets_their_turn():
    before = sys.getswitchinterval()
    app, webhook = Sanic("switching", configure_logging=False), Blueprint("switching")
    guard.guard(webhook, Access("switching", {}))
    app.blueprint(webhook)
    try:
        for listener in webhook.listeners["before_server_start"]:
            await listener(app, None)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECS)
    finally:
        sys.setswitchinterval(before)


def test_an_operator_says_how_many_connections_are_held(monkeypatch):
    monkeypatch.delenv("SANIC_BACKLOG", raising=False)
    hold_connections()
    assert os.environ["SANIC_BACKLOG"] == str(MOST_UNACCEPTED)
    monkeypatch.setenv("SANIC_BACKLOG", "7")
    hold_connections()
    assert os.environ["SANIC_BACKLOG"] == "7"
