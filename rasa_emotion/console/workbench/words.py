"""What the words say, sentence by sentence, and what it means that voice and words differ."""

from typing import Any

from rasa_emotion.conversation.sentences import sentences
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.protocol import Analyzer, Words

MOST_SENTENCES = 200
NO_VOICE = "No voice was found in the sound, so the words decide."
NO_WORDS = "The words say nothing that the model reads, so the voice decides."

CLEAR_VALENCE = 0.2
"""Valence from which on words are called positive, and from its negative on negative."""


def sentiment_word(valence: float) -> str:
    """ "positive", "negative" or "neutral", of a valence of -1 to 1.

    >>> sentiment_word(0.6), sentiment_word(-0.1)
    ('positive', 'neutral')
    """
    if abs(valence) < CLEAR_VALENCE:
        return "neutral"
    return "positive" if valence > 0 else "negative"


def read_sentences(analyzer: Analyzer, text: str) -> list[dict[str, Any]]:
    """Each sentence with "text", "emotion", "confidence", "valence" and "sentiment"; unknown where it has no word."""
    parts = [part.strip() for part in sentences(text) if part.strip()][:MOST_SENTENCES]
    read = analyzer.read_many([Words(part) for part in parts])
    found = []
    for part, piece in zip(parts, read, strict=True):
        estimate = analyzer.fuse([piece if isinstance(piece, Evidence) else None])
        found.append(
            {
                "text": part,
                "emotion": estimate.emotion,
                "confidence": round(estimate.confidence, 4),
                "valence": round(estimate.valence, 4),
                "sentiment": sentiment_word(estimate.valence),
            }
        )
    return found


def explained(estimate: EmotionEstimate) -> str:
    """One sentence on how voice and words go together in an estimate.

    >>> explained(EmotionEstimate.unknown())
    'There is neither a voice nor a word to go by.'
    """
    voice, words = estimate.evidence.get("acoustic"), estimate.evidence.get("text")
    if voice is not None and words is not None and voice.reliability and words.reliability:
        return _both(estimate.conflict_kind, voice, words)
    if voice is not None and words is not None:
        return NO_WORDS if voice.reliability else NO_VOICE
    if voice is None and words is None:
        return "There is neither a voice nor a word to go by."
    return f"Only the {'words' if voice is None else 'voice'} could be used."


def _both(kind: str | None, voice: Evidence, words: Evidence) -> str:
    said = f"the words say {_sure(words)}, the voice says {_sure(voice)}"
    if kind == "sarcastic":
        return f"Likely sarcasm: {said}; the voice is believed."
    if kind == "masked":
        return f"Likely a masked feeling: {said}; either may be meant, so neutral is ruled out."
    if voice.emotion == words.emotion:
        return f"Voice and words agree: {said}."
    return f"Voice and words differ without contradicting each other: {said}."


def _sure(piece: Evidence) -> str:
    return f"{piece.emotion} ({piece.confidence:.2f})"
