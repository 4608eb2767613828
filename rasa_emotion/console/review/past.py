"""Past conversations, cut into sessions, as the figures read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from rasa_emotion.conversation.decision import ALERT, Decision
from rasa_emotion.conversation.history import BOUNDARIES, CHOICES, Turn, current_turns, escalations, last_choice
from rasa_emotion.emotions import UNKNOWN

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Session:
    """One conversation of one caller, from a boundary to the next.

    Args:
        sender: Rasa's id of it; it is counted, never shown.
        channel: where the caller was.
        turns: the caller's, oldest first. After a turn in which they chose about the analysis, what was heard before
            no longer counts for a decision.
        decisions: what the bot decided, oldest first.
    """

    sender: str
    channel: str
    turns: tuple[Turn, ...]
    decisions: tuple[Decision, ...]

    @property
    def day(self) -> str | None:
        """Date of the first turn in UTC, such as "2026-03-01"; None where no turn has a time."""
        moment = next((turn.timestamp for turn in self.turns if turn.timestamp is not None), None)
        return None if moment is None else datetime.fromtimestamp(moment, timezone.utc).date().isoformat()

    @property
    def escalated(self) -> bool:
        """Whether a human was brought in or offered; alerts and dry runs are neither."""
        return any(brings_human(decision) for decision in self.decisions)

    @property
    def heard(self) -> list[Turn]:
        """The turns with an estimate."""
        return [turn for turn in self.turns if turn.estimate.emotion != UNKNOWN or turn.estimate.probabilities]


def brings_human(decision: Decision) -> bool:
    """Whether the caller notices a decision."""
    return decision.action != ALERT and not decision.dry_run


def sessions(
    conversations: Mapping[str, Sequence[Event]], allowed: Callable[[str], bool] = lambda _: True
) -> list[Session]:
    """The sessions of those callers who allow the analysis of their emotions; others are not counted.

    Args:
        conversations: events by sender, oldest first.
        allowed: what the record of consents says of a sender; the conversation's own events may say no as well.

    >>> said = {"event": "user", "text": "hello", "timestamp": 1e9, "input_channel": "rest"}
    >>> [(one.day, one.channel) for one in sessions({"ada": [said]})]
    [('2001-09-09', 'rest')]
    """
    found = []
    for sender, events in conversations.items():
        choice = last_choice(events)
        if (choice is None or choice[0]) and allowed(sender):
            found += [_session(sender, part) for part in _parts(events)]
    return [one for one in found if one.turns]


def _parts(events: Iterable[Event]) -> Iterator[list[Event]]:
    part: list[Event] = []
    for event in events:
        if event.get("event") in BOUNDARIES:
            yield part
            part = []
        part.append(event)
    yield part


def _session(sender: str, events: list[Event]) -> Session:
    said = [event for event in events if event.get("event") == "user"]
    channel = next((str(event["input_channel"]) for event in said if event.get("input_channel")), "")
    turns = tuple(current_turns([event])[-1] for event in said)
    return Session(sender, channel, turns, tuple(one.decision for one in escalations(events)))


def since_choice(turns: Sequence[Turn], number: int) -> Sequence[Turn]:
    """The turns up to `number` that count for a decision in it: those since the caller last chose, 20 at most."""
    first = max((place for place in range(number + 1) if turns[place].intent in CHOICES), default=0)
    return turns[max(first, number - 19) : number + 1]
