from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import softmax, unweighted_accuracy
from rasa_emotion.evaluation.predictions import Predictions, read_predictions, write_predictions
from rasa_emotion.model_folder import shipped_models

HEAD = "path,speaker,emotion,angry,happy\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "predictions.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_written_is_read_again(predictions: Predictions, tmp_path: Path) -> None:
    write_predictions(tmp_path / "all.csv", predictions)
    again = read_predictions(tmp_path / "all.csv")
    assert (again.paths, again.speakers) == (predictions.paths, predictions.speakers)
    assert again.truth.tolist() == predictions.truth.tolist()
    assert np.abs(again.probabilities - predictions.probabilities).max() < 1e-5


def test_logits_become_probabilities(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD + "a.wav,s,angry,2,-1\n")
    expected = softmax(np.array([[2.0, -1.0]]) / 2)[0]
    found = read_predictions(file, temperature=2.0)
    assert found.probabilities[0, [EMOTIONS.index("angry"), EMOTIONS.index("happy")]] == pytest.approx(expected)
    assert found.probabilities.sum() == pytest.approx(1)


def test_the_column_may_be_called_truth(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD.replace("emotion", "truth") + "a.wav,s,happy,0.3,0.7\n")
    assert read_predictions(file).truth.tolist() == [EMOTIONS.index("happy")]


def test_the_folds_of_a_shipped_model_are_read() -> None:
    found = read_predictions(shipped_models() / "acoustic" / "folds" / "out_of_fold.csv", condition="clean")
    assert len(found.paths) == len(set(found.paths)) == 1200
    assert unweighted_accuracy(found.truth, found.predicted) > 0.5


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("path,speaker,angry,happy\na.wav,s,1,0\n", {}, "needs a column truth"),
        ("path,speaker,emotion,angry\na.wav,s,angry,1\n", {}, "one for each emotion"),
        ("path,emotion,angry,happy\na.wav,angry,1,0\n", {}, "line 1 lacks the columns speaker"),
        (HEAD + "a.wav,s,furious,1,0\n", {}, "line 2: emotion 'furious' is not one of angry"),
        (HEAD + "a.wav,s,angry,1,0\nb.wav,s,angry,0.5,x\n", {}, "line 3: 'x' of column happy"),
        (HEAD + "a.wav,s,angry,1,\n", {}, "'' of column happy"),
        (HEAD + "a.wav,s,angry,1,nan\n", {}, "not a finite number"),
        (HEAD + "a.wav,s,angry,0.9,0.9\n", {}, "line 2: the probabilities sum to 1.8"),
        (HEAD + "a.wav,s,angry,1,0\n", {"temperature": 2.0}, "leave --temperature"),
        (HEAD + "a.wav,s,angry,1,0\n", {"condition": "clean"}, "no condition 'clean': it has none"),
        (HEAD, {}, "no rows"),
        ("", {}, "lacks the columns path, speaker"),
        (
            "path,speaker,condition,emotion,angry,happy\na,s,clean,angry,1,0\na,s,noise,angry,1,0\n",
            {},
            "several conditions: choose --condition clean or noise",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    text: str, options: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"predictions\.csv") as refused:
        read_predictions(write(tmp_path, text), **options)
    assert complaint in str(refused.value)
