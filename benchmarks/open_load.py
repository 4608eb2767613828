"""Requests that leave at fixed times, whatever comes back, and the highest rate of them that a server holds.

    python benchmarks/open_load.py --port 8100              # a service that runs on this machine; --json, --markdown

Each asks for the emotion of 12 words. `benchmarks/service.py` starts its servers by itself, sends speech too, and
compares them.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np

from benchmarks.figures import around, machine, table
from benchmarks.printing import parser, run

WORDS = "I have been waiting for an hour and nobody calls me back"

P95_MS = 50.0
"""A rate holds where all are answered and the 95th percentile of their times is less."""


@dataclass
class Load:
    """What came of an open load.

    Args:
        rate: requests a second that were sent.
        secs: for how long.
        ms: of each answered request, from when it was due.
        in_time: requests that were answered before the last one was due.
        refused: that got 429 with Retry-After.
        failed: that got anything else.
    """

    rate: float
    secs: float
    ms: list[float]
    in_time: int = 0
    refused: int = 0
    failed: int = 0

    def p(self, percent: float) -> float:
        return float(np.percentile(self.ms, percent)) if self.ms else float("inf")

    @property
    def holds(self) -> bool:
        return not self.refused and not self.failed and self.p(95) < P95_MS


def load(port: int, body: bytes, rate: float, secs: float, *, kept: bool = True) -> Load:
    """So many requests a second for so long; all of them are waited for.

    Args:
        port: of the server.
        body: of each request.
        rate: requests a second.
        secs: for how long.
        kept: whether connections are used again. A process that refuses has its connections free at once, so that an
            open load that keeps them leads more and more to the process that is full.
    """
    return asyncio.run(_load(port, body, rate, secs, kept=kept))


async def _load(port: int, body: bytes, rate: float, secs: float, *, kept: bool = True) -> Load:
    found = Load(rate, secs, [])
    url, head = f"http://127.0.0.1:{port}/v1/analyze", {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0, force_close=not kept)
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:

        async def ask(due: float) -> None:
            try:
                async with session.post(url, data=body, headers=head) as answer:
                    await answer.read()
                    if answer.status == 200:
                        found.ms.append(1000 * (clock() - due))
                        found.in_time += clock() < begun + secs
                    elif answer.status == 429 and "Retry-After" in answer.headers:
                        found.refused += 1
                    else:
                        found.failed += 1
            except (aiohttp.ClientError, asyncio.TimeoutError):
                found.failed += 1

        begun, tasks = clock() + 0.05, []
        for number in range(max(1, round(rate * secs))):
            due = begun + number / rate
            if (wait := due - clock()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.ensure_future(ask(due)))
        await asyncio.gather(*tasks)
    return found


def highest(port: int, body: bytes, secs: float, start: float, steps: int = 4) -> float:
    """The highest rate that holds, within some 5 %."""
    load(port, body, start, 1.0)  # warm
    low, high = 0.0, start
    while load(port, body, high, secs).holds:
        low, high = high, 2 * high
    while low == 0.0 and high > 0.1:
        if load(port, body, high / 2, secs).holds:
            low = high / 2
        else:
            high /= 2
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if load(port, body, middle, secs).holds else (low, middle)
    return low


def saturated(port: int, body: bytes, secs: float) -> float:
    """Requests a second where the next one leaves as soon as one is answered."""

    async def ask() -> float:
        url, head = f"http://127.0.0.1:{port}/v1/analyze", {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
            begun, count = time.perf_counter(), 0
            while count < 2 or time.perf_counter() - begun < secs:
                async with session.post(url, data=body, headers=head) as answer:
                    assert answer.status == 200, await answer.text()
                count += 1
            return count / (time.perf_counter() - begun)

    return asyncio.run(ask())


def measure(port: int, secs: float) -> dict[str, Any]:
    """The highest rate that holds, its times, and the rate of a client that waits for each answer.

    Args:
        port: of a service on this machine that asks for no key.
        secs: of each rate that is tried.
    """
    made_on, body = machine(("aiohttp", "numpy")), json.dumps({"text": WORDS}).encode()
    rate = highest(port, body, secs, 8.0)
    held = load(port, body, rate, secs)
    times = {f"p{percent}": round(held.p(percent), 2) for percent in (50, 95, 99)}
    one = round(saturated(port, body, secs), 1)
    return {"machine": made_on, "secs": secs, "highest_rate": round(rate, 1), "ms": times, "one_client": one}


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    heads = [
        "requests a second that hold",
        "median, ms",
        "p95, ms",
        "p99, ms",
        "one client that waits, requests a second",
    ]
    row = [found["highest_rate"], *(found["ms"][key] for key in ("p50", "p95", "p99")), found["one_client"]]
    said = f"An open load of words, a rate holds where p95 is under {P95_MS:g} ms. {around(found['machine'])}"
    return f"{said}\n\n{table(heads, [row])}"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--port", type=int, required=True, help="of a service on this machine, without keys")
    arguments.add_argument("--secs", type=float, default=5.0, help="of each rate that is tried (5)")
    run(arguments, lambda options: measure(options.port, options.secs), markdown)


if __name__ == "__main__":
    main()
