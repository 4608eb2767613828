"""Escalations and emotions over days, and what people's feedback says of both. Groups under five are not shown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rasa_emotion.console.review.past import Session
from rasa_emotion.conversation.history import Turn
from rasa_emotion.emotions import EMOTIONS, NEGATIVE, UNKNOWN

FEWEST_CALLERS = 5
"""Figures of fewer people could tell something of one of them."""

BINS = 5
"""Of confidence, each a fifth wide."""

SAME_MOMENT_SECS = 1e-3
"""Stores keep times to different digits."""


class Judged(Protocol):
    """What a person said of one turn's emotion (`handoff.desk_record.Judgement`)."""

    @property
    def sender(self) -> str: ...
    @property
    def turn_at(self) -> float: ...
    @property
    def heard(self) -> str: ...
    @property
    def correct(self) -> bool: ...
    @property
    def emotion(self) -> str: ...


@dataclass(frozen=True)
class Checked:
    """A turn that a person listened to or read.

    Args:
        session: in which it was.
        turn: what was estimated.
        judged: what the person said.
    """

    session: Session
    turn: Turn
    judged: Judged


def by_day(sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """For each day with at least five callers: "day", "conversations", "escalated", "alerts", and "emotions".

    "emotions" are the shares of the eight and of unknown among the turns, with sum 1; null where nothing was heard.
    Days with fewer callers have "day" and null in all else.
    """
    days: dict[str, list[Session]] = {}
    for session in sessions:
        if session.day is not None:
            days.setdefault(session.day, []).append(session)
    return [_day(day, days[day]) for day in sorted(days)]


def _day(day: str, sessions: Sequence[Session]) -> dict[str, Any]:
    if not shown(sessions):
        return {"day": day, "conversations": None, "escalated": None, "alerts": None, "emotions": None}
    counts = Counter(turn.estimate.emotion for session in sessions for turn in session.heard)
    total = sum(counts.values())
    return {
        "day": day,
        "conversations": len(sessions),
        "escalated": sum(session.escalated for session in sessions),
        "alerts": sum(bool(session.decisions) and not session.escalated for session in sessions),
        "emotions": {name: counts[name] / total for name in (*EMOTIONS, UNKNOWN)} if total else None,
    }


def drift(days: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """How much each emotion's share changed from the first half of the days to the second, -1 to 1.

    None with fewer than two days that are shown. Days count alike.

    >>> drift([{"emotions": {"angry": 0.1}}, {"emotions": {"angry": 0.4}}])
    {'angry': 0.3}
    """
    known = [day["emotions"] for day in days if day["emotions"]]
    if len(known) < 2:
        return None
    half = len(known) // 2
    first, second = known[:half], known[half:]
    return {
        name: round(sum(day[name] for day in second) / len(second) - sum(day[name] for day in first) / len(first), 6)
        for name in known[0]
    }


def shown(sessions: Iterable[Session]) -> bool:
    """Whether these are sessions of enough callers to be shown."""
    return len({session.sender for session in sessions}) >= FEWEST_CALLERS


def checked(sessions: Sequence[Session], judgements: Iterable[Judged]) -> list[Checked]:
    """The judged turns of these sessions; feedback on turns that are deleted, or of other callers, is left out."""
    turns: dict[str, list[tuple[Session, Turn]]] = {}
    for session in sessions:
        turns.setdefault(session.sender, []).extend((session, turn) for turn in session.turns)
    found = []
    for judged in judgements:
        for session, turn in turns.get(judged.sender, ()):
            if turn.timestamp is not None and abs(turn.timestamp - judged.turn_at) < SAME_MOMENT_SECS:
                found.append(Checked(session, turn, judged))
                break
    return found


def by_feedback(sessions: Sequence[Session], judgements: Iterable[Judged]) -> dict[str, Any]:
    """What feedback says.

    Returns:
        "turns" that were judged; "callers"; and, null where fewer than five callers are behind it: "escalations" with
        "judged", "false" (in no judged turn a person heard a negative emotion), "quiet_judged" and "missed"
        (conversations without a human in which a person heard anger); "calibration", one entry for each fifth of
        confidence; "recall" by the emotion that people heard, and "channels".
    """
    found = checked(sessions, judgements)
    return {
        "turns": len(found),
        "callers": len({one.session.sender for one in found}),
        "escalations": _escalations(found),
        "calibration": [_bin(found, place) for place in range(BINS)],
        "recall": {name: _share([one for one in found if one.judged.emotion == name]) for name in EMOTIONS},
        "channels": {
            name: _share([one for one in found if one.session.channel == name])
            for name in sorted({one.session.channel for one in found})
        },
    }


def _escalations(found: Sequence[Checked]) -> dict[str, int] | None:
    if not shown(one.session for one in found):
        return None
    heard: dict[int, set[str]] = {}
    sessions = {id(one.session): one.session for one in found}
    for one in found:
        heard.setdefault(id(one.session), set()).add(one.judged.emotion)
    escalated = [emotions for key, emotions in heard.items() if sessions[key].escalated]
    quiet = [emotions for key, emotions in heard.items() if not sessions[key].escalated]
    return {
        "judged": len(escalated),
        "false": sum(not emotions & NEGATIVE for emotions in escalated),
        "quiet_judged": len(quiet),
        "missed": sum("angry" in emotions for emotions in quiet),
    }


def _bin(found: Sequence[Checked], place: int) -> dict[str, Any]:
    """How often people agreed where the confidence was of this fifth."""
    inside = [one for one in found if min(BINS - 1, int(one.turn.estimate.confidence * BINS)) == place]
    told = _share(inside)
    mean = None if told is None else sum(one.turn.estimate.confidence for one in inside) / len(inside)
    return {"from": place / BINS, "to": (place + 1) / BINS, "confidence": mean, "agreed": told}


def _share(found: Sequence[Checked]) -> dict[str, float] | None:
    """How many turns, and in which share of them the estimate was right; None for fewer than five callers."""
    if not shown(one.session for one in found):
        return None
    return {"turns": len(found), "right": sum(one.judged.correct for one in found) / len(found)}
