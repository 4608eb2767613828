"""Whose turn it is: a caller's message goes to the human who has the conversation, else to the bot."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME, REQUESTED_SLOT
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.bot.channels.relay_promise import Held
from rasa_emotion.bot.channels.relay_service import RelayService, Unavailable
from rasa_emotion.bot.rasa_versions import inner_store, is_paused, named_output
from rasa_emotion.bot.tracker_store import EmotionTrackerStore
from rasa_emotion.conversation.commands import shown_words
from rasa_emotion.conversation.history import ESCALATED_SLOT, ESCALATION_SLOT, HAND_BACK_KEY
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
            async with self._service.place() as promise:
                held = Held(message.output_channel, promise)
                message.output_channel = held
                try:
                    await agent.processor.handle_message(message)
                    human = await self._escalated(agent, message.sender_id)
                    await held.release()
                finally:
                    held.end()
                return human

    async def _escalated(self, agent: Agent, sender: str) -> bool:
        """Whether the turn that just ended gave the conversation to a human, who hears of it from here on."""
        try:
            if not isinstance(inner_store(agent.tracker_store), EmotionTrackerStore):
                await self._enqueue(agent, sender)
            if self._service.keeper.handed_over(sender):
                return True
            holder = await self._service.ask(lambda record: record.holder(sender), patience_secs=PATIENCE_SECS)
            return holder is not None
        except Unavailable:
            return False
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
        if session is not None and _has_news(session):
            full = await agent.tracker_store.retrieve_full_tracker(sender) or session
            await self._service.enqueue_missing(_stored(full), sender)
        unsaved = await _unsaved(agent.tracker_store, sender)
        if unsaved is not None and _has_news(unsaved):
            await self._service.enqueue_missing(_stored(unsaved), sender)

    async def _relayed(self, agent: Agent, message: UserMessage) -> bool:
        sender = message.sender_id
        if self._service.keeper.handed_over(sender):
            await self._keep(message)
            return True
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
                await self._keep(message)
        return False

    async def _keep(self, message: UserMessage) -> None:
        """Keep for the human what the database does not take now."""
        words = shown_words(message.text or "", message.message_id)
        if message.text:
            await asyncio.to_thread(self._service.keeper.keep_words, message.sender_id, words, str(message.message_id))

    async def _heard_by_human(self, message: UserMessage) -> bool:
        """Keep the caller's words for the human; False where they have given the conversation back meanwhile."""
        sender, text, origin = message.sender_id, message.text, message.message_id
        words = shown_words(text or "", origin)

        def tell(record: Record) -> Handover | None:
            return record.to_human(sender, words, origin) if text else record.holder(sender)

        try:
            if self._service.keeper.waits_for(sender):
                await self._service.replay(patience_secs=PATIENCE_SECS)  # what they said before comes first
            return await self._service.ask(tell, patience_secs=PATIENCE_SECS) is not None
        except Unavailable:
            # That a human has it is known: the bot must not answer in their place.
            await self._keep(message)
            return True

    async def take_up_all(self, channel: str, *, utter: str | None) -> None:
        """The bot takes up the conversations of a channel that humans gave back.

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


def _has_news(tracker: DialogueStateTracker) -> bool:
    """Whether the last turn decided that people hear of it."""
    return any(recorded.turns_ago == 0 for recorded in due(_stored(tracker)))


async def _unsaved(tracker_store: Any, sender: str) -> DialogueStateTracker | None:
    """A turn that the tracker store refused: Rasa keeps it in memory and never looks at it again.

    It is taken out of there, so that what is forgotten later does not come back.
    """
    beside = getattr(tracker_store, "_fallback_tracker_store", None)
    if beside is None or sender not in (getattr(beside, "store", None) or {}):
        return None
    tracker: DialogueStateTracker | None = await beside.retrieve(sender)
    del beside.store[sender]
    return tracker


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
