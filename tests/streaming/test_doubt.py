"""Audio of another rate or encoding than was announced is noticed; ordinary calls are not doubted."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion.audio import Waveform, encode_mulaw, load_audio
from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.streaming import LiveStream, SharedHearing
from rasa_emotion.streaming.doubt import FormatDoubt

Speech = Callable[..., Path]


@pytest.fixture(scope="module")
def call(speech: Speech) -> np.ndarray:
    """Twelve seconds in which somebody speaks half of the time."""
    spoken = load_audio(speech("I have been waiting for an hour and nobody answers.")).samples[:32_000]
    sound = np.concatenate([np.pad(spoken / np.abs(spoken).max(), (16_000, 16_000))] * 3)
    return (sound + 0.001 * np.random.default_rng(0).standard_normal(len(sound))).astype(np.float32)


def frames(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def pcm(sound: np.ndarray, form: str = "<i2") -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype(form).tobytes()


def doubted(decoder: StreamDecoder, data: bytes) -> list[str]:
    doubt = FormatDoubt(decoder.sample_rate)
    found = [doubt.take(decoder.feed(frame)) for frame in frames(data, 320)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize(
    ("sent", "announced"),
    [("mulaw", "pcm_s16le"), ("pcm_s16le", "mulaw"), ("pcm_s16le", "alaw"), ("pcm_s16le", "pcm_s16be")],
)
def test_another_encoding_is_noticed_once(call: np.ndarray, sent: str, announced: str) -> None:
    data = encode_mulaw(Waveform(call)) if sent == "mulaw" else pcm(call)
    (sentence,) = doubted(StreamDecoder(announced, 8000), data)
    assert "loud noise" in sentence


@pytest.mark.parametrize("level", [1.0, 0.05])
def test_what_was_announced_right_is_not_doubted(call: np.ndarray, level: float) -> None:
    assert doubted(StreamDecoder("mulaw", 8000), encode_mulaw(Waveform(call * np.float32(level)))) == []
    assert doubted(StreamDecoder("pcm_s16le", 16_000), pcm(np.clip(call * 4 * level, -1, 1))) == []


class Clock:
    """Time that goes by when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("real", "announced", "noticed"),
    [
        (8000, 16_000, True),
        (16_000, 8000, True),
        (24_000, 8000, True),
        (48_000, 8000, True),
        (8000, 8000, False),
        (8000, 8080, False),  # clocks that drift
        (44_100, 48_000, False),
    ],
)
def test_another_rate_is_noticed_by_the_clock(real: int, announced: int, noticed: bool) -> None:
    clock = Clock()
    doubt = FormatDoubt(announced, clock)
    decoder, found = StreamDecoder("pcm_s16le", announced), []
    for _ in range(50 * 25):
        found.append(doubt.take(decoder.feed(bytes(2 * (real // 50)))))
        clock.now += 0.02
    sentences = [one for one in found if one is not None]
    assert len(sentences) == noticed
    assert all(f"rather at {real} Hz" in sentence for sentence in sentences)


def test_lines_that_gather_audio_or_send_none_in_silence_are_not_doubted() -> None:
    rng = np.random.default_rng(0)
    clock = Clock()
    silent = FormatDoubt(16_000, clock)
    for second in range(60):
        if second % 5 < 2:  # two seconds of five
            assert silent.take(np.zeros(16_000, np.float32)) is None
        clock.now += 1.0
    jitter = FormatDoubt(16_000, clock)
    sent = 0.0
    for second in range(60):
        clock.now += 1.0
        late = rng.uniform(0, 0.9)
        secs = second + 1 - late - sent
        sent += max(0.0, secs)
        assert jitter.take(np.zeros(round(16_000 * max(0.0, secs)), np.float32)) is None


async def test_a_call_says_what_is_doubtful(call: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    stream = LiveStream(hearing, encoding="pcm_s16be", sample_rate=16_000)
    with caplog.at_level(logging.WARNING):
        for frame in frames(pcm(call), 640):
            stream.feed(frame)
    assert stream.doubt is not None
    assert [record.event for record in caplog.records] == ["stream.format.doubtful"]
    stream.close()
    hearing.close()
