"""When a caller speaks, pauses and has finished, told while the audio still comes in."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Literal

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.steadiness import begins_steadily
from rasa_emotion.audio.voice import CHUNK, CONTEXT, NEEDED, PEAK, THRESHOLD, voice_network
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ConfigError

FRAME = round(FRAME_SECS * SAMPLE_RATE)
"""Samples that WebRTC's detector hears at a time."""

PARTS = 5
"""Of a frame, in which the high-pass is computed."""

CUTOFF_HZ = 75.0
"""Of the high-pass before both detectors: below it lie hum, rumble and offsets."""

AGGRESSIVENESS = 2
STAY = 0.35
"""Probability from which a frame goes on being a voice once somebody speaks: some hysteresis, as Silero advises."""

HANGOVER_SECS = 0.3
"""So long the network goes on listening after WebRTC's detector hears nothing."""

LOOKBACK_SECS = 0.4
"""The network needs a few frames to recognise a voice; sound so long before it belongs to it."""

RECENT = 8
"""Frames of the network (0.26 s) among which a beginning voice must be found `NEEDED` times."""

NEEDED_OVER_BOT = 6
"""The same while the bot speaks: its echo on the line must not interrupt it."""

TONE_SECS = 0.3
"""Of sound before a turn begins, which must not be steady as tones are."""

LEAST_SECS = 0.1
"""Of sound after which it can be told."""

LEVEL_SECS = 4.0
"""In which the remembered peak falls to a third, so that a quiet line is heard as well as a loud one."""

FADE = math.exp(-FRAME_SECS / LEVEL_SECS)
"""Of the remembered peak, in one frame."""

MOST_GAIN = 100.0

BLOCK = 50
"""Frames, one second, that are computed at once at most."""


_LOOKED_AT = round(TONE_SECS * SAMPLE_RATE)
_KEPT = max(CONTEXT, _LOOKED_AT)
_LEAST = round(LEAST_SECS * SAMPLE_RATE)


class State(Enum):
    QUIET = "quiet"
    SPEAKING = "speaking"
    PAUSED = "paused"


@dataclass(frozen=True)
class SpeechSettings:
    """When a turn pauses and ends.

    Args:
        pause_secs: of silence after which a pause is told, so that work may begin that a later end needs.
        silence_secs: of silence that end a turn. 0.7 suits short answers; people who think aloud need 1 to 1.5.
        longest_secs: a turn that goes on for so long is cut, so that memory stays bounded.

    Raises:
        ConfigError: they do not fit each other.
    """

    pause_secs: float = 0.2
    silence_secs: float = 0.7
    longest_secs: float = 30.0

    def __post_init__(self) -> None:
        if not 0.05 <= self.pause_secs <= self.silence_secs <= self.longest_secs <= 120:
            raise ConfigError(
                f"A pause of {self.pause_secs} s, an end after {self.silence_secs} s and turns of {self.longest_secs} "
                "s do not fit; choose 0.05 <= pause_secs <= silence_secs <= longest_secs <= 120."
            )


@dataclass(frozen=True)
class SpeechEvent:
    """Something began or ended.

    Args:
        kind: "start" of a turn, "pause" in it, "resume" after a pause, "end" of it.
        at_secs: when, on the audio: where the voice begins or falls silent.
        decided_secs: the audio that had been heard when this was known.
        turn: number of the turn in the call, from 1.
        start_secs: where the turn began.
        reason: of an end: "silence", "network" (it sounds finished), "longest" or "closed" (the call ended).
        barge_in: of a start: whether the bot spoke.
    """

    kind: Literal["start", "pause", "resume", "end"]
    at_secs: float
    decided_secs: float
    turn: int = 0
    start_secs: float = 0.0
    reason: str = ""
    barge_in: bool = False


@dataclass(frozen=True)
class _Gate:
    """What is known of one frame before the network hears it.

    Args:
        is_open: whether it sounds like speech.
        opened: sample where the gate opened last.
        open_until: sample to which it was open.
        peak: the remembered level.
    """

    is_open: bool
    opened: int | None
    open_until: int
    peak: float


class SpeechDetector:
    """Finds turns in a stream of 16 kHz samples. One per call; not safe to share between threads.

    WebRTC's detector is the gate: only where it hears something like speech does Silero's network listen, whose state
    is kept for the call. Times are counted in samples, so that they hold however late frames come. What is found does
    not depend on how the stream is cut into frames. Holds less than a second of audio.

    Args:
        settings: when a turn pauses and ends.

    >>> detector = SpeechDetector()
    >>> detector.feed(np.zeros(16000, np.float32)), detector.state.value
    ([], 'quiet')
    """

    def __init__(self, settings: SpeechSettings | None = None) -> None:
        self.settings = settings or SpeechSettings()
        self.state = State.QUIET
        self.bot_speaks = False
        self.position = 0
        """Samples that have been judged."""
        self.turn = 0
        """Number of the turn under way, or of the last one; 0 before the first."""
        self.gate_open = False
        """Whether there is sound like speech in the latest 20 ms; in a turn it is the voice."""
        self._gate = webrtcvad.Vad(AGGRESSIVENESS)
        self._network = voice_network()
        self._highpass = _BlockHighpass()
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_count = 0
        self._sound = np.zeros(CONTEXT, np.float32)  # high-passed, from `_sound_start` on
        self._sound_start = -CONTEXT
        self._chunk_start = 0
        self._opened_at: int | None = None  # where the gate opened, of all frames that have come
        self._opened: int | None = None  # the same, of those that have been judged
        self._open_until = -SAMPLE_RATE  # end of the last frame in which it was open
        self._peak = 0.0
        self._memory: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._hits: deque[int] = deque()
        self._start = self._last_voice = 0

    def feed(self, samples: NDArray[np.float32]) -> list[SpeechEvent]:
        """What the next samples, float32, shape [samples], bring."""
        self._waiting.append(samples)
        self._waiting_count += len(samples)
        if self._waiting_count < FRAME:
            return []
        held = np.concatenate(self._waiting)
        whole = len(held) // FRAME * FRAME
        self._waiting, self._waiting_count = [held[whole:]], len(held) - whole
        return [event for events in self.frames(held[:whole]) for event in events]

    def frames(self, samples: NDArray[np.float32]) -> Iterator[list[SpeechEvent]]:
        """What each frame brings of whole ones, float32, shape [n `FRAME`]; to be taken to the end.

        While it is taken, the detector's state is that after the frame which was given. What can be computed of all of
        them at once is: 100 ms in one piece take a third of the time of five frames one by one.
        """
        for start in range(0, len(samples), BLOCK * FRAME):
            yield from self._block(samples[start : start + BLOCK * FRAME])

    def end_turn(self, reason: str) -> list[SpeechEvent]:
        """End the turn under way, because it sounds finished or the call is over; nothing where there is none."""
        if self.state is State.QUIET:
            return []
        return [self._ended(reason)]

    @property
    def start(self) -> int:
        """Sample with which the turn under way, or the last one, begins."""
        return self._start

    def _block(self, samples: NDArray[np.float32]) -> Iterator[list[SpeechEvent]]:
        clean = self._highpass(samples.reshape(-1, FRAME))
        gates: list[_Gate] = self._opened_gates(clean)
        chunks: list[_Gate] = []
        self._sound = np.concatenate([self._sound, clean.ravel()])
        position = self.position
        for number, gate in enumerate(gates, 1):
            while self._chunk_start + (len(chunks) + 1) * CHUNK <= position + number * FRAME:
                chunks.append(gate)
        probabilities = self._probabilities(chunks)
        for gate in gates:
            self.position += FRAME
            self.gate_open, self._opened = gate.is_open, gate.opened
            events = []
            while self._chunk_start + CHUNK <= self.position:
                self._chunk_start += CHUNK
                events += self._judge(next(probabilities), self._chunk_start)
            yield events
        begin = max(0, self._chunk_start - _KEPT - self._sound_start)
        self._sound, self._sound_start = self._sound[begin:], self._sound_start + begin

    def _opened_gates(self, clean: NDArray[np.float32]) -> list["_Gate"]:
        """What WebRTC's detector says of each frame, shape [n, `FRAME`], and what is known with it."""
        # Not `np.clip`, which takes longer over so few samples than all else here.
        pcm = (np.minimum(np.maximum(clean, -1), 1) * 32767).astype("<i2")
        found, start = [], self.position
        for frame, loudest in zip(pcm, np.abs(clean).max(axis=1).tolist(), strict=True):
            is_open = self._gate.is_speech(frame.tobytes(), SAMPLE_RATE)
            if is_open:
                if start > self._open_until + HANGOVER_SECS * SAMPLE_RATE:
                    self._opened_at = start
                self._open_until = start + FRAME
            self._peak = max(self._peak * FADE, loudest)
            found.append(_Gate(is_open, self._opened_at, self._open_until, self._peak))
            start += FRAME
        return found

    def _probabilities(self, chunks: list["_Gate"]) -> Iterator[float]:
        """Of a voice in each frame of the network that is complete now, which listens while the gate is open.

        Args:
            chunks: the gate as it was when each was complete.
        """
        found: list[float] = []
        heard: list[tuple[int, float]] = []
        for number, gate in enumerate(chunks):
            start = self._chunk_start + number * CHUNK
            found.append(0.0)
            if start > gate.open_until + HANGOVER_SECS * SAMPLE_RATE:
                self._hear(heard, found)
                self._memory = None
            elif self._network is None:
                found[number] = 1.0 if start < gate.open_until else 0.0
            else:
                heard.append((number, min(MOST_GAIN, PEAK / max(gate.peak, 1e-6))))
        self._hear(heard, found)
        return iter(found)

    def _hear(self, chunks: list[tuple[int, float]], found: list[float]) -> None:
        """Let the network hear frames that follow one another, each with its gain; they are taken off the list."""
        if not chunks or self._network is None:
            return
        if self._memory is None:
            empty = np.zeros((1, 1, 128), np.float32)
            self._memory = (empty, empty)
        begin = self._chunk_start - CONTEXT - self._sound_start
        starts = [begin + number * CHUNK for number, _ in chunks]
        sound = np.stack([self._sound[start : start + CONTEXT + CHUNK] for start in starts])
        gains = np.array([[gain] for _, gain in chunks], np.float32)
        probabilities, self._memory = self._network.run(sound * gains, self._memory)
        for (number, _), probability in zip(chunks, probabilities.tolist(), strict=True):
            found[number] = probability
        chunks.clear()

    def _judge(self, probability: float, end: int) -> list[SpeechEvent]:
        self._hits = deque(hit for hit in self._hits if hit > end - RECENT * CHUNK)
        if probability > THRESHOLD:
            self._hits.append(end)
        if self.state is State.QUIET:
            needed = NEEDED_OVER_BOT if self.bot_speaks else NEEDED
            return [self._started(end)] if len(self._hits) >= needed and self._is_voice(end) else []
        if self.state is State.PAUSED:
            if probability > THRESHOLD and self._hits[0] < end:  # twice: one alone may be a click
                return self._resumed(end)
        elif probability > STAY:
            self._last_voice = end
        return self._silence(end)

    def _is_voice(self, end: int) -> bool:
        """Whether what sounds before this sample is no tone, which the network takes for a voice."""
        began = end - _LOOKED_AT if self._opened is None else max(self._opened, end - _LOOKED_AT)
        if end - began < _LEAST:
            return False
        stop = end - self._sound_start
        return not begins_steadily(self._sound[max(0, stop - (end - began)) : stop])

    def _silence(self, end: int) -> list[SpeechEvent]:
        silence = (end - self._last_voice) / SAMPLE_RATE
        events = []
        if self.state is State.SPEAKING and silence >= self.settings.pause_secs:
            self.state = State.PAUSED
            self._hits.clear()
            events.append(self._event("pause", self._last_voice))
        if silence >= self.settings.silence_secs:
            events.append(self._ended("silence"))
        elif end - self._start >= self.settings.longest_secs * SAMPLE_RATE:
            events.append(self._ended("longest"))
        return events

    def _started(self, end: int) -> SpeechEvent:
        first = self._hits[0] - CHUNK
        opened = first if self._opened is None else self._opened
        # Not before the turn that ended last, to which the sound until then belongs.
        self._start = max(opened, first - round(LOOKBACK_SECS * SAMPLE_RATE), self._last_voice, 0)
        self._last_voice = end
        self.state = State.SPEAKING
        self.turn += 1
        return self._event("start", self._start, barge_in=self.bot_speaks)

    def _resumed(self, end: int) -> list[SpeechEvent]:
        self.state, self._last_voice = State.SPEAKING, end
        return [self._event("resume", self._hits[0] - CHUNK), *self._silence(end)]

    def _ended(self, reason: str) -> SpeechEvent:
        self.state = State.QUIET
        self._hits.clear()
        return self._event("end", self._last_voice, reason=reason)

    def _event(
        self, kind: Literal["start", "pause", "resume", "end"], at: int, *, reason: str = "", barge_in: bool = False
    ) -> SpeechEvent:
        decided, start = self.position / SAMPLE_RATE, self._start / SAMPLE_RATE
        return SpeechEvent(kind, at / SAMPLE_RATE, decided, self.turn, start, reason, barge_in)


class _BlockHighpass:
    """A Butterworth high-pass of second order in blocks of `FRAME` samples, its state kept between them.

    A block is `PARTS` parts of equal length. The states at their beginnings, and at the block's end, are one matrix
    product; within each part the recursion is another. In one part it would take four times as many multiplications.
    """

    def __init__(self) -> None:
        self._state = np.zeros(2)

    def __call__(self, blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The blocks one after the other, shape [n, `FRAME`], in as out."""
        response, carried, into, onward = _highpass_matrices()
        # Of every block's own samples first, then what each carries on to the next.
        states = blocks @ into.T
        before = np.empty((len(blocks), 2))
        for number in range(len(blocks)):
            before[number] = self._state
            states[number] += onward @ self._state
            self._state = states[number, -2:]
        begin = np.concatenate([before, states[:, :-2]], axis=1).reshape(-1, 2)
        found: NDArray[np.float32] = blocks.reshape(len(begin), -1) @ response + (begin @ carried).astype(np.float32)
        return found.reshape(len(blocks), FRAME)


@lru_cache(maxsize=1)
def _highpass_matrices() -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of a part: samples to output, [part, part], and state to output, [2, part].

    Of a block: samples to the states at the ends of its parts, [2 PARTS, FRAME], and state to these, [2 PARTS, 2].

    Coefficients by the bilinear transform, in the transposed direct form (A. V. Oppenheim and R. W. Schafer,
    "Discrete-Time Signal Processing", 1989).
    """
    warped = np.tan(np.pi * CUTOFF_HZ / SAMPLE_RATE)
    scale = 1 / (1 + np.sqrt(2) * warped + warped**2)
    b = scale * np.array([1.0, -2.0, 1.0])
    a = scale * np.array([2 * (warped**2 - 1), 1 - np.sqrt(2) * warped + warped**2])
    step = np.array([[-a[0], 1.0], [-a[1], 0.0]])
    given = np.array([b[1] - a[0] * b[0], b[2] - a[1] * b[0]])
    powers = [np.eye(2)]
    for _ in range(FRAME):
        powers.append(step @ powers[-1])
    part = FRAME // PARTS
    impulse = np.array([b[0], *(float((powers[n] @ given)[0]) for n in range(part - 1))])
    shifted = [np.concatenate([np.zeros(now), impulse[: part - now]]) for now in range(part)]
    carried = np.array([powers[n][0] for n in range(part)]).T
    ends = range(part, FRAME + 1, part)
    into = np.concatenate(
        [np.array([powers[end - 1 - n] @ given if n < end else np.zeros(2) for n in range(FRAME)]).T for end in ends]
    )
    onward = np.concatenate([powers[end] for end in ends])
    return np.array(shifted, np.float32), carried, into, onward
