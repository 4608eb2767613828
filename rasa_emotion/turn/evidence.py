"""How evidence travels from a channel to the NLU component inside a message's metadata."""

import logging
from collections.abc import Iterable
from typing import Any

from rasa_emotion.conversation.history import ESTIMATE_KEY
from rasa_emotion.estimate import Evidence
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

EVIDENCE_KEY = "emotion_evidence"
"""The key in a message's metadata."""

CONFIDENCE_KEY = "text_confidence"
"""The key under which a client may say how sure its speech recogniser is of the words."""

RESERVED_KEYS: tuple[str, ...] = (EVIDENCE_KEY, ESTIMATE_KEY)


class ChannelEvidence(dict[str, Any]):
    """Evidence that one of this package's channels computed, by modality, JSON-safe.

    The type is the proof of its origin: JSON from a client is never an instance of it.

    >>> ChannelEvidence.of([Evidence("acoustic", {"angry": 1.0})]).pieces()[0].emotion
    'angry'
    """

    @classmethod
    def of(cls, pieces: Iterable[Evidence]) -> "ChannelEvidence":
        return cls({piece.modality: piece.to_dict() for piece in pieces})

    def pieces(self) -> list[Evidence]:
        return [Evidence.from_dict(piece) for piece in self.values()]


def trusted_evidence(metadata: Any) -> list[Evidence]:
    """The evidence that a channel put into `metadata`; whatever a client put there in its place is removed."""
    if not isinstance(metadata, dict):
        return []
    evidence = metadata.get(EVIDENCE_KEY)
    drop_reserved(metadata, keep_channel_evidence=True)
    return evidence.pieces() if isinstance(evidence, ChannelEvidence) else []


def discard_evidence(metadata: Any) -> None:
    """Remove all that was, or pretends to be, heard: none of it may be stored."""
    if isinstance(metadata, dict):
        for key in RESERVED_KEYS:
            metadata.pop(key, None)


def text_confidence(metadata: Any) -> float | None:
    """How sure the client's speech recogniser is of the words, 0 to 1; None where it does not say so.

    >>> text_confidence({"text_confidence": 0.8})
    0.8
    """
    value = metadata.get(CONFIDENCE_KEY) if isinstance(metadata, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def drop_reserved(metadata: dict[str, Any], *, keep_channel_evidence: bool = False) -> None:
    """Remove the keys that only this package may write from a client's metadata, in place."""
    for key in RESERVED_KEYS:
        if key not in metadata or (keep_channel_evidence and isinstance(metadata[key], ChannelEvidence)):
            continue
        del metadata[key]
        logger.debug(
            "Dropped '%s' from a message's metadata: it did not come from a channel of rasa-emotion.",
            key,
            extra=named("turn.metadata.dropped"),
        )
