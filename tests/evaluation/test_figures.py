import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.figures import HEADLINE, figures
from rasa_emotion.evaluation.predictions import Predictions


def test_figures_agree_with_scikit_learn_and_have_intervals(predictions: Predictions) -> None:
    found = figures(predictions, samples=200)
    assert found["ua"]["value"] == pytest.approx(
        balanced_accuracy_score(predictions.truth, predictions.predicted), abs=1e-4
    )
    recalls = recall_score(predictions.truth, predictions.predicted, average=None)
    assert [part["value"] for part in found["recall"].values()] == pytest.approx(list(recalls), abs=1e-4)
    assert list(found["recall"]) == list(EMOTIONS)
    for name in HEADLINE:
        assert found[name]["low"] < found[name]["high"]
    assert (found["utterances"], found["speakers"], found["interval_over"]) == (192, 6, "speakers")
    assert sum(sum(row.values()) for row in found["confusion"].values()) == 192
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_speakers_come_lowest_first(predictions: Predictions) -> None:
    values = list(figures(predictions, samples=10)["ua_by_speaker"].values())
    assert len(values) == 6
    assert values == sorted(values)
    # equal shares of each speaker: their mean is the whole
    assert np.mean(values) == pytest.approx(figures(predictions, samples=10)["ua"]["value"], abs=1e-3)


def test_without_speakers_single_utterances_are_drawn(predictions: Predictions) -> None:
    speakers = ["", *predictions.speakers[1:]]
    found = figures(Predictions(predictions.paths, speakers, predictions.truth, predictions.probabilities), samples=10)
    assert found["interval_over"] == "utterances"
    assert found["speakers"] == 6


def test_one_utterance_has_figures_but_no_auc() -> None:
    one = Predictions(["a.wav"], ["s"], np.array([0]), np.eye(8)[:1])
    found = figures(one, samples=10)
    assert found["ua"]["value"] == 1.0
    assert found["average_auc"]["value"] is None
    assert json.dumps(found, allow_nan=False)


def test_an_emotion_of_one_speaker_gets_no_interval(predictions: Predictions) -> None:
    # only the first speaker is ever angry: other speakers say nothing about how anger varies
    rows = [row for row, speaker in enumerate(predictions.speakers) if speaker == "speaker-0" or row % 8]
    some = Predictions(
        [predictions.paths[row] for row in rows],
        [predictions.speakers[row] for row in rows],
        predictions.truth[rows],
        predictions.probabilities[rows],
    )
    found = figures(some, samples=50)
    assert found["recall"]["angry"]["low"] is None
    assert found["recall"]["calm"]["low"] is not None


def test_progress_goes_over_every_figure(predictions: Predictions) -> None:
    seen = []
    figures(predictions, samples=2, track=lambda wanted: (seen.append(name) or name for name in wanted))
    assert len(seen) == len(HEADLINE) + len(EMOTIONS)
