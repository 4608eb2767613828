"""What a call is made of, and whom the caller talks to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.streaming import LiveStream, SharedHearing, StreamSettings
from rasa_emotion.turn.message import Turn
from rasa_emotion.voice.call_settings import CallSettings
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.recognisers.interface import Recogniser
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.synthesisers.speech import Synthesiser
from rasa_emotion.voice.transports.protocol import Started

if TYPE_CHECKING:
    from rasa_emotion.voice.session import Call


@dataclass(frozen=True)
class Known:
    """What the bot knows of a call after a turn; each may be None where it does not say."""

    estimate: EmotionEstimate | None = None
    mood: str | None = None
    escalated: bool = False


class Bot(Protocol):
    """Whom the caller talks to."""

    def admit(self, started: Started, call: "Call") -> str:
        """The conversation's name for a call that begins. Raises LineClosed where it may not."""

    async def take(self, turn: Turn, call: "Call") -> None:
        """Answer a turn through `call.say`; returns when that is done. Raises TurnRefused."""

    async def known(self, sender: str) -> Known:
        """What is known of the call by now."""

    def record(self, sender: str, format_: Format) -> tuple[Recorder, str] | None:
        """What records the call, and what the caller is told of it; None where it is not recorded."""

    def may_analyse(self, sender: str) -> bool:
        """Whether this caller's emotions may be analysed; may wait for a database."""


@dataclass(frozen=True)
class Parts:
    """What all calls of a process share.

    Args:
        hearing: the emotions' models.
        recogniser: makes a recogniser for a call.
        local: makes one that hears on this machine, where `recogniser` does not; None for none.
        voices: synthesisers, the next one for when one fails.
        settings: how calls are held.
        stream: how they are heard.
        gather_secs: of sound that a call gathers before it is heard, at the moment; 0 for each frame at once.
    """

    hearing: SharedHearing
    recogniser: Callable[[], Recogniser]
    voices: Sequence[Synthesiser]
    local: Callable[[], Recogniser] | None = None
    settings: CallSettings = field(default_factory=CallSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    gather_secs: Callable[[], float] = lambda: 0.0

    def live(self, format_: Format, clock: Clock) -> LiveStream:
        """Hears one call. Raises AudioError for a format that cannot be heard."""
        rate = format_.sample_rate
        return LiveStream(
            self.hearing, encoding=format_.encoding, sample_rate=rate, settings=self.stream, clock=clock.now
        )


def shown(estimate: EmotionEstimate) -> dict[str, Any]:
    """An estimate as clients and subscribers are told of it, JSON-safe.

    >>> shown(EmotionEstimate.unknown())["emotion"]
    'unknown'
    """
    return {
        "emotion": estimate.emotion,
        "confidence": round(estimate.confidence, 3),
        "valence": round(estimate.valence, 3),
        "arousal": round(estimate.arousal, 3),
        "probabilities": {name: round(value, 3) for name, value in estimate.probabilities.items()},
    }
