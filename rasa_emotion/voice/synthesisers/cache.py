"""What was said before need not be synthesised again: greetings, questions, apologies."""

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rasa_emotion.voice.synthesisers.speech import Speech, Synthesiser

LARGEST_SHARE = 4
"""A speech takes at most one in so many bytes of the cache, so that a long one does not throw out all others."""


class Cached:
    """A synthesiser that keeps what it said lately, in memory alone.

    Args:
        inner: what speaks.
        max_bytes: of samples that are kept, those longest unused go first.
    """

    def __init__(self, inner: Synthesiser, max_bytes: int = 16_000_000) -> None:
        self._inner, self._max, self._bytes = inner, max_bytes, 0
        self._kept: OrderedDict[Speech, tuple[bytes, ...]] = OrderedDict()
        self.hits = 0

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._inner.name

    @property
    def sample_rate(self) -> int:
        """Hz of the engine."""
        return self._inner.sample_rate

    @property
    def dialect(self) -> str | None:
        """The engine's markup."""
        return self._inner.dialect

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """The samples of the engine. Raises SynthesisError."""
        kept = self._kept.get(speech)
        if kept is not None:
            self.hits += 1
            self._kept.move_to_end(speech)
            for piece in kept:
                yield piece
            return
        pieces: list[bytes] = []
        size, most = 0, self._max // LARGEST_SHARE
        async with aclosing(self._inner.speak(speech)) as spoken:
            async for piece in spoken:
                size += len(piece)
                if size <= most:
                    pieces.append(piece)
                yield piece
        if size <= most:  # only what was said to its end
            self._keep(speech, tuple(pieces), size)

    async def close(self) -> None:
        """Close the engine and forget."""
        self._kept.clear()
        self._bytes = 0
        await self._inner.close()

    def _keep(self, speech: Speech, pieces: tuple[bytes, ...], size: int) -> None:
        if speech in self._kept:  # another call said the same meanwhile
            return
        self._kept[speech] = pieces
        self._bytes += size
        while self._bytes > self._max:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= sum(map(len, oldest))
