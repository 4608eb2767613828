"""How much a client may send: audio at the speed of time with some slack, and few messages that are none."""

import asyncio
from dataclasses import dataclass

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.voice.clock import Clock

SLACK = 1.1
"""A sender's clock may run so much faster than ours."""

MESSAGE_SECS = 0.002
"""What a message without sound counts for."""


class LineClosed(RasaEmotionError):
    """The call ends from this side: a WebSocket close code, and one sentence for the other side and the log."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class FlowLimits:
    """What a line may do.

    Args:
        burst_secs: of audio that may come at once: lines gather some while a network stutters.
        patience_secs: for which a sender is held back before it is closed.
        idle_secs: without any message after which a client counts as gone.
        most_faults: messages in a call that cannot be understood.
        longest_secs: of a call.
    """

    burst_secs: float = 10.0
    patience_secs: float = 30.0
    idle_secs: float = 30.0
    most_faults: int = 20
    longest_secs: float = 4 * 3600.0


class Flow:
    """Watches one line.

    Args:
        limits: what it may do.
        clock: of the call.
    """

    def __init__(self, limits: FlowLimits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._since = self._checked = clock.now()
        self._ahead = 0.0
        self._held = 0.0
        self._holding = False
        self.faults = 0
        self.last_message = self._since

    async def pace(self, secs: float) -> None:
        """A message with so many seconds of sound has come; wait where it came too early.

        Raises:
            LineClosed: it goes on like that, or the call is too long.
        """
        now = self._clock.now()
        self.last_message = now
        if now - self._since > self._limits.longest_secs:
            raise LineClosed(1008, f"A call may last {self._limits.longest_secs / 3600:g} h.")
        self._ahead = max(0.0, self._ahead - SLACK * (now - self._checked)) + max(secs, MESSAGE_SECS)
        self._checked = now
        early = self._ahead - self._limits.burst_secs
        if early <= 0:
            self._held = 0.0
            await asyncio.sleep(0)  # others' turn, also where messages wait
            return
        wait = early / SLACK
        self._held += wait
        if self._held > self._limits.patience_secs:
            raise LineClosed(1008, "The client sends faster than time goes by; send audio as it is spoken.")
        self._holding = True  # meanwhile it is this side that does not read
        await self._clock.sleep(wait)
        self._holding, self.last_message = False, self._clock.now()

    def fault(self, sentence: str) -> None:
        """A message could not be understood. Raises LineClosed where there are too many."""
        self.faults += 1
        if self.faults > self._limits.most_faults:
            raise LineClosed(1007, f"Too many messages cannot be understood; the last one: {sentence}")

    @property
    def silent_secs(self) -> float:
        """For which nothing has come; 0 while the line is held back."""
        return 0.0 if self._holding else self._clock.now() - self.last_message

    @property
    def idle(self) -> bool:
        """Whether nothing has come for too long."""
        return self.silent_secs > self._limits.idle_secs
