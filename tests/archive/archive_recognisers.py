"""Recognisers for the tests of archives; loaded by their module path in processes of their own."""

import os

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.voice.recognisers import RecogniserError, Transcript
from rasa_emotion.voice.recognisers.interface import Turn


class Says:
    """Says the same words in each turn, and fails where it was told to."""

    name, is_remote = "says", False

    def __init__(self, text: str = "thank you so much", fails: bool = False, deadly_secs: float = 1e9) -> None:
        self.text, self.fails, self.deadly_secs = text, fails, deadly_secs
        self.started = self.heard = 0.0

    async def start(self, *, at_secs: float = 0.0) -> None:
        self.started = self.heard = at_secs

    async def feed(self, samples: NDArray[np.float32]) -> None:
        self.heard += len(samples) / 16_000

    def pause(self, turn: Turn) -> None: ...

    def partial(self) -> None:
        return None

    async def final(self, turn: Turn) -> Transcript:
        assert self.started <= turn.start_secs < turn.end_secs <= self.heard + 0.01
        if turn.end_secs > self.deadly_secs:
            os._exit(3)  # as a library that crashes
        if self.fails:
            raise RecogniserError("The recogniser is away; start it.")
        return Transcript(self.text, 0.9)

    async def close(self) -> None: ...
