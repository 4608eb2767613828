"""The turns of one call, in their order: from what was heard to what the bot did with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rasa_emotion.errors import place_of
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.logs import named, trace
from rasa_emotion.streaming import Utterance
from rasa_emotion.turn.evidence import CONFIDENCE_KEY
from rasa_emotion.turn.message import Turn, TurnRefused
from rasa_emotion.voice.line_words import LineWords
from rasa_emotion.voice.outlet import Outlet
from rasa_emotion.voice.parts import shown
from rasa_emotion.voice.recognisers.interface import Transcript as Words

logger = logging.getLogger(__name__)


@dataclass
class Pending:
    """What goes to the bot next: a voice and its words to come, words alone, or what the line brings.

    Args:
        utterance: the voice; None for words alone.
        words: what the recogniser makes of it.
        text: words or a command that need no recogniser.
    """

    utterance: Utterance | None = None
    words: "asyncio.Task[Words] | None" = None
    text: str = ""


class Turns:
    """Gives the bot one turn after the other.

    Args:
        take: gives the bot a turn and returns when it has answered; raises TurnRefused.
        after: is called after each turn.
        outlet: is told of each turn.
        line_words: of the call.
        wordless_secs: a voice without words is a turn only where it lasts so long.
    """

    def __init__(
        self,
        take: Callable[[Turn], Awaitable[None]],
        after: Callable[[], Awaitable[None]],
        outlet: Outlet,
        line_words: LineWords,
        wordless_secs: float,
    ) -> None:
        self._take, self._after, self._outlet = take, after, outlet
        self._line_words, self._wordless_secs = line_words, wordless_secs
        self._queue: asyncio.Queue[Pending] = asyncio.Queue()
        self._answering = False
        self.sender = ""
        self.analysed = True
        """Whether the voice may count."""
        self.words_expected = False
        """Whether there is a recogniser that hears."""

    @property
    def idle(self) -> bool:
        """Whether no turn waits and none is answered."""
        return self._queue.empty() and not self._answering

    def add(self, turn: Pending) -> None:
        """Give it to the bot after those that wait."""
        self._queue.put_nowait(turn)

    def add_text(self, text: str | None) -> None:
        """Words or a command without a voice; nothing where there are none."""
        if text:
            self.add(Pending(text=text))

    async def done(self) -> None:
        """Wait until the bot has answered all."""
        await self._queue.join()

    async def run(self) -> None:
        """Answer for as long as the call lasts."""
        while True:
            turn = await self._queue.get()
            self._answering = True
            try:
                await self._answer(turn)
            except Exception as error:  # a turn that fails must not end the call
                logger.error("A turn of a call failed (%s).", place_of(error), extra=named("voice.turn.failed"))
                trace(logger, "voice.turn.failed", error)
            finally:
                self._answering = False
                self._queue.task_done()

    async def _answer(self, pending: Pending) -> None:
        words = await self._words_of(pending)
        text, utterance = words.text.strip(), pending.utterance
        evidence = utterance.evidence if utterance is not None and self.analysed else None
        if not text and (evidence is None or self._too_short(utterance)):
            return
        self._tell(text, words.confidence, utterance)
        metadata = {} if words.confidence is None else {CONFIDENCE_KEY: round(words.confidence, 4)}
        try:
            await self._take(Turn(self.sender, text, evidence, metadata))
        except TurnRefused as error:
            logger.warning("A turn of a call was refused. %s", error, extra=named("voice.turn.refused"))
            self._outlet.tell({"event": "warning", "text": str(error)})
        await self._after()

    def _tell(self, text: str, confidence: float | None, utterance: Utterance | None) -> None:
        if utterance is not None:
            estimate = utterance.estimate if self.analysed else EmotionEstimate.unknown()
            heard = {"text": text, "words_confidence": confidence, "at": round(utterance.end_secs, 3)}
            beside = {"decided": round(utterance.decided_secs, 3), "warning": utterance.warning}
            self._outlet.tell({"event": "turn", **heard, **beside, **shown(estimate)})
        elif not text.startswith("/"):
            self._outlet.tell({"event": "turn", "text": text})

    async def _words_of(self, pending: Pending) -> Words:
        if pending.text:
            return Words(pending.text)
        words = await pending.words if pending.words is not None else Words("")
        if words.text or not self._line_words.comes:
            return words
        return await self._line_words.take(wait=pending.utterance is not None)

    def _too_short(self, utterance: Utterance | None) -> bool:
        if utterance is None or not (self.words_expected or self._line_words.comes):
            return False
        return utterance.end_secs - utterance.start_secs < self._wordless_secs
