"""What a helpdesk reports: a person's words for a caller, or the hand-back."""

import logging
from collections.abc import Collection

from rasa_emotion.handoff.helpdesk import FromHuman
from rasa_emotion.handoff.holding import HELPDESK, TakenError
from rasa_emotion.handoff.record import Record, UnknownHandover
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

CLOCKS_APART_SECS = 60.0
"""How far a helpdesk's clock may be from ours."""


def keep(item: FromHuman, record: Record, voices: Collection[str] = ()) -> bool:
    """Keep one report; False where its ticket is none of a handover. `voices` are channels that speak to callers."""
    of_key = record.handover(item.key) if item.key else None
    handover = of_key or record.of_ticket(item.ticket)
    if handover is None:
        return False
    if of_key is None and item.hand_back and item.at is not None and item.at < handover.created - CLOCKS_APART_SECS:
        logger.info(
            "A hand-back is passed over: it is older than the handover '%s' of its ticket.",
            handover.key,
            extra=named("relay.handback.ignored"),
        )
        return True
    try:
        text, undelivered = _told(item, spoken=handover.channel in voices)
        if undelivered and item.machine:
            # A note would not reach whoever made the rule, and could open a conversation that is resolved again.
            logger.info(
                "What the helpdesk sent by itself does not reach the caller: %s.",
                undelivered,
                extra=named("relay.message.ignored"),
            )
            undelivered = ""
        if text or undelivered:
            _say(record, handover.key, item, text, undelivered)
        if item.hand_back:
            _hand_back(record, handover.key, item)
    except UnknownHandover:
        return False  # deleted in between
    return True


def _say(record: Record, key: str, item: FromHuman, text: str, undelivered: str) -> None:
    by = None if item.machine else HELPDESK
    try:
        record.to_caller(key, text, item.id, by=by, machine=item.machine, undelivered=undelivered)
    except TakenError as error:
        # The caller talks with somebody at a desk, and hears one person; whoever wrote this is told.
        record.to_caller(key, "", item.id, undelivered=str(error).rstrip("."))


def _hand_back(record: Record, key: str, item: FromHuman) -> None:
    try:
        record.close(key, item.outcome, by=HELPDESK)
    except TakenError:
        logger.info(
            "A hand-back of the helpdesk is passed over: somebody at a desk has the handover '%s'.",
            key,
            extra=named("relay.handback.ignored"),
        )


def _told(item: FromHuman, *, spoken: bool) -> tuple[str, str]:
    """The words for the caller, and what of the report is not among them."""
    if not spoken or item.spoken is None:
        return item.text, item.undelivered
    silent = item.text.count("://") > item.spoken.count("://")
    unspoken = "addresses and files, since the caller only hears" if silent else ""
    return item.spoken, "; ".join(filter(None, (item.undelivered, unspoken)))
