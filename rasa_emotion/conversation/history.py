"""The caller's turns, read from a tracker's raw events, so that a reverted utterance still counts.

Events may be Rasa's objects or the dictionaries that they are stored as.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Reversible, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from rasa_emotion.conversation.commands import HEARD_PREFIX, command_intent
from rasa_emotion.conversation.decision import Decision
from rasa_emotion.conversation.estimates import read_estimate
from rasa_emotion.conversation.folding import Folding
from rasa_emotion.estimate import EmotionEstimate

ESTIMATE_KEY = "emotion_estimate"
"""Where a user event holds its estimate: in `parse_data`, and for `/intent` messages with a voice in `metadata`."""

ESCALATION_SLOT = "escalation"
"""The slot whose events record what was decided."""

ESCALATED_SLOT = "escalated"
"""The slot that is true from a handover to the hand-back."""

FALLBACK_INTENT, FALLBACK_ACTION = "nlu_fallback", "action_default_fallback"

CHOICES: dict[str, bool] = {"emotion_off": False, "emotion_on": True}
"""The intents by which a caller says whether their emotions may be analysed."""

RECENT = 40
"""The latest turns, which are kept at hand over the turns of a conversation."""

# A restart, a new session and a human who hands back each begin a conversation anew.
BOUNDARIES = frozenset({"restart", "session_started", "resume"})

HAND_BACK_KEY = "handoff"
"""Marks, in the metadata of `session_started`, a session in which a human hands back: the key of the handover."""


@dataclass(frozen=True)
class Turn:
    """One utterance of the caller.

    Args:
        intent: the intent's name, if any.
        estimate: what was heard; unknown where there is nothing.
        timestamp: seconds since the epoch; None where nobody noted it.
        fallback: whether the bot did not understand it: the intent is `nlu_fallback`, or the bot's answer was
            `action_default_fallback`.
    """

    intent: str | None
    estimate: EmotionEstimate
    timestamp: float | None = None
    fallback: bool = False


@dataclass(frozen=True)
class Reply:
    """One message of the bot: its text, empty where it has none, and what else was kept with it."""

    text: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """A decision as it stands in the events.

    Args:
        decision: what was decided.
        turns_ago: how many turns the caller has had since; 0 in the turn of the decision itself.
        event: the slot event that holds it, as it was read; `escalation_key` makes its key.
    """

    decision: Decision
    turns_ago: int
    event: Any = None


def escalation_key(sender: str, event: Any) -> str:
    """The key of an escalation: the same wherever the tracker is read from, 32 hexadecimal digits.

    Args:
        sender: the conversation's id.
        event: the slot event that records the decision, an object or a dictionary.

    >>> escalation_key("alice", {"event": "slot", "name": "escalation", "timestamp": 1700000000.25})
    '0284301b29aabab14bfcbfadd884e70a'
    """
    # Stores keep times to different digits; six of them are the microsecond that the clock itself gives.
    moment = f"{float(_get(event, 'timestamp')):.6f}"
    return hashlib.sha256(f"{sender}\n{moment}".encode()).hexdigest()[:32]


def escalations(events: Iterable[Any]) -> list[Recorded]:
    """The decisions that the events record, oldest first, over all sessions.

    A new session carries slots over: such a copy precedes the caller's first turn and is no decision. What the slot
    holds otherwise is passed over.

    >>> decided = {"action": "alert", "rule": "anger", "reason": "The caller was angry.", "urgency": "high"}
    >>> escalations([{"event": "user"}, {"event": "slot", "name": "escalation", "value": decided}])[0].decision.rule
    'anger'
    """
    found, turns, spoken = [], 0, False
    for event in events:
        kind = _kind(event)
        if kind in BOUNDARIES:
            spoken = False
        elif kind == "user":
            turns, spoken = turns + 1, True
        elif spoken and kind == "slot" and _get(event, "key", "name") == ESCALATION_SLOT:
            decision = _decision(_get(event, "value"))
            if decision is not None:
                found.append((decision, event, turns))
    return [Recorded(decision, turns - turn, event) for decision, event, turn in found]


def turns_backwards(events: Iterable[Any]) -> Iterator[Turn]:
    """The caller's turns since the last restart, new session or hand-back, newest first, read one by one.

    They end, as the oldest, with the turn in which the caller said whether emotions may be analysed: what was heard
    before is not held against them.
    """
    return (turn for turn, _ in exchanges_backwards(events))


def exchanges_backwards(events: Iterable[Any]) -> Iterator[tuple[Turn, list[Reply]]]:
    """These turns, newest first, each with what the bot has replied to it, newest first.

    >>> said = {"event": "bot", "text": "Hello.", "metadata": {"utter_action": "utter_greet"}}
    >>> [replies[0].text for _, replies in exchanges_backwards([{"event": "user"}, said])]
    ['Hello.']
    """
    fell_back = False
    replies: list[Reply] = []
    for event in _backwards(events):
        kind = event.get("event") if isinstance(event, dict) else event.type_name  # a call for each event would cost
        if kind == "slot":  # most events are
            continue
        if kind in BOUNDARIES:
            return
        if kind == "user":
            turn = _turn(event)
            yield (replace(turn, fallback=True) if fell_back else turn), replies
            if turn.intent in CHOICES:
                return
            fell_back, replies = False, []
        elif kind == "bot":
            replies.append(Reply(str(_get(event, "text") or ""), _get(event, "metadata") or {}))
        elif kind == "action" and _get(event, "action_name", "name") == FALLBACK_ACTION:
            fell_back = True


def current_turns(events: Iterable[Any], *, last: int | None = None) -> list[Turn]:
    """The `last` of these turns, or all of them, oldest first.

    >>> current_turns([{"event": "user", "parse_data": {"intent": {"name": "greet"}}}])[0].intent
    'greet'
    """
    if last is not None and last <= RECENT:
        return list(_recent.of(events)[-last:]) if last else []
    return list(islice(turns_backwards(events), last))[::-1]


def _and_then(turns: tuple[Turn, ...], event: Any) -> tuple[Turn, ...]:
    """The latest turns after one more event."""
    kind = event.get("event") if isinstance(event, dict) else event.type_name
    if kind == "user":
        turn = _turn(event)
        return (turn,) if turn.intent in CHOICES else (*turns[1 - RECENT :], turn)
    if kind in BOUNDARIES:
        return ()
    if kind == "action" and turns and _get(event, "action_name", "name") == FALLBACK_ACTION:
        return (*turns[:-1], replace(turns[-1], fallback=True))
    return turns


def _latest(events: Iterable[Any]) -> tuple[Turn, ...]:
    return tuple(islice(turns_backwards(events), RECENT))[::-1]


_recent: Folding[tuple[Turn, ...]] = Folding((), _and_then, whole=_latest)


def last_choice(events: Iterable[Any]) -> tuple[bool, float] | None:
    """Whether the caller last allowed the analysis of emotions or forbade it, and when, in seconds since 1970.

    None where these events hold no such word, or not its time.

    >>> last_choice([{"event": "user", "timestamp": 7.0, "parse_data": {"intent": {"name": "emotion_off"}}}])
    (False, 7.0)
    """
    for event in _backwards(events):
        if (event.get("event") if isinstance(event, dict) else event.type_name) != "user":
            continue
        intent = _intent(event)
        if intent in CHOICES:
            moment = _get(event, "timestamp")
            return None if moment is None else (CHOICES[intent], float(moment))
    return None


def earlier_words(events: Iterable[Any], *, last: int) -> list[str]:
    """What the caller said in the `last` turns since the last boundary, oldest first; commands are no words.

    Nor is what was said before the caller last allowed or forbade the analysis of emotions.

    >>> earlier_words([{"event": "user", "text": "hello"}, {"event": "user", "text": "/restart"}], last=2)
    ['hello']
    """
    found: list[str] = []
    for event in _backwards(events):
        kind = _kind(event)
        if len(found) >= last or kind in BOUNDARIES:
            break
        if kind == "user":
            words = str(_get(event, "text") or "")
            if _intent(event) in CHOICES:
                break
            if words.strip() and not _was_command(event, words):
                found.append(words)
    return found[::-1]


def latest_turn(events: Iterable[Any]) -> Turn | None:
    """The caller's last turn, or None when there is none since the last boundary."""
    return next(turns_backwards(events), None)


def awaits_first_action(events: Iterable[Any]) -> bool:
    """Whether the bot has not acted yet on the caller's last utterance; a rejected action is none."""
    for event in _backwards(events):
        kind = _kind(event)
        if kind == "user":
            return True
        if kind == "action":
            return False
    return False


def last_reply(events: Iterable[Any]) -> str | None:
    """Name of the bot's last action before the caller's latest utterance, other than listening."""
    spoken = False
    for event in _backwards(events):
        kind, name = _kind(event), _get(event, "action_name", "name")
        if spoken and kind == "action" and name != "action_listen":
            return str(name)
        spoken = spoken or kind == "user"
    return None


def standing(events: Sequence[Any], escalated: str) -> tuple[list[Recorded], bool]:
    """What was decided since the last boundary, oldest first, and whether the slot `escalated` is true since then.

    A new session carries slots over: such copies precede the caller's first turn and are left out.
    """
    found = _standing(escalated).of(events)
    decisions = [Recorded(decision, found.turns - turn, event) for decision, turn, event in found.decided]
    return decisions, found.is_escalated


class _Standing(NamedTuple):
    turns: int = 0
    decided: tuple[tuple[Decision, int, Any], ...] = ()
    is_escalated: bool = False


@cache
def _standing(escalated: str) -> Folding[_Standing]:
    def step(before: _Standing, event: Any) -> _Standing:
        kind = event.get("event") if isinstance(event, dict) else event.type_name
        if kind == "slot":
            name = _get(event, "key", "name") if before.turns else None
            if name == escalated:
                return before._replace(is_escalated=bool(_get(event, "value")))
            if name == ESCALATION_SLOT and (decision := _decision(_get(event, "value"))):
                return before._replace(decided=(*before.decided, (decision, before.turns, event)))
        elif kind == "user":
            return before._replace(turns=before.turns + 1)
        elif kind in BOUNDARIES:
            return _Standing()
        return before

    return Folding(_Standing(), step)


def _decision(value: Any) -> Decision | None:
    try:
        return Decision.from_dict(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _turn(event: Any) -> Turn:
    parsed = _get(event, "parse_data") or {}
    metadata = _get(event, "metadata") or {}
    intent = _intent(event)
    heard = str(_get(event, "message_id")).startswith(HEARD_PREFIX)
    return Turn(
        intent,
        read_estimate(parsed.get(ESTIMATE_KEY) or (metadata.get(ESTIMATE_KEY) if heard else None)),
        _get(event, "timestamp"),
        intent == FALLBACK_INTENT,
    )


def _intent(event: Any) -> str | None:
    intent: str | None = ((_get(event, "parse_data") or {}).get("intent") or {}).get("name")
    return intent


def _was_command(event: Any, words: str) -> bool:
    """Whether Rasa read an intent in the words; it does only where the bot has one of that name."""
    named, understood = command_intent(words), _intent(event)
    return named is not None and understood in (None, named)


def _backwards(events: Iterable[Any]) -> Iterator[Any]:
    """The events, newest first. They are not copied where they need not be: that would touch each of them."""
    return reversed(events) if isinstance(events, Reversible) else reversed(list(events))


def _kind(event: Any) -> str | None:
    # Asked of every event of a long conversation.
    kind: str | None = event.get("event") if isinstance(event, dict) else event.type_name
    return kind


def _get(event: Any, attribute: str, key: str | None = None) -> Any:
    return event.get(key or attribute) if isinstance(event, dict) else getattr(event, attribute, None)
