"""Forgets one caller: finds what is kept, deletes it, and names what has to be deleted elsewhere."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasa_emotion.endpoints import endpoints_path, read_content, read_endpoints, resolved, sql_url
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.outbox import DAY_SECS
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.privacy.places import (
    FEEDBACK,
    Place,
    outbox,
    redis_conversations,
    sql_conversations,
    tickets,
    waiting,
)
from rasa_emotion.privacy.recordings import recordings

KEPT, DELETED, NONE = "kept", "deleted", "none"

EXPORTED = (
    "What people said of this caller's emotions may have been exported: run 'rasa-emotion feedback export' into the "
    "same folder again, and train again what was trained from it."
)


@dataclass(frozen=True)
class Found:
    """What is kept of a caller at one place."""

    place: Place
    number: int


@dataclass(frozen=True)
class Traces:
    """What is kept of a caller.

    Args:
        sender: Rasa's id of the conversation.
        found: by place; conversations first, so that nothing makes a handoff of them again.
        said_no: whether the caller has forbidden the analysis; None where they said nothing.
        left: sentences on what has to be deleted elsewhere.
    """

    sender: str
    found: tuple[Found, ...]
    said_no: bool | None
    left: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(found.number for found in self.found)


@dataclass(frozen=True)
class Deleted:
    """What was deleted.

    Args:
        numbers: how much, by the place's name.
        choice: "kept", "deleted" or "none": the caller's word on the analysis of their emotions.
        left: sentences on where what was deleted may still be read.
    """

    numbers: Mapping[str, int]
    choice: str
    left: tuple[str, ...] = ()


class Forgetter:
    """Finds and deletes what a bot keeps of its callers.

    >>> forgetter = Forgetter(Path("there_is_no_such_file.yml"))
    >>> forgetter.find("alice").total
    0
    """

    def __init__(self, path: Path | None = None) -> None:
        """Raises ConfigError where endpoints.yml or a database that it names cannot be used.

        Args:
            path: the bot's endpoints.yml.
        """
        path = path or endpoints_path()
        content = read_content(path)
        self._endpoints = read_endpoints(path)
        store = resolved(content.get("tracker_store") or {}, str(path))
        conversations, self._elsewhere = _conversations(store if isinstance(store, Mapping) else {})
        if content.get("event_broker"):
            kind = (content["event_broker"] or {}).get("type", "of your own")
            self._elsewhere += (f"The event broker ({kind}) was sent a copy of each event; delete it where it went.",)
        # The spool before the database that it is given to.
        self.places: tuple[Place, ...] = (*conversations, *waiting(self._endpoints), *outbox(self._endpoints.database))
        if self._endpoints.record is not None:
            self.places = (*self.places, recordings(self._endpoints.record.folder))
        self._consents = Consents.of(self._endpoints)

    def quiet_for(self, days: float) -> list[str]:
        """The callers whose conversations are older than that, the oldest first.

        Raises:
            ConfigError: a place cannot be reached, or conversations are kept where that cannot be told.
        """
        asked = [place.quiet_since for place in self.places if place.quiet_since is not None]
        if not asked:
            raise ConfigError(
                "How old conversations are can be told of SQL tracker stores alone; give Redis the option "
                "'record_exp', and other stores a limit of their own."
            )
        moment = time.time() - days * DAY_SECS
        return [sender for quiet_since in asked for sender in quiet_since(moment)]

    def find(self, sender: str) -> Traces:
        """What is kept of this caller. Raises ConfigError where a place cannot be reached."""
        found = tuple(Found(place, place.count(sender)) for place in self.places)
        consent = self._consents.find(sender)
        judged = any(one.number for one in found if one.place.name == FEEDBACK)
        left = (*self._left(sender), *([EXPORTED] if judged else []))
        return Traces(sender, found, None if consent is None else not consent.allowed, left)

    def delete(self, traces: Traces, *, drop_choice: bool = False, clear: bool = True) -> Deleted:
        """Delete it.

        A no is kept, under a hash alone, so that the caller is not analysed when they call again; a yes ends with what
        it allowed. Raises ConfigError where a place cannot be reached.

        Args:
            traces: what `find` found.
            drop_choice: forget a no too.
            clear: see that it cannot be read any more, as `clear` does; after the last of many callers is enough.
        """
        numbers = {place.name: place.delete(traces.sender) for place in self.places}
        choice = NONE if traces.said_no is None else KEPT if traces.said_no and not drop_choice else DELETED
        if choice == DELETED:
            self._consents.drop(traces.sender)
        elif choice == KEPT:
            self._consents.settle(traces.sender)  # in the spool, a choice is kept under the caller's id
        return Deleted(numbers, choice, self.clear() if clear else ())

    def clear(self) -> tuple[str, ...]:
        """Make unreadable what was deleted here or before; sentences on where it may still be read."""
        by_file = {place.where: place for place in self.places}
        return tuple(said for said in (place.clear() for place in by_file.values()) if said)

    def _left(self, sender: str) -> tuple[str, ...]:
        named = tickets(self._endpoints.database, sender)
        helpdesk = self._endpoints.helpdesk.get("type")
        if not named or helpdesk == "desk":
            return self._elsewhere
        return (*self._elsewhere, f"The helpdesk '{helpdesk}' has {', '.join(named)}; delete that there.")


def _conversations(store: Mapping[str, Any]) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Where Rasa keeps conversations, and what has to be said where they cannot be deleted from here."""
    kind = str(store.get("type") or "")
    if kind.lower() == "sql" or kind.rpartition(".")[2] == "EmotionTrackerStore":
        return (sql_conversations(sql_url(store)),), ()
    if kind.lower() == "redis":
        return (redis_conversations(store),), ()
    if not kind:
        return (), ("Rasa keeps conversations in its memory, until the bot is started again.",)
    collection, table = store.get("collection") or "conversations", store.get("table_name") or "states"
    remedies = {
        "mongod": f"in the collection '{collection}', the document whose sender_id it is",
        "dynamo": f"in the table '{table}', the items whose sender_id it is",
    }
    remedy = remedies.get(kind.lower(), "as its author documents")
    return (), (f"Conversations in a tracker store of type '{kind}' cannot be deleted from here; delete it {remedy}.",)
