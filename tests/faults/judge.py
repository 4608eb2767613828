"""What became of the promises of a process that was cut off."""

import os
import sys
from collections import Counter
from pathlib import Path

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.handoff.keeper import Keeper
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.record import Record
from rasa_emotion.spool.folder import Spool

POINTS = ("create", "append", "blank", "wipe", "sync", "insert", "replay", "drop")
"""Steps at which a promiser can be killed."""

HERE = Path(__file__).resolve().parent


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join(str(one) for one in (HERE.parent.parent, HERE.parent / "handoff"))
    return {**os.environ, "PYTHONPATH": path, **more}


def command_of(*arguments: object) -> list[str]:
    """A promiser's command."""
    return [sys.executable, str(HERE / "promiser.py"), *map(str, arguments)]


def promised(folder: Path) -> list[str]:
    """The keys that callers were told of."""
    path = folder / "acknowledged"
    return path.read_text().split() if path.exists() else []


def recovered(folder: Path, url: str = "") -> list[str]:
    """The keys that the database has after a server was started again, in the order in which people get them."""
    engine = open_database(url or f"sqlite:///{folder}/bot.db")
    create_tables(engine)
    outbox = Outbox(engine)
    keeper = Keeper(Spool(folder / "bot.db.spool"))
    keeper.replay(outbox, Record(engine))
    assert keeper.waiting() == []
    assert keeper.spool.look().troubles == ()
    keys = [row.key for row in outbox.rows()][::-1]
    engine.dispose()
    assert max(Counter(keys).values(), default=1) == 1
    return keys
