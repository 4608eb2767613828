"""jambonz's verb `listen` with bidirectional streaming: JSON first, then linear 16 bit samples as binary messages.

From jambonz one text with the call's data, binary audio, `{"event": "dtmf", "dtmf": "2"}` and `{"type": "mark", ...}`;
to jambonz binary audio, `killAudio`, `mark` and `disconnect`, as docs.jambonz.org describes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.protocol import (
    Digit,
    Event,
    Frame,
    Message,
    ProtocolError,
    Started,
    digit_of,
    number_of,
    parsed,
    played,
    texts,
)

NAME = "jambonz"
SUBPROTOCOL = "audio.jambonz.org"
RATES = (8_000, 16_000, 24_000, 48_000, 64_000)


class Jambonz:
    """One `listen`.

    >>> Jambonz().receive('{"callSid": "c1", "from": "+441632960000", "sampleRate": 8000}')[0].format.sample_rate
    8000
    """

    name = NAME
    lead_secs = 0.6

    def __init__(self, sample_rate: int = 16_000) -> None:
        self._sample_rate = sample_rate
        self._started = False

    def begin(self) -> Sequence[Event]:
        """The call begins with a message."""
        return []

    def receive(self, message: Message) -> Sequence[Event]:
        """What a message says. Raises ProtocolError."""
        if not self._started:
            return [self._start(parsed(message, NAME))]
        if isinstance(message, bytes):
            return [Frame(message)]
        content = parsed(message, NAME)
        if content.get("event") == "dtmf":
            return self._digits(content.get("dtmf"))
        if content.get("type") == "mark" and content.get("event") != "cleared":
            return [played(content, "data", NAME)]
        return []  # playDone and its like

    def _start(self, content: Mapping[str, Any]) -> Started:
        call = content.get("callSid")
        if not isinstance(call, str) or not call:
            raise ProtocolError(f"{NAME}: the first message lacks its callSid.")
        rate = number_of(content.get("sampleRate")) or self._sample_rate
        if rate not in RATES:
            raise ProtocolError(f"{NAME}: a sampleRate of {rate:g} is none of {', '.join(map(str, RATES))}.")
        self._started = True
        caller = content.get("from")
        # Outgoing calls have the caller in `to`.
        if content.get("direction") == "outbound":
            caller = content.get("to")
        return Started(
            call, Format("pcm_s16le", int(rate)), caller if isinstance(caller, str) else None, texts(content)
        )

    def _digits(self, keys: Any) -> Sequence[Digit]:
        if not isinstance(keys, str) or not 0 < len(keys) <= 32:
            raise ProtocolError(f"{NAME}: a dtmf event without keys.")
        return [digit_of(key, NAME) for key in keys]

    def play(self, audio: bytes) -> Sequence[Message]:
        """Sound for the caller."""
        return [audio]

    def mark(self, name: str) -> Sequence[Message]:
        """A mark, which jambonz sends back when it has played what came before."""
        return [json.dumps({"type": "mark", "data": {"name": name}})]

    def clear(self) -> Sequence[Message]:
        """Let jambonz drop what it has not played."""
        return [json.dumps({"type": "killAudio"})]

    def tell(self, event: Mapping[str, Any]) -> Sequence[Message]:
        """jambonz knows no such messages."""
        return []

    def end(self) -> Sequence[Message]:
        """jambonz goes on with the verb that follows."""
        return [json.dumps({"type": "disconnect"})]
