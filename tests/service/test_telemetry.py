"""Spans of OpenTelemetry: what they say, what they leave out, and that there are none unasked."""

import base64
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread

import pytest
import urllib3
from aiohttp.test_utils import TestClient, TestServer
from fake_analyzer import FakeAnalyzer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from service_kit import LIMITS, recording, served

from rasa_emotion.errors import ConfigError
from rasa_emotion.service.app import Service
from rasa_emotion.service.telemetry import Spans, sent_to
from rasa_emotion.turn.access import Access

SAID = "my number is 07700 900123, I am furious"
TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_a_request_is_a_span_with_its_analysis_and_nothing_of_the_caller(tone, monkeypatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    made = Service(FakeAnalyzer(), Access("serve", {}), LIMITS, Spans(provider))
    sound = base64.b64encode(recording(tone(400, 1.0))).decode()
    async with TestClient(TestServer(made.app)) as client:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "baggage": "caller=ada", "token": "ada-key"}
        turns = [{"text": SAID}, {"audio": {"content": sound}}]
        assert (await client.post("/v1/analyze?caller=ada", json={"turns": turns}, headers=headers)).status == 200
        assert (await client.get("/v1/ada")).status == 404

        def fail(*_args, **_kwargs):
            raise RuntimeError(SAID)

        monkeypatch.setattr(FakeAnalyzer, "read_many", fail)
        assert (await client.post("/v1/analyze", json={"text": SAID})).status == 500
        made.close()
    analysis, request, other, broken_analysis, broken = exporter.get_finished_spans()
    assert (request.name, format(request.context.trace_id, "032x")) == ("POST /v1/analyze", TRACE)
    assert analysis.parent.span_id == request.context.span_id
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/analyze",
        "http.response.status_code": 200,
        "rasa_emotion.turns": 2,
    }
    assert (other.name, other.attributes["http.response.status_code"]) == ("? other", 404)
    assert (broken.status.is_ok, broken_analysis.events) == (False, ())
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert [word for word in ("ada", "07700", "furious") if word in told] == []


def test_spans_reach_the_collector_that_is_named_and_are_sent_before_the_end() -> None:
    got: Queue[tuple[str, bytes]] = Queue()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", "0", "--telemetry"]
    try:
        with served(f"http://127.0.0.1:{server.server_port}", command=command) as running:
            urllib3.request("POST", f"{running.url}/v1/analyze", json={"text": SAID})
            assert running.end() == 0
        path, content = got.get(timeout=60)
    finally:
        server.shutdown()
        server.server_close()
    assert path == "/v1/traces"
    assert b"/v1/analyze" in content
    assert b"07700" not in content


def test_what_is_no_collector_is_told() -> None:
    with pytest.raises(ConfigError, match="no address of a collector"):
        sent_to("collector:4318")
