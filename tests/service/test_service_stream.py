"""Calls as streams over real WebSockets: what is heard, what is refused, and how they end."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import urllib3
from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    TCPConnector,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from fake_analyzer import FakeAnalyzer
from service_kit import LIMITS, served, service

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import Waveform, load_audio
from rasa_emotion.audio.telephone import encode_mulaw
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.service.stream import MOST_FAULTS, asyncapi
from rasa_emotion.streaming import LiveStream, SharedHearing, Utterance
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.keys import add_key

FRAME = 640
"""Bytes of 20 ms at 16 kHz."""

START = {"type": "start", "encoding": "pcm_s16le", "sample_rate": 16_000, "live": False}


@pytest.fixture(scope="module")
def line(speech: Callable[..., Path]) -> np.ndarray:
    """Half a second of silence, a sentence, a second and a half of silence."""
    spoken = load_audio(speech("I have been waiting for an hour and nobody answers the telephone.")).samples
    sound = np.concatenate([np.zeros(8000, np.float32), spoken, np.zeros(24_000, np.float32)])
    return sound + 0.0005 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)


@pytest.fixture(scope="module")
def call(line: np.ndarray) -> bytes:
    return (line * 32767).astype("<i2").tobytes()


async def told(stream: ClientWebSocketResponse) -> list[dict]:
    """All messages until the end; each is as the description says."""
    schema = {"$ref": "#/components/schemas/Told", "components": asyncapi()["components"]}
    found = []
    async for message in stream:
        assert message.type is WSMsgType.TEXT
        found.append(json.loads(message.data))
        jsonschema.Draft7Validator(schema).validate(found[-1])
    return found


async def said(stream: ClientWebSocketResponse, data: bytes, frame: int = FRAME) -> None:
    for start in range(0, len(data), frame):
        await stream.send_bytes(data[start : start + frame])


def of(kind: str, messages: list[dict]) -> list[dict]:
    return [message for message in messages if message["type"] == kind]


async def test_a_call_is_heard_as_a_stream_in_process_hears_it(call: bytes) -> None:
    analyzer = EmotionAnalyzer.load()
    alone = analyzer.stream()
    wanted = [event for start in range(0, len(call), FRAME) for event in alone.feed(call[start : start + FRAME])]
    async with service(analyzer=analyzer) as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json(START)
        await said(stream, call)
        await stream.send_json({"type": "end"})
        found = await told(stream)
        assert stream.close_code == WSCloseCode.OK
        text = await (await client.get("/metrics")).text()
    assert found[0] == {"type": "ready", "version": 1, "checksum": analyzer.capabilities.checksum}
    assert [one["kind"] for one in of("speech", found)] == [one.kind for one in wanted if hasattr(one, "kind")]
    (utterance,), expected = of("utterance", found), wanted[-1]
    assert (utterance["start_secs"], utterance["end_secs"]) == (expected.start_secs, expected.end_secs)
    read = EmotionEstimate.from_dict(utterance["estimate"])
    assert read.probabilities == pytest.approx(expected.estimate.probabilities, abs=1e-3)
    assert of("update", found)[-1]["estimate"]["evidence"]["acoustic"]["model"]
    assert f'rasa_emotion_estimates_total{{emotion="{read.emotion}"}} 1.0' in text
    assert "rasa_emotion_streams 0.0" in text
    assert 'rasa_emotion_requests_total{route="/v1/stream",status="101"} 1.0' in text
    assert "/v1/stream" not in text.partition("rasa_emotion_request_seconds")[2]


@pytest.mark.parametrize("frame", [160, 977, 100_000])
async def test_a_telephone_line_whatever_the_frames(line: np.ndarray, frame: int) -> None:
    async with service() as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json({**START, "encoding": "mulaw", "sample_rate": 8000, "version": 1})
        await said(stream, encode_mulaw(Waveform(line)), frame)
        await stream.send_json({"type": "end"})
        found = await told(stream)
    (utterance,) = of("utterance", found)
    assert utterance["reason"] == "silence"
    assert 0.4 < utterance["start_secs"] < 0.8
    assert utterance["estimate"]["emotion"] != "unknown"


async def test_what_is_known_from_elsewhere(call: bytes) -> None:
    voice = call[: len(call) - 2 * 30_000]  # it breaks off while somebody speaks
    async with service() as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json(START)
        await stream.send_json({"type": "bot_speaks", "value": True})
        await stream.send_json({"type": "analyse", "value": False})
        await said(stream, voice)
        await stream.send_json({"type": "end_turn"})
        await stream.send_json({"type": "end"})
        found = await told(stream)
    assert of("speech", found)[0]["barge_in"] is True
    (utterance,) = of("utterance", found)
    assert utterance["reason"] == "network"
    assert utterance["estimate"]["emotion"] == "unknown"
    assert "switched off" in utterance["warning"]
    assert of("update", found) == []


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        ("{", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("null", "'Start'"),
        (b"\0\0", "not audio"),
        (json.dumps({**START, "encoding": "mp3"}), "'encoding'"),
        (json.dumps({**START, "sample_rate": 1}), "'sample_rate'"),
        (json.dumps({**START, "token": "x"}), "'Start'"),
        (json.dumps({**START, "version": 2}), "version 1, not 2"),
    ],
)
async def test_a_stream_that_cannot_begin_says_why(first: str | bytes, sentence: str) -> None:
    async with service() as client, client.ws_connect("/v1/stream") as stream:
        await (stream.send_bytes(first) if isinstance(first, bytes) else stream.send_str(first))
        (refused,) = await told(stream)
        assert stream.close_code == WSCloseCode.POLICY_VIOLATION
    assert sentence in refused["error"]


async def test_a_message_that_cannot_be_taken_ends_no_call_and_many_do(call: bytes) -> None:
    async with service() as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json(START)
        for _ in range(MOST_FAULTS):
            await stream.send_json({"type": "sing"})
        await said(stream, call)
        await stream.send_str("{")
        found = await told(stream)
        assert stream.close_code == WSCloseCode.POLICY_VIOLATION
    assert len(of("error", found)) == MOST_FAULTS + 1
    assert len(of("utterance", found)) == 1


async def test_a_frame_that_is_too_large_closes_the_stream() -> None:
    async with service(replace(LIMITS, frame_bytes=1000)) as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json(START)
        await stream.send_bytes(bytes(1001))
        assert of("utterance", await told(stream)) == []
        assert stream.close_code == WSCloseCode.MESSAGE_TOO_BIG
        assert (await client.get("/healthz")).status == 200


async def test_streams_that_say_nothing_are_closed() -> None:
    async with service(replace(LIMITS, start_secs=0.05, idle_secs=0.05)) as client:
        async with client.ws_connect("/v1/stream") as stream:
            (refused,) = await told(stream)
            assert "No 'start'" in refused["error"]
        async with client.ws_connect("/v1/stream") as stream:
            await stream.send_json(START)
            assert "Nothing came" in (await told(stream))[-1]["error"]


async def test_who_reads_nothing_is_let_go(call: bytes, monkeypatch) -> None:
    """As aiohttp's `send_str` waits while the buffers of a socket are full; filling real ones takes TCP minutes."""
    send = web.WebSocketResponse.send_str

    async def full(self, data: str, **options) -> None:
        if "ready" not in data:
            await asyncio.Event().wait()
        await send(self, data, **options)

    monkeypatch.setattr(web.WebSocketResponse, "send_str", full)
    async with service(replace(LIMITS, send_secs=0.05)) as client, client.ws_connect("/v1/stream") as stream:
        await stream.send_json(START)
        await said(stream, call)
        assert [one["type"] for one in await told(stream)] == ["ready"]
        assert stream.close_code == WSCloseCode.ABNORMAL_CLOSURE
        while client.service.streams.open:
            await asyncio.sleep(0)


async def test_a_call_is_taken_no_faster_than_it_is_heard(call: bytes) -> None:
    class Slow(FakeAnalyzer):
        def __init__(self) -> None:
            super().__init__()
            self.go = threading.Event()

        def hear_many(self, audios):
            self.go.wait(60)
            return super().hear_many(audios)

    analyzer = Slow()
    hearing = SharedHearing(analyzer)
    stream = LiveStream(hearing)
    fed = 0

    async def feed() -> None:
        nonlocal fed
        for start in range(0, 20 * len(call), FRAME):
            await stream.caught_up()
            stream.feed(call[start % len(call) :][:FRAME])
            fed += 1

    feeding = asyncio.create_task(feed())
    before = -1
    while fed != before:  # until it waits
        before = fed
        for _ in range(50):
            await asyncio.sleep(0)
    assert 0 < fed < 18 * len(call) // FRAME
    analyzer.go.set()
    reading = asyncio.create_task(told_in_process(stream))
    await feeding
    stream.close()
    assert len(await reading) == 20
    hearing.close()


async def told_in_process(stream: LiveStream) -> list[Utterance]:
    return [event async for event in stream.events() if isinstance(event, Utterance)]


async def test_no_more_streams_than_allowed(call: bytes) -> None:
    async with service(replace(LIMITS, streams=1)) as client:
        async with client.ws_connect("/v1/stream"):
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect("/v1/stream")
            assert refused.value.status == 429
            assert refused.value.headers["Retry-After"] == "1"
        while client.service.streams.full:
            await asyncio.sleep(0)
        async with client.ws_connect("/v1/stream") as stream:
            await stream.send_json(START)
            assert (await stream.receive_json())["type"] == "ready"
        assert (await client.get("/v1/stream")).status == 400  # no upgrade


async def test_streams_ask_for_a_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    keys = {role: add_key(file, role).secret for role in ("caller", "agent")}
    async with service(access=Access("serve", {"token_file": str(file)})) as client:
        for headers, query, status in (
            ({}, "", 401),
            ({}, f"?token={keys['caller']}", 401),
            ({"token": keys["agent"]}, "", 403),
        ):
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect(f"/v1/stream{query}", headers=headers)
            assert refused.value.status == status
        async with client.ws_connect("/v1/stream", headers={"token": keys["caller"]}) as stream:
            await stream.send_json(START)
            assert (await stream.receive_json())["type"] == "ready"


async def test_a_fault_in_the_analysis_ends_no_stream_and_is_logged_without_words(call: bytes, caplog) -> None:
    said_of_caller = "07700 900123"

    class Broken(FakeAnalyzer):
        def hear_many(self, audios):
            raise RuntimeError(said_of_caller)

    with caplog.at_level(logging.DEBUG, logger="rasa_emotion"):
        async with service(analyzer=Broken()) as client, client.ws_connect("/v1/stream") as stream:
            await stream.send_json(START)
            await said(stream, call)
            await stream.send_json({"type": "end"})
            found = await told(stream)
    assert of("utterance", found)[0]["warning"] == "The voice could not be analysed."
    assert "07700" not in caplog.text


async def test_a_service_that_stops_lets_a_turn_end(call: bytes) -> None:
    half = len(call) // FRAME // 2 * FRAME
    with served() as running:
        async with ClientSession() as session:
            speaking = await session.ws_connect(f"{running.url}/v1/stream")
            silent = await session.ws_connect(f"{running.url}/v1/stream")
            for stream in (speaking, silent):
                await stream.send_json(START)
                assert (await stream.receive_json())["type"] == "ready"
            await said(speaking, call[:half])
            assert (await speaking.receive_json())["kind"] == "start"
            running.process.terminate()
            running.wait_for("service.draining")
            assert of("draining", await told(silent))
            assert silent.close_code == WSCloseCode.GOING_AWAY
            await said(speaking, call[half:])
            found = await told(speaking)
            assert next(one["type"] for one in found if one["type"] != "update") == "draining"
            assert len(of("utterance", found)) == 1
            assert speaking.close_code == WSCloseCode.GOING_AWAY
        assert running.process.wait() == 0


def test_sockets_that_ask_for_nothing_keep_nobody_out_and_are_closed() -> None:
    with served("--head_secs", 2) as running:
        idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(1000)]
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nX-Slow")  # a head that trickles
        pool = urllib3.HTTPConnectionPool("127.0.0.1", running.port, maxsize=1, retries=False)
        answer = pool.request("POST", "/v1/analyze", json={"text": "wonderful"})
        assert answer.json()["emotion"] == "happy"
        for one in idle:
            assert one.recv(1) == b""  # the service has closed it
            one.close()
        # One that had a request before is kept.
        assert pool.request("GET", "/healthz").status == 200
        assert pool.num_connections == 1


async def test_a_thousand_idle_streams_keep_nobody_out(call: bytes) -> None:
    with served("--streams", 1001) as running:
        async with ClientSession(connector=TCPConnector(limit=0)) as session:
            idle = []
            for _ in range(1000):
                stream = await session.ws_connect(f"{running.url}/v1/stream")
                await stream.send_json(START)
                idle.append(stream)
            one = await session.ws_connect(f"{running.url}/v1/stream")
            await one.send_json(START)
            await said(one, call)
            await one.send_json({"type": "end"})
            assert len(of("utterance", await told(one))) == 1
            assert {(await stream.receive_json())["type"] for stream in idle} == {"ready"}
            for stream in idle:
                await stream.close()
        assert running.end() == 0
