"""Whose turn it is: a caller's message goes to the human who has the conversation, else to the bot."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME, REQUESTED_SLOT
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.channels.relay_service import RelayService, Unavailable
from rasa_emotion.components.consent import shared_consents
from rasa_emotion.components.tracker_store import EmotionTrackerStore
from rasa_emotion.conversation.history import (
    CHOICES,
    ESCALATED_SLOT,
    ESCALATION_SLOT,
    HAND_BACK_KEY,
    command_intent,
    shown_words,
)
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.build import due
from rasa_emotion.handoff.record import Handover, Record
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
        self._missed: deque[tuple[str, str, str]] = deque(maxlen=MOST_MISSED)

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
            if not isinstance(inner_store(agent), EmotionTrackerStore):
                await self._enqueue(agent, sender)
            holder = await self._service.ask(lambda record: record.holder(sender), patience_secs=PATIENCE_SECS)
            return holder is not None
        except Unavailable:
            return False  # a look through the tracker store finds it later
        except Exception as error:
            # The turn itself is over, and the caller has the bot's answer.
            logger.error("Whether caller %s was handed over cannot be seen (%s).", pseudonym(sender), place_of(error))
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
            await self._catch_up(sender)
            if handover is not None and handover.closed is None:
                if await self._heard_by_human(message):
                    return True
                # They gave it back just now.
                handover = await self._service.ask(lambda record: record.to_resume(sender))
            if handover is not None:
                await self._resume(agent, handover)
        except Unavailable:  # has been logged; the bot goes on, or is silent in a conversation that it handed over
            if message.text and (await agent.processor.get_tracker(sender)).is_paused():
                self._missed.append((sender, shown_words(message.text, message.message_id), message.message_id))
        return False

    async def _catch_up(self, sender: str) -> None:
        """Give the human what this caller said while the database was away. Raises Unavailable."""
        for missed in [one for one in self._missed if one[0] == sender]:
            await self._service.ask(partial(_to_human, said=missed))
            self._missed.remove(missed)

    async def _heard_by_human(self, message: UserMessage) -> bool:
        """Keep the caller's words for the human; False where they have given the conversation back meanwhile."""
        sender, origin = message.sender_id, message.message_id
        words = shown_words(message.text or "", origin)
        try:
            await self._heed(message)
            if not message.text:
                return True
            return await self._service.ask(lambda record: record.to_human(sender, words, origin)) is not None
        except Unavailable:
            # That a human has it is known: the bot must not answer in their place.
            logger.error("Words of caller %s reach the human when the database answers again.", pseudonym(sender))
            self._missed.append((sender, words, origin))
            return True

    async def _heed(self, message: UserMessage) -> None:
        """A caller may refuse the analysis at any time; the component that notes it hears nothing now."""
        intent = command_intent(message.text or "")
        consents = shared_consents() if intent in CHOICES else None
        if intent is not None and consents is not None:
            allowed = CHOICES[intent]
            await self._service.ask(lambda _: consents.set(message.sender_id, allowed))

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
        for sender in dict.fromkeys(sender for sender, *_ in self._missed):
            async with agent.lock_store.lock(sender):
                await self._catch_up(sender)
        for handover in await self._service.ask(lambda record: record.all_to_resume(channel)):
            try:
                async with agent.lock_store.lock(handover.sender):
                    # The caller may have spoken meanwhile.
                    still = await self._service.ask(partial(Record.to_resume, sender=handover.sender))
                    if still is not None:
                        await self._resume(agent, still, utter=utter)
            except Unavailable:
                raise
            except Exception as error:
                # Rasa's tracker store fails, for instance; it is tried again, and so does the caller's next turn.
                if handover.key not in self._failed:
                    caller, where = pseudonym(handover.sender), place_of(error)
                    logger.error("The bot cannot take up the conversation of caller %s (%s).", caller, where)
                self._failed.add(handover.key)

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
                await self._service.ask(lambda record: record.to_caller(handover.key, text, f"resume {handover.key}"))
                tracker.update_with_events([BotUttered(text, metadata={"utter_action": utter})], agent.domain)
            await agent.processor.save_tracker(tracker)
        await self._service.ask(lambda record: record.mark_resumed(handover.sender))
        logger.info("The bot takes up the conversation of caller %s again.", pseudonym(handover.sender))


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


def _to_human(record: Record, said: tuple[str, str, str]) -> None:
    sender, words, origin = said
    record.to_human(sender, words, origin)


def inner_store(agent: Agent) -> TrackerStore:
    """The bot's tracker store without Rasa's wrapper around it."""
    return getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)


def _stored(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    return [event.as_dict() for event in tracker.events]


async def _text_of(agent: Agent, tracker: DialogueStateTracker, response: str, channel: str) -> str | None:
    said = await agent.nlg.generate(response, tracker, channel)
    if not said or not said.get("text"):
        logger.error("The bot's domain has no text for 'resume_action: %s'; add the response.", response)
        return None
    return str(said["text"])
