"""One recording, or some words, to everything that the workbench shows of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import SAMPLE_RATE, Waveform, is_silent, load_audio
from rasa_emotion.audio.decode import as_wav
from rasa_emotion.console.workbench.drivers import LONGEST_SECS, emotion_of, voice_drivers, word_drivers
from rasa_emotion.console.workbench.words import explained, read_sentences
from rasa_emotion.errors import AudioError, TextError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.evaluation.unlabelled import Listened, heard_turns, home_figures
from rasa_emotion.evaluation.unlabelled_advice import advise, verdict
from rasa_emotion.protocol import Analyzer
from rasa_emotion.timeline import timeline

MOST_SECS = 600.0
"""Of a recording; a longer one belongs to `rasa-emotion analyze --timeline`."""

SHORTEST_SECS = 0.1
SPAN_SECS = 2.0
"""Of the emotion over time: finer than that of the command, since a person looks at it beside the waveform."""

MOST_CHARACTERS = 5_000
"""Of the words."""


@dataclass(frozen=True)
class Given:
    """What a person brought.

    Args:
        waveform: 16 kHz; None where there are only words.
        text: the words; empty where there are none.
        notes: one sentence for whatever was missing or left out in decoding.
        confidence: of a recogniser in the words, 0 to 1; None for typed ones.
    """

    waveform: Waveform | None
    text: str = ""
    notes: tuple[str, ...] = ()
    confidence: float | None = None


def decoded(
    source: bytes | BinaryIO, *, channel: str | None = None, start_secs: float = 0.0, end_secs: float | None = None
) -> tuple[Waveform, tuple[str, ...]]:
    """The stretch of a recording that is to be looked at, and notes on the decoding.

    Args:
        source: of a sound file.
        channel: "left", "right" or "mix". Without it, two voices on two channels are refused: one may be an agent's.
        start_secs, end_secs: of the stretch; all of it by default.

    Raises:
        AudioError: it cannot be decoded, is longer than ten minutes, or the stretch holds nothing.
        ConfigError: there is no such channel.
    """
    notes: list[str] = []
    waveform = load_audio(source, max_secs=MOST_SECS, channel=channel, notes=notes)
    first = round(start_secs * SAMPLE_RATE)
    last = len(waveform.samples) if end_secs is None else round(end_secs * SAMPLE_RATE)
    part = Waveform(waveform.samples[max(0, first) : last])
    if part.seconds < SHORTEST_SECS or is_silent(part):
        raise AudioError("There is nothing to hear in this stretch; choose a longer one, or one with sound.")
    return part, tuple(notes)


def look(analyzer: EmotionAnalyzer, given: Given) -> dict[str, Any]:
    """Everything but the pictures, JSON-safe; blocks for about a second per ten seconds of sound.

    Returns:
        "seconds", "notes"; "estimate", "voice" and "words" (see `summary`; the last two null where there is none);
        "explained", a sentence; "timeline", spans of two seconds; "sentences"; "drivers" with "emotion", "parts",
        "words" and a "note"; "home", whether the voice is at home here, null without sound.

    Raises:
        AudioError: nothing can be heard.
        TextError: there is no sound, and no word.
    """
    text = given.text.strip()[:MOST_CHARACTERS]
    sound = None if given.waveform is None else as_wav(given.waveform)
    voice = None if sound is None else analyzer.hear(sound)
    words = _read(analyzer, text, given.confidence, needed=sound is None)
    estimate = analyzer.fuse([voice, words])
    return {
        "seconds": 0.0 if given.waveform is None else round(given.waveform.seconds, 3),
        "notes": [*given.notes, *estimate.warnings],
        "estimate": summary(estimate),
        "voice": summary(analyzer.fuse([voice])) if voice else None,
        "words": summary(analyzer.fuse([words])) if words else None,
        "explained": explained(estimate),
        "timeline": spans(analyzer, sound),
        "sentences": read_sentences(analyzer, text) if words else [],
        "drivers": drivers(analyzer, given.waveform, text if words else "", estimate),
        "home": None if sound is None else at_home(analyzer, sound),
    }


def summary(estimate: EmotionEstimate) -> dict[str, Any]:
    """What people see of an estimate: emotion, confidence, probabilities, valence, arousal, quality of the sound."""
    quality = {name: value for piece in estimate.evidence.values() for name, value in piece.quality.items()}
    return {
        "emotion": estimate.emotion,
        "confidence": round(estimate.confidence, 4),
        "probabilities": {name: round(value, 4) for name, value in estimate.probabilities.items()},
        "valence": round(estimate.valence, 4),
        "arousal": round(estimate.arousal, 4),
        "conflict": estimate.conflict_kind,
        "confused": estimate.confused,
        "quality": quality,
    }


def spans(analyzer: Analyzer, sound: bytes | None) -> list[dict[str, Any]]:
    """The emotion over time; empty without sound."""
    if sound is None:
        return []
    return [
        {"start_secs": span.start_secs, "end_secs": span.end_secs, **summary(span.estimate)}
        for span in timeline(analyzer, sound, span_secs=SPAN_SECS)
    ]


def drivers(analyzer: Analyzer, waveform: Waveform | None, text: str, estimate: EmotionEstimate) -> dict[str, Any]:
    """What drove the estimate, and a note where the recording is too long to tell."""
    voice, words = estimate.evidence.get("acoustic"), estimate.evidence.get("text")
    long = waveform is not None and waveform.seconds > LONGEST_SECS
    note = f"Parts are left out of stretches of up to {LONGEST_SECS:g} s; choose a stretch to see them."
    return {
        "emotion": emotion_of(estimate),
        "parts": voice_drivers(analyzer, waveform, words, estimate) if waveform and voice else [],
        "words": word_drivers(analyzer, text, voice, estimate) if text else [],
        "note": note if long else "",
    }


def at_home(analyzer: EmotionAnalyzer, sound: bytes) -> dict[str, Any]:
    """Whether the voice is at home in a recording: "verdict" and "findings", as `evaluate --unlabelled` has them."""
    turns = [turn for turn in heard_turns(analyzer, sound, "recording") if turn is not None]
    return home([turns]) if turns else {"verdict": "not at home", "findings": [NOBODY], "turns": 0}


NOBODY = {"finding": "nobody speaks", "text": "No stretch holds half a second of speech.", "serious": True}


def home(recordings: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The same of the turns of several recordings."""
    figures = home_figures(Listened([turn for turns in recordings for turn in turns], 0, []))
    advice = advise(figures)
    return {
        "verdict": verdict(advice),
        "findings": [vars(piece) for piece in advice],
        "turns": figures["turns"],
        "shares": figures["shares"],
    }


def _read(analyzer: EmotionAnalyzer, text: str, confidence: float | None, *, needed: bool) -> Evidence | None:
    if analyzer.has_words(text):
        return analyzer.read(text, confidence=confidence)
    if needed:
        raise TextError("There is neither sound nor a word; choose a recording or write what was said.")
    return None
