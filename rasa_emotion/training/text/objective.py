"""What a training minimises: one cross-entropy per row where one label is true of it, one per label where several."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from rasa_emotion.training.text.data import TrainingText, epoch_batches
from rasa_emotion.training.text.recipe import Recipe

MASKED = -10_000.0
"""Logit of labels that are not asked for: their probability becomes exactly 0 in float32."""


def tasks_of(labels: Sequence[str]) -> Tensor:
    """The number of each label's task, shape [labels]: "meld/joy" belongs to the task "meld"; labels without, to one.

    >>> tasks_of(["meld/joy", "meld/anger", "dair_emotion/joy"]).tolist()
    [0, 0, 1]
    """
    names = [label.rpartition("/")[0] for label in labels]
    tasks = list(dict.fromkeys(names))
    return torch.tensor([tasks.index(name) for name in names])


def own_task(logits: Tensor, targets: Tensor, tasks: Tensor) -> Tensor:
    """Logits [batch, labels] with those of other tasks than a row's own masked; targets of the same shape."""
    return logits.masked_fill(tasks[targets.argmax(1)][:, None] != tasks, MASKED)


def label_weights(rows: list[TrainingText], recipe: Recipe) -> Tensor:
    """How much more the rare labels count in the rows of one epoch, shape [labels].

    With one label a row: (mean count of the task's labels / count) ** class_balance, the weight of a row of that label.
    With several: (rows without it / rows with it) ** class_balance, the weight of a label where it is true.
    """
    targets = torch.cat([batch.targets for batch in epoch_batches(rows, recipe, 0)])
    counts = targets.sum(0).clamp(min=1)
    tasks = tasks_of(recipe.labels)
    means = torch.stack([counts[tasks == task].mean() for task in tasks])
    others = (len(targets) - counts).clamp(min=1) if recipe.multi_label else means
    return (others / counts) ** recipe.class_balance


def start_bias(rows: list[TrainingText], weights: Tensor, recipe: Recipe) -> Tensor:
    """The head's bias before it has learnt anything, shape [labels].

    Zeros with one label a row. With several, the logit of how often each label is true, under the weights of
    `label_weights`: a bias that started at zero would spend the first epoch on learning that most labels are not.
    """
    if not recipe.multi_label:
        return torch.zeros_like(weights)
    share = torch.cat([batch.targets for batch in epoch_batches(rows, recipe, 0)]).mean(0).clamp(1e-4, 1 - 1e-4)
    return torch.log(weights * share / (1 - share))


class Objective:
    """The loss of a batch under a recipe.

    Args:
        recipe: label smoothing, whether several labels may be true, the share of R-Drop.
        weights: of `label_weights`, shape [labels].
    """

    def __init__(self, recipe: Recipe, weights: Tensor) -> None:
        self.recipe = recipe
        self.weights = weights
        self.tasks = tasks_of(recipe.labels).to(weights.device)

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss, shape []; logits and targets [batch, labels]."""
        if self.recipe.multi_label:
            return self._several(logits, targets)
        return self._one(own_task(logits, targets, self.tasks), targets)

    def agreement(self, first: Tensor, second: Tensor, targets: Tensor) -> Tensor:
        """How far apart two passes of the same rows are under different dropout, shape [].

        The symmetric Kullback-Leibler divergence, halved, as in R-Drop (Liang et al., "R-Drop: Regularized Dropout for
        Neural Networks", 2021); with several labels, of each label's yes and no.
        """
        if self.recipe.multi_label:
            return ((first.sigmoid() - second.sigmoid()) * (first - second)).sum(1).mean() / 2
        first, second = (own_task(logits, targets, self.tasks).log_softmax(1) for logits in (first, second))
        return ((first.exp() - second.exp()) * (first - second)).sum(1).mean() / 2

    def _several(self, logits: Tensor, targets: Tensor) -> Tensor:
        smooth = targets * (1 - self.recipe.label_smoothing) + self.recipe.label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=self.weights)

    def _one(self, logits: Tensor, targets: Tensor) -> Tensor:
        own = (logits > MASKED).float()
        smooth = targets * (1 - self.recipe.label_smoothing) + self.recipe.label_smoothing * own / own.sum(1, True)
        losses = functional.cross_entropy(logits, smooth, reduction="none")
        return (losses * (targets @ self.weights)).mean()
