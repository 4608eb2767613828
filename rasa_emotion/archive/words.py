"""The words of turns that are already recorded, through the recognisers of live calls."""

import asyncio

from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.turns import SpokenTurn
from rasa_emotion.voice.recognisers import Recogniser, Transcript, load_recogniser
from rasa_emotion.voice.recognisers.interface import Turn


class Words:
    """One recogniser and the event loop in which it runs. One per process; close it at last.

    Args:
        options: name the recogniser.

    Raises:
        ConfigError: there is none of this name, or what it needs is not installed.
    """

    def __init__(self, options: ScoreOptions) -> None:
        self._recogniser: Recogniser = load_recogniser(options.recogniser, options.recogniser_options)
        self._loop = asyncio.new_event_loop()

    def of(self, turn: SpokenTurn) -> Transcript:
        """What was said in a turn. Raises RecogniserError."""
        return self._loop.run_until_complete(self._of(turn))

    def close(self) -> None:
        """Let go of the recogniser."""
        self._loop.run_until_complete(self._recogniser.close())
        self._loop.close()

    async def _of(self, turn: SpokenTurn) -> Transcript:
        # Begun anew for each turn: a recogniser keeps only the latest half minute of a call.
        await self._recogniser.start(at_secs=turn.samples_secs)
        await self._recogniser.feed(turn.samples)
        return await self._recogniser.final(Turn(turn.start_secs, turn.end_secs))
