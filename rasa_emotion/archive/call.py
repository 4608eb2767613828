"""One recording: its turns, the emotion over time, and a summary. Rows of plain data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.analyzer import EmotionAnalyzer, merged
from rasa_emotion.archive.course import Course
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.turns import Length, SpokenTurn, spoken_turns
from rasa_emotion.archive.words import Words
from rasa_emotion.audio import SAMPLE_RATE, Waveform
from rasa_emotion.audio.decode import channel_count, stream_blocks
from rasa_emotion.emotions import EMOTIONS, UNKNOWN
from rasa_emotion.errors import ChannelError, RasaEmotionError, place_of
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.voice.recognisers import RecogniserError

WINDOW_SECS, LEAST_REST_SECS = 4.0, 1.0
"""Of the windows of a turn, side by side; what is left and shorter belongs to the last one."""

Row = dict[str, Any]


@dataclass
class Scored:
    """The rows of one recording: one of the call, those of its turns and of their windows."""

    call: Row
    turns: list[Row] = field(default_factory=list)
    windows: list[Row] = field(default_factory=list)


def identity(path: Path) -> Row:
    """What tells a recording from another and from itself after a change. Raises OSError."""
    found = path.stat()
    return {"path": printable(str(path)), "size_bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def printable(text: str) -> str:
    """The text without the halves of characters that stand for bytes in file names that are no UTF-8.

    >>> printable("caf\\udce9.wav")
    'caf\\\\udce9.wav'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def score_call(analyzer: EmotionAnalyzer, path: Path, options: ScoreOptions, words: Words | None = None) -> Scored:
    """Hear one recording. Whatever is wrong with it becomes one sentence in its row; nothing is raised.

    Args:
        analyzer: hears and reads.
        path: of the recording.
        options: what to hear, and by which rules.
        words: recognises what is said; None for the voice alone.
    """
    known: Row = {"path": printable(str(path)), "size_bytes": None, "modified_ns": None}
    try:
        known = identity(path)
        return _score(analyzer, path, options, words, known)
    except RasaEmotionError as error:
        reason = str(error)
    except OSError as error:
        reason = f"'{path}' cannot be read ({error.strerror}); check its name and permissions."
    except Exception as error:  # a decoder or a model, in one file of many thousands
        reason = f"'{path}' could not be scored ({place_of(error)}); try it with rasa-emotion analyze."
    return failed(known, reason)


def failed(known: Mapping[str, Any], reason: str) -> Scored:
    """The row of a recording that could not be scored."""
    return Scored({**known, "error": printable(reason)})


def _score(analyzer: EmotionAnalyzer, path: Path, options: ScoreOptions, words: Words | None, known: Row) -> Scored:
    if options.channel is None and channel_count(path) > 1:
        raise ChannelError(
            f"'{path}' has several channels, and one may be an agent's; name the caller's with --channel left or right."
        )
    call, length = _Call(analyzer, options, words, Scored(dict(known)), Course(options.rules)), Length()
    for turn in spoken_turns(stream_blocks(path, channel=options.channel, notes=call.notes), length):
        call.add(turn)
    call.scored.call |= _summary(call.scored, call.course, length.secs, call.notes)
    return call.scored


@dataclass
class _Call:
    """A recording under way."""

    analyzer: EmotionAnalyzer
    options: ScoreOptions
    words: Words | None
    scored: Scored
    course: Course
    notes: list[str] = field(default_factory=list)

    def add(self, turn: SpokenTurn) -> None:
        """Hear the next turn."""
        place = {"path": self.scored.call["path"], "turn": len(self.scored.turns)}
        heard = list(_heard(self.analyzer, turn))
        for start, end, evidence in heard:
            figures = _figures(self.analyzer.fuse([evidence]), _speech(evidence))
            self.scored.windows.append({**place, "start_secs": start, "end_secs": end, **figures})
        voices = [evidence for _, _, evidence in heard if evidence is not None]
        text, read = self._read(turn)
        estimate = self.analyzer.fuse([merged(voices) if voices else None, read])
        feeling, decision = self.course.add(estimate)
        self.scored.turns.append(
            {
                **place,
                "start_secs": turn.start_secs,
                "end_secs": turn.end_secs,
                **_figures(estimate, turn.speech_secs),
                "modalities": list(estimate.modalities),
                "conflict": estimate.conflict,
                "confused": estimate.confused,
                "mood": feeling.state,
                "mood_anger": feeling.anger,
                "mood_valence": feeling.valence,
                "mood_arousal": feeling.arousal,
                "decision": decision.action if decision else None,
                "rule": decision.rule if decision else None,
                "words": text if self.options.keep_words else None,
            }
        )

    def _read(self, turn: SpokenTurn) -> tuple[str | None, Evidence | None]:
        """The words of a turn and what they say; the call goes on with the voice where there are none."""
        if self.words is None:
            return None, None
        try:
            said = self.words.of(turn)
        except RecogniserError as error:
            if str(error) not in self.notes:
                self.notes.append(str(error))
            return None, None
        if not self.analyzer.has_words(said.text):
            return said.text, None
        return said.text, self.analyzer.read(said.text, confidence=said.confidence)


def _heard(analyzer: EmotionAnalyzer, turn: SpokenTurn) -> Iterator[tuple[float, float, Evidence | None]]:
    """First and last second of each window, and what the voice says in it."""
    count = len(turn.samples)
    starts = list(range(0, count, round(WINDOW_SECS * SAMPLE_RATE)))
    if len(starts) > 1 and count - starts[-1] < LEAST_REST_SECS * SAMPLE_RATE:
        starts.pop()
    spans = list(zip(starts, [*starts[1:], count], strict=True))
    found = analyzer.hear_many([Waveform(turn.samples[start:end]) for start, end in spans])
    for (start, end), evidence in zip(spans, found, strict=True):
        begin, finish = (round(turn.samples_secs + at / SAMPLE_RATE, 3) for at in (start, end))
        yield begin, finish, evidence if isinstance(evidence, Evidence) else None


def _figures(estimate: EmotionEstimate, speech_secs: float) -> Row:
    return {
        "speech_secs": speech_secs,
        "emotion": estimate.emotion,
        "confidence": round(estimate.confidence, 4),
        "valence": round(estimate.valence, 4),
        "arousal": round(estimate.arousal, 4),
        **{name: estimate.probabilities.get(name) for name in EMOTIONS},
    }


def _speech(evidence: Evidence | None) -> float:
    return 0.0 if evidence is None else float(evidence.quality.get("speech_secs", 0.0))


def _summary(scored: Scored, course: Course, secs: float, notes: Sequence[str]) -> Row:
    turns, found = scored.turns, course.escalation
    spoken = {name: sum(turn["speech_secs"] for turn in turns if turn["emotion"] == name) for name in EMOTIONS}
    felt = [turn for turn in turns if turn["angry"] is not None]
    angriest = max(felt, key=lambda turn: float(turn["angry"]), default=None)
    lowest = min(felt, key=lambda turn: float(turn["valence"]), default=None)
    at, decision = found or (None, None)
    return {
        "error": None,
        "warnings": [*map(printable, notes), *([] if turns else ["Nobody was heard to speak in it."])],
        "secs": round(secs, 3),
        "speech_secs": round(sum(turn["speech_secs"] for turn in turns), 2),
        "turns": len(turns),
        "windows": len(scored.windows),
        "emotion": max(spoken, key=lambda name: spoken[name]) if any(spoken.values()) else UNKNOWN,
        **{f"{name}_share": _mean(felt, name) for name in EMOTIONS},
        "mood": turns[-1]["mood"] if turns else None,
        "angry_turns": sum(turn["emotion"] == "angry" for turn in turns),
        "peak_anger": angriest and angriest["angry"],
        "peak_anger_secs": angriest and angriest["start_secs"],
        "lowest_valence": lowest and lowest["valence"],
        "lowest_valence_secs": lowest and lowest["start_secs"],
        "escalation": decision and decision.action,
        "escalation_secs": None if at is None else turns[at]["end_secs"],
        "escalation_rule": decision and decision.rule,
        "escalation_urgency": decision and decision.urgency,
        "escalation_reason": decision and decision.reason,
        "alerts": course.alerts,
    }


def _mean(turns: Sequence[Row], name: str) -> float | None:
    """The mean probability over turns, weighted by the speech in each."""
    if not turns:
        return None
    return round(float(np.average([turn[name] for turn in turns], weights=[turn["speech_secs"] for turn in turns])), 6)
