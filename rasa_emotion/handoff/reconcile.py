"""Finds escalations that are in the tracker store but not in the outbox, and adds them.

`EmotionTrackerStore` writes both in one transaction. Every other tracker store is looked through instead: by the
deterministic key of an escalation, so that one that is found twice is added once.
"""

import logging
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol

from rasa_emotion.conversation.history import Recorded, escalation_key
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.build import Event, due, minimal_packet, packet_of
from rasa_emotion.handoff.outbox import DAY_SECS, Outbox
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)

OLDEST_DAYS = 7.0
"""Escalations that are older are left alone: whoever wanted help then was helped otherwise, or has gone."""


class TrackerStore(Protocol):
    """What is needed of Rasa's tracker stores."""

    def keys(self) -> Awaitable[Iterable[Any]]: ...

    def retrieve_full_tracker(self, conversation_id: str) -> Awaitable[Any]: ...


def safe_packet(events: Sequence[Event], *, sender: str, recorded: Recorded, endpoints: Endpoints) -> Packet:
    """The packet, or the minimal one where events or settings are such that it cannot be made."""
    try:
        return packet_of(events, sender=sender, recorded=recorded, endpoints=endpoints)
    except Exception as error:
        logger.error(
            "The packet of an escalation could not be made (%s); people get what is known for certain.",
            place_of(error),
            extra=named("handoff.packet.reduced"),
        )
        trace(logger, "handoff.packet.reduced", error)
        return minimal_packet(events, sender=sender, recorded=recorded, endpoints=endpoints)


def enqueue_missing(
    events: Sequence[Event], *, sender: str, outbox: Outbox, endpoints: Endpoints, now: float | None = None
) -> int:
    """Add the escalations of one conversation that have no row; return how many there were.

    Those that are older than `OLDEST_DAYS`, or than what is kept, are left alone. One after which a human has already
    handed back is delivered, but does not silence the bot again.

    Args:
        events: of all sessions, as Rasa stores them, oldest first.
        now: seconds since 1970.
    """
    days = min(OLDEST_DAYS, endpoints.retention_days or OLDEST_DAYS)
    oldest = (time.time() if now is None else now) - days * DAY_SECS
    found = {
        escalation_key(sender, recorded.event): recorded
        for recorded in due(events)
        if float(recorded.event["timestamp"]) >= oldest
    }
    missing = found.keys() - outbox.known(list(found)) if found else set()
    added = 0
    for key in (key for key in found if key in missing):
        packet = safe_packet(events, sender=sender, recorded=found[key], endpoints=endpoints)
        added += outbox.enqueue(packet, closed=_handed_back(events, found[key].event))
    return added


def latest_packets(events: Sequence[Event], *, sender: str, endpoints: Endpoints) -> list[Packet]:
    """Those of the escalations of a conversation's last turn: what is new where no database can be asked."""
    latest = [recorded for recorded in due(events) if recorded.turns_ago == 0]
    return [safe_packet(events, sender=sender, recorded=recorded, endpoints=endpoints) for recorded in latest]


async def reconcile_sender(tracker_store: TrackerStore, outbox: Outbox, endpoints: Endpoints, sender: str) -> int:
    """Look through one conversation, such as the one that just had a turn; return how many escalations were added."""
    tracker = await tracker_store.retrieve_full_tracker(sender)
    if tracker is None:
        return 0  # deleted in between
    events = [event.as_dict() for event in tracker.events]
    return enqueue_missing(events, sender=sender, outbox=outbox, endpoints=endpoints)


async def reconcile(tracker_store: TrackerStore, outbox: Outbox, endpoints: Endpoints) -> int:
    """Look through all conversations of a tracker store; return how many escalations were added.

    A conversation that is deleted meanwhile, or cannot be read, is passed over.
    """
    added = 0
    for sender in await _senders(tracker_store):
        try:
            added += await reconcile_sender(tracker_store, outbox, endpoints, sender)
        except Exception as error:
            logger.error(
                "A conversation could not be looked through for escalations (%s); it is tried again later.",
                place_of(error),
                extra=named("handoff.reconcile.failed"),
            )
            trace(logger, "handoff.reconcile.failed", error)
    return added


async def _senders(tracker_store: TrackerStore) -> list[str]:
    # Redis answers with bytes, and with the prefix that it puts before each conversation's id itself.
    store = getattr(tracker_store, "_tracker_store", tracker_store)
    prefix = str(getattr(store, "key_prefix", ""))
    keys = [key.decode() if isinstance(key, bytes) else str(key) for key in await tracker_store.keys()]
    return [key.removeprefix(prefix) for key in keys]


def _handed_back(events: Sequence[Event], escalation: Event) -> float | None:
    after = next(index for index, event in enumerate(events) if event is escalation)
    resumed = (event["timestamp"] for event in events[after:] if event["event"] == "resume")
    return next(resumed, None)
