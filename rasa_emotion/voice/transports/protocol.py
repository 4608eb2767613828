"""What all protocols of live calls have in common: what may happen on a line, and what may be sent to it."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.voice.sound import Format

Message = str | bytes
"""A text or binary message of a WebSocket, or bytes of a TCP connection."""

DIGITS = frozenset("0123456789*#ABCD")


class ProtocolError(RasaEmotionError):
    """A message that is none of the protocol's: one sentence without anything of its content.

    Args:
        message: the sentence.
        lost: whether nothing that follows can be understood either.
    """

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


@dataclass(frozen=True)
class Started:
    """The call begins.

    Args:
        call: its id on the line; empty where the protocol names none.
        format: of the audio, both ways.
        caller: who calls, as the line says it; None where it does not.
        parameters: further texts that came with the call.
    """

    call: str
    format: Format
    caller: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """Sound of the caller.

    Args:
        audio: in the format of the call.
        number: counted by the sender, where it counts.
        at: seconds since the stream began by the sender's clock, where it says so.
    """

    audio: bytes = field(repr=False)
    number: int | None = None
    at: float | None = None


@dataclass(frozen=True)
class Digit:
    """A key was pressed: one of 0 to 9, *, #, A to D."""

    key: str


@dataclass(frozen=True)
class Transcript:
    """Words that the line brings, as telephony with a recogniser of its own does.

    Args:
        text: what was said.
        final: whether it stays so.
        confidence: 0 to 1; None where it is not said.
    """

    text: str
    final: bool = True
    confidence: float | None = None


@dataclass(frozen=True)
class Played:
    """The line has played all that came before a mark."""

    mark: str


@dataclass(frozen=True)
class HungUp:
    """The caller has gone."""


Event = Started | Frame | Digit | Transcript | Played | HungUp


class Transport(Protocol):
    """Translates one call's messages; holds no socket, never blocks."""

    @property
    def name(self) -> str:
        """Of the protocol."""

    @property
    def lead_secs(self) -> float:
        """How far ahead of its playing sound may be sent: what the line can drop again, or may hold."""

    def begin(self) -> Sequence[Event]:
        """What the connection itself says, before its first message."""

    def receive(self, message: Message) -> Sequence[Event]:
        """What a message says. Raises ProtocolError; the next message may be a good one."""

    def play(self, audio: bytes) -> Sequence[Message]:
        """Messages that play sound in the format of the call."""

    def mark(self, name: str) -> Sequence[Message]:
        """Messages after which the line says `Played`; none where it cannot."""

    def clear(self) -> Sequence[Message]:
        """Messages that drop what is not played yet; none where nothing is held."""

    def tell(self, event: Mapping[str, Any]) -> Sequence[Message]:
        """Messages that tell the client what is known of the call; none where it would not understand."""

    def end(self) -> Sequence[Message]:
        """Messages before the connection is closed from this side."""


def parsed(message: Message, name: str) -> dict[str, Any]:
    """The JSON object in a text message. Raises ProtocolError."""
    if isinstance(message, bytes):
        raise ProtocolError(f"{name}: a binary message came where JSON belongs.")
    try:
        content = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{name}: a message of {len(message)} characters is not JSON.") from error
    if not isinstance(content, dict):
        raise ProtocolError(f"{name}: a message is a JSON {type(content).__name__}, not an object.")
    return content


def decoded(text: Any, name: str) -> bytes:
    """Sound in base64. Raises ProtocolError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ProtocolError(f"{name}: text stands where base64 of audio belongs.") from error


def frame_of(text: Any, number: Any, millis: Any, name: str) -> Frame:
    """Sound in base64, with the sender's count and clock where it has them. Raises ProtocolError."""
    count, at = number_of(number), number_of(millis)
    return Frame(decoded(text, name), None if count is None else int(count), None if at is None else at / 1000)


def played(content: Mapping[str, Any], key: str, name: str) -> Played:
    """A mark that came back, whose name stands in the object under a key. Raises ProtocolError."""
    return Played(str(part(content, key, name).get("name", "")))


def encoded(audio: bytes) -> str:
    """Sound in base64."""
    return base64.b64encode(audio).decode("ascii")


def part(content: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    """The object under a key. Raises ProtocolError."""
    found = content.get(key)
    if not isinstance(found, dict):
        raise ProtocolError(f"{name}: a message lacks its object '{key}'.")
    return found


def digit_of(key: Any, name: str) -> Digit:
    """A key that was pressed. Raises ProtocolError."""
    if not isinstance(key, str) or key.upper() not in DIGITS or len(key) != 1:
        raise ProtocolError(f"{name}: a pressed key is none of 0 to 9, *, #, A to D.")
    return Digit(key.upper())


def number_of(value: Any) -> float | None:
    """A count or time, which some lines write as text; None where it is none.

    >>> number_of("12"), number_of(None), number_of(True), number_of(10**400)
    (12.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):  # JSON's integers have no largest one
        return None
    return found if 0 <= found < 1e12 else None


def texts(content: Any) -> dict[str, str]:
    """The texts of a JSON object, by name."""
    return {str(k): v for k, v in content.items() if isinstance(v, str)} if isinstance(content, dict) else {}
