"""The fit of the anger score, on calls of made-up evidence."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from rasa_emotion.conversation.anger import anger_score
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.evaluation.calls import Call
from research.escalation.anger import FALSE_CALLS, fit

Heard = tuple[Call, Sequence[EmotionEstimate]]
ANGRY, NEUTRAL = EMOTIONS.index("angry"), EMOTIONS.index("neutral")


def call(rng: np.random.Generator, *, turned: int | None, level_voice: bool = False) -> Heard:
    """Ten turns; anger is heard and read with much noise."""
    angry = [turned is not None and turn >= turned for turn in range(10)]
    odds = [(rng.normal(1 if now and not level_voice else -3, 1.5), rng.normal(2 if now else -4, 1)) for now in angry]
    estimates = []
    for pair in odds:
        said = [1 / (1 + np.exp(-value)) for value in pair]
        pieces = {
            modality: Evidence(modality, {"angry": anger, "neutral": 1 - anger})
            for modality, anger in zip(("acoustic", "text"), said, strict=True)
        }
        estimates.append(EmotionEstimate.from_probabilities(pieces["text"].probabilities, pieces))
    emotions = tuple(ANGRY if now else NEUTRAL for now in angry)
    return Call("one", emotions, (0,) * 10, (0,) * 10, False, False, turned), estimates


@pytest.fixture(scope="module")
def calls() -> list[Heard]:
    rng = np.random.default_rng(5)
    return [call(rng, turned=None) for _ in range(600)] + [call(rng, turned=4) for _ in range(600)]


def reached(calls: Iterable[Heard], models) -> float:
    """Share of the calls in which the score reaches 0.5."""
    found = [
        any((anger_score(estimates[: turn + 1], lambda _: models) or 0) >= 0.5 for turn in range(len(estimates)))
        for _, estimates in calls
    ]
    return float(np.mean(found))


def test_voice_and_words_together_keep_to_the_false_calls(calls) -> None:
    models = fit(calls)
    calm, angry = calls[:600], calls[600:]
    assert reached(calm, models) == pytest.approx(FALSE_CALLS, abs=0.004)
    assert reached(angry, models) > 0.9


def test_plain_words_in_a_level_voice_are_found(calls) -> None:
    models = fit(calls)
    rng = np.random.default_rng(6)
    assert reached([call(rng, turned=4, level_voice=True) for _ in range(200)], models) > 0.8
