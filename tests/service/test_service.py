"""The service over real sockets: what it answers, what it refuses, and how it ends."""

import asyncio
import base64
import gzip
import io
import json
import logging
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import fake_analyzer
import jsonschema
import pytest
import soundfile
import urllib3
from aiohttp import ClientResponse, FormData
from fake_analyzer import FakeAnalyzer
from service_kit import LIMITS, recording, served, service

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.service.app import Service
from rasa_emotion.service.turns import openapi
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.keys import add_key
from rasa_emotion.turn.plain import MOST_VALUES


async def checked(response: ClientResponse, status: int = 200) -> dict:
    """The JSON of an answer that has this status and is as the description says."""
    described = openapi()
    route = described["paths"][response.url.path][response.method.lower()]["responses"]
    content = await response.json()
    assert response.status == status, content
    answer = route[str(status)]
    if "$ref" in answer:
        answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"]["application/json"]["schema"]
    jsonschema.Draft7Validator({**schema, "components": described["components"]}).validate(content)
    return content


def test_the_description_names_every_route_and_no_other() -> None:
    routes = Service(FakeAnalyzer(), Access("serve", {})).app.router.routes()
    described = {(path, method.upper()) for path, methods in openapi()["paths"].items() for method in methods}
    assert {(route.resource.canonical, route.method) for route in routes} == described


def test_what_the_description_refers_to_is_there() -> None:
    def find(place) -> None:
        if isinstance(place, list):
            for one in place:
                find(one)
        elif isinstance(place, dict):
            if "$ref" in place:
                found = openapi()
                for step in place["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            find(list(place.values()))

    find(openapi())
    for schema in openapi()["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


async def test_one_turn_as_json_and_as_a_form(tone) -> None:
    sound = recording(tone(400, 1.0))
    async with service() as client:
        body = {"text": "I am furious", "audio": {"content": base64.b64encode(sound).decode()}, "text_confidence": 0.9}
        by_json = await checked(await client.post("/v1/analyze", json=body))
        form = FormData({"text": "I am furious", "text_confidence": "0.9"})
        form.add_field("audio", sound, filename="call.wav", content_type="audio/wav")
        by_form = await checked(await client.post("/v1/analyze", data=form))
    assert by_json == by_form
    assert by_json["emotion"] == "angry"
    assert set(by_json["evidence"]) == {"acoustic", "text"}
    assert by_json["evidence"]["text"]["quality"] == {"recogniser_confidence": 0.9}
    assert (by_json["version"], by_json["checksum"]) == (1, "fake")


async def test_many_turns_are_answered_in_order_and_harm_no_other(tone) -> None:
    sound = base64.b64encode(recording(tone(800, 1.0))).decode()
    turns = [
        {"text": "I am furious"},
        {"text": "..."},
        {"audio": {"content": sound}},
        {"audio": {"content": "no base64"}},
        {"audio": {"content": base64.b64encode(b"no sound").decode()}},
        {"audio": {"content": sound}, "text": "..."},
        {"text": "wonderful"},
    ]
    async with service() as client:
        found = await checked(await client.post("/v1/analyze", json={"turns": turns, "pieces": True}))
    results = found["results"]
    assert [one.get("kind") or one["estimate"]["emotion"] for one in results] == [
        *("angry", "text", "happy", "audio", "audio", "happy", "happy")
    ]
    assert [[piece["modality"] for piece in one["pieces"]] for one in results if "pieces" in one] == [
        *(["text"], ["acoustic"], ["acoustic"], ["text"])
    ]


@pytest.mark.parametrize("kind", ["pcm_s16le", "mulaw", "f32le"])
async def test_samples_without_a_header(tone, kind: str) -> None:
    rate = 8000 if kind == "mulaw" else 16_000
    samples = tone(400, 1.0, sample_rate=rate)
    if kind == "f32le":
        content = samples.astype("<f4").tobytes()
    else:
        file = io.BytesIO()
        subtype = {"pcm_s16le": "PCM_16", "mulaw": "ULAW"}[kind]
        soundfile.write(file, samples, rate, format="RAW", subtype=subtype, endian="LITTLE")
        content = file.getvalue()
    audio = {"content": base64.b64encode(content).decode(), "format": kind, "sample_rate": rate}
    async with service() as client:
        found = await checked(await client.post("/v1/analyze", json={"audio": audio}))
    assert (found["emotion"], round(found["confidence"], 2)) == ("angry", 0.7)


@pytest.mark.parametrize("label", ["pcm_s16le", "mulaw", "webm"])
async def test_what_the_bytes_say_wins_over_the_label(tone, label: str) -> None:
    audio = {"content": base64.b64encode(recording(tone(400, 1.0))).decode(), "format": label, "sample_rate": 8000}
    async with service() as client:
        found = await checked(await client.post("/v1/analyze", json={"audio": audio}))
    assert (found["emotion"], round(found["confidence"], 2)) == ("angry", 0.7)


async def test_a_recording_that_breaks_off_says_so(tone) -> None:
    sound = recording(tone(400, 2.0))
    async with service() as client:
        cut = base64.b64encode(sound[: len(sound) // 2]).decode()
        found = await checked(await client.post("/v1/analyze", json={"audio": {"content": cut}}))
    assert "breaks off" in " ".join(found["warnings"])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"", 400, "the request"),
        (b"null", 400, "the request"),
        (b"[]", 400, "the request"),
        (b"{}", 400, "the request"),
        (b"[" * 100_000, 400, "not JSON"),
        (b'{"text": 3}', 400, "'text'"),
        (b'{"text": "a", "text_confidence": NaN}', 400, "not JSON"),
        (b'{"text": "a", "text_confidence": 1.5}', 400, "text_confidence"),
        (b'{"text": "a", "other": 1}', 400, "other"),
        (b'{"audio": {"path": "/etc/passwd"}}', 400, "audio"),
        (b'{"audio": {"part": "absent"}}', 400, "no part"),
        (b'{"turns": [{}]}', 400, "turns"),
        (b'{"text": "..."}', 422, "."),
        (b'{"text": "\\ud800"}', 422, "."),
        (b'{"audio": {"content": "AAAA"}}', 422, "not audio"),
        (b'{"audio": {"content": "AAAA", "format": "f32le"}}', 422, "float32"),
        (b"\xff\xfe", 400, "not JSON"),
        (json.dumps({"turns": [{"text": "a"}] * 65}).encode(), 413, "65 turns"),
    ],
)
async def test_what_cannot_be_taken_is_one_sentence(body: bytes, status: int, said: str) -> None:
    async with service() as client:
        response = await client.post("/v1/analyze", data=body, headers={"Content-Type": "application/json"})
        sentence = (await checked(response, status))["error"]
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


async def test_other_bodies_and_addresses() -> None:
    async with service() as client:
        await checked(await client.post("/v1/analyze", data=b"hello", headers={"Content-Type": "text/plain"}), 415)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        await checked(await client.post("/v1/analyze", data=gzip.compress(b'{"text": "a"}'), headers=headers), 415)
        form = {"Content-Type": "multipart/form-data"}
        await checked(await client.post("/v1/analyze", data=b"hello", headers=form), 400)
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        for broken in (
            b"hello",
            b"--x\r\n",
            b"--x\r\n\r\nhello",
            b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
        ):
            await checked(await client.post("/v1/analyze", data=broken, headers=form), 400)
        for method, path, status in (("GET", "/v1/other", 404), ("GET", "/v1/analyze", 405), ("PUT", "/healthz", 405)):
            response = await client.request(method, path)
            assert response.status == status
            assert set(await response.json()) == {"error"}


async def test_what_is_too_large_is_refused_whatever_it_says_of_its_length(tone) -> None:
    async def trickled():
        for _ in range(40):
            yield b" " * 1000

    async with service(replace(LIMITS, body_bytes=20_000, audio_secs=1.0)) as client:
        headers = {"Content-Type": "application/json"}
        await checked(await client.post("/v1/analyze", data=b" " * 20_001, headers=headers), 413)
        await checked(await client.post("/v1/analyze", data=trickled(), headers=headers), 413)
        form = FormData()
        form.add_field("audio", b"\0" * 20_001, filename="a")
        await checked(await client.post("/v1/analyze", data=form), 413)
        # Of a few kilobytes, and of minutes: it is decoded no further than the limit.
        small = recording(tone(400, 120.0, level=0.0) + 0.25, format="FLAC")
        assert len(small) < 20_000
        form = FormData()
        form.add_field("audio", small, filename="a")
        refused = await checked(await client.post("/v1/analyze", data=form), 422)
    assert refused == {"error": "The audio is longer than 1 s; send a shorter recording.", "kind": "audio"}


async def test_very_many_values_are_not_read() -> None:
    async with service() as client:
        refused = await checked(await client.post("/v1/analyze", json={"turns": [[]] * MOST_VALUES}), 413)
    assert "more than 100,000 values" in refused["error"]


async def test_a_body_that_does_not_come_is_told() -> None:
    async with service(replace(LIMITS, body_secs=0.05)) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(
            b"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        assert b" 408 " in await reader.readline()
        writer.close()


@pytest.fixture
def slow(tone, monkeypatch):
    """A sound that is heard until `ENOUGH` is set, and the event that its hearing has begun."""
    monkeypatch.setattr(fake_analyzer, "SLOW_SECS", 60.0)
    fake_analyzer.SLOWLY.clear()
    fake_analyzer.ENOUGH.clear()
    yield {"audio": {"content": base64.b64encode(recording(tone(1200, 1.0))).decode()}}
    fake_analyzer.ENOUGH.set()


async def test_what_would_wait_too_long_is_refused_and_what_waits_is_answered(slow) -> None:
    async with service(replace(LIMITS, workers=1, waiting=1)) as client:
        first = asyncio.ensure_future(client.post("/v1/analyze", json=slow))
        await asyncio.to_thread(fake_analyzer.SLOWLY.wait)
        second = asyncio.ensure_future(client.post("/v1/analyze", json={"text": "wonderful"}))
        while client.service.engine.waiting < 1:
            await asyncio.sleep(0)
        refused = await client.post("/v1/analyze", json={"text": "wonderful"})
        await checked(refused, 429)
        assert refused.headers["Retry-After"] == "1"
        text = await (await client.get("/metrics")).text()
        assert "rasa_emotion_waiting 1.0" in text
        assert "rasa_emotion_running 1.0" in text
        # The event loop is free meanwhile.
        await checked(await client.get("/healthz"))
        fake_analyzer.ENOUGH.set()
        assert (await checked(await first))["emotion"] == "neutral"
        assert (await checked(await second))["emotion"] == "happy"


async def test_where_analyses_take_long_fewer_may_wait(slow, monkeypatch) -> None:
    """Each takes half a second: of one thread, one more may wait, and the second would wait too long."""
    monkeypatch.setattr(fake_analyzer, "SLOW_SECS", 0.5)
    async with service(replace(LIMITS, workers=1, waiting=16, wait_secs=0.01)) as client:
        await checked(await client.post("/v1/analyze", json=slow))
        monkeypatch.setattr(fake_analyzer, "SLOW_SECS", 60.0)
        fake_analyzer.SLOWLY.clear()
        waiting = [asyncio.ensure_future(client.post("/v1/analyze", json=slow)) for _ in range(2)]
        while client.service.engine.waiting < 1:
            await asyncio.sleep(0)
        refused = await client.post("/v1/analyze", json={"text": "wonderful"})
        await checked(refused, 429)
        assert refused.headers["Retry-After"] == "1"
        fake_analyzer.ENOUGH.set()
        assert [(await checked(await one))["emotion"] for one in waiting] == ["neutral", "neutral"]


async def test_a_full_service_takes_no_body(slow) -> None:
    async with service(replace(LIMITS, workers=1, waiting=0)) as client:
        first = asyncio.ensure_future(client.post("/v1/analyze", json=slow))
        await asyncio.to_thread(fake_analyzer.SLOWLY.wait)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        head = "POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        writer.write(head.encode())  # and none of the body
        assert b" 429 " in await reader.readline()
        writer.close()
        fake_analyzer.ENOUGH.set()
        await checked(await first)


async def test_an_analysis_that_takes_too_long_is_told_and_keeps_its_thread(slow, monkeypatch) -> None:
    async with service(replace(LIMITS, workers=1, waiting=0, analysis_secs=0.05)) as client:
        await checked(await client.post("/v1/analyze", json=slow), 503)
        await checked(await client.post("/v1/analyze", json={"text": "wonderful"}), 429)
        fake_analyzer.ENOUGH.set()
        while client.service.engine.running:
            await asyncio.sleep(0)
        monkeypatch.setattr(client.service.engine, "_limits", replace(LIMITS, workers=1, waiting=0, analysis_secs=60))
        await checked(await client.post("/v1/analyze", json={"text": "wonderful"}))


async def test_of_a_client_that_has_gone_nothing_waits(slow) -> None:
    async with service(replace(LIMITS, workers=1, waiting=4)) as client:
        first = asyncio.ensure_future(client.post("/v1/analyze", json=slow))
        await asyncio.to_thread(fake_analyzer.SLOWLY.wait)
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        body = b'{"text": "wonderful"}'
        head = f"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        while client.service.engine.waiting < 1:
            await asyncio.sleep(0)
        writer.close()
        while client.service.engine.waiting:
            await asyncio.sleep(0)
        assert client.service.engine.running == 1
        fake_analyzer.ENOUGH.set()
        await checked(await first)


async def test_roles_decide(tmp_path) -> None:
    file = tmp_path / "keys.txt"
    keys = {role: add_key(file, role).secret for role in ("caller", "agent", "supervisor", "operator")}
    allowed = {"/v1/analyze": {"caller"}, "/v1/models": {"caller"}, "/metrics": {"supervisor", "operator"}}
    async with service(access=Access("serve", {"token_file": str(file)})) as client:
        for path, roles in allowed.items():
            method = "POST" if path == "/v1/analyze" else "GET"
            for role, key in keys.items():
                for headers in ({"token": key}, {"Authorization": f"Bearer {key}"}):
                    response = await client.request(method, path, json={"text": "hello"}, headers=headers)
                    assert response.status == (200 if role in roles else 403), (path, role)
            for headers, query in (({}, ""), ({"token": "wrong" * 9}, ""), ({}, f"?token={keys['caller']}")):
                assert (await client.request(method, path + query, headers=headers)).status == 401
        for path in ("/healthz", "/readyz", "/v1/openapi.json"):
            assert (await client.get(path)).status == 200


async def test_models_have_licences() -> None:
    async with service(analyzer=EmotionAnalyzer.load()) as client:
        found = await checked(await client.get("/v1/models"))
    assert [(one["kind"], bool(one["licence"])) for one in found["models"]] == [("acoustic", True), ("text", True)]
    assert found["capabilities"]["languages"] == ["en"]


async def test_the_figures_count_what_was_answered() -> None:
    async with service() as client:
        await client.post("/v1/analyze", json={"turns": [{"text": "I am furious"}, {"text": "..."}]})
        await client.get("/v1/secret-of-ada")
        text = await (await client.get("/metrics")).text()
    assert 'rasa_emotion_requests_total{route="/v1/analyze",status="200"} 1.0' in text
    assert 'rasa_emotion_requests_total{route="other",status="404"} 1.0' in text
    assert 'rasa_emotion_estimates_total{emotion="angry"} 1.0' in text
    assert "rasa_emotion_turns_sum 2.0" in text
    assert "ada" not in text


async def test_the_log_holds_nothing_of_callers(caplog, monkeypatch) -> None:
    said = "my number is 07700 900123"

    def fail(*_args, **_kwargs):
        raise RuntimeError(said)

    with caplog.at_level(logging.DEBUG, logger="rasa_emotion"):
        async with service() as client:
            await client.post("/v1/analyze", json={"text": said})
            await client.get("/v1/07700?token=07700")
            monkeypatch.setattr(FakeAnalyzer, "read_many", fail)
            await checked(await client.post("/v1/analyze", json={"text": said}), 500)
    events = [vars(record)["event"] for record in caplog.records if record.name.startswith("rasa_emotion.service")]
    assert events.count("service.request") == 3
    assert "service.failed" in events
    assert "07700" not in caplog.text


def test_a_sigterm_ends_it_when_all_is_answered(tone) -> None:
    slowly = {"audio": {"content": base64.b64encode(recording(tone(1200, 1.0))).decode()}}
    with served() as running, ThreadPoolExecutor(1) as threads:
        http = urllib3.PoolManager(retries=False)
        inside = threads.submit(http.request, "POST", f"{running.url}/v1/analyze", json=slowly)
        while b"rasa_emotion_running 1.0" not in http.request("GET", f"{running.url}/metrics").data:
            assert not inside.done()
        kept = urllib3.HTTPConnectionPool("127.0.0.1", running.port, maxsize=1, retries=False)
        assert kept.request("GET", "/readyz").status == 200
        running.process.terminate()
        running.wait_for("service.draining")
        unready = kept.request("GET", "/readyz")
        assert (unready.status, unready.headers["Connection"]) == (503, "close")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.port))
        assert inside.result().json()["emotion"] == "neutral"
        assert running.process.wait() == 0
        running.wait_for("service.stopped")
    assert [record for record in running.records if record["event"] is None] == []


def test_many_at_once_are_all_answered_or_refused() -> None:
    """Ten times what fits: nothing waits without end, and what is accepted is right."""
    with served("--workers", 1, "--waiting", 4) as running:
        http = urllib3.PoolManager(maxsize=50, retries=False)
        gate = threading.Barrier(50)

        def ask(number: int) -> int:
            gate.wait()
            word, emotion = (("furious", "angry"), ("wonderful", "happy"))[number % 2]
            answer = http.request("POST", f"{running.url}/v1/analyze", json={"text": word})
            if answer.status == 200:
                assert answer.json()["emotion"] == emotion
            return answer.status

        with ThreadPoolExecutor(50) as threads:
            statuses = list(threads.map(ask, range(50)))
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


def test_the_verb_serves_the_models_that_ship(tmp_path) -> None:
    key = add_key(tmp_path / "keys.txt", "caller").secret
    command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", "0", "--token-file"]
    with served(tmp_path / "keys.txt", command=command) as running:
        address = f"{running.url}/v1/analyze"
        assert urllib3.request("POST", address, json={"text": "I am furious with you"}).status == 401
        found = urllib3.request("POST", address, json={"text": "I am furious with you"}, headers={"token": key})
        assert found.json()["emotion"] == "angry"
        assert running.end() == 0
