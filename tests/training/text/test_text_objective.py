"""Each kind of label has its loss; tasks do not disturb each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.figures import epoch_figures, single_labels, targets_of
from rasa_emotion.training.text.objective import Objective, label_weights, start_bias
from rasa_emotion.training.text.recipe import Recipe, Source

ONE = Recipe(train=(Source("own.csv"),), labels=("joy", "anger", "fear"), class_balance=1.0)
SEVERAL = replace(ONE, multi_label=True)
TASKS = replace(ONE, labels=("meld/joy", "meld/anger", "dair/joy", "dair/fear"))
ROWS = [LabelledText(f"a-{i}", f"row {i}", {"joy": 1.0}) for i in range(6)]
ROWS += [LabelledText(f"b-{i}", f"row {i}", {"anger": 0.5, "joy": 0.5}) for i in range(2)]


def test_several_labels_are_each_true() -> None:
    rows = tokenize(ROWS, SEVERAL)
    assert targets_of(rows).sum(0).tolist() == [8, 2, 0]
    assert targets_of(tokenize(ROWS, ONE)).sum(0).tolist() == [7, 1, 0]
    assert len(single_labels(rows)[0]) == 6


def test_rare_labels_weigh_more() -> None:
    weights = label_weights(tokenize(ROWS, SEVERAL), SEVERAL)
    assert weights.tolist() == pytest.approx([1 / 8, 6 / 2, 7])
    assert (
        label_weights(tokenize(ROWS, replace(SEVERAL, class_balance=0.0)), replace(SEVERAL, class_balance=0.0))
        .eq(1)
        .all()
    )


def test_the_first_bias_is_the_best_constant_answer() -> None:
    rows = tokenize(ROWS, SEVERAL)
    weights = label_weights(rows, SEVERAL)
    objective = Objective(replace(SEVERAL, label_smoothing=0.0), weights)
    targets = torch.from_numpy(targets_of(rows))
    bias = start_bias(rows, weights, SEVERAL)
    best = objective(bias.expand(len(rows), 3), targets)
    for step in (-0.5, 0.5):
        other = bias.clone()
        other[1] += step  # joy always and fear never occur: more and less would be better still
        assert objective(other.expand(len(rows), 3), targets) > best
    assert not start_bias(rows, weights, ONE).any()


def test_one_label_is_smoothed_cross_entropy() -> None:
    logits, targets = torch.randn(5, 3), torch.eye(3)[[0, 1, 2, 0, 1]]
    recipe = replace(ONE, label_smoothing=0.1)
    expected = functional.cross_entropy(logits, targets, label_smoothing=0.1)
    assert torch.allclose(Objective(recipe, torch.ones(3))(logits, targets), expected)


def test_a_row_teaches_its_own_task_alone() -> None:
    logits = torch.randn(2, 4, requires_grad=True)
    targets = torch.eye(4)[[0, 1]]
    objective = Objective(TASKS, torch.ones(4))
    loss = objective(logits, targets) + objective.agreement(logits, logits.detach() + 1.0 * torch.arange(4), targets)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[:, :2].abs().min() > 0
    assert not gradient[:, 2:].any()


@pytest.mark.parametrize("recipe", [ONE, SEVERAL])
def test_equal_passes_agree(recipe: Recipe) -> None:
    objective = Objective(recipe, torch.ones(3))
    first, second, targets = torch.randn(4, 3), torch.randn(4, 3), torch.eye(3)[[0, 1, 2, 0]]
    assert objective.agreement(first, first, targets) == 0
    assert objective.agreement(first, second, targets) == pytest.approx(objective.agreement(second, first, targets))
    assert objective.agreement(first, second, targets) > 0


def test_figures_are_the_mean_of_the_tasks() -> None:
    rows = tokenize([LabelledText("x-0", "a", {"meld/joy": 1.0}), LabelledText("x-1", "b", {"dair/fear": 1.0})], TASKS)
    logits = np.array([[1.0, 0.0, 9.0, 9.0], [9.0, 9.0, 1.0, 0.0]])  # the other task's logits are not asked
    assert epoch_figures(rows, logits, TASKS)["accuracy"] == 0.5


def test_figures_of_several_labels() -> None:
    rows = tokenize(ROWS * 10, SEVERAL)
    perfect = np.where(targets_of(rows) > 0, 3.0, -3.0)
    assert epoch_figures(rows, perfect, SEVERAL)["macro_f1"] == pytest.approx(2 / 3)  # fear does not occur
