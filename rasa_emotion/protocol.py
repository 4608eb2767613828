"""What an analyzer can be asked, wherever it runs: in this process, behind a service, or in a test."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate, Evidence

Item = TypeVar("Item")
AudioSource = str | Path | bytes | BinaryIO | Waveform


@dataclass(frozen=True)
class Capabilities:
    """What an analyzer is made of.

    Args:
        acoustic: name of the acoustic model, as it stands in evidence; None for an analyzer that does not hear.
        text: name of the text model; None for one that does not read.
        checksum: changes whenever any model does.
        text_checksum: changes with the text model; what few-shot adaptation was fitted to.
        context_turns: earlier turns that the text model reads beside a sentence; 0 for none.
        languages: codes of those that the text model reads, such as "en"; empty where nothing is known of them.
    """

    acoustic: str | None = None
    text: str | None = None
    checksum: str = ""
    text_checksum: str = ""
    context_turns: int = 0
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """One turn's words.

    Args:
        text: what was said.
        confidence: 0 to 1, how sure the speech recogniser is of it; None for words that were typed.
        context: the caller's earlier turns, oldest first.
    """

    text: str
    confidence: float | None = None
    context: Sequence[str] = ()


class Analyzer(Protocol):
    """Hears, reads and fuses; may be shared between threads. `EmotionAnalyzer` is one.

    What is found in a batch is what would be found alone, up to 1e-3 of each probability.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it is made of."""

    def hear(self, audio: AudioSource) -> Evidence | None:
        """Evidence of a voice; None without an acoustic model. Raises AudioError."""

    def hear_many(self, audios: Sequence[AudioSource]) -> list[Evidence | RasaEmotionError | None]:
        """What `hear` finds in each, in order; an AudioError stands in its item's place and harms no other."""

    def read(self, text: str, *, confidence: float | None = None, context: Sequence[str] = ()) -> Evidence | None:
        """Evidence of words; None without a text model. Raises TextError for text without any word."""

    def read_many(self, turns: Sequence[Words]) -> list[Evidence | RasaEmotionError | None]:
        """What `read` finds in each, in order; a TextError stands in its item's place."""

    def fuse(self, evidence: Iterable[Evidence | None]) -> EmotionEstimate:
        """One estimate from what was heard and read."""

    def analyze(
        self,
        audio: AudioSource | None = None,
        text: str | None = None,
        *,
        text_confidence: float | None = None,
        context: Sequence[str] = (),
    ) -> EmotionEstimate:
        """`hear`, `read` and `fuse` in one. Raises AudioError, or TextError where there is no audio."""


def one_by_one(
    ask: Callable[[Item], Evidence | None], items: Iterable[Item]
) -> list[Evidence | RasaEmotionError | None]:
    """What `ask` finds in each item, in order, or the error that it raises of one.

    >>> def refuse(_: str) -> None:
    ...     raise RasaEmotionError("It holds no word.")
    >>> one_by_one(refuse, ["..."])
    [RasaEmotionError('It holds no word.')]
    """

    def found(item: Item) -> Evidence | RasaEmotionError | None:
        try:
            return ask(item)
        except RasaEmotionError as error:
            return error

    return [found(item) for item in items]
