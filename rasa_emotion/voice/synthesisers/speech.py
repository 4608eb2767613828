"""What a synthesiser is asked, and what it answers with."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rasa_emotion.conversation.sentences import sentences
from rasa_emotion.conversation.ssml import Prosody
from rasa_emotion.errors import RasaEmotionError

LONGEST_TEXT = 5000
"""Characters of one speech; what comes after is not said."""

_TAG = re.compile(r"<[^<>]*>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class SynthesisError(RasaEmotionError):
    """Nothing, or no more, could be said. The message never quotes the text."""


PLAIN = Prosody()
"""The voice's own way."""


@dataclass(frozen=True)
class Speech:
    """What is to be said, and how.

    Args:
        text: plain words; nothing in them is taken for markup.
        prosody: how to say them, as a change of the voice's own way.
        ssml: the same in the markup of the engine in use, which then takes the place of `text` and `prosody`; engines
            without markup leave it alone.

    >>> Speech("Hello.").prosody.rate
    0
    """

    text: str
    prosody: Prosody = PLAIN
    ssml: str | None = None


class Synthesiser(Protocol):
    """Speaks; one serves all calls of a process."""

    @property
    def name(self) -> str:
        """Of the engine, for logs."""

    @property
    def sample_rate(self) -> int:
        """Hz of what `speak` gives."""

    @property
    def dialect(self) -> str | None:
        """The markup that it takes, one of `conversation.ssml.DIALECTS`; None for plain text alone."""

    def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit signed little-endian, in pieces of whole samples as they come.

        Whoever stops listening closes the iterator, which ends the work. Raises SynthesisError.
        """

    async def close(self) -> None:
        """Let go of connections."""


def clean(text: str) -> str:
    """The text without what no engine can say, and no longer than `LONGEST_TEXT`.

    >>> clean("Hello\\x00 there")
    'Hello there'
    """
    return _CONTROL.sub("", text)[:LONGEST_TEXT].strip()


def words_of(speech: Speech) -> str:
    """The words of a speech, for engines without markup.

    >>> words_of(Speech("", ssml="<speak>Fish <break/>again</speak>"))
    'Fish again'
    """
    return clean(speech.text or _TAG.sub("", speech.ssml or ""))


def parts_of(speech: Speech) -> list[str]:
    """The sentences to be said one by one; one part where there are no pauses between them.

    >>> parts_of(Speech("Yes. Of course.", Prosody(pause_ms=200)))
    ['Yes.', 'Of course.']
    """
    text = words_of(speech)
    if not speech.prosody.pause_ms:
        return [text] if text else []
    return [part.strip() for part in sentences(text) if part.strip()]


def silence(msecs: float, sample_rate: int) -> bytes:
    """So much silence, 16 bit.

    >>> len(silence(10, 8000))
    160
    """
    return bytes(2 * round(msecs * sample_rate / 1000))


def louder(pcm: bytes, decibels: float) -> bytes:
    """16 bit samples made louder or softer; full scale is not exceeded.

    >>> louder(b"\\x00\\x10", 6.0206).hex()
    '0020'
    """
    if not decibels:
        return pcm
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) * 10 ** (decibels / 20)
    return bytes(np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes())
