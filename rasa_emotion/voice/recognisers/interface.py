"""What a speech recogniser is to a live call, as one protocol and plain data."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.errors import RasaEmotionError


class RecogniserError(RasaEmotionError):
    """A recogniser failed in a call: one sentence with what failed and the remedy. The call goes on without words."""


@dataclass(frozen=True)
class Word:
    """One word of a transcript.

    Args:
        text: as recognised.
        start_secs: on the audio of the call. A recogniser's times may lie outside of the voice by a second: where the
            voice is, the voice detector tells.
        end_secs: on the audio of the call.
        confidence: 0 to 1; None where the recogniser does not say.
    """

    text: str
    start_secs: float
    end_secs: float
    confidence: float | None = None


@dataclass(frozen=True)
class Transcript:
    """What was said in a turn, or in its beginning.

    Args:
        text: the words; empty where there were none.
        confidence: 0 to 1; None where the recogniser does not say, or there are no words.
        words: with their times, where the recogniser gives them.
        language: code such as "en"; None where it does not say.
        is_final: False for a guess that later audio may change.
        warning: why words are missing or doubtful, in one sentence; None where there is nothing to say.
    """

    text: str
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    language: str | None = None
    is_final: bool = True
    warning: str | None = None


@dataclass(frozen=True)
class Turn:
    """A caller's turn, as the voice detector found it.

    Args:
        start_secs: where the voice begins, counted from the beginning of the call.
        end_secs: where it falls silent.
    """

    start_secs: float
    end_secs: float


class Recogniser(Protocol):
    """Turns the speech of one call into words. One per call, used from one event loop; `load_recogniser` makes them.

    The order of calls: `start`, then `feed` with every frame of the call in order, silence included, and `final` for
    each turn that ended; `close` at last, also after an error. None of them may block the event loop: what computes
    for long does so in a thread. Any but `partial` and `close` may raise RecogniserError; the call then goes on, and
    `start` may be called again to try anew, after which audio is counted on from `at_secs`.

    One with a model of its own may have a method `load` without arguments, which loads what all calls share: it is
    called in a thread when the server starts, so that the first caller does not wait.
    """

    name: str
    """Short, for logs and events."""

    is_remote: bool
    """Whether the audio leaves this machine: callers who said no to analysis are then not sent there."""

    async def start(self, *, at_secs: float = 0.0) -> None:
        """Get ready: connect, or load a model. `at_secs` of the call's audio have gone by already."""

    async def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next audio, 16 kHz mono float32, -1 to 1, shape [samples]."""

    def pause(self, turn: Turn) -> None:
        """A hint that the turn may have ended here: one that needs time may begin; nothing may come of it."""

    def partial(self) -> Transcript | None:
        """The latest guess at the turn under way; None where there is none."""

    async def final(self, turn: Turn) -> Transcript:
        """The words of a turn that has ended; later audio belongs to the next one."""

    async def close(self) -> None:
        """Let go of connections and threads; never raises. May be called again."""
