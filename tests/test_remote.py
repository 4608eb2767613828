"""The remote analyzer and real services: replicas that die, are full, are of another version, or come back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fake_analyzer import FakeAnalyzer
from service_kit import Served, served

from rasa_emotion.audio import Waveform
from rasa_emotion.errors import AudioError, ConfigError, TextError
from rasa_emotion.protocol import Capabilities, Words
from rasa_emotion.remote import RemoteAnalyzer
from rasa_emotion.replicas import FAILURES
from rasa_emotion.turn.keys import add_key
from rasa_emotion.turn.shared import shared_analyzer
from rasa_emotion.wire import MOST_TURNS

PATIENT = 60.0
"""Seconds: a busy machine must not fail a test."""

NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    with served() as running:
        yield running


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer to everything; its address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(caplog) -> list[str]:
    return [vars(one)["event"] for one in caplog.records if one.name == "rasa_emotion.remote"]


@pytest.mark.parametrize("url", ["", "emotion:8100", "ftp://emotion", "http://", "http://emotion?x=1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a service"):
        RemoteAnalyzer([url])
    with pytest.raises(ConfigError, match="no address"):
        RemoteAnalyzer([])


def test_without_a_service_the_bot_goes_on_with_one_line(caplog) -> None:
    remote = RemoteAnalyzer([NOWHERE], timeout_secs=PATIENT)
    assert remote.read("I am furious") is None
    assert remote.hear(b"no sound") is None
    assert remote.hear_many([b"a", b"b"]) == [None, None]
    assert remote.analyze(text="I am furious").emotion == "unknown"
    assert remote.fuse([]).emotion == "unknown"
    assert remote.capabilities == Capabilities()
    assert told(caplog) == ["remote.failed"]
    assert "127.0.0.1:9" in caplog.text


def test_the_fallback_answers_meanwhile_and_is_made_once(caplog, tone) -> None:
    made = []

    def fallback() -> FakeAnalyzer:
        made.append(FakeAnalyzer("local"))
        return made[-1]

    remote = RemoteAnalyzer([NOWHERE], timeout_secs=PATIENT, fallback=fallback)
    assert made == []
    assert remote.read("I am furious").emotion == "angry"
    assert remote.hear(Waveform(tone(800, 1.0))).emotion == "happy"
    assert remote.analyze(Waveform(tone(800, 1.0)), "wonderful").emotion == "happy"
    assert remote.capabilities.checksum == "local"
    with pytest.raises(TextError):
        remote.read("...")
    with pytest.raises(AudioError):
        remote.hear(b"no sound")
    assert len(made) == 1
    assert told(caplog) == ["remote.failed"]


def test_a_replica_that_is_away_is_passed_over(service, caplog) -> None:
    remote = RemoteAnalyzer([NOWHERE, service.url], timeout_secs=PATIENT)
    for _ in range(2 * FAILURES + 2):
        assert remote.read("I am furious").emotion == "angry"
    assert told(caplog) == []


def test_a_killed_replica_costs_no_turn(caplog) -> None:
    with served() as first, served() as second:
        remote = RemoteAnalyzer([first.url, second.url], timeout_secs=PATIENT)
        for _ in range(4):  # both have connections that are kept
            assert remote.read("I am furious").emotion == "angry"
        first.process.kill()
        first.process.wait()
        for _ in range(8):
            assert remote.read("I am furious").emotion == "angry"
    assert told(caplog) == []


def test_one_that_comes_back_is_asked_again_and_described_anew(caplog) -> None:
    clock = Clock()
    with served("--checksum", "first") as running:
        remote = RemoteAnalyzer([running.url], timeout_secs=PATIENT, rest_secs=10, clock=clock)
        assert remote.capabilities.checksum == "first"
        port = running.port
    for _ in range(3):
        assert remote.read("I am furious") is None
    with served("--checksum", "second", "--port", port):
        assert remote.read("I am furious") is None  # it rests
        clock.now += 10.1
        assert remote.read("I am furious").emotion == "angry"
        assert remote.capabilities.checksum == "second"
    assert told(caplog) == ["remote.failed", "remote.recovered"]


def test_one_that_failed_three_times_is_left_alone() -> None:
    clock = Clock()
    with answering(500, b'{"error": "It failed."}') as (url, asked):
        remote = RemoteAnalyzer([url], timeout_secs=PATIENT, rest_secs=10, clock=clock)
        for _ in range(5):
            assert remote.read("hello") is None
        assert len(asked) == FAILURES
        clock.now += 10.1
        for _ in range(5):
            assert remote.read("hello") is None
        assert len(asked) == FAILURES + 1


def test_a_full_one_is_asked_again_with_the_next_turn() -> None:
    with answering(429, b'{"error": "Too many wait."}') as (url, asked):
        remote = RemoteAnalyzer([url], timeout_secs=PATIENT)
        for _ in range(5):
            assert remote.read("hello") is None
        assert len(asked) == 5


def test_of_a_full_one_the_next_replica_takes_the_turn(service) -> None:
    with answering(429, b'{"error": "Too many wait."}') as (url, _):
        remote = RemoteAnalyzer([url, service.url], timeout_secs=PATIENT)
        assert [remote.read("I am furious").emotion for _ in range(4)] == ["angry"] * 4


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>a portal</html>", "no such service"),
        (200, b"[]", "no such service"),
        (200, b'{"version": 2, "results": []}', "version 2, not 1"),
        (200, b'{"version": 1}', "another form"),
        (200, b'{"version": 1, "results": []}', "another form"),
        (200, b'{"version": 1, "results": [{"estimate": {}}]}', "another form"),
        (200, b'{"version": 1, "results": [{"estimate": {}, "pieces": [{"modality": "smell"}]}]}', "another form"),
        (302, b"{}", "status 302"),
        (401, b'{"error": "This needs a key."}', "This needs a key."),
        (404, b"not here", "no such service"),
    ],
)
def test_what_answers_otherwise_is_told_once(status: int, body: bytes, said: str, caplog) -> None:
    with answering(status, body) as (url, _):
        remote = RemoteAnalyzer([url], timeout_secs=PATIENT)
        for _ in range(3):
            assert remote.read("I am furious") is None
            assert remote.capabilities == Capabilities()
    assert told(caplog) == ["remote.failed"]
    assert said in caplog.text


def test_one_that_never_answers_costs_no_more_than_the_deadline(caplog) -> None:
    import socket  # noqa: PLC0415
    import time  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = RemoteAnalyzer([f"http://127.0.0.1:{silent.getsockname()[1]}"], timeout_secs=0.2)
        begun = time.monotonic()
        assert remote.read("hello") is None
        assert time.monotonic() - begun >= 0.1
    assert told(caplog) == ["remote.failed"]


def test_more_than_one_request_holds_is_sent_in_several(service) -> None:
    remote = RemoteAnalyzer([service.url], timeout_secs=PATIENT)
    turns = [Words("I am furious"), Words("..."), Words("wonderful")] * MOST_TURNS
    found = remote.read_many(turns)
    assert [getattr(one, "emotion", type(one)) for one in found] == ["angry", TextError, "happy"] * MOST_TURNS


def test_an_item_that_the_service_refuses_harms_no_other(tone) -> None:
    with served("--body_bytes", 200_000) as small:
        remote = RemoteAnalyzer([small.url], timeout_secs=PATIENT)
        found = remote.hear_many([Waveform(tone(400, 1.0)), Waveform(tone(400, 9.0)), Waveform(tone(800, 1.0))])
        assert [getattr(one, "emotion", type(one)) for one in found] == ["angry", AudioError, "happy"]
        assert "larger than" in str(found[1])


@pytest.mark.parametrize("text", ["\ud800", "a" * 100_000, "\0", "wonderful " * 5000])
def test_odd_words_do_not_end_it(service, text: str, caplog) -> None:
    remote = RemoteAnalyzer([service.url], timeout_secs=PATIENT)
    (found,) = remote.read_many([Words(text, context=["b" * 50_000] * 40)])
    assert found is not None
    assert told(caplog) == []


def test_a_file_that_is_not_there_is_an_error_in_its_place(service, tmp_path) -> None:
    remote = RemoteAnalyzer([service.url], timeout_secs=PATIENT)
    (missing,) = remote.hear_many([tmp_path / "absent.wav"])
    assert isinstance(missing, AudioError)
    assert "absent.wav" in str(missing)


def test_threads_share_it(service) -> None:
    remote = RemoteAnalyzer([service.url], timeout_secs=PATIENT)
    wrong: list[object] = []

    def ask(word: str, emotion: str) -> None:
        for _ in range(20):
            found = remote.read(word)
            # The service may refuse what comes at once; it is then unknown, never another caller's.
            if found is not None and found.emotion != emotion:
                wrong.append(found)

    threads = [
        threading.Thread(target=ask, args=pair)
        for pair in (("furious", "angry"), ("wonderful", "happy"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_bot_names_it_by_endpoint(service, tmp_path, caplog) -> None:
    found = shared_analyzer(endpoint={"url": [service.url], "timeout_secs": 60})
    assert found.read("I am furious").model == "fake"
    assert shared_analyzer(endpoint={"url": [service.url], "timeout_secs": 60}) is found
    keys = tmp_path / "keys.txt"
    key = add_key(keys, "caller").secret
    with served("--token-file", keys) as guarded:
        options = {"url": guarded.url, "timeout_secs": 60}
        assert shared_analyzer(endpoint={**options, "token": key}).read("I am furious").model == "fake"
        away = shared_analyzer(endpoint={**options, "token": "wrong"})
        # Words alone, in this process.
        assert away.read("I am furious").model == "text"
        assert away.hear(b"RIFF") is None
    assert told(caplog) == ["remote.failed"]
    assert key not in caplog.text


@pytest.mark.parametrize(
    "endpoint",
    [
        3,
        "",
        "emotion",
        {"url": None},
        {"url": []},
        {"url": "http://a", "tokn": "x"},
        {"url": "http://a", "fallback": "no"},
    ],
)
def test_a_wrong_endpoint_stops_no_bot(endpoint, caplog) -> None:
    assert shared_analyzer(endpoint=json.loads(json.dumps(endpoint))) is None
    assert [vars(one)["event"] for one in caplog.records] == ["model.failed"]
