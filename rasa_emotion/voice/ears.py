"""The recogniser of one call: started, restarted, replaced, and never the end of a call."""

import logging
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.errors import RasaEmotionError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.recognisers.interface import Recogniser, Transcript, Turn

logger = logging.getLogger(__name__)

RETRY_SECS = 5.0
"""Between two tries to start a recogniser that failed."""


class Ears:
    """Words for a call, as long as there is a recogniser that can and may hear it.

    Args:
        make: gives a new recogniser.
        local: gives one that hears on this machine, for callers whose voice may not leave it; None for nobody.
        on_failure: told of a failure in one sentence.
        clock: of the call.
    """

    def __init__(
        self,
        make: Callable[[], Recogniser],
        local: Callable[[], Recogniser] | None,
        on_failure: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._make, self._local, self._on_failure, self._clock = make, local, on_failure, clock
        self._recogniser: Recogniser | None = None
        self._private = False
        self._failed_at: float | None = None
        self._at = 0.0

    @property
    def hears(self) -> bool:
        """Whether words can be expected."""
        return self._recogniser is not None and self._recogniser.name != "none"

    async def start(self, *, private: bool, at_secs: float = 0.0) -> None:
        """Begin, or begin anew with another recogniser, where what may be sent away has changed.

        Args:
            private: whether the voice may not leave this machine.
            at_secs: of the call's audio that have gone by.
        """
        await self.close()
        self._private, self._at = private, at_secs
        try:
            recogniser = self._make()
            if private and recogniser.is_remote:
                await recogniser.close()
                if self._local is None:
                    return
                recogniser = self._local()
            self._recogniser = recogniser
            await recogniser.start(at_secs=at_secs)
        except Exception as error:  # whatever happens inside a recogniser, which may be somebody's own
            await self._lost(error)

    async def keep_private(self, private: bool, at_secs: float) -> None:
        """Change what may be sent away, in the middle of a call."""
        if private != self._private:
            remote = self._recogniser is None or self._recogniser.is_remote or self._local is not None
            self._private = private
            if remote:
                await self.start(private=private, at_secs=at_secs)

    async def feed(self, samples: NDArray[np.float32], at_secs: float) -> None:
        """The next sound of the call; `at_secs` of it have gone by with it."""
        self._at = at_secs
        if self._recogniser is None:
            return
        try:
            await self._recogniser.feed(samples)
        except Exception as error:  # as above
            await self._lost(error)

    def pause(self, start_secs: float, end_secs: float) -> None:
        """The turn may have ended."""
        if self._recogniser is not None:
            self._recogniser.pause(Turn(start_secs, end_secs))

    def partial(self) -> str:
        """The latest guess; empty where there is none."""
        guess = self._recogniser.partial() if self._recogniser is not None else None
        return guess.text if guess is not None else ""

    async def final(self, start_secs: float, end_secs: float) -> Transcript:
        """The words of a turn that has ended; none where they cannot be had."""
        if self._recogniser is None:
            return Transcript("")
        try:
            return await self._recogniser.final(Turn(start_secs, end_secs))
        except Exception as error:  # as above
            return Transcript("", warning=await self._lost(error))

    async def retry(self) -> None:
        """A turn begins: try a recogniser again that failed some time ago."""
        if self._failed_at is not None and self._clock.now() - self._failed_at >= RETRY_SECS:
            self._failed_at = None
            await self.start(private=self._private, at_secs=self._at)

    async def close(self) -> None:
        """Let go of it."""
        recogniser, self._recogniser = self._recogniser, None
        if recogniser is not None:
            await recogniser.close()

    async def _lost(self, error: Exception) -> str:
        """Let go of a recogniser that failed; returns why, in one sentence."""
        self._failed_at = self._clock.now()
        known = isinstance(error, RasaEmotionError)
        reason = str(error) if known else f"The recogniser failed ({place_of(error)})."
        with suppress(Exception):
            await self.close()
        logger.error("A call goes on without words. %s", reason, extra=named("voice.recogniser.failed"))
        trace(logger, "voice.recogniser.failed", error)
        self._on_failure(reason)
        return reason
