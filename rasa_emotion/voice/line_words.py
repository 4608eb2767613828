"""Keys that were pressed, and words that a line with a recogniser of its own brings."""

import asyncio
import json
from contextlib import suppress

from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.recognisers.interface import Transcript as Words
from rasa_emotion.voice.transports.protocol import Transcript


class Keys:
    """Keys until a #, or until no further one comes.

    Args:
        wait_secs: for a further one.
        intent: that gets them as its entity `digits`; None takes them for the caller's words.
        clock: of the call.
    """

    def __init__(self, wait_secs: float, intent: str | None, clock: Clock) -> None:
        self._wait, self._intent, self._clock = wait_secs, intent, clock
        self._keys, self._at = "", 0.0

    @property
    def waiting(self) -> bool:
        """Whether keys have been pressed that are no turn yet."""
        return bool(self._keys)

    def press(self, key: str) -> str | None:
        """The turn that this key ends; None where it goes on."""
        self._at = self._clock.now()
        if key == "#":
            return self._text()
        self._keys += key
        return None

    def due(self) -> str | None:
        """The turn that ended because no further key came."""
        return self._text() if self._keys and self._clock.now() - self._at > self._wait else None

    def _text(self) -> str | None:
        keys, self._keys = self._keys, ""
        if not keys:
            return None
        return f"/{self._intent}{json.dumps({'digits': keys})}" if self._intent else keys


class LineWords:
    """What the line said that the caller said.

    Args:
        wait_secs: how long words are waited for that belong to a voice which has been heard.
        clock: of the call.
    """

    def __init__(self, wait_secs: float, clock: Clock) -> None:
        self._wait, self._clock = wait_secs, clock
        self._said: list[Transcript] = []
        self._came = asyncio.Event()
        self.comes = False
        """Whether this line has brought words before."""

    @property
    def waiting(self) -> bool:
        """Whether there are words that no turn has."""
        return bool(self._said)

    def add(self, transcript: Transcript) -> None:
        """Words that stay so."""
        self.comes = True
        self._said.append(transcript)
        self._came.set()

    async def take(self, *, wait: bool) -> Words:
        """All that waits, the least certain part for its confidence; where there is nothing, what comes soon."""
        if wait and not self._said:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._came.wait(), self._wait / self._clock.speed)
        said, self._said = self._said, []
        self._came.clear()
        sure = [one.confidence for one in said if one.confidence is not None]
        return Words(" ".join(one.text for one in said).strip(), min(sure, default=None))
