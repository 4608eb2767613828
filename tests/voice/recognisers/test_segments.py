"""Recognisers of whole turns: what they keep of a call, when they begin, and what they never hear."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from call_audio import fed, quiet, recognised

from rasa_emotion.audio import load_audio
from rasa_emotion.errors import AudioError
from rasa_emotion.voice.recognisers import RecogniserError, Transcript, Turn, Word
from rasa_emotion.voice.recognisers.segments import KEPT_SECS, MARGIN_SECS, SegmentRecogniser

Speech = Callable[..., Path]


class Engine:
    """Notes what it hears and says how long it was."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []
        self.threads: set[int] = set()

    def recognise(self, samples: np.ndarray) -> Transcript:
        self.heard.append(samples)
        self.threads.add(threading.get_ident())
        end = len(samples) / 16000
        return Transcript("some words", 0.9, (Word("some", -0.4, 0.3, 0.8), Word("words", 0.3, end + 20, 1.0)))


class Counted(SegmentRecogniser):
    """A recogniser with that engine."""

    name = "counted"

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine()

    def load(self) -> Engine:
        return self.engine


class Broken(Counted):
    """Fails as a model may."""

    name = "broken"

    def load(self):
        self.engine.recognise = lambda _: 1 / 0
        return self.engine


@pytest.fixture(scope="module")
def spoken(speech: Speech) -> np.ndarray:
    return load_audio(speech("I have been waiting for an hour.")).samples


async def started(recogniser: Counted, at_secs: float = 0.0) -> Counted:
    await recogniser.start(at_secs=at_secs)
    return recogniser


async def test_the_turn_alone_is_heard_and_never_on_the_event_loop(spoken: np.ndarray) -> None:
    recogniser = await started(Counted(), at_secs=100)
    found = await recognised(recogniser, spoken, at_secs=100)
    assert found.text == "some words"
    (heard,) = recogniser.engine.heard
    assert len(heard) / 16000 == pytest.approx(len(spoken) / 16000 + 2 * MARGIN_SECS, abs=0.01)
    np.testing.assert_allclose(heard[4000:-4000], spoken[: len(heard) - 8000], atol=1e-4)
    assert threading.get_ident() not in recogniser.engine.threads


async def test_times_are_those_of_the_call_and_lie_within_the_turn(spoken: np.ndarray) -> None:
    recogniser = await started(Counted(), at_secs=100)
    found = await recognised(recogniser, spoken, at_secs=100)
    assert found.words[0].start_secs == pytest.approx(100.5 - MARGIN_SECS)
    assert found.words[-1].end_secs == pytest.approx(100.5 + len(spoken) / 16000 + MARGIN_SECS, abs=0.01)


async def test_what_was_recognised_in_the_pause_is_not_recognised_again(spoken: np.ndarray) -> None:
    recogniser = await started(Counted())
    await fed(recogniser, np.concatenate([spoken, quiet(0.5)]))
    turn = Turn(0, len(spoken) / 16000)
    recogniser.pause(turn)
    assert (await recogniser.final(turn)).is_final
    assert len(recogniser.engine.heard) == 1


async def test_who_speaks_on_after_a_pause_is_recognised_as_a_whole(spoken: np.ndarray) -> None:
    recogniser = await started(Counted())
    await fed(recogniser, np.concatenate([spoken, quiet(0.3)]))
    first = Turn(0, len(spoken) / 16000)
    recogniser.pause(first)
    await asyncio.sleep(0)
    await fed(recogniser, np.concatenate([spoken, quiet(0.5)]))
    await recogniser.final(Turn(0, 2 * len(spoken) / 16000 + 0.3))
    assert len(recogniser.engine.heard[-1]) > 1.8 * len(spoken)


async def test_a_guess_is_there_after_a_pause(spoken: np.ndarray) -> None:
    recogniser = await started(Counted())
    assert recogniser.partial() is None
    await fed(recogniser, np.concatenate([spoken, quiet(0.5)]))
    recogniser.pause(Turn(0, len(spoken) / 16000))
    await recogniser._pending[1]
    guess = recogniser.partial()
    assert guess is not None
    assert (guess.text, guess.is_final) == ("some words", False)
    await recogniser.final(Turn(0, len(spoken) / 16000))
    assert recogniser.partial() is None


@pytest.mark.parametrize("level", [0.0, 0.01, 0.3])
async def test_silence_and_noise_reach_no_model(level: float) -> None:
    recogniser = await started(Counted())
    noise = (level * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32)
    found = await recognised(recogniser, noise)
    assert (found.text, recogniser.engine.heard) == ("", [])
    assert found.warning == "No voice was found in the turn."


async def test_an_hour_of_audio_takes_a_megabyte() -> None:
    recogniser = await started(Counted())
    for _ in range(60):
        await recogniser.feed(np.zeros(60 * 16_000, np.float32))
    await fed(recogniser, quiet(40))
    assert sum(piece.nbytes for piece in recogniser._held) <= (KEPT_SECS + 1) * 32_000


async def test_integers_are_refused_rather_than_heard_as_noise() -> None:
    recogniser = await started(Counted())
    with pytest.raises(AudioError, match="float32"):
        await recogniser.feed(np.zeros(320, np.int16))  # type: ignore[arg-type]


async def test_a_model_that_fails_is_an_error_for_people(spoken: np.ndarray) -> None:
    recogniser = await started(Broken())
    with pytest.raises(RecogniserError, match=r"'broken' failed \(ZeroDivisionError"):
        await recognised(recogniser, spoken)
    await recogniser.close()


async def test_one_that_was_not_started_says_so(spoken: np.ndarray) -> None:
    with pytest.raises(RecogniserError, match="was not started"):
        await recognised(Counted(), spoken)
