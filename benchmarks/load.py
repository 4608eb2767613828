"""How many conversations one server holds, beside a bot without the plugin, and what ten times as many do to it.

The server has one core and this process the other. A conversation is 20 turns, one each 5 s; when it ends a new one
begins. With the plugin (the example bot: relay, tracker store, policy, replies and all) one turn in four
comes with 3 s of speech. The bare bot is the same one without them, with Rasa's REST channel and SQL
tracker store; its turns are words alone. A turn's time counts from when it was due, so that waiting counts too.

1. The largest number of conversations whose 95th percentile is under 300 ms, for each of the two bots.
2. Ten times that number for `--overload-secs`, of one conversation where the machine holds none: each request is
   answered, or refused with 429, `Retry-After` and a sentence that a chat can show.
3. Ten seconds later the first number again: the percentile, memory and descriptors as before.

With `--conversations` a long run also says how memory and descriptors grew from its fifth minute, or its middle where
that is earlier, to its end.

    python benchmarks/load.py                         # a table, about ten minutes; --json, --markdown
    python benchmarks/load.py --secs 10 --overload-secs 20
    python benchmarks/load.py --conversations 40 --secs 1800 --overload-secs 0    # no search: half an hour of so many
    python benchmarks/load.py --bots bots             # keep the trained bots in a folder, for the next run
    python benchmarks/load.py --max-wait-secs 3       # of the channel; 0 is no limit
"""

import argparse
import asyncio
import itertools
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import numpy as np
import psutil
from rich.console import Console
from ruamel.yaml import YAML

from benchmarks.figures import around, machine, table
from benchmarks.printing import parser, run
from benchmarks.rasa_server import running
from benchmarks.turn import speech

BOT = Path(__file__).resolve().parent.parent / "bot_example"
TURNS, TURN_SECS, VOICED = 20, 5.0, 4
"""Turns of a conversation, seconds between two, and every how-manieth has a voice."""

MOST_MS = 300.0
"""What the 95th percentile must stay under."""

WARM_SECS = 5.0
"""What a run begins with and does not count."""

SETTLED_SECS = 300.0
"""After which memory and descriptors are to stay."""

REST_SECS = 10.0
"""After the overload, until it is looked whether all is as before."""

PATIENCE_SECS = 300.0
"""After which a request counts as unanswered."""

WORDS = (
    "I want to check my last bill",
    "my internet is slow since Monday",
    "what does the large tariff cost",
    "thank you, and one more thing",
    "which tariffs do you have",
)


@dataclass
class Answers:
    """What came back: seconds of each answered turn, the statuses, and what was wrong with the others."""

    secs: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def take(self, status: int, headers: Mapping[str, str], body: Any, secs: float) -> None:
        """Note one answer."""
        self.statuses[status] += 1
        if status == 200:
            self.secs.append(secs)
        elif status != 429:
            self.faults[f"status {status}"] += 1
        elif not str(headers.get("Retry-After", "")).isdigit() or not body.get("message", "").endswith("."):
            self.faults["429 without its time or sentence"] += 1

    def p95_ms(self) -> float:
        """The 95th percentile of the answered ones."""
        return float(np.percentile(self.secs, 95)) * 1000 if self.secs else float("inf")


class Callers:
    """Conversations with one server.

    Args:
        url: of the webhook.
        voice: a WAV file for every fourth turn; None for words alone.
        words: what they say, in turns.
    """

    numbers = itertools.count()

    def __init__(self, url: str, voice: bytes | None, *, words: Sequence[str] = WORDS) -> None:
        self.url, self.voice, self.words = url, voice, words

    def hold(self, count: int, secs: float, *, warm_secs: float = WARM_SECS) -> Answers:
        """So many conversations at once for so long; what came back after the first `warm_secs`."""
        return asyncio.run(self._hold(count, secs, warm_secs))

    async def _hold(self, count: int, secs: float, warm_secs: float) -> Answers:
        answers = Answers()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            begun = time.monotonic()
            counted = begun + warm_secs
            work = [
                self._talk(session, answers, begun + place * TURN_SECS / count, counted, counted + secs)
                for place in range(count)
            ]
            await asyncio.gather(*work)
        return answers

    async def _talk(
        self, session: aiohttp.ClientSession, answers: Answers, due: float, counted: float, until: float
    ) -> None:
        """One conversation after the other, a turn each `TURN_SECS`, or at once where the last one took longer."""
        for number in itertools.count():
            if number % TURNS == 0:
                sender = f"load-{next(self.numbers)}"
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if due >= until or time.monotonic() >= until:
                return
            await self._turn(session, answers if due >= counted else Answers(), sender, number, due)
            due = max(due + TURN_SECS, time.monotonic())

    async def _turn(self, session: aiohttp.ClientSession, into: Answers, sender: str, number: int, due: float) -> None:
        words = self.words[number % len(self.words)]
        asked: dict[str, Any] = {"json": {"sender": sender, "message": words}}
        if self.voice is not None and number % VOICED == 0:
            form = aiohttp.FormData({"sender": sender, "message": words})
            form.add_field("audio", self.voice, filename="turn.wav", content_type="audio/wav")
            asked = {"data": form}
        try:
            async with session.post(self.url, **asked) as answer:
                body = await answer.json(content_type=None)
                into.take(answer.status, answer.headers, body, time.monotonic() - due)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            into.faults[type(error).__name__] += 1


def largest(hold: Callable[[int], Answers], *, first: int = 8) -> tuple[int, Answers]:
    """The largest number of conversations that `hold` answers in time, to a tenth, and what came back then."""
    good, found, bad = 0, Answers(), 0
    count = first
    while not bad or bad - good > max(1, good // 10):
        answers = hold(count)
        if answers.p95_ms() < MOST_MS and not answers.faults and not answers.statuses[429]:
            good, found = count, answers
        else:
            bad = count
        count = good * 2 if not bad else (good + bad) // 2
        if count == 0:
            break
    return good, found


@dataclass
class Server:
    """A running bot."""

    address: str
    process: psutil.Process

    def state(self) -> dict[str, float]:
        """Memory and descriptors."""
        return {"memory_mb": round(self.process.memory_info().rss / 1e6, 1), "descriptors": self.process.num_fds()}


@contextmanager
def served(bot: Path, core: int) -> Iterator[Server]:
    """`rasa run` with the bot in a folder, on one core.

    Raises:
        SystemExit: it does not start.
    """
    from playback.server import _environment, free_port  # noqa: PLC0415 -- of the example bot

    port = free_port()
    environment = {**_environment(), "RASA_EMOTION_ENDPOINTS": str(bot / "endpoints.yml"), "OMP_NUM_THREADS": "1"}
    with running(bot, port, environment, core=core) as process:
        yield Server(f"http://127.0.0.1:{port}", process)


def with_plugin(folder: Path) -> Path:
    """The example bot, trained, in a folder of its own."""
    from playback.server import trained_model  # noqa: PLC0415 -- of the example bot

    if not list(folder.glob("models/*")):
        model = trained_model()
        shutil.copytree(BOT, folder, ignore=shutil.ignore_patterns("models", "*.db*"), dirs_exist_ok=True)
        (folder / "models").mkdir(exist_ok=True)
        shutil.copy(model, folder / "models")
    return folder


def let_wait(bot: Path, secs: float | None) -> None:
    """The example bot's credentials with so many `max_wait_secs`; None leaves the default, 0 is no limit."""
    yaml = YAML()
    credentials = yaml.load(BOT / "credentials.yml")
    if secs is not None:
        (channel,) = credentials.values()
        channel["options"] = {"max_wait_secs": secs or None}
    yaml.dump(credentials, bot / "credentials.yml")


def without_plugin(bot: Path, folder: Path) -> Path:
    """The same bot as Rasa alone runs it, trained."""
    from playback.server import trained_model  # noqa: PLC0415 -- of the example bot

    if list(folder.glob("models/*")):
        return folder
    shutil.copytree(bot, folder, ignore=shutil.ignore_patterns("models", "*.db*", "server.log"), dirs_exist_ok=True)
    yaml = YAML()
    config = yaml.load(folder / "config.yml")
    for key in ("pipeline", "policies"):
        config[key] = [part for part in config[key] if not part["name"].startswith("rasa_emotion.")]
    yaml.dump(config, folder / "config.yml")
    yaml.dump({"rest": None}, folder / "credentials.yml")
    yaml.dump(
        {"tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "conversations.db"}}, folder / "endpoints.yml"
    )
    trained_model(folder)
    return folder


def measure(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of one run."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("This needs two cores: one for the server, one for its callers.")
    made_on = machine(("rasa", "sanic", "onnxruntime"))
    voice = speech()
    sys.path.insert(0, str(BOT))
    with TemporaryDirectory(prefix="rasa-emotion-load-") as temporary:
        folder = (options.bots or Path(temporary)).resolve()
        say("training the example bot")
        plugin = with_plugin(folder / "plugin")
        let_wait(plugin, options.max_wait_secs)
        bare = without_plugin(plugin, folder / "bare") if options.bare else None
        os.sched_setaffinity(0, {cores[1]})
        found: dict[str, Any] = {"machine": made_on, "secs": options.secs, "max_wait_secs": options.max_wait_secs}
        if bare is not None:
            with served(bare, cores[0]) as server:
                callers = Callers(f"{server.address}/webhooks/rest/webhook", None)
                found["bare"] = searched(callers, server, options, say, "the bare bot")
        with served(plugin, cores[0]) as server:
            callers = Callers(f"{server.address}/webhooks/emotion/webhook", voice)
            found["plugin"] = searched(callers, server, options, say, "the bot with the plugin")
            count = max(1, int(found["plugin"]["conversations"]))
            if options.overload_secs > 0:
                found["overload"] = overloaded(callers, server, count, options, say)
    return {**found, "load_after": load()}


def load() -> float:
    """Programs that wanted the machine over the last minute, this one among them."""
    return round(os.getloadavg()[0], 1)


def searched(
    callers: Callers, server: Server, options: argparse.Namespace, say: Callable[[str], None], who: str
) -> dict[str, Any]:
    """The largest number of conversations, or what the given number comes to."""

    def hold(count: int) -> Answers:
        say(f"{who}: {count} conversations")
        return callers.hold(count, options.secs)

    if not options.conversations:
        count, answers = largest(hold)
        return {"conversations": count, **told(answers)}
    settled: list[dict[str, float]] = []
    later = WARM_SECS + min(SETTLED_SECS, options.secs / 2)
    timer = threading.Timer(later, lambda: settled.append(server.state()))
    timer.start()
    answers = hold(options.conversations)
    timer.join()
    growth = {f"{key}_grown": round(end - settled[0][key], 1) for key, end in server.state().items()}
    return {"conversations": options.conversations, **told(answers), **server.state(), **growth}


def overloaded(
    callers: Callers, server: Server, count: int, options: argparse.Namespace, say: Callable[[str], None]
) -> dict[str, Any]:
    """Before, during and after ten times as many."""
    before, state = callers.hold(count, options.secs), server.state()
    say(f"{10 * count} conversations")
    during = callers.hold(10 * count, options.overload_secs, warm_secs=0.0)
    time.sleep(REST_SECS)
    say(f"{count} conversations, afterwards")
    after = callers.hold(count, options.secs)
    return {
        "conversations": 10 * count,
        "before": {**told(before), **state},
        "during": told(during),
        "after": {**told(after), **server.state()},
    }


def told(answers: Answers) -> dict[str, Any]:
    """The figures of one run of conversations."""
    return {
        "p95_ms": round(answers.p95_ms(), 1),
        "longest_ms": round(1000 * max(answers.secs, default=float("inf")), 1),
        "answered": answers.statuses[200],
        "refused": answers.statuses[429],
        "faults": dict(answers.faults),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    rows = [(name, found[name]) for name in ("bare", "plugin") if name in found]
    if over := found.get("overload"):
        count = over["conversations"] // 10
        rows += [("before", {**over["before"], "conversations": count}), ("ten times", {**over, **over["during"]})]
        rows += [("after", {**over["after"], "conversations": count})]
    cells = [
        [
            *(name, *(row[key] for key in ("conversations", "p95_ms", "longest_ms", "answered", "refused"))),
            *(sum(row["faults"].values()), *(grown(row, key) for key in ("memory_mb", "descriptors"))),
        ]
        for name, row in rows
    ]
    heads = [
        "",
        "conversations",
        "p95, ms",
        "longest, ms",
        "answered",
        "refused",
        "faults",
        "memory, MB",
        "descriptors",
    ]
    said = (
        f"A server on one core, runs of {found['secs']:g} s. {around(found['machine'])} "
        f"Load {found['load_after']} afterwards."
    )
    return f"{said}\n\n{table(heads, cells)}"


def grown(row: Mapping[str, Any], key: str) -> str:
    """A figure of the server's state, and by how much it grew, where that is known."""
    more = f" ({row[f'{key}_grown']:+g})" if f"{key}_grown" in row else ""
    return f"{row.get(key, '')}{more}"


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line asks for."""
    with Console(stderr=True).status("...") as status:
        return measure(options, status.update)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--secs", type=float, default=30.0, help="of each run of conversations")
    arguments.add_argument("--overload-secs", type=float, default=60.0, help="0 leaves it out")
    arguments.add_argument("--conversations", type=int, help="hold so many, in place of the search")
    arguments.add_argument("--no-bare", dest="bare", action="store_false", help="leave the bare bot out")
    arguments.add_argument("--max-wait-secs", type=float, help="of the channel, in place of its default; 0 is no limit")
    arguments.add_argument(
        "--bots", type=Path, metavar="FOLDER", help="keep the trained bots there, and use them again"
    )
    run(arguments, measured, markdown)


if __name__ == "__main__":
    main()
