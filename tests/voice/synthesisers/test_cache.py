"""What is kept of what was said."""

import pytest

from rasa_emotion.conversation.ssml import Prosody
from rasa_emotion.voice.synthesisers.cache import Cached
from rasa_emotion.voice.synthesisers.speech import PLAIN, Speech, SynthesisError


class Voice:
    """Says ten bytes a letter, and counts."""

    name, sample_rate, dialect = "fake", 8000, None

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[Speech] = []
        self.fails, self.closed = fails, False

    async def speak(self, speech: Speech):
        self.asked.append(speech)
        for letter in speech.text:
            yield letter.encode() * 10
        if self.fails:
            raise SynthesisError("It broke.")

    async def close(self) -> None:
        self.closed = True


async def said(voice, text: str, prosody: Prosody = PLAIN) -> bytes:
    return b"".join([piece async for piece in voice.speak(Speech(text, prosody))])


async def test_the_same_words_in_the_same_tone_are_said_once() -> None:
    voice = Voice()
    cached = Cached(voice)
    first = await said(cached, "hello")
    assert await said(cached, "hello") == first == b"".join(c.encode() * 10 for c in "hello")
    assert len(voice.asked) == 1
    await said(cached, "hello", Prosody(rate=-10))
    assert len(voice.asked) == 2
    assert cached.hits == 1


async def test_the_cache_is_bounded() -> None:
    voice = Voice()
    cached = Cached(voice, max_bytes=400)
    for word in ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd"):
        await said(cached, word)
    await said(cached, "aaaaaaaaaa")  # in use: not the oldest any more
    await said(cached, "eeeeeeeeee")
    assert cached._bytes == sum(len(piece) for kept in cached._kept.values() for piece in kept) <= 400
    asked = len(voice.asked)
    await said(cached, "aaaaaaaaaa")
    assert len(voice.asked) == asked
    await said(cached, "bbbbbbbbbb")
    assert len(voice.asked) == asked + 1
    await said(cached, "x" * 11)  # more than a quarter of it is not kept
    assert Speech("x" * 11) not in cached._kept


async def test_what_broke_off_is_not_kept() -> None:
    cached = Cached(Voice(fails=True))
    for _ in range(2):
        with pytest.raises(SynthesisError):
            await said(cached, "hello")
    interrupted = Cached(Voice())
    spoken = interrupted.speak(Speech("hello"))
    await spoken.__anext__()
    await spoken.aclose()
    assert (cached._kept, interrupted._kept) == ({}, {})


async def test_closing_closes_the_voice() -> None:
    voice = Voice()
    cached = Cached(voice)
    await said(cached, "hello")
    await cached.close()
    assert voice.closed
    assert cached._kept == {}
