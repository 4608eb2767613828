"""The service under open load from another process, beside the models many run behind the same server.

The server has one core, the client another (`sched_setaffinity`). Load is open: requests leave at fixed times, whatever
comes back, so that a server that falls behind is seen to. A rate holds where all are answered and the 95th percentile
of the times, counted from when a request was due, stays under 50 ms; the highest such rate is found by halving.

- throughput: ours and the peer, wav2vec2-base and DistilBERT in eager PyTorch (random weights of the published shapes)
  behind the same server, with the same 3 s recording and 12 words. One request of the peer takes longer than 50 ms, so
  that no rate of it holds: it is given what it answers when it is asked without a pause. Ours and the peer take turns,
  and the ratio is taken within each round.
- overload: ten times the highest rate of ours: how many get 429, the times of those that are answered, memory.
- replicas: one process and two behind one port: CPU seconds a request (with all cores), and with an analyzer that is a
  wait of 20 ms, what they answer when more is asked than they can.

    python benchmarks/service.py                    # a table; --json and --markdown for programs and documents
    python benchmarks/service.py --secs 10 --rounds 5 --overload-secs 60

Where other programs take the cores, rates are too low for both, and the ratio is the figure; the load is printed.
"""

import asyncio
import base64
import json
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import aiohttp
import numpy as np
import psutil
from rich.console import Console

from benchmarks.figures import machine, median
from benchmarks.open_load import P95_MS, highest, load, saturated
from benchmarks.printing import interval, parser, run
from benchmarks.turn import WORDS, peer, speech
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.logs import log_to
from rasa_emotion.protocol import Capabilities, one_by_one
from rasa_emotion.service.limits import Limits

WAIT_SECS = 0.02
OURS, PEER, WAIT = "ours", "wav2vec2-base and DistilBERT, eager PyTorch", "a wait of 20 ms"
READY_SECS = 120.0


class Fixed:
    """An analyzer whose answer is always the same; what it does for it is `hears` and `reads`."""

    def __init__(self, hears: Callable[[], object], reads: Callable[[], object]) -> None:
        self.capabilities = Capabilities("peer", "peer", "peer", "peer", 0, ("en",))
        self.fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.3, {"sarcastic": 0.6, "masked": 0.6})
        self._hears, self._reads = hears, reads

    def hear(self, audio: object) -> Evidence:
        self._hears()
        return Evidence("acoustic", dict.fromkeys(EMOTIONS, 1 / len(EMOTIONS)), model="peer")

    def read(self, text: str, *, confidence: float | None = None, context: Sequence[str] = ()) -> Evidence:
        self._reads()
        return Evidence("text", dict.fromkeys(EMOTIONS, 1 / len(EMOTIONS)), model="peer")

    def hear_many(self, audios: Sequence[Any]) -> list[Any]:
        return one_by_one(self.hear, audios)

    def read_many(self, turns: Sequence[Any]) -> list[Any]:
        return one_by_one(lambda turn: self.read(turn.text), turns)

    def fuse(self, pieces: Sequence[Evidence | None]) -> EmotionEstimate:
        return self.fusion.fuse([piece for piece in pieces if piece is not None])


def analyzer_of(what: str) -> Any:
    """What one row measures."""
    if what == OURS:
        return EmotionAnalyzer.load()
    if what == WAIT:
        return Fixed(lambda: None, lambda: time.sleep(WAIT_SECS))
    voice, words = peer().values()
    return Fixed(voice, words)


def service_of(what: str, limits: Limits) -> Any:
    """The service of a row, in its process."""
    from rasa_emotion.service.app import Service  # noqa: PLC0415 -- after the folder of the metrics is known
    from rasa_emotion.turn.access import Access  # noqa: PLC0415

    return Service(analyzer_of(what), Access("serve", {}), limits)


def no_tls() -> None:
    return None


def _serve(what: str, processes: int, cores: Sequence[int], port: int, limits: Limits) -> None:
    from rasa_emotion.service import running  # noqa: PLC0415
    from rasa_emotion.service.processes import Plan, run_many  # noqa: PLC0415

    os.sched_setaffinity(0, cores)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # log lines are written, as by `rasa-emotion serve`, and not shown
    if processes > 1:
        run_many(Plan(partial(service_of, what, limits), no_tls, 1.0), processes, host="127.0.0.1", port=port)
        return

    log_to()

    async def go() -> None:
        await running.run(service_of(what, limits), sockets=running.listening("127.0.0.1", port))

    asyncio.run(go())


@dataclass(frozen=True)
class Server:
    """A running one.

    Args:
        port: where it listens.
        pid: of its parent process.
    """

    port: int
    pid: int

    def processes(self) -> list[psutil.Process]:
        """Those that serve, the parent included."""
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_secs(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in self.processes())

    def memory_mb(self) -> float:
        return sum(one.memory_info().rss for one in self.processes()) / 2**20


@contextmanager
def served(what: str, cores: Sequence[int], *, processes: int = 1, limits: Limits | None = None) -> Iterator[Server]:
    """A service of its own process, which answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    # One thread a core: on one core two would only take turns.
    process = context.Process(target=_serve, args=(what, processes, cores, port, limits or Limits(workers=1)))
    process.start()
    try:
        assert process.pid is not None
        ends = time.monotonic() + READY_SECS
        while not asyncio.run(_answers(port)):
            if not process.is_alive() or time.monotonic() > ends:
                raise SystemExit(f"The service '{what}' did not start.")
            time.sleep(0.2)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.join(20)
        if process.is_alive():
            process.kill()


async def _answers(port: int) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@contextmanager
def memory_of(server: Server, every_secs: float) -> Iterator[list[float]]:
    """Its memory in MB: before the block, now and again in it, and after it."""
    found, over = [server.memory_mb()], threading.Event()

    def watch() -> None:
        while not over.wait(every_secs):
            found.append(server.memory_mb())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        over.set()
        watching.join()
        found.append(server.memory_mb())


def throughput(body: bytes, secs: float, rounds: int, cores: Sequence[int]) -> dict[str, Any]:
    """Ours and the peer in turns."""
    patient = Limits(workers=1, analysis_secs=120)
    with served(OURS, cores[:1]) as ours, served(PEER, cores[:1], limits=patient) as other:
        saturated(other.port, body, 0)  # warm
        start = 0.5 * saturated(ours.port, body, 2.0)
        mine, theirs = [], []
        for _ in range(rounds):
            mine.append(highest(ours.port, body, secs, start))
            theirs.append(saturated(other.port, body, secs))
        at = load(ours.port, body, 0.5 * max(0.1, float(np.median(mine))), secs)
    times = np.asarray(mine) / np.asarray(theirs)
    return {
        "ours": median(mine),
        "peer": median(theirs),
        "times": median(times),
        "at_half": {"p50": at.p(50), "p95": at.p(95), "p99": at.p(99)},
    }


def overload(body: bytes, rate: float, secs: float, cores: Sequence[int]) -> dict[str, Any]:
    """Ten times what it holds."""
    with served(OURS, cores[:1]) as ours:
        load(ours.port, body, rate, 2.0)
        with memory_of(ours, secs / 6) as memory:
            found = load(ours.port, body, 10 * rate, secs)
        return {
            "rate": 10 * rate,
            "secs": secs,
            "answered": len(found.ms),
            "refused": found.refused,
            "failed": found.failed,
            "p95": found.p(95),
            "memory_mb": [round(one) for one in memory],
        }


def replicas(body: bytes, rate: float, secs: float, rounds: int, cores: Sequence[int]) -> dict[str, Any]:
    """One process and two, in turns."""
    words = json.dumps({"text": WORDS}).encode()
    cpu: dict[int, list[float]] = {1: [], 2: []}
    rates: dict[int, list[float]] = {1: [], 2: []}
    with served(OURS, cores) as one, served(OURS, cores, processes=2) as two:
        for _ in range(rounds):
            for count, server in ((1, one), (2, two)):
                before = server.cpu_secs()
                found = load(server.port, body, rate, secs)
                cpu[count].append((server.cpu_secs() - before) / max(1, len(found.ms)))
    with served(WAIT, cores) as one, served(WAIT, cores, processes=2) as two:
        for _ in range(rounds):
            for count, server in ((1, one), (2, two)):
                found = load(server.port, words, 3 / WAIT_SECS, secs, kept=False)
                rates[count].append(found.in_time / secs)
    return {
        "cpu_secs": {str(count): median(taken) for count, taken in cpu.items()},
        "cpu_ratio": median(np.asarray(cpu[2]) / np.asarray(cpu[1])),
        "wait_rate": {str(count): median(taken) for count, taken in rates.items()},
        "wait_ratio": median(np.asarray(rates[2]) / np.asarray(rates[1])),
    }


def measure(secs: float, rounds: int, overload_secs: float) -> dict[str, Any]:
    """Everything that is printed. The client keeps the last core for itself."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("The client needs a core of its own; run this on two cores or more.")
    os.sched_setaffinity(0, cores[-1:])
    around, show = machine(), Console(stderr=True).print
    sound = base64.b64encode(speech()).decode()
    body = json.dumps({"text": WORDS, "audio": {"content": sound}}).encode()
    show("throughput ...")
    found = {"machine": around, "secs": secs, "rounds": rounds, "throughput": throughput(body, secs, rounds, cores)}
    rate = found["throughput"]["ours"]["median"]
    show("overload ...")
    found["overload"] = overload(body, max(rate, 1.0), overload_secs, cores)
    show("replicas ...")
    found["replicas"] = replicas(body, max(0.3 * rate, 1.0), secs, rounds, cores)
    found["machine"]["load_after"] = round(psutil.getloadavg()[0], 1)
    return found


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around, through, over, two = (found[name] for name in ("machine", "throughput", "overload", "replicas"))
    packages = ", ".join(f"{name} {number}" for name, number in around["packages"].items())
    half = through["at_half"]
    return "\n".join(
        [
            f"Server on one core of {around['processor']}, client on another ({around['cores']} cores; load "
            f"{around['load_average']} before, {around['load_after']} after). Python {around['python']}, {packages}. "
            f"Medians of {found['rounds']} rounds of {found['secs']:g} s with 95 % bootstrap intervals.",
            "",
            "| behind the same server | requests a second |",
            "|---|---|",
            f"| ours, highest rate with a 95th percentile under {P95_MS:g} ms | {interval(through['ours'], 1)} |",
            f"| {PEER}, asked without a pause | {interval(through['peer'], 2)} |",
            f"| times | {interval(through['times'], 1)} |",
            "",
            f"Ours at half that rate: p50 {half['p50']:.1f} ms, p95 {half['p95']:.1f} ms, p99 {half['p99']:.1f} ms.",
            "",
            f"Ten times the rate ({over['rate']:.0f} a second for {over['secs']:g} s): {over['answered']} answered, "
            f"{over['refused']} refused with 429, {over['failed']} failed; p95 of the answered {over['p95']:.0f} ms; "
            f"memory {over['memory_mb'][0]} MB before, then every {over['secs'] / 6:g} s and after it "
            f"{', '.join(map(str, over['memory_mb'][1:]))} MB.",
            "",
            "| | one process | two | ratio |",
            "|---|---|---|---|",
            f"| CPU seconds a request | {interval(two['cpu_secs']['1'], 4)} | {interval(two['cpu_secs']['2'], 4)} | "
            f"{interval(two['cpu_ratio'], 2)} |",
            f"| {WAIT}: answered a second | {interval(two['wait_rate']['1'], 1)} | "
            f"{interval(two['wait_rate']['2'], 1)} | {interval(two['wait_ratio'], 2)} |",
        ]
    )


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--secs", type=float, default=5.0, help="of each try of a rate (5)")
    arguments.add_argument("--rounds", type=int, default=5, help="in which ours and the peer take turns (5)")
    arguments.add_argument("--overload-secs", type=float, default=60.0, help="of ten times the load (60)")
    run(arguments, lambda options: measure(options.secs, options.rounds, options.overload_secs), markdown)


if __name__ == "__main__":
    main()
