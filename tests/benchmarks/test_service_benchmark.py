"""The benchmark of the service: load leaves when it is due, refusals count, and a run is a section."""

import json
import os

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks import open_load, service


async def server(handler) -> TestServer:
    app = web.Application()
    app.router.add_post("/v1/analyze", handler)
    made = TestServer(app)
    await made.start_server()
    return made


async def test_what_is_refused_and_what_fails_holds_no_rate() -> None:
    answers = iter([200, 200, 429, 500, 430, *[200] * 15])

    async def answer(_: web.Request) -> web.Response:
        status = next(answers)
        if status == 430:  # a 429 that does not say when to come again
            return web.Response(status=429)
        return web.Response(status=status, headers={"Retry-After": "1"})

    made = await server(answer)
    found = await open_load._load(made.port, b"{}", rate=200, secs=0.1)
    await made.close()
    assert (len(found.ms), found.refused, found.failed) == (17, 1, 2)
    assert not found.holds


def test_a_rate_holds_by_its_slowest() -> None:
    assert open_load.Load(10, 1, [49.0] * 100).holds
    assert open_load.Load(10, 1, [1.0] * 95 + [51.0] * 5 + [51.0]).holds is False
    assert not open_load.Load(10, 1, []).holds


def test_the_highest_rate_is_found(monkeypatch) -> None:
    """Of a server that holds up to 37 a second."""
    monkeypatch.setattr(
        open_load, "load", lambda _port, _body, rate, secs: open_load.Load(rate, secs, [rate / 37 * 49.9])
    )
    assert open_load.highest(0, b"", 1.0, 4.0, steps=8) == pytest.approx(37, rel=0.02)
    assert open_load.highest(0, b"", 1.0, 400.0, steps=8) == pytest.approx(37, rel=0.02)


@pytest.mark.nightly
def test_a_run_as_a_section() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("The client needs a core of its own.")
    try:
        found = service.measure(secs=1.0, rounds=1, overload_secs=1.0)
    finally:
        os.sched_setaffinity(0, cores)
    assert json.loads(json.dumps(found)) == found
    # How many are answered, refused and in time is the machine's; that none is lost is not.
    overload = found["overload"]
    assert overload["answered"] + overload["refused"] == max(1, round(overload["rate"] * overload["secs"]))
    assert overload["failed"] == 0
    assert found["throughput"]["peer"]["median"] > 0
    rows = [line for line in service.markdown(found).splitlines() if line.startswith("|")]
    assert len(rows) == 9
