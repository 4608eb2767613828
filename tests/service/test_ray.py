"""The service on a real local Ray cluster, in an environment of its own that is made here (nightly)."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from aiohttp import ClientSession, WSServerHandshakeError
from ray_environment import PATIENT, ROOT

from rasa_emotion.remote import RemoteAnalyzer

pytestmark = pytest.mark.nightly

TESTS = ROOT / "tests"
REPLICAS = 2


@pytest.fixture(scope="module")
def address(ray_python: str) -> Iterator[str]:
    """Of Ray's proxy before two replicas."""
    with open_port() as port:
        environment = {
            **os.environ,
            **PATIENT,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, TESTS, TESTS / "service"))),
        }
        command = [ray_python, str(TESTS / "service" / "ray_served.py"), str(port), str(REPLICAS)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout
        for line in process.stdout:
            if line.startswith("ready"):
                break
        else:
            pytest.fail("Ray has ended.")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(300) == 0


def open_port():
    import socket  # noqa: PLC0415
    from contextlib import contextmanager  # noqa: PLC0415

    @contextmanager
    def free() -> Iterator[int]:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        yield port

    return free()


def ask(address: str, text: str = "I am furious") -> dict:
    answer = urllib3.request("POST", f"{address}/v1/analyze", json={"text": text}, retries=False)
    assert answer.status == 200, answer.data
    return answer.json()


def test_it_is_the_same_application_in_several_processes(address: str) -> None:
    answers = [ask(address) for _ in range(60)]
    assert {one["emotion"] for one in answers} == {"angry"}
    assert len({one["checksum"] for one in answers}) == REPLICAS
    http = urllib3.PoolManager(retries=False)
    refused = http.request("POST", f"{address}/v1/analyze", body=b"{", headers={"Content-Type": "application/json"})
    assert (refused.status, "not JSON" in refused.json()["error"]) == (400, True)
    form = http.request("POST", f"{address}/v1/analyze", fields={"text": "wonderful"})
    assert form.json()["emotion"] == "happy"
    assert http.request("GET", f"{address}/v1/%20nothing?a=b").status == 404
    assert http.request("POST", f"{address}/v1/analyze", body=b" " * 12_000_001).status == 413
    figures = http.request("GET", f"{address}/metrics").data.decode()
    assert "rasa_emotion_processes 2.0" in figures
    assert 'rasa_emotion_estimates_total{emotion="angry"} 60.0' in figures


async def test_a_call_as_a_stream(address: str) -> None:
    async with ClientSession() as session, session.ws_connect(f"{address}/v1/stream") as stream:
        await stream.send_json({"type": "start", "encoding": "mulaw", "sample_rate": 8000, "live": False})
        assert (await stream.receive_json())["type"] == "ready"
        for _ in range(50):
            await stream.send_bytes(b"\xff" * 160)
        await stream.send_json({"type": "end"})
        assert [json.loads(message.data) async for message in stream] == []
        assert stream.close_code == 1000
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect(f"{address}/v1/nothing")


def test_a_replica_that_is_killed_under_load_loses_no_request(address: str) -> None:
    analyzer = RemoteAnalyzer([address], timeout_secs=120)
    first = int(ask(address)["checksum"])
    with ThreadPoolExecutor(4) as threads:
        answered = threads.map(lambda _: analyzer.analyze(text="I am furious").emotion, range(400))
        found = [next(answered) for _ in range(50)]
        os.kill(first, signal.SIGKILL)
        found += list(answered)
    assert found == ["angry"] * 400
    while len({ask(address)["checksum"] for _ in range(40)}) < REPLICAS:
        time.sleep(0.5)
