"""Keeps packets and callers' words that the database refuses, and gives them to it as soon as it answers.

What cannot be kept is not promised: a turn holds room for its packet before the bot decides, and where there is none
the caller hears that nobody can be reached.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet, stored_packet
from rasa_emotion.handoff.record import Record
from rasa_emotion.handoff.shorten import shortened
from rasa_emotion.handoff.tables import HANDOVER
from rasa_emotion.logs import named
from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import Entry, Spool
from rasa_emotion.spool.shared import spool_of

logger = logging.getLogger(__name__)

PACKET, WORDS = "packet", "words"

MOST_PACKET_BYTES = 40_000
"""Of a packet in the spool, as JSON; lines are left out of the middle of a longer one."""

MOST_IN_MEMORY = 10_000
"""Records that are kept in memory where the spool fails too."""


@dataclass
class Promise:
    """What a turn may tell its caller.

    Args:
        possible: a handover that the turn decides on can be kept.
        made: it has decided on one.
    """

    possible: bool = True
    made: bool = False


this_turn: ContextVar[Promise | None] = ContextVar("this_turn", default=None)
"""That of the turn that is answered; None where no relay looks after it."""


class Keeper:
    """What waits for one database. Its methods may be called from several threads.

    Args:
        spool: None keeps in memory alone.
    """

    def __init__(self, spool: Spool | None) -> None:
        self.spool = spool
        self._memory: list[Entry] = []
        self._refused: list[Any] = []
        self._guard = threading.Lock()

    @classmethod
    def of(cls, endpoints: Endpoints) -> "Keeper":
        """The one of a bot's database in this process. Raises ConfigError where the spool's key cannot be used."""
        return _keeper(endpoints.database, spool_of(endpoints))

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Hold room for a turn's packet; yields whether there is any. A database in memory needs none."""
        if self.spool is None:
            yield True
            return
        with self.spool.hold() as held:
            yield held

    def keep_packet(self, packet: Packet) -> bool:
        """Keep a packet; returns whether it outlasts this process."""
        fitting = shortened(packet, MOST_PACKET_BYTES, lambda one: len(json.dumps(one.to_dict())))
        return self._keep(PACKET, packet.sender, fitting.to_dict())

    def keep_words(self, sender: str, text: str, origin: str) -> bool:
        """Keep a caller's words for the human; returns whether they outlast this process."""
        return self._keep(WORDS, sender, {"text": text, "origin": origin})

    def waiting(self) -> list[Entry]:
        """All of it, oldest first."""
        return [entry for entry in self._entries() if entry.kind in (PACKET, WORDS)]

    def waits_for(self, sender: str) -> bool:
        """Whether anything of this caller waits: what they say next must not overtake it."""
        return any(entry.sender == sender for entry in self.waiting())

    def handed_over(self, sender: str) -> bool:
        """Whether a handover of this caller waits: a human has the conversation, though no database knows."""
        mine = (entry for entry in self.waiting() if entry.sender == sender and entry.kind == PACKET)
        return any(entry.body.get("kind") == HANDOVER for entry in mine)

    def replay(self, outbox: Outbox, record: Record) -> int:
        """Give the database what waits, in order, each once whatever happens meanwhile; returns how much that was.

        Raises:
            SQLAlchemyError: the database refuses it still; what it took does not wait any more.
            SpoolError: the spool cannot be read or written.
        """
        if not self.waiting():
            return 0
        if self.spool is None:
            return self._replay(outbox, record)
        with self.spool.locked():
            return self._replay(outbox, record)

    def _replay(self, outbox: Outbox, record: Record) -> int:
        done: list[Entry] = []
        given = 0
        try:
            for entry in self.waiting():
                taken = self._give(entry, outbox, record)
                if taken is not None:
                    done.append(entry)
                    given += taken
        finally:
            self._drop(done)
        if given:
            logger.warning(
                "The database of the handovers answers: %d packets and messages that waited beside it are in it now.",
                given,
                extra=named("spool.replayed"),
            )
        return given

    def _give(self, entry: Entry, outbox: Outbox, record: Record) -> bool | None:
        """Whether the database took it; False where nobody wants it any more, None where it must be looked at."""
        try:
            if entry.kind == PACKET:
                outbox.enqueue(_packet(entry))
                return True
            if record.to_human(entry.sender, entry.body["text"], entry.body["origin"]) is not None:
                return True
        except (DataError, IntegrityError, KeyError, TypeError, ValueError) as error:
            # This one alone is refused; others must not wait for it.
            if entry.where not in self._refused:
                self._refused.append(entry.where)
                logger.error(
                    "A record of the spool cannot be put into the database (%s); it stays there.",
                    place_of(error),
                    extra=named("spool.refused"),
                )
            return None
        logger.warning(
            "No human has a caller any more whose words waited in the spool, and none gets them.",
            extra=named("relay.backlog.dropped"),
        )
        return False

    def _drop(self, entries: list[Entry]) -> None:
        with self._guard:
            gone = {id(entry) for entry in entries}
            self._memory = [entry for entry in self._memory if id(entry) not in gone]
        if self.spool is not None:
            self.spool.drop(entries)

    def _entries(self) -> list[Entry]:
        kept = list(self.spool.look().entries) if self.spool is not None else []
        return [*kept, *self._memory]

    def _keep(self, kind: str, sender: str, body: dict[str, Any]) -> bool:
        try:
            if self.spool is None:
                raise SpoolError("A database in memory has no spool.")
            self.spool.keep(kind, sender, body)
        except SpoolError as error:
            return self._keep_in_memory(kind, sender, body, error)
        logger.warning(
            "The database of the handovers refuses %s; it waits in the spool '%s'.",
            _named(kind, body),
            self.spool.folder,
            extra=named("spool.kept"),
        )
        return True

    def _keep_in_memory(self, kind: str, sender: str, body: dict[str, Any], error: SpoolError) -> bool:
        with self._guard:
            room = len(self._memory) < MOST_IN_MEMORY
            if room:
                self._memory.append(Entry(kind, sender, body, 0.0))
        fate = "it is kept in memory, and lost if this process ends first" if room else "it is lost"
        logger.error(
            "Neither the database nor the spool takes %s; %s. %s",
            _named(kind, body),
            fate,
            error,
            extra=named("spool.full"),
        )
        return False


def _packet(entry: Entry) -> Packet:
    basics = {name: entry.body[name] for name in ("key", "kind", "sender", "channel", "created")}
    return stored_packet(json.dumps(entry.body), **basics)


def _named(kind: str, body: Mapping[str, Any]) -> str:
    return f"the packet '{body['key']}'" if kind == PACKET else "a caller's words for a human"


@cache
def _keeper(database: str, spool: Spool | None) -> Keeper:
    return Keeper(spool)
