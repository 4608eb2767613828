"""No recogniser: for telephony that brings its own transcripts, or calls in which the voice alone is heard."""

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.voice.recognisers.interface import Transcript, Turn


class NoRecogniser:
    """Gives no words."""

    name = "none"
    is_remote = False

    async def start(self, *, at_secs: float = 0.0) -> None:
        """Nothing to do."""

    async def feed(self, samples: NDArray[np.float32]) -> None:
        """Nothing is heard."""

    def pause(self, turn: Turn) -> None:
        """Nothing to begin."""

    def partial(self) -> Transcript | None:
        """There is never one."""
        return None

    async def final(self, turn: Turn) -> Transcript:
        """No words."""
        return Transcript("")

    async def close(self) -> None:
        """Nothing to let go of."""
