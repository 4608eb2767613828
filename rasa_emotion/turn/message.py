"""What goes into an intake and what comes out of it, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.estimate import Evidence
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import ANYBODY, Identity

__all__ = ["DEFAULT_RAW_RATE", "DEFAULT_SENDER_ID", "FAILED", "Audio", "Taken", "Turn", "TurnRefused"]

DEFAULT_SENDER_ID = "default"
"""How Rasa names a conversation to which the client gives no name."""

DEFAULT_RAW_RATE = 8000
"""Hz of headerless samples, where nothing else is said: that of telephones."""

FAILED = "The bot could not answer this message; send it again in a moment."
"""What a client hears of a turn that failed before anything was said."""


@dataclass(frozen=True)
class Audio:
    """Sound as it came.

    Args:
        content: bytes of a sound file, or headerless samples.
        encoding: "pcm_s16le", "mulaw", "alaw" or a format of one's own when headerless, else None; bytes that begin
            as a sound file does are one all the same.
        sample_rate: Hz of headerless samples.
        channel: of a stereo recording: "left", "right" or "mix"; None for the one with the voice.
        fault: one sentence why there is no content; None where there is.
    """

    content: bytes = field(repr=False)
    encoding: str | None = None
    sample_rate: int = DEFAULT_RAW_RATE
    channel: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Turn:
    """What a channel received: words, sound, or both.

    Args:
        sender: identifies the conversation, 1 to 255 printable characters; None for a client that gives no name.
        text: the words, or a command such as "/restart"; empty where there are none.
        audio: the sound as it came, or decoded at 16 kHz; or the evidence of a channel that heard it live.
        metadata: of the client's; JSON-safe.
        input_channel: the channel's name, as Rasa stores it.
        message_id: the client's own; None draws one.
        by: whom the channel let in; the holder of a ticket speaks in one name alone.
    """

    sender: str | None
    text: str = ""
    audio: Audio | Waveform | Evidence | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    input_channel: str | None = None
    message_id: str | None = None
    by: Identity = ANYBODY


@dataclass(frozen=True)
class Taken:
    """What the bot is told of a turn. Its fields are those of Rasa's `UserMessage`, and two more.

    Args:
        sender: as in the turn.
        text: the words, or the command that stands for a turn without any.
        metadata: the client's, with the evidence of the voice; None where there is neither.
        message_id: marks evidence as our own where there is some.
        input_channel: as in the turn.
        warning: why the voice was not analysed, or what of it was left out; None where there is nothing to say.
        failed: whether the bot raised an error while it answered.
    """

    sender: str | None
    text: str
    metadata: dict[str, Any] | None = None
    message_id: str | None = None
    input_channel: str | None = None
    warning: str | None = None
    failed: bool = False
