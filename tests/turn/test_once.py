"""Each piece of work is done once."""

import asyncio

import pytest

from rasa_emotion.turn import once
from rasa_emotion.turn.once import Once, checked_key
from rasa_emotion.turn.refusal import TurnRefused


class Work:
    """Counts how often it is done; waits until it `may_end`."""

    def __init__(self):
        self.times = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self):
        self.times += 1
        await self.may_end.wait()
        if self.times < 0:
            raise OSError("on purpose")
        return self.times


@pytest.fixture
async def work():
    return Work()


def always(_: int) -> bool:
    return True


async def test_it_is_done_once_for_each_key(work):
    mine = Once()
    assert await mine.do("a", b"1", work, keep=always) == (1, False)
    assert await mine.do("a", b"1", work, keep=always) == (1, True)
    assert await mine.do("b", b"1", work, keep=always) == (2, False)
    with pytest.raises(TurnRefused) as caught:
        await mine.do("a", b"2", work, keep=always)
    assert caught.value.status == 422


async def test_who_hangs_up_finds_the_answer_with_the_next_try(work):
    mine = Once()
    work.may_end.clear()
    first = asyncio.create_task(mine.do("a", b"1", work, keep=always))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(mine.do("a", b"1", work, keep=always))
    await asyncio.sleep(0)
    work.may_end.set()
    assert await second == (1, True)


async def test_what_fails_is_done_again(work):
    mine = Once()
    work.times = -2
    with pytest.raises(OSError, match="on purpose"):
        await mine.do("a", b"1", work, keep=always)
    await asyncio.sleep(0)
    assert await mine.do("a", b"1", work, keep=lambda _: False) == (0, False)
    await asyncio.sleep(0)
    assert await mine.do("a", b"1", work, keep=always) == (1, False)


async def test_answers_are_kept_for_a_while_and_only_so_many(work, monkeypatch):
    now = [0.0]
    mine = Once(lambda: now[0])
    monkeypatch.setattr(once, "MOST_KEPT", 3)
    for number in range(5):
        await mine.do(number, b"", work, keep=always)
    assert len(mine._kept) == 3
    now[0] += once.KEPT_SECS + 1
    assert (await mine.do(4, b"", work, keep=always))[1] is False
    assert len(mine._kept) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "a\nb", "ü"])
def test_keys_that_are_refused(key):
    with pytest.raises(TurnRefused):
        checked_key(key)
