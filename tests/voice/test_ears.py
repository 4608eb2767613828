"""A recogniser that fails in a call, in whatever way: the call goes on, says so, and it is tried again later."""

import logging

import numpy as np
import pytest

from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.ears import RETRY_SECS, Ears
from rasa_emotion.voice.recognisers import RecogniserError, Transcript, Turn
from rasa_emotion.voice.recognisers.none import NoRecogniser

SAMPLES = np.zeros(320, np.float32)


class Fragile(NoRecogniser):
    """Fails where it is told to."""

    name = "fragile"
    fails: tuple[str, Exception] | None = None

    def check(self, place: str) -> None:
        if self.fails is not None and self.fails[0] == place:
            raise self.fails[1]

    async def start(self, *, at_secs: float = 0.0) -> None:
        self.check("start")

    async def feed(self, samples: np.ndarray) -> None:
        self.check("feed")

    async def final(self, turn: Turn) -> Transcript:
        self.check("final")
        return Transcript("hello", 0.9)


class Time(Clock):
    """Goes by when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.secs = 0.0

    def now(self) -> float:
        return self.secs


@pytest.mark.parametrize("place", ["start", "feed", "final"])
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RecogniserError("The service closed."), "The service closed."),
        (ZeroDivisionError("my number is 07700 900123"), "The recogniser failed (ZeroDivisionError"),
    ],
)
async def test_it_ends_no_call_and_is_tried_again(
    place: str, error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Fragile, "fails", (place, error))
    told: list[str] = []
    time = Time()
    ears = Ears(Fragile, None, told.append, time)
    with caplog.at_level(logging.INFO, "rasa_emotion"):
        await ears.start(private=False)
        for _ in range(3):
            await ears.feed(SAMPLES, 0.02)
            ears.pause(0.0, 1.0)
            assert (await ears.final(0.0, 1.0)).text == ""
    assert len(told) == 1
    assert told[0].startswith(sentence)
    assert "07700" not in caplog.text
    assert [record.event for record in caplog.records] == ["voice.recogniser.failed"]
    monkeypatch.setattr(Fragile, "fails", None)
    await ears.retry()
    assert not ears.hears
    time.secs += RETRY_SECS
    await ears.retry()
    assert (await ears.final(0.0, 1.0)).text == "hello"
    await ears.close()
