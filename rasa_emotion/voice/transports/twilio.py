"""Twilio Media Streams, bidirectional (`<Connect><Stream>`): JSON over a WebSocket, mu-law at 8 kHz.

From Twilio `connected`, `start`, `media`, `dtmf`, `mark`, `stop`; to Twilio `media`, `mark`, `clear`, as its reference
"Media Streams - WebSocket Messages" describes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.protocol import (
    Event,
    HungUp,
    Message,
    ProtocolError,
    Started,
    digit_of,
    encoded,
    frame_of,
    parsed,
    part,
    played,
    texts,
)

NAME = "twilio"
ENCODINGS = {"audio/x-mulaw": "mulaw"}


class Twilio:
    """One Media Stream.

    >>> stream = Twilio()
    >>> stream.receive('{"event": "connected", "protocol": "Call", "version": "1.0.0"}')
    []
    """

    name = NAME
    lead_secs = 0.6

    def __init__(self) -> None:
        self._stream = ""

    def begin(self) -> Sequence[Event]:
        """The call begins with a message."""
        return []

    def receive(self, message: Message) -> Sequence[Event]:
        """What a message says. Raises ProtocolError."""
        content = parsed(message, NAME)
        kind = content.get("event")
        if kind == "start":
            return [self._started(part(content, "start", NAME))]
        if kind == "connected":
            return []
        if not self._stream:
            raise ProtocolError(f"{NAME}: a message came before 'start'.")
        return self._event(kind, content)

    def _started(self, start: Mapping[str, Any]) -> Started:
        stream, call = start.get("streamSid"), start.get("callSid")
        if not isinstance(stream, str) or not isinstance(call, str):
            raise ProtocolError(f"{NAME}: 'start' lacks its streamSid or callSid.")
        format_ = start.get("mediaFormat") or {}
        encoding = format_.get("encoding", "audio/x-mulaw")
        if encoding not in ENCODINGS or format_.get("sampleRate", 8000) != 8000:
            raise ProtocolError(f"{NAME}: the stream is not mu-law at 8 kHz, which Twilio sends.")
        self._stream = stream
        parameters = texts(start.get("customParameters"))
        return Started(call, Format("mulaw", 8000), parameters.get("caller"), parameters)

    def _event(self, kind: Any, content: Mapping[str, Any]) -> Sequence[Event]:
        if kind == "media":
            media = part(content, "media", NAME)
            if media.get("track", "inbound") != "inbound":
                return []
            return [frame_of(media.get("payload"), media.get("chunk"), media.get("timestamp"), NAME)]
        if kind == "dtmf":
            return [digit_of(part(content, "dtmf", NAME).get("digit"), NAME)]
        if kind == "mark":
            return [played(content, "mark", NAME)]
        return [HungUp()] if kind == "stop" else []

    def play(self, audio: bytes) -> Sequence[Message]:
        """Sound for the caller."""
        return [self._message("media", media={"payload": encoded(audio)})]

    def mark(self, name: str) -> Sequence[Message]:
        """A mark, which Twilio sends back when it has played what came before, or dropped it."""
        return [self._message("mark", mark={"name": name})]

    def clear(self) -> Sequence[Message]:
        """Let Twilio drop what it has not played."""
        return [self._message("clear")]

    def tell(self, event: Mapping[str, Any]) -> Sequence[Message]:
        """Twilio knows no such messages."""
        return []

    def end(self) -> Sequence[Message]:
        """Twilio goes on with what follows `<Connect>` when the connection closes."""
        return []

    def _message(self, event: str, **content: Any) -> str:
        return json.dumps({"event": event, "streamSid": self._stream, **content})
