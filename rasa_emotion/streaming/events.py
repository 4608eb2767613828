"""What a stream tells, as plain data."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.speech import SpeechEvent
from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.estimate import EmotionEstimate, Evidence


@dataclass(frozen=True)
class Update:
    """How the caller sounds at this moment.

    Args:
        turn: number of the turn in the call, from 1.
        at_secs: end of the audio that was heard for it, counted from the beginning of the call.
        evidence: of the last seconds of the voice.
        estimate: from the voice alone.
    """

    turn: int
    at_secs: float
    evidence: Evidence
    estimate: EmotionEstimate


@dataclass(frozen=True)
class Utterance:
    """A turn of the caller's that has ended.

    Args:
        turn: its number in the call, from 1.
        start_secs: where the voice begins, counted from the beginning of the call.
        end_secs: where it falls silent.
        decided_secs: the audio that had come when the end was decided.
        reason: see `SpeechEvent.reason`.
        evidence: of the voice in the whole turn; None where it could not be heard, then `warning` says why.
        estimate: from the voice alone; "unknown" without evidence.
        warning: one sentence, or None.
    """

    turn: int
    start_secs: float
    end_secs: float
    decided_secs: float
    reason: str
    evidence: Evidence | None
    estimate: EmotionEstimate
    warning: str | None = None


StreamEvent = SpeechEvent | Update | Utterance


@dataclass(frozen=True)
class Window:
    """A piece of a turn that has to be heard.

    Args:
        turn: number of the turn.
        at_secs: where the piece ends.
        samples: 16 kHz, float32.
        speech_secs: seconds of it in which the voice speaks.
        last: whether it closes the turn, should that end now; else it is for an update.
        kept: whether its evidence counts for the whole turn as well.
    """

    turn: int
    at_secs: float
    samples: NDArray[np.float32] = field(repr=False)
    speech_secs: float = 0.0
    last: bool = False
    kept: bool = False

    @property
    def waveform(self) -> Waveform:
        """What an analyzer hears of it."""
        return Waveform(self.samples, speech_secs=self.speech_secs)
