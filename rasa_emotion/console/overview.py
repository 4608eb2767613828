"""One conversation as supervisors see it: mood, its course, the last words, and what was decided. Pure logic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rasa_emotion.conversation.history import escalations
from rasa_emotion.conversation.mood import MOODS
from rasa_emotion.handoff.build import channel_of, lines_of, names_in, session_start, timeline_of
from rasa_emotion.handoff.packet import Line, TimelineTurn
from rasa_emotion.handoff.redact import Redactor, Rules

Event = Mapping[str, Any]

CURVE = 20
"""Turns that the small curve shows."""

LONGEST_WORDS = 240
"""Characters of the last words that the overview shows."""

HIDDEN = "[hidden from your role]"

ORDER = {mood: rank for rank, mood in enumerate(("hostile", "distressed", "upset", "tense", "calm"))}
"""The worst mood first; it has all of `MOODS`."""

assert set(ORDER) == set(MOODS)


@dataclass(frozen=True)
class Overview:
    """One conversation.

    Args:
        sender: Rasa's id of it.
        channel: where the caller is.
        began, last: seconds since 1970 of the session's first and last words; None where no event says it.
        allowed: whether the caller's emotions may be analysed; where not, no mood and no emotion is told.
        mood: after the last turn; None where it may not be told.
        anger: of the last turn, 0 to 1.
        timeline: the caller's turns of this session.
        lines: what was said in this session, redacted.
        reason, urgency, action: of the latest decision; empty where there is none.
    """

    sender: str
    channel: str
    began: float | None
    last: float | None
    allowed: bool
    mood: str | None
    anger: float
    timeline: tuple[TimelineTurn, ...]
    lines: tuple[Line, ...]
    reason: str = ""
    urgency: str = ""
    action: str = ""

    def to_dict(self, *, words: bool) -> dict[str, Any]:
        """JSON-safe, for the list; `words` says whether the person may read what callers say."""
        last = next((line for line in reversed(self.lines) if line.speaker == "caller"), None)
        return {
            "sender": self.sender,
            "channel": self.channel,
            "began": self.began,
            "last": self.last,
            "allowed": self.allowed,
            "mood": self.mood,
            "emotion": self.timeline[-1].emotion if self.timeline and self.allowed else None,
            "anger": self.anger,
            "curve": [[round(turn.valence, 3), round(turn.anger, 3)] for turn in self.timeline[-CURVE:]],
            "turns": len(self.timeline),
            "words": "" if last is None else last.text[:LONGEST_WORDS] if words else HIDDEN,
            "reason": self.reason,
            "urgency": self.urgency,
            "action": self.action,
        }


def overview(sender: str, events: Sequence[Event], rules: Rules, *, allowed: bool) -> Overview | None:
    """What these events say; None where nobody has said anything in the last session.

    Args:
        sender: Rasa's id of the conversation.
        events: oldest first, as `EventTable.of` reads them.
        rules: what is struck out of the words.
        allowed: whether the caller's emotions may be analysed.

    >>> said = {"event": "user", "text": "I am Ada, 4111 1111 1111 1111", "timestamp": 7.0}
    >>> overview("a", [said], Rules(), allowed=True).lines[0].text
    'I am Ada, [card number]'
    """
    here = events[session_start(events, len(events)) :]
    redactor = Redactor(rules, names_in(events, rules))
    lines = tuple(replace(line, text=redactor.text(line.text)) for line in lines_of(here))
    if not lines:
        return None
    timeline = tuple(timeline_of(here)) if allowed else ()
    moments = [line.at for line in lines if line.at is not None]
    decisions = [recorded.decision for recorded in escalations(here)]
    told = _decided(decisions[-1], redactor) if decisions and allowed else {}
    return Overview(
        sender,
        channel_of(events),
        moments[0] if moments else None,
        moments[-1] if moments else None,
        allowed,
        (timeline[-1].mood if timeline else "calm") if allowed else None,
        timeline[-1].anger if timeline else 0.0,
        timeline,
        lines,
        **told,
    )


def _decided(decision: Any, redactor: Redactor) -> dict[str, str]:
    action = f"{decision.action} (dry run)" if decision.dry_run else decision.action
    return {"reason": redactor.text(decision.reason), "urgency": decision.urgency, "action": action}
