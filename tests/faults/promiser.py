"""A server as far as promises go, in a process of its own that is cut off, killed or starved.

python tests/faults/promiser.py DATABASE_URL SPOOL NUMBER [--refuse CHANCE] [--kill POINT] ...

Each promise is written to the file `acknowledged` beside the spool after it is kept, as a caller hears of it then.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fakes.packets import packet
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.handoff import outbox as outbox_module
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record
from rasa_emotion.spool import folder as spool_module
from rasa_emotion.spool.folder import Spool

POINTS: dict[str, tuple[Any, str]] = {
    "create": (spool_module, "create"),
    "append": (spool_module, "append"),
    "blank": (spool_module, "blank"),
    "wipe": (spool_module, "wipe"),
    "sync": (os, "fsync"),
    "insert": (outbox_module, "_insert_once"),
    "replay": (Keeper, "_give"),
    "drop": (Keeper, "_drop"),
}
"""Where a process may be killed: before and after each of them, at any of their calls."""


def kill_at(point: str) -> None:
    """`before append 2`: die before the second call of `append`."""
    when, name, number = point.split()
    owner, attribute = POINTS[name]
    function: Callable[..., Any] = getattr(owner, attribute)
    calls = 0

    def dying(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == int(number) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*arguments, **more)
        if calls == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, attribute, dying)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("spool", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--refuse", type=float, default=0.0)
    parser.add_argument("--replay", type=float, default=0.3)
    parser.add_argument("--wait", action="store_true", help="for a line on standard input")
    parser.add_argument("--kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-bytes", type=int, default=1_000_000)
    parser.add_argument("--pause-secs", type=float, default=0.0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    engine = open_database(options.url, lock_secs=0.05)
    until = time.monotonic() + 60
    while True:
        try:
            create_tables(engine)
            break
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    outbox, record = Outbox(engine), Record(engine)
    keeper = Keeper(Spool(options.spool, max_bytes=options.max_bytes))
    if options.kill:
        kill_at(options.kill)
    told = os.open(options.spool.parent / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    print("ready", flush=True)
    if options.wait:
        sys.stdin.readline()
    for number in range(options.first, options.first + options.number):
        promise(f"{number:032x}", keeper, outbox, told, refused=chance.random() < options.refuse)
        if chance.random() < options.replay:
            with suppress(SQLAlchemyError):
                keeper.replay(outbox, record)
        time.sleep(options.pause_secs)


def promise(key: str, keeper: Keeper, outbox: Outbox, told: int, *, refused: bool) -> None:
    """One turn that decides to hand over, as the relay does it."""
    with keeper.hold() as held:
        if not held and not writes(outbox):
            print("nobody", key, flush=True)
            return
        one = packet(key, sender=f"caller {int(key, 16) % 7}", created=1_700_000_000.0 + int(key, 16))
        try:
            if refused:
                raise OperationalError("INSERT", {}, Exception("on purpose"))
            outbox.enqueue(one)
        except SQLAlchemyError:
            if not keeper.keep_packet(one):
                print("memory", key, flush=True)
                return
        os.write(told, f"{key}\n".encode())


def writes(outbox: Outbox) -> bool:
    try:
        outbox.try_to_write()
    except SQLAlchemyError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
