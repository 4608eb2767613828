"""The turns of a recording, one after another, at constant memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, highpass
from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.speech import SpeechSettings
from rasa_emotion.audio.voice import PIECE_SECS, speech_mask

PIECE = round(5 * PIECE_SECS * SAMPLE_RATE)
"""Samples in which a voice is looked for at a time: whole pieces of the voice detector."""

FRAME = round(FRAME_SECS * SAMPLE_RATE)
MARGIN = round(0.2 * SAMPLE_RATE)
"""Samples kept before and after a voice, since a detector's edges cut soft sounds."""

LEAST_SPEECH_SECS = 0.3
"""Less voice is a click or a cough, and no turn."""

_LIVE = SpeechSettings()
GAP, LONGEST = (round(secs / FRAME_SECS) for secs in (_LIVE.silence_secs, _LIVE.longest_secs))
"""Frames of silence that end a turn, and frames after which it is cut, as in a live call."""

Run = tuple[int, int]
"""First frame of a voice and the one after its last."""


@dataclass(frozen=True)
class SpokenTurn:
    """One turn.

    Args:
        start_secs, end_secs: where the voice begins and ends in the recording.
        speech_secs: in which a voice speaks.
        samples: 16 kHz, float32, with a margin at either end.
        samples_secs: where the samples begin in the recording.
    """

    start_secs: float
    end_secs: float
    speech_secs: float
    samples: NDArray[np.float32]
    samples_secs: float


@dataclass
class Length:
    """How much was decoded, in seconds: known once all turns were taken."""

    secs: float = 0.0


def spoken_turns(blocks: Iterable[NDArray[np.float32]], length: Length | None = None) -> Iterator[SpokenTurn]:
    """The turns in consecutive blocks of 16 kHz mono samples.

    A turn ends after as much silence as in a live call, or is cut where it grows too long, at a pause where there is
    one. Holds the turn under way and 20 s.

    >>> list(spoken_turns([np.zeros(48000, np.float32)]))
    []
    """
    cutter, held, start, seen = TurnCutter(), np.zeros(0, np.float32), 0, 0
    for piece in pieces(blocks, PIECE):
        found = cutter.feed(speech_mask(highpass(Waveform(piece))))
        held = np.concatenate([held, piece])
        seen += len(piece)
        for runs in found:
            yield _turn(runs, held, start)
        needed = seen if cutter.first is None else min(seen, cutter.first * FRAME)
        dropped = max(0, needed - MARGIN - start)
        held, start = held[dropped:], start + dropped
    for runs in cutter.finish():
        yield _turn(runs, held, start)
    if length is not None:
        length.secs = seen / SAMPLE_RATE


def pieces(blocks: Iterable[NDArray[np.float32]], size: int) -> Iterator[NDArray[np.float32]]:
    """The same samples in pieces of `size`; the last one is what is left."""
    waiting: list[NDArray[np.float32]] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count < size:
            continue
        held = np.concatenate(waiting)
        whole = count // size * size
        yield from held[:whole].reshape(-1, size)
        waiting, count = [held[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


@dataclass
class TurnCutter:
    """Joins frames with a voice to turns. Each call continues the frames of the one before.

    >>> cutter = TurnCutter()
    >>> cutter.feed(np.repeat([True, False], 50))
    [[(0, 50)]]
    """

    position: int = 0
    runs: list[Run] = field(default_factory=list)

    @property
    def first(self) -> int | None:
        """The frame with which the turn under way begins."""
        return self.runs[0][0] if self.runs else None

    def feed(self, voiced: NDArray[np.bool_]) -> list[list[Run]]:
        """The turns that end here, each as its stretches of voice."""
        found = [ended for run in _runs(voiced, self.position) for ended in self._add(run)]
        self.position += len(voiced)
        if self.runs and self.position - self.runs[-1][1] >= GAP:
            found += self.finish()
        return found

    def finish(self) -> list[list[Run]]:
        """The turn under way, if any."""
        ended, self.runs = self.runs, []
        return [ended] if sum(end - begin for begin, end in ended) * FRAME_SECS >= LEAST_SPEECH_SECS else []

    def _add(self, run: Run) -> Iterator[list[Run]]:
        begin, end = run
        if self.runs and (begin - self.runs[-1][1] >= GAP or end - self.runs[0][0] > LONGEST):
            yield from self.finish()
        while end - begin > LONGEST:
            yield [(begin, begin + LONGEST)]
            begin += LONGEST
        self.runs.append((begin, end))


def _runs(voiced: NDArray[np.bool_], position: int) -> list[Run]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(np.int8)))
    return [(position + int(begin), position + int(end)) for begin, end in edges.reshape(-1, 2)]


def _turn(runs: list[Run], held: NDArray[np.float32], start: int) -> SpokenTurn:
    begin, end = runs[0][0] * FRAME, runs[-1][1] * FRAME
    first = max(start, begin - MARGIN)
    return SpokenTurn(
        start_secs=round(begin / SAMPLE_RATE, 3),
        end_secs=round(end / SAMPLE_RATE, 3),
        speech_secs=round(sum(after - before for before, after in runs) * FRAME_SECS, 2),
        samples=held[first - start : end + MARGIN - start].copy(),
        samples_secs=first / SAMPLE_RATE,
    )
