"""An hour-long call, and a thousand calls in a row, take no more memory than short ones."""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion.audio import Waveform, encode_mulaw, load_audio
from rasa_emotion.streaming import LiveStream, SharedHearing

Speech = Callable[..., Path]
FRAME = 160


@pytest.fixture(scope="module")
def minute(speech: Speech) -> bytes:
    """A minute of a call in mu-law in which somebody speaks 40 % of the time."""
    spoken = load_audio(speech("I have been waiting for an hour and nobody answers the telephone.")).samples
    turn = np.pad(spoken, (0, round(1.5 * len(spoken))))
    sound = np.resize(turn, 60 * 16_000)
    return encode_mulaw(Waveform((sound + 0.0005 * np.random.default_rng(0).standard_normal(len(sound))).astype("f4")))


async def played(stream: LiveStream, data: bytes) -> None:
    for start in range(0, len(data), FRAME):
        stream.feed(data[start : start + FRAME])
    while stream._tasks:
        await asyncio.wait(list(stream._tasks))


def taken() -> int:
    """Bytes."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def held(minute: bytes, minutes: int, growth: int) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    stream = LiveStream(hearing, encoding="mulaw", sample_rate=8000)

    async def read() -> None:
        async for _ in stream.events():
            pass

    reading = asyncio.create_task(read())
    await played(stream, minute)
    tracemalloc.start()
    await played(stream, minute)
    before = taken()
    for _ in range(minutes - 2):
        await played(stream, minute)
    assert taken() - before < growth
    tracemalloc.stop()
    stream.close()
    await reading
    hearing.close()


@pytest.mark.nightly
async def test_a_call_of_an_hour(minute: bytes) -> None:
    await held(minute, 60, 200_000)


@pytest.mark.nightly
async def test_a_thousand_calls_in_a_row(minute: bytes) -> None:
    hearing = SharedHearing(FakeAnalyzer())

    async def call() -> None:
        stream = LiveStream(hearing, encoding="mulaw", sample_rate=8000)
        await played(stream, minute[: 8000 * 8])
        stream.close()
        async for _ in stream.events():
            pass

    for _ in range(10):
        await call()
    tracemalloc.start()
    await call()
    before = taken()
    for _ in range(1000):
        await call()
    assert taken() - before < 200_000
    tracemalloc.stop()
    hearing.close()


async def test_a_call_takes_less_than_two_megabytes(minute: bytes) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    first = LiveStream(hearing, encoding="mulaw", sample_rate=8000)
    await played(first, minute[: 8000 * 5])  # what all calls share is there
    tracemalloc.start()
    before = taken()
    streams = [LiveStream(hearing, encoding="mulaw", sample_rate=8000) for _ in range(3)]
    for stream in streams:
        await played(stream, minute[: 8000 * 5])
    assert (taken() - before) / len(streams) < 2_000_000
    tracemalloc.stop()
    hearing.close()
