"""What channels and components ask before they analyse a caller: the bot's record of consents."""

import logging
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from rasa_emotion.conversation.history import CHOICES, last_choice
from rasa_emotion.endpoints import endpoints_path, read_endpoints
from rasa_emotion.errors import ConfigError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.turn.message import DEFAULT_SENDER_ID

logger = logging.getLogger(__name__)

MOST_READ = 10_000
"""Conversations of which it is known how far they were searched."""

_read: WeakKeyDictionary[Consents, dict[str, tuple[float | None, int]]] = WeakKeyDictionary()
"""By record and sender, how a conversation begins and how many of its events were searched for choices."""


class Conversation(Protocol):
    """What is asked of a conversation; Rasa's `DialogueStateTracker` is one."""

    @property
    def sender_id(self) -> str: ...

    @property
    def events(self) -> Sequence[Any]: ...


def may_analyse(sender: str | None) -> bool:
    """Whether the emotions of this caller may be analysed now; never raises, and says no where that is not known."""
    try:
        consents = shared_consents()
        return consents is not None and consents.allows(_id(sender))
    except Exception as error:
        return _unknown(error)


def note_choice(sender: str, allowed: bool) -> None:
    """Note that a caller has said by a command whether they may be analysed; never raises."""
    try:
        consents = shared_consents()
        if consents is not None:
            consents.set(sender, allowed)
    except Exception as error:
        logger.error("A caller's choice could not be noted (%s).", place_of(error), extra=named("consent.choice.lost"))
        trace(logger, "consent.choice.lost", error)


def heed(intent: str | None, tracker: Conversation, *, how: str) -> bool:
    """Note what a turn says about the analysis of emotions; returns whether the turn itself may be analysed.

    Args:
        intent: the turn's intent, if any.
        tracker: the conversation before the turn.
        how: "command" or "words".
    """
    try:
        consents = shared_consents()
        if consents is None:
            return False
        if how == "words" and CHOICES.get(intent or "") and consents.allows(tracker.sender_id):
            # A yes that changes nothing: often an outburst that the intent classifier does not know better.
            return True
        if intent in CHOICES:
            consents.set(tracker.sender_id, CHOICES[intent], how=how)
            return False  # there is nothing in it but the choice
        _catch_up(consents, tracker)
        return consents.allows(tracker.sender_id)
    except Exception as error:
        return _unknown(error)


def _unknown(error: Exception) -> bool:
    logger.error(
        "It is not known whether a caller may be analysed (%s); the turn is not.",
        place_of(error),
        extra=named("consent.unknown"),
    )
    trace(logger, "consent.unknown", error)
    return False


def _catch_up(consents: Consents, tracker: Conversation) -> None:
    """Take over a choice that never passed here, such as a button that Rasa's `trigger_intent` reports."""
    said = last_choice(_unread(consents, tracker))
    if said is None:
        return
    allowed, moment = said
    known = consents.find(tracker.sender_id)
    if known is None or (known.allowed != allowed and known.since < moment):
        consents.set(tracker.sender_id, allowed, how="event", since=moment)


def _unread(consents: Consents, tracker: Conversation) -> Sequence[Any]:
    """The events that were not searched for choices in an earlier turn; the whole of it once in a process."""
    events = tracker.events
    first = events[0] if events else None
    begins = first.get("timestamp") if isinstance(first, dict) else getattr(first, "timestamp", None)
    read = _read.setdefault(consents, {})
    begun, number = read.pop(tracker.sender_id, (None, 0))
    # Counted, since clocks go back; and a new session begins with another event.
    known = number if begun == begins and number <= len(events) else 0
    read[tracker.sender_id] = begins, len(events)
    if len(read) > MOST_READ:
        del read[next(iter(read))]
    return list(islice(reversed(events), len(events) - known))[::-1]


def shared_consents() -> Consents | None:
    """The record that the bot's endpoints.yml names; None, with one log line, where that cannot be used."""
    # Not the resolved path, which would ask the disk in every turn.
    return _open(Path.cwd(), endpoints_path())


@cache
def _open(folder: Path, path: Path) -> Consents | None:
    try:
        return Consents.of(read_endpoints(folder / path))
    except ConfigError as error:
        logger.error(
            "Nobody's emotions are analysed, as the record of consents cannot be opened. %s",
            error,
            extra=named("consent.unavailable"),
        )
        return None


def _id(sender: str | None) -> str:
    return DEFAULT_SENDER_ID if sender is None else str(sender)
