"""Tells the caller, once per conversation, that emotions are analysed: with the bot's first answer."""

from collections.abc import Callable
from typing import Any

from rasa.shared.core.events import BotUttered, Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.conversation.folding import Folding
from rasa_emotion.conversation.history import HAND_BACK_KEY
from rasa_emotion.turn.consent import may_analyse

DISCLOSURE_RESPONSE = "utter_emotion_disclosure"
"""The response that says so; a bot whose domain lacks it says nothing."""

DISCLOSURE_KEY = "emotion_disclosure"
"""Marks, in the metadata of a bot's message, that it begins with the disclosure."""


def disclosed(
    response: dict[str, Any], tracker: DialogueStateTracker, text: Callable[[], str | None]
) -> dict[str, Any]:
    """The response with the disclosure before its text where that is due; otherwise the response as it is.

    It is part of the first answer's text, and not an action of its own, so that it is said on every channel, with a
    form's question too, and without a turn that the bot's rules and stories would have to know. What was said stands
    in the tracker: a restart of the server says nothing twice. Callers who are not analysed are told nothing.

    Args:
        response: what the bot is about to say.
        tracker: the conversation until now.
        text: gives the disclosure's words; None where there are none.
    """
    if _was_told(tracker) or not may_analyse(tracker.sender_id):
        return response
    words = text()
    if not words:
        return response
    # An action may say several things before the tracker knows of the first.
    setattr(tracker, DISCLOSURE_KEY, True)
    own = response.get("text")
    return {**response, "text": f"{words.rstrip()} {own}" if own else words, DISCLOSURE_KEY: True}


def _was_told(tracker: DialogueStateTracker) -> bool:
    return getattr(tracker, DISCLOSURE_KEY, False) or _told.of(tracker.events)


def _and_then(told: bool, event: Event) -> bool:
    # Rasa's events have an abstract base, so that `isinstance` is slow over a long conversation.
    if event.type_name == SessionStarted.type_name:
        # After a human has handed back it is still the same call, whose first answer told.
        return HAND_BACK_KEY in event.metadata
    return told or (event.type_name == BotUttered.type_name and bool(event.metadata.get(DISCLOSURE_KEY)))


_told = Folding(False, _and_then)
