"""How a caller feels over the time of a recording: one estimate for each few seconds of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, is_silent
from rasa_emotion.audio.decode import Source, no_sound, stream_blocks
from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.protocol import Analyzer

SPAN_SECS = 5.0
"""Long enough for a sentence; shorter than a turn in which a caller's feeling changes."""

SHORTEST_SECS, LONGEST_SECS = 1.0, 30.0

AT_ONCE = 16
"""Spans that go to the model together."""


@dataclass(frozen=True)
class Span:
    """A part of a recording.

    Args:
        start_secs: where it begins.
        end_secs: where it ends.
        estimate: of its voice; "unknown" where nobody speaks.
    """

    start_secs: float
    end_secs: float
    estimate: EmotionEstimate

    def to_dict(self) -> dict[str, Any]:
        return {"start_secs": self.start_secs, "end_secs": self.end_secs, **self.estimate.to_dict()}


def timeline(
    analyzer: Analyzer,
    source: Source,
    *,
    span_secs: float = SPAN_SECS,
    channel: str | None = None,
    notes: list[str] | None = None,
) -> Iterator[Span]:
    """The spans of a recording, one after another, while it is decoded; of any length, at constant memory.

    What remains at the end and is shorter than half a span belongs to the last one.

    Args:
        analyzer: hears them, each by itself.
        source: a path, the bytes of a file, or an open binary stream.
        span_secs: 1 to 30.
        channel: "left", "right" or "mix"; by default the one with the voice.
        notes: a list that gets one sentence for whatever was missing or left out, at the end.

    Raises:
        AudioError: nothing can be decoded, or all of it is silent (known, and raised, at the end).
        ConfigError: `span_secs` is out of its range, or there is no such channel.

    Example: `[span.estimate.emotion for span in timeline(EmotionAnalyzer.load(), "hour.mp3")]`
    """
    if not SHORTEST_SECS <= span_secs <= LONGEST_SECS:
        raise ConfigError(
            f"Windows of {span_secs:g} s cannot be used; choose {SHORTEST_SECS:g} to {LONGEST_SECS:g} seconds."
        )
    return _timeline(analyzer, source, span_secs, channel, notes)


def _timeline(
    analyzer: Analyzer, source: Source, span_secs: float, channel: str | None, notes: list[str] | None
) -> Iterator[Span]:
    pieces = _pieces(stream_blocks(source, channel=channel, notes=notes), round(span_secs * SAMPLE_RATE))
    start, silent = 0, True
    while some := list(islice(pieces, AT_ONCE)):
        for piece, estimate in zip(some, _estimates(analyzer, some), strict=True):
            end = start + len(piece)
            yield Span(round(start / SAMPLE_RATE, 3), round(end / SAMPLE_RATE, 3), estimate)
            silent = silent and is_silent(Waveform(piece))
            start = end
    if silent:
        raise no_sound(source, channel)


def _pieces(blocks: Iterator[NDArray[np.float32]], size: int) -> Iterator[NDArray[np.float32]]:
    """Consecutive pieces of `size` samples; the last one holds 0.5 to 1.5 times as many, or all there is."""
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= 1.5 * size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def _estimates(analyzer: Analyzer, pieces: Sequence[NDArray[np.float32]]) -> list[EmotionEstimate]:
    """Of each piece, in order; where there is nothing to hear, "unknown"."""
    heard = analyzer.hear_many([Waveform(piece) for piece in pieces])
    return [analyzer.fuse([None if isinstance(one, RasaEmotionError) else one]) for one in heard]
