"""Many calls on one event loop, heard together."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import load_audio
from rasa_emotion.audio.speech import SpeechEvent, SpeechSettings
from rasa_emotion.errors import AudioError
from rasa_emotion.streaming import LiveStream, SharedHearing, StreamEvent, StreamSettings, Update, Utterance

Speech = Callable[..., Path]
FRAME = 640
"""Bytes of 20 ms."""


@pytest.fixture(scope="module")
def call(speech: Speech) -> bytes:
    """Half a second of silence, a sentence, a second and a half of silence, as 16 bit PCM."""
    spoken = load_audio(speech("I have been waiting for an hour and nobody answers the telephone.")).samples
    sound = np.concatenate([np.zeros(8000, np.float32), spoken, np.zeros(24_000, np.float32)])
    sound += 0.0005 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    return (sound * 32767).astype("<i2").tobytes()


class Slow(FakeAnalyzer):
    """Hears when it is allowed to, and notes how many sounds it is given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.batches: list[int] = []

    def hear_many(self, audios):
        self.go.wait(60)
        self.batches.append(len(audios))
        return super().hear_many(audios)


async def played(stream: LiveStream, data: bytes, *, pause: bool = True) -> list[StreamEvent]:
    """All events of a call whose frames are fed in one after the other."""
    found: list[StreamEvent] = []

    async def read() -> None:
        async for event in stream.events():
            found.append(event)

    reading = asyncio.create_task(read())
    for start in range(0, len(data), FRAME):
        stream.feed(data[start : start + FRAME])
        if pause:
            await asyncio.sleep(0)
    stream.close()
    stream.close()
    await reading
    return found


def of(kind: type, events: list[StreamEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


async def test_it_tells_what_a_stream_of_its_own_tells(call: bytes) -> None:
    analyzer = EmotionAnalyzer.load()
    alone = analyzer.stream()
    wanted = [event for start in range(0, len(call), FRAME) for event in alone.feed(call[start : start + FRAME])]
    hearing = SharedHearing(analyzer)
    found = await played(LiveStream(hearing), call)
    hearing.close()
    assert of(SpeechEvent, found) == of(SpeechEvent, wanted)
    (utterance,), (expected,) = of(Utterance, found), of(Utterance, wanted)
    assert utterance.evidence.probabilities == pytest.approx(expected.evidence.probabilities, abs=1e-3)
    assert of(Update, found)[-1].turn == 1
    assert found.index(utterance) == len(found) - 1


async def test_the_windows_of_many_calls_are_heard_together(call: bytes) -> None:
    analyzer = Slow()
    hearing = SharedHearing(analyzer)
    streams = [LiveStream(hearing) for _ in range(8)]
    calls = [asyncio.create_task(played(stream, call)) for stream in streams]
    while not all(stream._closed for stream in streams):
        await asyncio.sleep(0)
    analyzer.go.set()
    found = await asyncio.gather(*calls)
    hearing.close()
    assert [len(of(Utterance, events)) for events in found] == [1] * 8
    assert max(analyzer.batches) >= 8


async def test_where_the_machine_is_too_slow_updates_become_fewer_and_the_turn_is_whole(call: bytes) -> None:
    analyzer = Slow()
    hearing = SharedHearing(analyzer)
    stream = LiveStream(hearing)
    playing = asyncio.create_task(played(stream, call))
    while not stream._closed:
        await asyncio.sleep(0)
    waiting = [future for _, future in hearing._waiting if not future.done()]
    assert len(waiting) <= 4
    analyzer.go.set()
    found = await playing
    hearing.close()
    assert stream.skipped >= 5
    assert len(of(Update, found)) >= 1
    assert of(Utterance, found)[0].evidence is not None


async def test_who_says_no_is_not_heard_from_then_on(call: bytes) -> None:
    analyzer = Slow()
    analyzer.go.set()
    hearing = SharedHearing(analyzer)
    stream = LiveStream(hearing)
    half = len(call) // 2
    for start in range(0, half, FRAME):
        stream.feed(call[start : start + FRAME])
    stream.analyse = False
    heard = len(analyzer.batches)
    found = await played(stream, call[half:])
    hearing.close()
    assert of(Utterance, found)[0].evidence is None
    assert "switched off" in of(Utterance, found)[0].warning
    assert of(Update, found) == []
    assert sum(analyzer.batches[heard:]) <= 10  # what had been given to the thread before


async def test_a_no_in_a_long_turn_takes_back_what_was_heard_of_it(call: bytes) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    stream = LiveStream(hearing)
    talk = call[16_000:-64_000] * 3
    for start in range(0, len(talk), FRAME):
        stream.feed(talk[start : start + FRAME])
    while stream._tasks:
        await asyncio.wait(list(stream._tasks))
    assert stream._turns._turns[1].kept
    stream.analyse = False
    found = await played(stream, talk[:64_000] + call[-64_000:])
    hearing.close()
    assert of(Utterance, found)[-1].evidence is None


class Failing(FakeAnalyzer):
    """A fault in the model."""

    def hear_many(self, audios):
        raise ZeroDivisionError("my number is 07700 900123")


async def test_a_fault_in_the_model_ends_no_call(call: bytes, caplog: pytest.LogCaptureFixture) -> None:
    hearing = SharedHearing(Failing())
    with caplog.at_level(logging.ERROR):
        found = await played(LiveStream(hearing), call)
    hearing.close()
    assert of(Utterance, found)[0].warning == "The voice could not be analysed."
    assert {record.event for record in caplog.records} == {"stream.failed"}
    assert "07700" not in caplog.text


class Judge:
    """Calls every pause an end, or fails."""

    secs = 8.0

    def __init__(self, probability: float | None) -> None:
        self.answer, self.asked = probability, []

    def probability(self, samples: np.ndarray) -> float:
        self.asked.append(len(samples) / 16_000)
        if self.answer is None:
            raise RuntimeError
        return self.answer


@pytest.mark.parametrize(("answer", "reason"), [(0.9, "network"), (0.1, "silence"), (None, "silence")])
async def test_a_network_may_end_a_turn_before_the_silence_does(
    call: bytes, answer: float | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    judge = Judge(answer)
    hearing = SharedHearing(FakeAnalyzer(), turn_end=judge)
    stream = LiveStream(hearing, settings=StreamSettings(SpeechSettings(silence_secs=1.2)))
    found: list[StreamEvent] = []

    async def read() -> None:
        async for event in stream.events():
            found.append(event)

    reading = asyncio.create_task(read())
    for start in range(0, len(call), FRAME):
        stream.feed(call[start : start + FRAME])
        while stream._tasks:  # whatever the threads have to do is done before more time goes by
            await asyncio.wait(list(stream._tasks))
    stream.close()
    await reading
    hearing.close()
    (end,) = (event for event in of(SpeechEvent, found) if event.kind == "end")
    assert end.reason == reason
    assert end.decided_secs - end.at_secs == pytest.approx(0.22 if reason == "network" else 1.2, abs=0.06)
    assert judge.asked[0] == pytest.approx(end.at_secs - end.start_secs + 0.3, abs=0.1)
    if answer is None:
        assert "stream.end.failed" in {record.event for record in caplog.records}


async def test_events_that_nobody_reads_do_not_pile_up(call: bytes) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    stream = LiveStream(hearing)
    for _ in range(60):
        for start in range(0, len(call), FRAME * 5):
            stream.feed(call[start : start + FRAME * 5])
        while stream._tasks:
            await asyncio.wait(list(stream._tasks))
    assert stream._events.qsize() < 256 + 60 * 5
    assert len(stream._windows) <= 1
    hearing.close()


async def test_text_where_audio_belongs(call: bytes) -> None:
    hearing = SharedHearing(FakeAnalyzer())
    stream = LiveStream(hearing)
    with pytest.raises(AudioError):
        stream.feed("words")  # type: ignore[arg-type]
    assert len(of(Utterance, await played(stream, call))) == 1
    hearing.close()
