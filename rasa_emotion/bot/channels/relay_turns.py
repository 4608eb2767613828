"""Whose turn it is: a caller's message goes to the human who has the conversation, else to the bot."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME, REQUESTED_SLOT
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.bot.channels.relay_service import RelayService, Unavailable
from rasa_emotion.bot.rasa_versions import inner_store, is_paused, named_output
from rasa_emotion.bot.tracker_store import EmotionTrackerStore
from rasa_emotion.conversation.history import (
    ESCALATED_SLOT,
    ESCALATION_SLOT,
    HAND_BACK_KEY,
    shown_words,
)
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.build import due
from rasa_emotion.handoff.record import Handover, Record
from rasa_emotion.logs import named, trace
from rasa_emotion.privacy.pseudonym import pseudonym

logger = logging.getLogger(__name__)

OUTCOME_SLOT = "handoff_outcome"
"""The slot from which the bot knows what the human left for it."""

FORGOTTEN_SLOTS = frozenset({ESCALATED_SLOT, ESCALATION_SLOT, OUTCOME_SLOT, REQUESTED_SLOT, "session_started_metadata"})
"""Slots that a hand-back does not carry over as they are."""

PATIENCE_SECS = 5.0
"""How long a turn waits for the database before the bot goes on without it."""

MOST_MISSED = 10_000
"""Messages for humans that are kept in memory while the database is away."""


@dataclass(frozen=True)
class _Said:
    """What a caller said: whose, the text as the client sent it, and the message's id."""

    sender: str
    text: str
    origin: str


OnMessage = Callable[[UserMessage], Awaitable[Any]]


class Turns:
    """Decides about each message of the callers of one channel, under Rasa's lock of the conversation.

    Args:
        service: of this server process.
        agent: Rasa's agent at the moment; None before it is loaded.
        on_new_message: what Rasa gave the channel, for as long as there is no agent.
    """

    def __init__(self, service: RelayService, agent: Callable[[], Agent | None], on_new_message: OnMessage) -> None:
        self._service = service
        self._agent = agent
        self._on_new_message = on_new_message
        self._failed: set[str] = set()
        self._missed: list[_Said] = []

    async def take(self, message: UserMessage) -> bool:
        """Give the message to the human, or to the bot; say whether a human has the conversation."""
        agent = self._agent()
        if agent is None or not agent.is_ready():
            await self._on_new_message(message)
            return False
        # What Rasa's handler does, with the question whose turn it is inside the same lock: of two messages at once,
        # in whichever server process, the second one knows what the first one led to. The lock is not reentrant.
        async with agent.lock_store.lock(message.sender_id):
            if await self._relayed(agent, message):
                return True
            await agent.processor.handle_message(message)
            return await self._escalated(agent, message.sender_id)

    async def _escalated(self, agent: Agent, sender: str) -> bool:
        """Whether the turn that just ended gave the conversation to a human, who hears of it from here on."""
        try:
            if not isinstance(inner_store(agent.tracker_store), EmotionTrackerStore):
                await self._enqueue(agent, sender)
            holder = await self._service.ask(lambda record: record.holder(sender), patience_secs=PATIENCE_SECS)
            return holder is not None
        except Unavailable:
            return False  # a look through the tracker store finds it later
        except Exception as error:
            # The turn itself is over, and the caller has the bot's answer.
            logger.error(
                "Whether caller %s was handed over cannot be seen (%s).",
                pseudonym(sender),
                place_of(error),
                extra=named("relay.handover.unknown"),
            )
            trace(logger, "relay.handover.unknown", error)
            return False

    async def _enqueue(self, agent: Agent, sender: str) -> None:
        session = await agent.tracker_store.retrieve(sender)
        if session is None or not any(recorded.turns_ago == 0 for recorded in due(_stored(session))):
            return
        full = await agent.tracker_store.retrieve_full_tracker(sender) or session
        await self._service.enqueue_missing(_stored(full), sender)

    async def _relayed(self, agent: Agent, message: UserMessage) -> bool:
        sender = message.sender_id
        try:
            handover = await self._service.ask(lambda record: record.unfinished(sender), patience_secs=PATIENCE_SECS)
            if handover is not None and handover.closed is None:
                if await self._heard_by_human(message):
                    return True
                # They gave it back just now.
                handover = await self._service.ask(lambda record: record.to_resume(sender))
            if handover is not None:
                await self._resume(agent, handover)
        except Unavailable:  # has been logged; the bot goes on, or is silent in a conversation that it handed over
            if is_paused(await agent.processor.get_tracker(sender)):
                self._miss(message)
        return False

    def _miss(self, message: UserMessage) -> None:
        """Remember what the human is to get when the database answers again."""
        if len(self._missed) < MOST_MISSED:
            self._missed.append(_Said(message.sender_id, message.text or "", message.message_id))
        else:
            logger.error(
                "Words of caller %s are too many to be kept for the human.",
                pseudonym(message.sender_id),
                extra=named("relay.backlog.full"),
            )

    async def _catch_up(self, sender: str) -> None:
        """Give the human what this caller said while the database was away. Raises Unavailable."""
        for missed in [one for one in self._missed if one.sender == sender]:
            if await self._tell_human(missed):
                logger.info(
                    "What caller %s said while the database was away has reached the human.",
                    pseudonym(sender),
                    extra=named("relay.backlog.delivered"),
                )
            else:
                logger.warning(
                    "No human has caller %s any more, and none gets the last words.",
                    pseudonym(sender),
                    extra=named("relay.backlog.dropped"),
                )
            self._missed.remove(missed)

    async def _tell_human(self, said: "_Said") -> bool:
        """Keep a caller's words for the human; False where no human has the conversation. Raises Unavailable."""
        words = shown_words(said.text, said.origin)

        def keep(record: Record) -> Handover | None:
            return record.to_human(said.sender, words, said.origin) if said.text else record.holder(said.sender)

        return await self._service.ask(keep, patience_secs=PATIENCE_SECS) is not None

    async def _heard_by_human(self, message: UserMessage) -> bool:
        """Keep the caller's words for the human; False where they have given the conversation back meanwhile."""
        try:
            await self._catch_up(message.sender_id)
            return await self._tell_human(_Said(message.sender_id, message.text or "", message.message_id))
        except Unavailable:
            # That a human has it is known: the bot must not answer in their place.
            caller = pseudonym(message.sender_id)
            logger.error(
                "Words of caller %s wait in memory until the database answers again.",
                caller,
                extra=named("relay.backlog.waiting"),
            )
            self._miss(message)
            return True

    async def take_up_all(self, channel: str, *, utter: str | None) -> None:
        """The bot takes up the conversations of a channel that humans gave back, and humans get what they missed.

        Args:
            channel: its name.
            utter: a response with which it does so.

        Raises:
            Unavailable: the database failed.
        """
        agent = self._agent()
        if agent is None or not agent.is_ready():
            return
        to_resume = await self._service.ask(lambda record: record.all_to_resume(channel))
        for sender in dict.fromkeys(missed.sender for missed in self._missed):
            await self._one_by_one(agent, sender, partial(self._catch_up, sender))
        for handover in to_resume:
            await self._one_by_one(agent, handover.sender, partial(self._take_up, agent, handover.sender, utter))

    async def _one_by_one(self, agent: Agent, sender: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step under the lock of a conversation; where it fails, others do not wait for it. Raises Unavailable."""
        try:
            async with agent.lock_store.lock(sender):
                await step()
            self._failed.discard(sender)
        except Unavailable:
            raise
        except (Exception, SystemExit) as error:
            # Rasa's tracker store fails, or gives up; it is tried again, and so does the caller's next turn.
            if sender not in self._failed:
                where = place_of(error)
                logger.error(
                    "The bot cannot take up the conversation of caller %s (%s).",
                    pseudonym(sender),
                    where,
                    extra=named("relay.resume.failed"),
                )
            self._failed.add(sender)

    async def _take_up(self, agent: Agent, sender: str, utter: str | None) -> None:
        # The caller may have spoken meanwhile.
        still = await self._service.ask(partial(Record.to_resume, sender=sender))
        if still is not None:
            await self._resume(agent, still, utter=utter)

    async def _resume(self, agent: Agent, handover: Handover, *, utter: str | None = None) -> None:
        tracker = await agent.processor.get_tracker(handover.sender)
        begun = any(
            # So that it is begun once.
            isinstance(event, SessionStarted) and event.metadata.get(HAND_BACK_KEY) == handover.key
            for event in tracker.events
        )
        if not begun:
            tracker.update_with_events(_hand_back(tracker, handover), agent.domain)
            text = await _text_of(agent, tracker, utter, handover.channel) if utter else None
            if text:
                # Among the human's messages: so it comes after their last one, by whichever way these go.
                origin = f"resume {handover.key}"
                await self._service.ask(lambda record: record.to_caller(handover.key, text, origin, machine=True))
                tracker.update_with_events([BotUttered(text, metadata={"utter_action": utter})], agent.domain)
            await agent.processor.save_tracker(tracker)
        await self._service.ask(lambda record: record.mark_resumed(handover.sender))
        logger.info(
            "The bot takes up the conversation of caller %s again.",
            pseudonym(handover.sender),
            extra=named("relay.handover.ended"),
        )


def _hand_back(tracker: DialogueStateTracker, handover: Handover) -> list[Event]:
    """The events that docs/rasa.md documents: a new session, without pause and form, in which the bot listens."""
    carried = {
        name: slot.value
        for name, slot in tracker.slots.items()
        if name not in FORGOTTEN_SLOTS and slot.value is not None and slot.value != slot.initial_value
    }
    carried |= {
        name: value
        for name, value in ((ESCALATED_SLOT, False), (OUTCOME_SLOT, handover.outcome))
        if name in tracker.slots
    }
    return [
        ActionExecuted(ACTION_SESSION_START_NAME),
        SessionStarted(metadata={HAND_BACK_KEY: handover.key}),
        *(SlotSet(name, value) for name, value in carried.items()),
        ActionExecuted(ACTION_LISTEN_NAME),
    ]


def _stored(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    return [event.as_dict() for event in tracker.events]


async def _text_of(agent: Agent, tracker: DialogueStateTracker, response: str, channel: str) -> str | None:
    said = await agent.nlg.generate(response, tracker, named_output(channel))
    if not said or not said.get("text"):
        logger.error(
            "The bot's domain has no text for 'resume_action: %s'; add the response.",
            response,
            extra=named("relay.response.missing"),
        )
        return None
    return str(said["text"])
