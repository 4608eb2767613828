"""Which pieces of a call have to be heard, and when. No model, no clock: the same audio gives the same pieces."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.speech import BLOCK, FRAME, SpeechDetector, SpeechEvent, SpeechSettings, State
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ConfigError
from rasa_emotion.streaming.events import Window

MARGIN_SECS = 0.1
"""Of audio before a turn's voice, as `audio.trim_silence` leaves it."""


@dataclass(frozen=True)
class StreamSettings:
    """How a call is heard.

    Args:
        speech: when turns pause and end.
        update_secs: between two updates while somebody speaks.
        first_secs: of voice before the first update.
        longest_secs: a turn up to so long is heard as a whole, a longer one in windows whose evidence is averaged.
        window_secs: length of a window.
        hop_secs: distance between the windows of a longer turn.
        keep_secs: of a turn's latest audio that `Cutter.recent` can give; a network that tells its end needs some.

    Raises:
        ConfigError: they do not fit each other.
    """

    speech: SpeechSettings = field(default_factory=SpeechSettings)
    update_secs: float = 0.25
    first_secs: float = 0.5
    longest_secs: float = 5.0
    window_secs: float = 4.0
    hop_secs: float = 2.0
    keep_secs: float = 0.0

    def __post_init__(self) -> None:
        if not (self.update_secs >= 0.02 and self.first_secs >= 0.1 and 0 <= self.keep_secs <= 30):
            raise ConfigError("A stream needs 'update_secs' of 0.02 or more and 'first_secs' of 0.1 or more.")
        if not 0 < self.hop_secs <= self.window_secs <= self.longest_secs <= 30:
            raise ConfigError(
                f"Windows of {self.window_secs} s that begin {self.hop_secs} s apart, and turns heard as a whole up to "
                f"{self.longest_secs} s, do not fit; choose 0 < hop_secs <= window_secs <= longest_secs <= 30."
            )


class Cutter:
    """Cuts a call into the windows that have to be heard. One per call; not safe to share between threads.

    While somebody speaks there is a window for an update every `update_secs`. A pause gives the window that closes the
    turn should it end there: it is heard while the detector still waits, so that nothing is left to do at the end.
    Holds the latest seconds of the turn under way, less than a second between turns.

    Args:
        settings: how the call is heard.
    """

    def __init__(self, settings: StreamSettings | None = None) -> None:
        self.settings = settings or StreamSettings()
        self.detector = SpeechDetector(self.settings.speech)
        self._hold_secs = max(self.settings.longest_secs, self.settings.keep_secs) + 1.0
        self._waiting = np.zeros(0, np.float32)
        self._pieces: list[NDArray[np.float32]] = []  # FRAME samples each
        self._spoken: list[bool] = []  # whether each of them sounds like speech
        self._next_update = 0
        self._kept = 0

    @property
    def heard_secs(self) -> float:
        """Of audio since the beginning of the call."""
        return self.detector.position / SAMPLE_RATE

    def feed(self, samples: NDArray[np.float32]) -> list[SpeechEvent | Window]:
        """What the next samples (16 kHz, float32) bring, in order."""
        held = np.concatenate([self._waiting, samples]) if len(self._waiting) else samples
        whole = len(held) // FRAME * FRAME
        self._waiting = held[whole:].copy()
        return [
            found
            for start in range(0, whole, BLOCK * FRAME)
            for found in self._block(held[start : min(start + BLOCK * FRAME, whole)].copy())
        ]

    def end_turn(self, reason: str) -> list[SpeechEvent | Window]:
        """End the turn under way, if there is one, with the window that closes it if that was not given at a pause."""
        return self._told(self.detector.state, self.detector.end_turn(reason))

    def recent(self, seconds: float) -> NDArray[np.float32]:
        """The latest samples, at most so many seconds and none from before this turn; for who judges its end."""
        count = min(round(seconds * SAMPLE_RATE), self.detector.position - self._begin())
        held = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
        return held[max(0, len(held) - count) :]

    def _block(self, samples: NDArray[np.float32]) -> list[SpeechEvent | Window]:
        found, before = [], self.detector.state
        for frame, events in zip(samples.reshape(-1, FRAME), self.detector.frames(samples), strict=True):
            found += self._frame(frame, before, events)
            before = self.detector.state
        return found

    def _frame(
        self, frame: NDArray[np.float32], before: State, events: list[SpeechEvent]
    ) -> list[SpeechEvent | Window]:
        self._pieces.append(frame)
        self._spoken.append(self.detector.gate_open)
        found = self._told(before, events) if events else []
        if self.detector.state is State.SPEAKING and self.detector.position >= self._next_update:
            found.append(self._update())
        self._forget()
        return found

    def _told(self, before: State, events: list[SpeechEvent]) -> list[SpeechEvent | Window]:
        found: list[SpeechEvent | Window] = []
        for event in events:
            if event.kind == "start":
                self._begun()
            if event.kind == "pause" or (event.kind == "end" and before is State.SPEAKING):
                found.append(self._window(last=True))
            before = {"pause": State.PAUSED, "end": State.QUIET}.get(event.kind, State.SPEAKING)
            found.append(event)
        return found

    def _begun(self) -> None:
        self._kept = 0
        self._next_update = self.detector.start + round(self.settings.first_secs * SAMPLE_RATE)

    def _update(self) -> Window:
        step = round(self.settings.update_secs * SAMPLE_RATE)
        self._next_update += (1 + (self.detector.position - self._next_update) // step) * step
        long_enough = self.settings.window_secs + self._kept * self.settings.hop_secs
        kept = self.detector.position - self.detector.start >= long_enough * SAMPLE_RATE
        self._kept += kept
        return self._window(kept=kept)

    def _window(self, *, last: bool = False, kept: bool = False) -> Window:
        held = np.concatenate(self._pieces)
        turn = self.detector.position - self._begin()
        whole = last and turn <= self.settings.longest_secs * SAMPLE_RATE
        count = turn if whole else min(turn, round(self.settings.window_secs * SAMPLE_RATE))
        samples = held[max(0, len(held) - count) :]
        kept = kept or (last and not whole)
        return Window(self.detector.turn, self.heard_secs, samples, self._speech_secs(samples), last=last, kept=kept)

    def _speech_secs(self, samples: NDArray[np.float32]) -> float:
        """Of a window that ends now: the frames of the turn that sound like speech; nobody has to look again."""
        since = max(self.detector.position - len(samples), self.detector.start)
        frames = (self.detector.position - since) // FRAME
        return round(sum(self._spoken[max(0, len(self._spoken) - frames) :]) * FRAME_SECS, 2)

    def _begin(self) -> int:
        return max(0, self.detector.start - round(MARGIN_SECS * SAMPLE_RATE))

    def _forget(self) -> None:
        seconds = 1.0 if self.detector.state is State.QUIET else self._hold_secs
        old = max(0, len(self._pieces) - round(seconds * SAMPLE_RATE) // FRAME)
        del self._pieces[:old], self._spoken[:old]


class Cut:
    """What is told of a call that a cutter cuts; the two streams derive from it."""

    _cutter: Cutter

    @property
    def heard_secs(self) -> float:
        """Of audio since the beginning of the call."""
        return self._cutter.heard_secs

    @property
    def bot_speaks(self) -> bool:
        """Set it while the bot's voice plays: a voice that starts then is told as `barge_in`."""
        return self._cutter.detector.bot_speaks

    @bot_speaks.setter
    def bot_speaks(self, value: bool) -> None:
        self._cutter.detector.bot_speaks = value
