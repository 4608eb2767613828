"""The `json_audio` dialect of Rasa Pro: JSON over a WebSocket, linear 16 bit samples at 16 kHz in base64.

To and from the client: `{"type": "audio", "audio": base64}`, `{"type": "mark", "mark": {"name": ...}}`; to the client
alone `{"type": "clear"}`. A client may name its conversation in the header `X-Rasa-Sender`.

Further types are ours, and a client of Rasa Pro never meets them: to the server `digit` and `transcript`, to a client
that asked for events `event`. docs/live.asyncapi.yaml describes all.
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
    Transcript,
    digit_of,
    encoded,
    frame_of,
    number_of,
    parsed,
    played,
)

NAME = "json_audio"
FORMAT = Format("pcm_s16le", 16_000)


class JsonAudio:
    """One call in this dialect; it begins with its connection.

    Args:
        call: its id, of the header or drawn.
        events: whether the client asked to be told what is heard.

    >>> JsonAudio("c1").receive('{"type": "audio", "audio": "AAA="}')
    [Started(call='c1', format=Format(encoding='pcm_s16le', sample_rate=16000), caller=None, parameters={}), \
Frame(number=None, at=None)]
    """

    name = NAME
    lead_secs = 0.6

    def __init__(self, call: str, *, events: bool = False) -> None:
        self._call, self._events = call, events
        self._started = False

    def begin(self) -> Sequence[Event]:
        """The call's start, which no message marks."""
        if self._started:
            return []
        self._started = True
        return [Started(self._call, FORMAT)]

    def receive(self, message: Message) -> Sequence[Event]:
        """What a message says. Raises ProtocolError."""
        content = parsed(message, NAME)
        return [*self.begin(), *self._event(content)]

    def _event(self, content: Mapping[str, Any]) -> Sequence[Event]:
        kind = content.get("type")
        if kind == "audio":
            return [frame_of(content.get("audio"), content.get("sequence"), content.get("timestamp_ms"), NAME)]
        if kind == "mark":
            return [played(content, "mark", NAME)]
        if kind == "digit":
            return [digit_of(content.get("digit"), NAME)]
        if kind == "transcript":
            return [_transcript(content)]
        if kind == "hangup":
            return [HungUp()]
        return []  # of a dialect that has grown

    def play(self, audio: bytes) -> Sequence[Message]:
        """Sound for the caller."""
        return [json.dumps({"type": "audio", "audio": encoded(audio)})]

    def mark(self, name: str) -> Sequence[Message]:
        """A mark, which the client sends back when it has played what came before."""
        return [json.dumps({"type": "mark", "mark": {"name": name}})]

    def clear(self) -> Sequence[Message]:
        """Let the client drop what it has not played."""
        return [json.dumps({"type": "clear"})]

    def tell(self, event: Mapping[str, Any]) -> Sequence[Message]:
        """Tell a client that asked."""
        return [json.dumps({"type": "event", **event})] if self._events else []

    def end(self) -> Sequence[Message]:
        """The connection's end is the call's."""
        return []


def _transcript(content: Mapping[str, Any]) -> Transcript:
    text, final, sure = content.get("text"), content.get("final", True), number_of(content.get("confidence"))
    if not isinstance(text, str) or not isinstance(final, bool):
        raise ProtocolError(f"{NAME}: a transcript lacks its text, or 'final' is not true or false.")
    return Transcript(text, final, sure if sure is not None and sure <= 1 else None)
