import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.acoustic.labels import ABSENT, NAMES, label_matrix
from rasa_emotion.emotions import BY_NAME, EMOTIONS
from rasa_emotion.errors import ModelError
from rasa_emotion.evaluation.metrics import softmax


def test_names_of_corpora_and_short_ones_are_known():
    assert set(NAMES.values()) == set(EMOTIONS)
    assert BY_NAME.items() <= NAMES.items()
    matrix = label_matrix(["neu", " ANG", "Hap", "sad"])
    found = {EMOTIONS[row]: column for row, column in zip(*np.nonzero(matrix == 0), strict=True)}
    assert found == {"neutral": 0, "angry": 1, "happy": 2, "sad": 3}


def test_what_is_given_comes_first_and_may_leave_a_label_out():
    matrix = label_matrix(["A", "calm", "fear"], given={"a": "angry", "calm": None})
    assert (matrix[EMOTIONS.index("angry")] == [0, ABSENT, ABSENT]).all()
    assert (matrix[EMOTIONS.index("calm")] == ABSENT).all()


@given(st.lists(st.sampled_from([*NAMES, "other", "frustration"]), min_size=1, max_size=12, unique=True), st.data())
def test_labels_of_one_emotion_add_up_and_the_rest_is_left_out(labels, data):
    logits = np.array(data.draw(st.lists(st.floats(-20, 20), min_size=len(labels), max_size=len(labels))))
    if not any(label in NAMES for label in labels):
        with pytest.raises(ModelError, match="None of the labels"):
            label_matrix(labels)
        return
    own = softmax(logits)
    expected = np.zeros(len(EMOTIONS))
    for label, probability in zip(labels, own, strict=True):
        if label in NAMES:
            expected[EMOTIONS.index(NAMES[label])] += probability
    mapped = softmax(np.logaddexp.reduce(logits + label_matrix(labels).astype(float), axis=1))
    np.testing.assert_allclose(mapped, expected / expected.sum(), atol=1e-9)


@pytest.mark.parametrize(
    ("given_labels", "says"),
    [
        ({}, "None of the labels of 'x'.*LABEL_0, LABEL_1"),
        ({"LABEL_7": "sad"}, "LABEL_7.* is neither"),
        ({"LABEL_0": "grumpy"}, "grumpy is neither"),
    ],
)
def test_what_means_nothing_is_refused(given_labels, says):
    with pytest.raises(ModelError, match=says):
        label_matrix(["LABEL_0", "LABEL_1"], given=given_labels, source="x")
