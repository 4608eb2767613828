"""The packet of an escalation, made of a tracker's events: what was said, how the caller sounded, what is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from rasa_emotion.conversation.commands import shown_words
from rasa_emotion.conversation.decision import ALERT, HANDOVER
from rasa_emotion.conversation.history import (
    BOUNDARIES,
    CHOICES,
    Recorded,
    Turn,
    current_turns,
    escalation_key,
    escalations,
)
from rasa_emotion.conversation.mood import mood
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn
from rasa_emotion.handoff.redact import Rules, redacted
from rasa_emotion.handoff.summary import summary
from rasa_emotion.handoff.text import plain_json

Event = Mapping[str, Any]

SESSION_STARTS = frozenset({"restart", "session_started"})
"""What the transcript begins after; a hand-back belongs to the same conversation."""

INTERNAL_SLOTS = frozenset({"requested_slot", "session_started_metadata"})
EMOTION_SLOTS = frozenset(
    {
        "emotion",
        "emotion_confidence",
        "emotion_valence",
        "emotion_arousal",
        "caller_mood",
        "escalated",
        "escalation",
        "escalation_reason",
    }
)
"""Slots that say what the timeline says better."""


def due(events: Sequence[Event]) -> Iterator[Recorded]:
    """The recorded decisions that people are to be told of: handovers and alerts, not those of a dry run."""
    for recorded in escalations(events):
        if recorded.decision.action in (HANDOVER, ALERT) and not recorded.decision.dry_run:
            yield recorded


def packet_of(
    events: Sequence[Event], *, sender: str, recorded: Recorded, endpoints: Endpoints, channel: str | None = None
) -> Packet:
    """The packet of one of the decisions that `events` record, redacted; the same whenever it is made.

    Args:
        events: of the conversation, as Rasa stores them, oldest first.
        sender: Rasa's id of the conversation.
        recorded: the decision, from `due(events)`.
        endpoints: says what is struck out, and which links there are.
        channel: where the caller is; by default, what the caller's last turn says.

    Raises:
        ConfigError: a rule of the redaction is wrong.
    """
    rules = Rules.of(endpoints.redact)
    at = next(index for index, event in enumerate(events) if event is recorded.event)
    said = events[session_start(events, at) : _reply_end(events, at)]
    before = events[session_start(events, at) : at]
    timeline = tuple(timeline_of(before))
    form = _form(before)
    decision = recorded.decision
    packet = Packet(
        **_basics(events, sender=sender, recorded=recorded, endpoints=endpoints, channel=channel),
        summary=summary(_intents(before), timeline, form, decision),
        mood=timeline[-1].mood if timeline else "calm",
        timeline=timeline,
        transcript=tuple(lines_of(said)),
        slots=_known(_slots(before)),
        form=form,
    )
    return redacted(packet, rules, names_in(events, rules))


def minimal_packet(
    events: Sequence[Event], *, sender: str, recorded: Recorded, endpoints: Endpoints, channel: str | None = None
) -> Packet:
    """The packet that is sent where the full one cannot be made: who, where, why, and the links."""
    basics = _basics(events, sender=sender, recorded=recorded, endpoints=endpoints, channel=channel)
    told = "The conversation itself could not be put together. Look it up in the bot's tracker store."
    return Packet(**basics, summary=told, mood="calm")


def _basics(
    events: Sequence[Event], *, sender: str, recorded: Recorded, endpoints: Endpoints, channel: str | None
) -> dict[str, Any]:
    decision, key = recorded.decision, escalation_key(sender, recorded.event)
    return {
        "key": key,
        "kind": decision.action,
        "sender": sender,
        "channel": channel or channel_of(events),
        "rule": decision.rule,
        "reason": decision.reason,
        "urgency": decision.urgency,
        "created": float(recorded.event["timestamp"]),
        "links": _links(endpoints.links, sender=sender, key=key),
    }


def _links(templates: Mapping[str, str], *, sender: str, key: str) -> dict[str, str]:
    filled = {"{sender}": quote(sender, safe=""), "{key}": key}
    links = {}
    for name, template in templates.items():
        link = template
        for place, value in filled.items():
            link = link.replace(place, value)
        links[name] = link
    return links


def channel_of(events: Sequence[Event]) -> str:
    """Where the caller last was; "unknown" where no turn says it."""
    named = (event.get("input_channel") for event in reversed(events) if event["event"] == "user")
    return next((str(name) for name in named if name), "unknown")


def session_start(events: Sequence[Event], at: int) -> int:
    """Where the session begins that goes on before the event number `at`."""
    starts = (index + 1 for index in range(at - 1, -1, -1) if events[index]["event"] in SESSION_STARTS)
    return next(starts, 0)


def _reply_end(events: Sequence[Event], at: int) -> int:
    """Where the bot's reply to the turn of the decision ends, so that a later look finds the same."""
    ends = (index for index in range(at, len(events)) if events[index]["event"] in {"user", *BOUNDARIES})
    return next(ends, len(events))


def _turn(event: Event) -> Turn:
    return current_turns([event])[0]


def _intents(events: Sequence[Event]) -> list[str]:
    intents = (_turn(event).intent for event in events if event["event"] == "user")
    return [intent for intent in intents if intent]


def timeline_of(events: Sequence[Event]) -> Iterator[TimelineTurn]:
    """How the caller sounded: one for each of the caller's turns of one session.

    The mood begins anew where a human handed back. What was heard before the caller last said whether emotions may be
    analysed is not told.
    """
    for number, (turn, estimates) in enumerate(heard_in(events), start=1):
        yield _timeline_turn(number, turn, mood(estimates).state)


def heard_in(events: Sequence[Event]) -> Iterator[tuple[Turn, list[EmotionEstimate]]]:
    """Each of the caller's turns of one session, with the estimates from which the mood after it comes.

    The list goes on growing: it is that of the turn until the next one is asked for.
    """
    turns = {place: _turn(event) for place, event in enumerate(events) if event["event"] == "user"}
    chosen = max((place for place, turn in turns.items() if turn.intent in CHOICES), default=-1)
    estimates: list[EmotionEstimate] = []
    for place, event in enumerate(events):
        if event["event"] in BOUNDARIES or place == chosen:
            estimates = []
        if place in turns:
            turn = turns[place]
            turn = turn if place >= chosen else replace(turn, estimate=EmotionEstimate.unknown())
            estimates.append(turn.estimate)
            yield turn, estimates


def _timeline_turn(number: int, turn: Turn, state: str) -> TimelineTurn:
    estimate = turn.estimate
    return TimelineTurn(
        turn=number,
        at=turn.timestamp,
        emotion=estimate.emotion,
        confidence=round(estimate.confidence, 4),
        anger=round(estimate.probabilities.get("angry", 0.0), 4),
        fear=round(estimate.probabilities.get("fear", 0.0), 4),
        valence=round(estimate.valence, 4),
        arousal=round(estimate.arousal, 4),
        modalities=estimate.modalities,
        conflict=(estimate.conflict_kind or "unclear") if estimate.conflict else None,
        mood=state,
        evidence={
            modality: {
                "emotion": evidence.emotion,
                "confidence": round(evidence.confidence, 4),
                "reliability": round(evidence.reliability, 4),
            }
            for modality, evidence in estimate.evidence.items()
        },
    )


def lines_of(events: Sequence[Event]) -> Iterator[Line]:
    """What was said, also in turns that the bot reverted because it did not understand them."""
    turn = 0
    for event in events:
        if event["event"] == "user":
            turn += 1
            yield Line("caller", _caller_text(event), event.get("timestamp"), turn)
        elif event["event"] == "bot":
            text = _bot_text(event)
            if text:
                yield Line("bot", text, event.get("timestamp"))


def _caller_text(event: Event) -> str:
    return shown_words(str(event.get("text") or ""), event.get("message_id"))


def _bot_text(event: Event) -> str:
    """The bot's words, and the names of what else it showed."""
    shown = event.get("data") or {}
    parts = [str(event.get("text") or "").strip()]
    buttons = [str(button.get("title", "")) for button in shown.get("buttons") or [] if isinstance(button, Mapping)]
    if buttons:
        parts.append(f"[buttons: {', '.join(buttons)}]")
    parts += [f"[{kind}]" for kind in ("image", "attachment", "elements", "custom") if shown.get(kind)]
    return " ".join(part for part in parts if part)


def names_in(events: Sequence[Event], rules: Rules) -> list[str]:
    """Whatever the slots with names have held, also in turns that were reverted."""
    values = [
        event.get("value")
        for event in events
        if event["event"] == "slot" and event.get("name") in rules.names_from_slots
    ]
    flat = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return [str(item) for item in flat if item is not None]


def _applied(events: Sequence[Event]) -> list[Event]:
    """The events without those that a fallback took back: what the bot goes by."""
    applied: list[Event] = []
    for event in events:
        if event["event"] == "rewind":
            while applied and applied.pop()["event"] != "user":
                pass
        else:
            applied.append(event)
    return applied


def _slots(events: Sequence[Event]) -> dict[str, Any]:
    """What the bot has noted: slots with a value, without those of Rasa and of the emotion."""
    slots: dict[str, Any] = {}
    for event in _applied(events):
        if event["event"] == "reset_slots":
            slots.clear()
        elif event["event"] == "slot":
            slots[str(event.get("name"))] = event.get("value")
    return slots


def _known(slots: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: plain_json(value)
        for name, value in slots.items()
        if value is not None and name not in INTERNAL_SLOTS | EMOTION_SLOTS
    }


def _form(events: Sequence[Event]) -> dict[str, Any] | None:
    """The form that was open when the caller said what decided: the handover itself closes it."""
    spoken = max((index for index, event in enumerate(events) if event["event"] == "user"), default=-1)
    opened = _applied(events[: spoken + 1])
    name, start = None, 0
    for index, event in enumerate(opened):
        if event["event"] == "active_loop":
            name, start = event.get("name"), index
    if not name:
        return None
    asked = _slots(opened).get("requested_slot")
    asked = None if asked is None else str(asked)
    return {"name": str(name), "asked": asked, "filled": _known(_slots([*opened[start:], *events[spoken + 1 :]]))}
