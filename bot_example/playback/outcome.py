"""What one turn did, read from the bot's answers and the tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playback.calls import Turn
from rasa_emotion.conversation.history import latest_turn
from rasa_emotion.estimate import EmotionEstimate


@dataclass(frozen=True)
class Outcome:
    """One turn as the tracker tells it afterwards.

    Args:
        number: counted from 1.
        text: the words that were sent.
        has_audio: whether a voice was sent with them.
        intent: what the bot understood.
        estimate: what the bot heard; unknown where it heard nothing.
        mood: of the conversation so far; None where the bot has none.
        answers: what the bot said.
        escalated: whether a human has the call now.
        reason: why, in the policy's words; empty where no human has it.
        warning: why the voice could not be analysed; empty where it could.
    """

    number: int
    text: str
    has_audio: bool
    intent: str
    estimate: EmotionEstimate
    mood: str | None
    answers: tuple[str, ...]
    escalated: bool
    reason: str
    warning: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "turn": self.number,
            "text": self.text,
            "audio": self.has_audio,
            "intent": self.intent,
            **self.estimate.to_dict(),
            "mood": self.mood,
            "answers": list(self.answers),
            "escalated": self.escalated,
            "reason": self.reason,
            "warning": self.warning,
        }


def outcome_of(
    number: int, turn: Turn, answers: Sequence[str], tracker: Mapping[str, Any], *, warning: str = ""
) -> Outcome:
    """Read a turn from the tracker, which must hold all events, so that turns which the bot reverted are seen too."""
    heard, slots = latest_turn(tracker["events"]), tracker["slots"]
    return Outcome(
        number=number,
        text=turn.text,
        has_audio=turn.audio is not None,
        intent=(heard and heard.intent) or "",
        estimate=heard.estimate if heard else EmotionEstimate.unknown(),
        mood=slots.get("caller_mood"),
        answers=tuple(answers),
        escalated=bool(slots.get("escalated")),
        reason=slots.get("escalation_reason") or "",
        warning=warning,
    )
