"""The figures, against scikit-learn and against values worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from rasa_emotion.evaluation.metrics import (
    accuracy,
    average_auc,
    bootstrap,
    calibration_error,
    choose_thresholds,
    class_recall,
    confusion,
    fit_temperature,
    label_f1,
    macro_f1,
    mcnemar,
    paired_bootstrap,
    resamples,
    softmax,
    unweighted_accuracy,
    weighted_f1,
)


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 7, 500)
    return truth, np.where(generator.random(500) < 0.6, truth, generator.integers(0, 8, 500))


def test_agrees_with_scikit_learn(answers: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = answers
    with pytest.warns(UserWarning, match="y_pred contains classes"):
        expected = balanced_accuracy_score(truth, predicted)
    assert unweighted_accuracy(truth, predicted) == pytest.approx(expected)
    assert macro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert accuracy(truth, predicted) == pytest.approx((truth == predicted).mean())


@pytest.mark.parametrize(("true", "found"), [(4, 8), (8, 4), (1, 3), (5, 5)])
def test_a_label_counts_that_is_predicted_and_never_true(true: int, found: int) -> None:
    generator = np.random.default_rng(1)
    truth, predicted = generator.integers(0, true, 300), generator.integers(0, found, 300)
    expected = f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


def test_label_f1_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, found = random.random((50, 4)) < 0.4, random.random((50, 4)) < 0.5
    assert label_f1(truth, found) == pytest.approx(f1_score(truth, found, average=None))
    one = truth.argmax(1), found.argmax(1)
    assert weighted_f1(*one) == pytest.approx(f1_score(*one, average="weighted"))


def test_a_rare_label_does_not_get_a_threshold_of_its_own_by_chance() -> None:
    random = np.random.default_rng(0)
    truth = random.random((600, 12)) < 0.02
    probabilities = np.clip(random.normal(0.3 + 0.3 * truth, 0.12), 0, 1)  # the same relation for every label
    assert len(set(choose_thresholds(truth, probabilities))) == 1


def test_labels_of_different_confidence_get_thresholds_of_their_own() -> None:
    random = np.random.default_rng(0)
    truth = random.random((600, 2)) < 0.3
    probabilities = np.clip(random.normal(np.where(truth, [0.3, 0.9], [0.1, 0.7]), 0.03), 0, 1)
    low, high = choose_thresholds(truth, probabilities)
    assert 0.1 < low < 0.3
    assert 0.7 < high < 0.9


@pytest.mark.parametrize("decimals", [1, 8])
def test_average_auc_agrees_with_scikit_learn_also_with_ties(decimals: int) -> None:
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 5, 300)
    scores = np.round(softmax(generator.normal(size=(300, 6)) + np.eye(6)[truth]), decimals)
    areas = [roc_auc_score(truth == number, scores[:, number]) for number in range(5)]
    assert average_auc(truth, scores) == pytest.approx(np.mean(areas))
    assert average_auc(truth, np.eye(6)[truth]) == 1.0


def test_average_auc_needs_two_classes() -> None:
    assert np.isnan(average_auc(np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]])))


def test_recall_of_a_class_that_does_not_occur_is_not_a_number() -> None:
    recalls = class_recall(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert recalls[0] == 0.5
    assert np.isnan(recalls[1])
    assert recalls[2] == 1.0


def test_confusion_counts_truth_by_prediction() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]


def test_calibration_error_of_certain_answers() -> None:
    certain = np.array([[1.0, 0.0]] * 10)
    assert calibration_error(np.zeros(10, dtype=int), certain) == pytest.approx(0.0)
    assert calibration_error(np.array([0] * 6 + [1] * 4), certain) == pytest.approx(0.4)


def test_temperature_finds_what_made_the_labels() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 2, (20_000, 4))
    truth = np.array([generator.choice(4, p=row) for row in softmax(logits)])
    assert fit_temperature(truth, logits * 2.5) == pytest.approx(2.5, rel=0.05)


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([[1000.0, 0.0]])).tolist() == [[1.0, 0.0]]


def test_bootstrap_over_groups_is_wider_where_groups_agree_inside() -> None:
    truth = np.zeros(400, dtype=int)
    predicted = np.repeat(np.arange(20) % 2, 20)
    groups = [str(i) for i in np.repeat(np.arange(20), 20)]
    rows = bootstrap(accuracy, truth, predicted)
    whole = bootstrap(accuracy, truth, predicted, groups=groups)
    assert rows.low < rows.value < rows.high
    assert whole.high - whole.low > 2 * (rows.high - rows.low)


def test_what_is_shared_both_ways_is_drawn_both_ways() -> None:
    # every speaker says every sentence; whether it is right depends on the sentence alone
    speakers, sentences = (part.ravel() for part in np.meshgrid(np.arange(20), np.arange(20)))
    truth, predicted = np.zeros(400, dtype=int), sentences % 2
    groups = [str(speaker) for speaker in speakers]
    whole = bootstrap(accuracy, truth, predicted, groups=groups)
    both = bootstrap(accuracy, truth, predicted, groups=groups, crossed=sentences.tolist())
    assert whole.low == whole.high == 0.5
    assert both.high - both.low > 0.3
    equal = paired_bootstrap(accuracy, truth, predicted, 1 - predicted, groups=groups, crossed=sentences.tolist())
    assert equal.p > 0.5


def test_a_row_counts_as_often_as_both_its_groups() -> None:
    groups, crossed = [*"aaabbb"], [0, 1, 2, 0, 1, 2]
    for rows in resamples(6, groups, 50, seed=0, crossed=crossed):
        times = np.bincount(rows, minlength=6).reshape(2, 3)
        assert times.sum() == 6
        np.testing.assert_array_equal(times * 6, np.outer(times.sum(axis=1), times.sum(axis=0)))


def test_no_sample_is_empty() -> None:
    assert all(len(rows) for rows in resamples(3, [*"abc"], 200, seed=0, crossed=[0, 1, 2]))


def test_mcnemar() -> None:
    truth = np.zeros(10, dtype=int)
    better = np.array([0] * 8 + [1, 1])
    worse = np.array([0, 0] + [1] * 8)
    assert mcnemar(truth, better, better) == 1.0
    # six rows that only the first gets right: 2 * 0.5 ** 6
    assert mcnemar(truth, better, worse) == pytest.approx(2 * 0.5**6)
    assert mcnemar(truth, worse, better) == pytest.approx(2 * 0.5**6)


def test_paired_bootstrap_tells_a_gain_from_noise() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, 400)
    good = np.where(generator.random(400) < 0.8, truth, (truth + 1) % 3)
    bad = np.where(generator.random(400) < 0.5, truth, (truth + 1) % 3)
    gain = paired_bootstrap(accuracy, truth, good, bad, samples=500)
    loss = paired_bootstrap(accuracy, truth, bad, good, samples=500)
    assert gain.value == pytest.approx(accuracy(truth, good) - accuracy(truth, bad))
    assert gain.low < gain.value < gain.high
    assert gain.p == loss.p == pytest.approx(2 / 501)
    assert (loss.value, loss.low) == pytest.approx((-gain.value, -gain.high))


def test_paired_bootstrap_of_equal_systems_proves_nothing() -> None:
    truth = np.tile([0, 1], 50)
    same = np.zeros(100, dtype=int)
    assert paired_bootstrap(accuracy, truth, same, same, samples=100).p == 1.0


def test_paired_bootstrap_keeps_its_error_rate() -> None:
    # two systems equally often right, each by its own chance: p-values are then spread evenly
    generator = np.random.default_rng(4)
    truth = np.zeros(100, dtype=int)
    found = [paired_bootstrap(accuracy, truth, *generator.integers(0, 2, (2, 100)), samples=100).p for _ in range(150)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.10


def test_paired_bootstrap_draws_whole_groups() -> None:
    # the first system is right for one speaker alone, so that a gain over speakers rests on one of five
    truth = np.zeros(100, dtype=int)
    groups = [str(i) for i in np.repeat(np.arange(5), 20)]
    first = np.where(np.array(groups) == "0", 0, 1)
    rows = paired_bootstrap(accuracy, truth, first, np.ones(100, dtype=int), samples=500)
    whole = paired_bootstrap(accuracy, truth, first, np.ones(100, dtype=int), groups=groups, samples=500)
    assert rows.p < 0.01
    assert whole.p > 0.3
