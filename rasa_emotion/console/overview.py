"""One conversation as supervisors see it: mood, its course, the last words, and what was decided. Pure logic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rasa_emotion.conversation.history import escalations
from rasa_emotion.conversation.mood import MOODS, mood
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.handoff.build import channel_of, heard_in, lines_of, names_in, session_start, timeline_of
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
    """One conversation, as the list shows it: of many of them, this is what is kept and cheap to make.

    Args:
        sender: Rasa's id of it.
        channel: where the caller is.
        began, last: seconds since 1970 of the session's first and last words; None where no event says it.
        allowed: whether the caller's emotions may be analysed; where not, no mood and no emotion is told.
        mood: after the last turn; None where it may not be told.
        emotion: of the last turn; None where it may not be told, or there was none.
        anger: of the last turn, 0 to 1.
        curve: valence, -1 to 1, and anger of the latest turns, oldest first.
        turns: of the caller in this session that may be told.
        words: the caller's last, redacted.
        reason, urgency, action: of the latest decision; empty where there is none.
    """

    sender: str
    channel: str
    began: float | None
    last: float | None
    allowed: bool
    mood: str | None
    emotion: str | None
    anger: float
    curve: tuple[tuple[float, float], ...]
    turns: int
    words: str
    reason: str = ""
    urgency: str = ""
    action: str = ""

    def to_dict(self, *, words: bool) -> dict[str, Any]:
        """JSON-safe; `words` says whether the person may read what callers say."""
        told = {name: value for name, value in vars(self).items() if name != "last"}
        told["words"] = self.words[:LONGEST_WORDS] if words or not self.words else HIDDEN
        return {**told, "last": self.last, "curve": [list(point) for point in self.curve]}


@dataclass(frozen=True)
class Whole:
    """One conversation in full.

    Args:
        overview: how it is.
        timeline: the caller's turns of this session; none where they may not be told.
        lines: what was said in this session, redacted.
    """

    overview: Overview
    timeline: tuple[TimelineTurn, ...]
    lines: tuple[Line, ...]


def overview(sender: str, events: Sequence[Event], rules: Rules, *, allowed: bool) -> Overview | None:
    """What these events say; None where nobody has said anything in the last session.

    Args:
        sender: Rasa's id of the conversation.
        events: oldest first, as `EventTable.of` reads them.
        rules: what is struck out of the words.
        allowed: whether the caller's emotions may be analysed.

    >>> said = {"event": "user", "text": "I am Ada, 4111 1111 1111 1111", "timestamp": 7.0}
    >>> overview("a", [said], Rules(), allowed=True).words
    'I am Ada, [card number]'
    """
    here = _session(events)
    redactor = Redactor(rules, names_in(events, rules))
    lines = list(lines_of(here))
    if not lines:
        return None
    heard, counted = _heard(here) if allowed else ([], [])
    moments = [line.at for line in lines if line.at is not None]
    decisions = [recorded.decision for recorded in escalations(here)]
    told = _decided(decisions[-1], redactor) if decisions and allowed else {}
    said = next((line.text for line in reversed(lines) if line.speaker == "caller"), "")
    curve = tuple((round(one.valence, 3), round(_anger(one), 3)) for one in heard[-CURVE:])
    return Overview(
        sender,
        channel_of(events),
        moments[0] if moments else None,
        moments[-1] if moments else None,
        allowed,
        (mood(counted).state if heard else "calm") if allowed else None,
        heard[-1].emotion if heard else None,
        round(_anger(heard[-1]), 4) if heard else 0.0,
        curve,
        len(heard),
        redactor.text(said),
        **told,
    )


def whole(sender: str, events: Sequence[Event], rules: Rules, *, allowed: bool) -> Whole | None:
    """The same with every turn and every word, which takes longer; see `overview`."""
    view = overview(sender, events, rules, allowed=allowed)
    if view is None:
        return None
    here, redactor = _session(events), Redactor(rules, names_in(events, rules))
    lines = tuple(replace(line, text=redactor.text(line.text)) for line in lines_of(here))
    return Whole(view, tuple(timeline_of(here)) if allowed else (), lines)


def _session(events: Sequence[Event]) -> Sequence[Event]:
    return events[session_start(events, len(events)) :]


def _heard(events: Sequence[Event]) -> tuple[list[EmotionEstimate], list[EmotionEstimate]]:
    """The estimates of all turns, and those from which the mood comes."""
    heard: list[EmotionEstimate] = []
    counted: list[EmotionEstimate] = []
    for turn, counted in heard_in(events):  # noqa: B007 -- the last one's is wanted
        heard.append(turn.estimate)
    return heard, counted


def _anger(estimate: EmotionEstimate) -> float:
    return estimate.probabilities.get("angry", 0.0)


def _decided(decision: Any, redactor: Redactor) -> dict[str, str]:
    action = f"{decision.action} (dry run)" if decision.dry_run else decision.action
    return {"reason": redactor.text(decision.reason), "urgency": decision.urgency, "action": action}
