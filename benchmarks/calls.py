"""Many live calls at once, as one server holds them: how late is what is heard, and what does it cost.

One process is the server: the channel's own code under Sanic, with the models that ship, espeak-ng and a bot that
answers at once; no Rasa, whose time a turn is not the channel's. Another holds the callers: each speaks 40 % of the
time, in turns, over a WebSocket of its own, in frames of 20 ms, and the bot answers each turn. Both share the machine.

- update: from the moment when the last sample of an update's audio was sent until the client is told of it;
- emotion: from the frame with which the end of a turn was decided until the client is told of the turn;
- answer: from that frame until the first sound of the answer;
- text: with `--texts`, turns in writing to another channel of the same server, one after the other from one client in
  a process of its own: alone before the calls, and beside them. For `--turn-ms` of each the bot holds the event loop,
  as Rasa's pipeline and policies do; without, only what the channel takes is timed;
- CPU by part: the event loop (sockets, decoding, voice activity, turns), the model's threads, a recogniser's, and what
  espeak-ng takes in processes of its own.

    python benchmarks/calls.py                     # 25 calls, a minute, a table; --json, --markdown
    python benchmarks/calls.py --calls 40 --secs 120
    python benchmarks/calls.py --recogniser whisper
    python benchmarks/calls.py --texts --turn-ms 30

What else runs on the machine makes all of it later: look at the load that is printed.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import aiohttp
import numpy as np
import psutil
import requests
import soxr
import websockets
from rich.console import Console

from benchmarks.figures import around, machine, table
from benchmarks.printing import parser, run

RATE, FRAME_SECS = 16_000, 0.02
FRAME = round(RATE * FRAME_SECS)
SPEAKS = 0.4
TURN_SECS = 10.0
"""One turn of the caller, the bot's answer, and silence."""

BUSY = 1013
"""The code with which a server refuses a call because it has enough."""

SENTENCES = (
    "I have been waiting for three days and nobody has called me back about the fault on my line.",
    "I would like to know why there are two charges on the bill that you sent me last month.",
    "My broadband has been down since Monday and I need it for my work, can you send somebody?",
)
ANSWER = "I am sorry to hear that. Let me look into it for you right now."
CHANNEL = "/webhooks/voice/websocket"
TEXTS = "/webhooks/emotion/webhook"
TEXT_SECS = 15.0
"""Of text turns before the calls begin."""

PARTS = {
    "MainThread": "event loop",
    "emotion-live": "voice model",
    "emotion-turn-end": "end of turn",
    "words-": "recogniser",
}
"""What threads do, by the beginning of their names."""


def serve(port: int, recogniser: str, turn_secs: float) -> None:
    """The server: the channels and a bot that answers at once, or in `turn_secs` where it is written to."""
    from sanic import Sanic, response  # noqa: PLC0415 -- only the server needs it

    from rasa_emotion.bot.channels.rest import EmotionRestInput  # noqa: PLC0415
    from rasa_emotion.bot.channels.voice import VoiceInput  # noqa: PLC0415

    async def bot(message: Any) -> None:
        await message.output_channel.send_text_message(message.sender_id, ANSWER)

    async def busy_bot(message: Any) -> None:
        ends = time.thread_time() + turn_secs
        while time.thread_time() < ends:
            pass
        await bot(message)

    async def retrieve(sender: str) -> None:
        return None

    app = Sanic("calls", configure_logging=False)
    app.ctx.agent = SimpleNamespace(
        domain=SimpleNamespace(intents=["voice_without_words"]), tracker_store=SimpleNamespace(retrieve=retrieve)
    )
    channel = VoiceInput.from_credentials({"recogniser": recogniser, "max_calls": 10_000, "silence_secs": None})
    app.blueprint(channel.blueprint(bot), url_prefix="/webhooks/voice")
    app.blueprint(EmotionRestInput.from_credentials({}).blueprint(busy_bot), url_prefix="/webhooks/emotion")

    async def parts(request: Any) -> Any:
        return response.json(spent_by_part())

    app.add_route(parts, "/parts")
    app.run("127.0.0.1", port, access_log=False, debug=False)


def spent_by_part() -> dict[str, float]:
    """CPU seconds of this process by what its threads do, and of the processes that it has started and waited for."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    spent: dict[str, float] = {}
    for thread in psutil.Process().threads():
        name = names.get(thread.id, "")
        part = next((part for begins, part in PARTS.items() if name.startswith(begins)), "others")
        spent[part] = spent.get(part, 0.0) + thread.user_time + thread.system_time
    times = psutil.Process().cpu_times()
    return {**spent, "espeak-ng": times.children_user + times.children_system}


def voices() -> list[Any]:
    """The sentences, spoken by espeak-ng, each as long as a caller's share of a turn; int16 at 16 kHz."""
    spoken = []
    for sentence in SENTENCES:
        wav = subprocess.run(["espeak-ng", "--stdout", sentence], capture_output=True, check=True).stdout
        samples = soxr.resample(np.frombuffer(wav[44:], "<i2").astype(np.float32), 22_050, RATE)
        wanted = round(SPEAKS * TURN_SECS * RATE)
        spoken.append(np.resize(np.clip(samples, -32768, 32767), wanted).astype("<i2"))
    return spoken


class Caller:
    """One call: what was sent and when, and what came back how late."""

    def __init__(self, number: int, voice: Any) -> None:
        self.number, self.voice = number, voice
        self.sent: list[float] = []  # when each frame went out
        self.updates: list[float] = []
        self.turns: list[float] = []
        self.answers: list[float] = []
        self.decided: float | None = None
        self.heard = 0.0
        self.closed: int | None = None  # code with which the server ended the call

    def at(self, secs: float) -> float | None:
        """When the frame went out that holds this moment of the call's audio."""
        index = round(secs / FRAME_SECS) - 1
        return self.sent[index] if 0 <= index < len(self.sent) else None

    async def hold(self, url: str, secs: float) -> None:
        await asyncio.sleep(random.Random(self.number).uniform(0, TURN_SECS))
        async with websockets.connect(f"{url}?events=1&sender=bench-{self.number}") as ws:  # type: ignore[attr-defined]
            listening = asyncio.ensure_future(self.listen(ws))
            try:
                await self.speak(ws, secs)
            except websockets.exceptions.ConnectionClosed:
                self.closed = ws.close_code
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def speak(self, ws: Any, secs: float) -> None:
        silence = np.zeros(round((1 - SPEAKS) * TURN_SECS * RATE), "<i2")
        turn = np.concatenate([self.voice, silence])
        frames = [
            json.dumps({"type": "audio", "audio": base64.b64encode(turn[start : start + FRAME].tobytes()).decode()})
            for start in range(0, len(turn), FRAME)
        ]
        begun = time.monotonic()
        for number in range(round(secs / FRAME_SECS)):
            self.sent.append(time.monotonic())
            await ws.send(frames[number % len(frames)])
            await asyncio.sleep(max(0.0, begun + (number + 1) * FRAME_SECS - time.monotonic()))

    async def listen(self, ws: Any) -> None:
        async for text in ws:
            now, message = time.monotonic(), json.loads(text)
            if message["type"] == "mark":
                await ws.send(text)
            elif message["type"] == "audio" and self.decided is not None:
                self.answers.append(now - self.decided)
                self.decided = None
            elif message["type"] == "event":
                self.note(message, now)

    def note(self, message: dict[str, Any], now: float) -> None:
        moment = self.at(message.get("decided") or message.get("at") or 0.0)
        if moment is None:
            return
        if message["event"] == "emotion":
            self.updates.append(now - moment)
            self.heard = max(self.heard, message["at"])
        elif message["event"] == "turn":
            self.turns.append(now - moment)
            self.decided = moment


async def hold_all(url: str, count: int, secs: float, texts: str | None = None) -> tuple[list[Caller], list[float]]:
    """Hold so many calls for so long; where `texts` names an address, text turns go there beside, and their seconds."""
    spoken = voices()
    callers = [Caller(number, spoken[number % len(spoken)]) for number in range(count)]
    written = asyncio.ensure_future(written_beside(texts, secs)) if texts else None
    await asyncio.gather(*(caller.hold(url, secs) for caller in callers))
    return callers, await written if written else []


async def written_beside(url: str, secs: float) -> list[float]:
    """`write` in a process of its own: beside the callers in one loop it would wait for them too, and count that."""
    command = [sys.executable, "-W", "ignore", __file__, "--write", url, "--secs", str(secs)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    found: list[float] = json.loads((await process.communicate())[0])
    return found


async def write(url: str, secs: float) -> list[float]:
    """Text turns one after the other, with a pause between; seconds of each."""
    found, begun = [], time.monotonic()
    async with aiohttp.ClientSession() as session:
        while time.monotonic() - begun < secs:
            sent = time.monotonic()
            async with session.post(url, json={"sender": "writer", "message": "my internet is slow"}) as answer:
                answer.raise_for_status()
                await answer.read()
            found.append(time.monotonic() - sent)
            await asyncio.sleep(0.05)
    return found


async def ready(url: str) -> None:
    """Wait until the server answers and has loaded its models."""
    for _ in range(600):
        try:
            async with websockets.connect(f"{url}?events=1") as ws:  # type: ignore[attr-defined]
                await ws.recv()
                return
        except OSError:
            await asyncio.sleep(0.2)
    raise SystemExit("The server did not start.")


def measure(count: int, secs: float, recogniser: str, *, texts: bool = False, turn_ms: float = 0.0) -> dict[str, Any]:
    """The figures of one run."""
    made_on = machine(("numpy", "onnxruntime", "sanic"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"ws://127.0.0.1:{port}{CHANNEL}"
    with TemporaryDirectory(prefix="rasa-emotion-calls-") as folder:
        # Consents are asked for as in a bot, in a database of this run's.
        endpoints = Path(folder) / "endpoints.yml"
        endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{folder}/emotion.db'}}")
        environment = {**os.environ, "RASA_EMOTION_ENDPOINTS": str(endpoints)}
        command = [sys.executable, "-W", "ignore", __file__, "--serve", str(port), "--recogniser", recogniser]
        command += ["--turn-ms", str(turn_ms)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            asyncio.run(ready(url))
            web = f"http://127.0.0.1:{port}"
            alone = asyncio.run(written_beside(web + TEXTS, TEXT_SECS)) if texts else []
            parts_before = requests.get(f"{web}/parts", timeout=60).json()
            watched = psutil.Process(server.pid)
            before, own, memory = cpu(watched), time.process_time(), watched.memory_info().rss
            load, begun = os.getloadavg()[0], time.monotonic()
            callers, beside = asyncio.run(hold_all(url, count, secs, web + TEXTS if texts else None))
            wall = time.monotonic() - begun
            parts = requests.get(f"{web}/parts", timeout=60).json()
            return {
                "machine": made_on,
                "calls": count,
                "secs": secs,
                "recogniser": recogniser,
                "cores": os.cpu_count(),
                "load_before": round(load, 2),
                "update": spread([one for caller in callers for one in caller.updates]),
                "emotion": spread([one for caller in callers for one in caller.turns]),
                "answer": spread([one for caller in callers for one in caller.answers]),
                "refused": sum(caller.closed == BUSY for caller in callers),
                "lost": sum(caller.closed not in (None, BUSY) for caller in callers),
                "updates_per_spoken_sec": round(
                    sum(len(caller.updates) for caller in callers) / (count * secs * SPEAKS), 2
                ),
                **({"text_alone": spread(alone), "text_beside": spread(beside)} if texts else {}),
                "cores_by_part": {
                    part: round((spent - parts_before.get(part, 0.0)) / wall, 3) for part, spent in parts.items()
                },
                "server_cores": round((cpu(watched) - before) / wall, 3),
                "callers_cores": round((time.process_time() - own) / wall, 3),
                "server_mb_per_call": round((watched.memory_info().rss - memory) / 1e6 / count, 2),
            }
        finally:
            server.terminate()
            server.wait()


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and what it has started and waited for."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Median, 95th percentile and largest, in milliseconds, and how many."""
    if not values:
        return {"count": 0, "median": float("nan"), "p95": float("nan"), "most": float("nan")}
    found = np.percentile(np.array(values) * 1000, [50, 95, 100])
    return {"count": len(values), **dict(zip(("median", "p95", "most"), map(float, found.round(1)), strict=True))}


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    rows = [
        [name.replace("_", " "), *(f"{found[name][key]:g}" for key in ("count", "median", "p95", "most"))]
        for name in ("update", "emotion", "answer", "text_alone", "text_beside")
        if name in found
    ]
    parts = ", ".join(f"{part} {cores:g}" for part, cores in found["cores_by_part"].items())
    lines = [
        f"{found['calls']} calls for {found['secs']:g} s, recogniser {found['recogniser']}. {around(found['machine'])}",
        "",
        table(["", "count", "median, ms", "p95, ms", "most, ms"], rows),
        "",
    ]
    if found["refused"] or found["lost"]:
        lines += [f"{found['refused']} calls were refused, {found['lost']} lost.", ""]
    lines.append(
        f"Server {found['server_cores']:g} cores, callers {found['callers_cores']:g}; "
        f"{found['updates_per_spoken_sec']:g} updates a second of speech; {found['server_mb_per_call']:g} MB a call. "
        f"Cores by part: {parts}."
    )
    return "\n".join(lines)


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    """What the command line asks for."""
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is missing, which speaks for the callers; apt-get install espeak-ng")
    with Console(stderr=True).status(f"{chosen.calls} calls for {chosen.secs:g} s ..."):
        return measure(chosen.calls, chosen.secs, chosen.recogniser, texts=chosen.texts, turn_ms=chosen.turn_ms)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--calls", type=int, default=25)
    arguments.add_argument("--secs", type=float, default=60.0)
    arguments.add_argument("--recogniser", default="none")
    arguments.add_argument("--texts", action="store_true", help="turns in writing beside the calls")
    arguments.add_argument("--turn-ms", type=float, default=0.0, help="for which the bot holds the loop in a text turn")
    arguments.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--write", help=argparse.SUPPRESS)
    chosen, _ = arguments.parse_known_args()
    if chosen.write:
        print(json.dumps(asyncio.run(write(chosen.write, chosen.secs))))
    elif chosen.serve:
        serve(chosen.serve, chosen.recogniser, chosen.turn_ms / 1000)
    else:
        run(arguments, measured, markdown)


if __name__ == "__main__":
    main()
