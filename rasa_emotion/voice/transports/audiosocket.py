"""Asterisk's AudioSocket: a TCP connection with messages of one byte kind, two bytes length, and content.

As docs.asterisk.org describes it: 0x00 ends, 0x01 is the call's UUID, 0x03 a key, 0x10 to 0x18 linear 16 bit samples,
little-endian, at 8 to 192 kHz, 0xff an error. There is no other proof of who calls than the UUID: the port belongs on
the loopback interface or behind a private network.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.protocol import (
    Event,
    Frame,
    HungUp,
    Message,
    ProtocolError,
    Started,
    digit_of,
)

NAME = "audiosocket"
END, ID, KEY, ERROR = 0x00, 0x01, 0x03, 0xFF
RATES = {
    0x10: 8_000, 0x11: 12_000, 0x12: 16_000, 0x13: 24_000, 0x14: 32_000,
    0x15: 44_100, 0x16: 48_000, 0x17: 96_000, 0x18: 192_000,
}  # fmt: skip
FRAME_SECS = 0.02
"""Of one message to Asterisk, which plays each as it comes."""


class AudioSocket:
    """One connection. The first sound says at which rate the call runs.

    >>> socket = AudioSocket()
    >>> socket.receive(bytes.fromhex("010010") + bytes(16) + bytes.fromhex("100002") + bytes(2))[0].call
    '00000000-0000-0000-0000-000000000000'
    """

    name = NAME
    lead_secs = 0.06  # Asterisk cannot drop what it was sent

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._call, self._kind, self._rest = "", 0, b""

    def begin(self) -> Sequence[Event]:
        """The call begins with a message."""
        return []

    def receive(self, message: Message) -> Sequence[Event]:
        """What the bytes say; the last message may be incomplete. Raises ProtocolError, after which no byte counts."""
        if isinstance(message, str):
            raise _lost("text came where bytes belong")
        self._buffer += message
        found: list[Event] = []
        while len(self._buffer) >= 3:
            kind, length = struct.unpack_from(">BH", self._buffer)
            if len(self._buffer) < 3 + length:
                break
            content = bytes(self._buffer[3 : 3 + length])
            del self._buffer[: 3 + length]
            found += self._event(kind, content)
        return found

    def _event(self, kind: int, content: bytes) -> Sequence[Event]:
        if kind == ID:
            if len(content) != 16 or self._call:
                raise _lost("the call's id is not one UUID")
            self._call = str(UUID(bytes=content))
            return []
        if kind in (END, ERROR):
            return [HungUp()]
        if not self._call:
            raise _lost("the first message is not the call's UUID")
        if kind == KEY:
            return [digit_of(content.decode("ascii", "replace"), NAME)]
        if kind not in RATES:
            raise _lost(f"a message of the unknown kind 0x{kind:02x}")
        return self._audio(kind, content)

    def _audio(self, kind: int, content: bytes) -> Sequence[Event]:
        if not self._kind:
            self._kind = kind
            return [Started(self._call, Format("pcm_s16le", RATES[kind])), Frame(content)]
        if kind != self._kind:
            raise _lost("the sample rate changes within the call")
        return [Frame(content)]

    def play(self, audio: bytes) -> Sequence[Message]:
        """Sound for the caller, in messages of 20 ms."""
        size = 2 * round(RATES[self._kind] * FRAME_SECS)
        data = self._rest + audio
        whole = len(data) // size * size
        self._rest = data[whole:]
        return [_message(self._kind, data[start : start + size]) for start in range(0, whole, size)]

    def mark(self, name: str) -> Sequence[Message]:
        """There are no marks; what is left of the sound goes out."""
        rest, self._rest = self._rest, b""
        return [_message(self._kind, rest)] if rest else []

    def clear(self) -> Sequence[Message]:
        """Only what has not been sent can be dropped."""
        self._rest = b""
        return []

    def tell(self, event: Mapping[str, Any]) -> Sequence[Message]:
        """Asterisk knows no such messages."""
        return []

    def end(self) -> Sequence[Message]:
        """Asterisk goes on with the dialplan's next priority."""
        return [_message(END, b"")]


def _message(kind: int, content: bytes) -> bytes:
    return struct.pack(">BH", kind, len(content)) + content


def _lost(what: str) -> ProtocolError:
    return ProtocolError(f"{NAME}: {what}.", lost=True)  # where the next message begins is not known any more
