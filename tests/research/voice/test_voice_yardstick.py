"""The rows of the yardstick: unknown is right for ordinary speech and wrong for an emotion; folds share nobody."""

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from research.voice.make.answered import SPEAKERS, Answers
from research.voice.make.yardstick import ANGRY, NEUTRAL, Rule, bad, ordinary, recall, strict, table, unknown

RULE = Rule(1.0, 0.35)


def answers(emotions: list[str], logits: list[list[float]], corpus: str = "ravdess") -> Answers:
    count = len(emotions)
    names = np.array([f"s{i}" for i in range(count)])
    truth = np.array([EMOTIONS.index(emotion) for emotion in emotions])
    views = np.full(count, "clean")
    return Answers(np.array(logits), truth, np.full(count, corpus), views, names, names, np.full(count, SPEAKERS))


def sure(emotion: str) -> list[float]:
    return [5.0 if name == emotion else 0.0 for name in EMOTIONS]


UNSURE = [0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_unknown_is_right_for_ordinary_speech_and_no_way_out_elsewhere() -> None:
    heard = answers(["neutral"] * 4, [sure("neutral"), sure("calm"), UNSURE, sure("sad")])
    assert ordinary(heard, RULE) == 0.75
    assert bad(heard, RULE) == 0.25
    assert unknown(heard, RULE) == 0.25
    acted = answers(["angry", "angry", "happy"], [sure("angry"), UNSURE, sure("happy")])
    assert recall(ANGRY)(acted, RULE) == 0.5
    assert strict(acted, RULE) == 0.75
    assert np.isnan(recall(NEUTRAL)(acted, RULE))


def test_the_table_has_no_row_of_what_is_not_there() -> None:
    found = table(answers(["angry", "happy"], [sure("angry"), sure("angry")]), RULE)
    assert found["UA ravdess clean"] == 0.5
    assert found["ordinary digits line"] is None
