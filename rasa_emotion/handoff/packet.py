"""What a person needs to take a conversation over: frozen and JSON-safe."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class TimelineTurn:
    """How the caller sounded in one turn.

    Args:
        turn: number of the caller's turn, from 1.
        at: seconds since 1970; None where the event does not say.
        emotion: one of the eight, or "unknown".
        confidence, anger, fear: probabilities, 0 to 1.
        valence, arousal: each -1 to 1.
        modalities: what the estimate rests on, such as ("acoustic", "text").
        conflict: "sarcastic", "masked" or None.
        mood: the caller's mood after this turn.
        evidence: what each modality said by itself: its `emotion`, `confidence` and `reliability`.
    """

    turn: int
    at: float | None
    emotion: str
    confidence: float
    anger: float
    fear: float
    valence: float
    arousal: float
    modalities: tuple[str, ...] = ()
    conflict: str | None = None
    mood: str = "calm"
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line of the transcript; `speaker` is "caller", "bot" or "human"."""

    speaker: str
    text: str
    at: float | None = None
    turn: int | None = None


@dataclass(frozen=True)
class Packet:
    """One escalation, ready for a person.

    Args:
        key: of the escalation; the same at every try.
        kind: "handover" or "alert".
        sender: Rasa's id of the conversation.
        channel: where the caller is.
        rule: name of the rule that decided.
        reason: why, in plain language.
        urgency: "normal", "high" or "urgent".
        created: seconds since 1970 of the decision.
        summary: two sentences.
        mood: the caller's mood at the decision.
        timeline: the caller's turns, oldest first.
        transcript: what was said, oldest first, redacted.
        slots: what the bot knows, redacted.
        form: `name`, slot `asked` for and slots `filled` of the form that was open; None without one.
        links: addresses by name.
        shortened: how many lines were left out of the middle of the transcript.
        redacted: how many pieces of personal data were struck out, by kind.
    """

    key: str
    kind: str
    sender: str
    channel: str
    rule: str
    reason: str
    urgency: str
    created: float
    summary: str
    mood: str
    timeline: tuple[TimelineTurn, ...] = ()
    transcript: tuple[Line, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    shortened: int = 0
    redacted: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Packet":
        """Raises KeyError or TypeError when `data` is no packet."""
        turns = tuple(TimelineTurn(**{**turn, "modalities": tuple(turn["modalities"])}) for turn in data["timeline"])
        lines = tuple(Line(**line) for line in data["transcript"])
        return cls(**{**data, "timeline": turns, "transcript": lines})


def stored_packet(text: str, *, key: str, kind: str, sender: str, channel: str, created: float) -> Packet:
    """The packet that a database holds as JSON; where it cannot be read, one that says so: people must hear of it.

    Args:
        text: the JSON.
        key, kind, sender, channel, created: what stands beside it.
    """
    try:
        return Packet.from_dict(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        reason = f"The stored packet cannot be read ({type(error).__name__})."
        return Packet(
            key=key,
            kind=kind,
            sender=sender,
            channel=channel,
            rule="",
            reason=reason,
            urgency="high",
            created=created,
            summary=f"{reason} Look the conversation up in the bot's tracker store.",
            mood="calm",
        )
