"""What an agent is given at the desk: how long somebody has waited, and a first sentence. Pure logic."""

from collections.abc import Mapping
from typing import Any

from rasa_emotion.conversation.decision import HIGH, NORMAL, URGENT
from rasa_emotion.handoff.desk_record import Judgement, Note, Waiting
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.record import Said
from rasa_emotion.settings import checked
from rasa_emotion.text.language import ENGLISH, replies_language

LEVELS: dict[str, tuple[float, float]] = {URGENT: (60, 180), HIGH: (180, 600), NORMAL: (600, 1800)}
"""Seconds of waiting from which on somebody is due, and overdue, by urgency."""

IN_TIME, DUE, OVERDUE = "in time", "due", "overdue"

NOT_ALLOWED = "This caller has not allowed the analysis of emotions."

FIRST_SENTENCES = {
    "hostile": "I am sorry that this went so wrong. I have read what happened and stay with you until it is solved.",
    "distressed": "I am here now, and we take this one step at a time. Is there anything that cannot wait?",
    "upset": "I am sorry for the trouble. I have read the conversation, so you need not explain it again.",
    "tense": "Thank you for waiting. I have read the conversation and take it from here.",
    "calm": "Hello, thank you for waiting. How can I help you?",
}
"""For an agent to send or change; nothing is sent by itself."""


def service_level(urgency: str, waiting_secs: float) -> str:
    """Whether somebody who waits is in time.

    >>> service_level("urgent", 30), service_level("urgent", 90), service_level("normal", 7200)
    ('in time', 'due', 'overdue')
    """
    due, overdue = LEVELS.get(urgency, LEVELS[NORMAL])
    return OVERDUE if waiting_secs >= overdue else DUE if waiting_secs >= due else IN_TIME


def first_sentence(mood: str | None, language: str, own: Mapping[str, Mapping[str, str]] | None = None) -> str | None:
    """What an agent may begin with: the friendly one where no mood is told; None where there is none in that language.

    Args:
        mood: of the caller; None where it may not be told.
        language: which the bot speaks.
        own: the operator's sentences, by language and mood.

    >>> first_sentence(None, "en"), first_sentence("hostile", "de") is None
    ('Hello, thank you for waiting. How can I help you?', True)
    """
    there = (own or {}).get(language) or (FIRST_SENTENCES if language == ENGLISH else {})
    return there.get(mood or "calm") or there.get("calm")


def check_sentences(own: Mapping[str, Mapping[str, str]]) -> None:
    """Raises ConfigError where a sentence is for something that is no mood."""
    for language, sentences in own.items():
        checked(f"'first_sentences' in endpoints.yml: '{language}'", sentences, dict.fromkeys(FIRST_SENTENCES))


def language_of(packet: Packet, bots: str) -> str:
    """The language in which a bot spoke with a caller; `bots`, its own, where too little was said to tell."""
    return replies_language(line.text for line in packet.transcript if line.speaker == "bot") or bots


def row(waiting: Waiting, person: str, now: float, *, allowed: bool) -> dict[str, Any]:
    """One line of the queue, JSON-safe; without mood and reason where the caller allows no analysis.

    Args:
        waiting: the handover.
        person: who looks.
        now: seconds since 1970; a clock that was put back makes nobody wait for less than nothing.
        allowed: whether the caller's emotions may be analysed.
    """
    since = waiting.taken if waiting.taken is not None else now
    secs = max(0.0, since - waiting.created)
    packet = waiting.packet
    return {
        "key": waiting.key,
        "sender": waiting.sender,
        "channel": waiting.channel,
        "urgency": packet.urgency,
        "reason": packet.reason if allowed else NOT_ALLOWED,
        "mood": packet.mood if allowed else None,
        "waited_secs": round(secs, 1),
        "level": service_level(packet.urgency, secs),
        "taken_by": waiting.taken_by,
        "mine": waiting.taken_by == person,
    }


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One's own first, then who waits, then what others have; the most urgent first, then who waits longest."""
    urgencies = list(LEVELS)

    def place(one: dict[str, Any]) -> tuple[int, int, float]:
        whose = 0 if one["mine"] else 1 if one["taken_by"] is None else 2
        urgency = urgencies.index(one["urgency"]) if one["urgency"] in urgencies else len(urgencies)
        return whose, urgency, -one["waited_secs"]

    return sorted(rows, key=place)


def packet_for(waiting: Waiting, *, allowed: bool) -> dict[str, Any]:
    """The packet, JSON-safe; without anything of emotions where the caller allows no analysis."""
    told = waiting.packet.to_dict()
    if not allowed:
        told.update(timeline=[], mood=None, reason=NOT_ALLOWED, summary="")
    return told


def message(said: Said) -> dict[str, Any]:
    """One message between caller and person, JSON-safe, as the page shows it."""
    if said.direction == "to_human":
        speaker = "note" if said.machine else "caller"
    else:
        speaker = "automatic" if said.machine else "agent"
    return {
        "id": said.id,
        "speaker": speaker,
        "text": said.text,
        "state": said.state,
        "at": said.created,
        "origin": said.origin,
    }


def note_dict(note: Note) -> dict[str, Any]:
    """A note, JSON-safe."""
    return dict(vars(note))


def judgement_dict(one: Judgement) -> dict[str, Any]:
    """What a person said of a turn, JSON-safe, without the caller's words."""
    return {name: value for name, value in vars(one).items() if name not in ("text", "sender")}
