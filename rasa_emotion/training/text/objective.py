"""What a training minimises: one cross-entropy per row where one label is true of it, one per label where several."""

import torch
from torch import Tensor
from torch.nn import functional

from rasa_emotion.training.text.data import TrainingText, epoch_batches
from rasa_emotion.training.text.recipe import Recipe


def label_weights(rows: list[TrainingText], recipe: Recipe) -> Tensor:
    """How much more the rare labels count in the rows of one epoch, shape [labels].

    With one label a row: (mean count / count) ** class_balance, the weight of a row of that label. With several:
    (rows without it / rows with it) ** class_balance, the weight of a label where it is true.
    """
    targets = torch.cat([batch.targets for batch in epoch_batches(rows, recipe, 0)])
    counts = targets.sum(0).clamp(min=1)
    others = (len(targets) - counts).clamp(min=1) if recipe.multi_label else counts.mean()
    return (others / counts) ** recipe.class_balance


def loss(logits: Tensor, targets: Tensor, weights: Tensor, recipe: Recipe) -> Tensor:
    """The mean loss of a batch, shape []; logits and targets [batch, labels], weights of `label_weights`.

    With several labels, smoothing moves each target towards one half, as with one it moves it towards all labels.
    """
    if recipe.multi_label:
        smooth = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=weights)
    losses = functional.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing, reduction="none")
    return (losses * (targets @ weights)).mean()


def start_bias(rows: list[TrainingText], weights: Tensor, recipe: Recipe) -> Tensor:
    """The head's bias before it has learnt anything, shape [labels].

    Zeros with one label a row. With several, the logit of how often each label is true, under the weights of
    `label_weights`: a bias that started at zero would spend the first epoch on learning that most labels are not.
    """
    if not recipe.multi_label:
        return torch.zeros_like(weights)
    share = torch.cat([batch.targets for batch in epoch_batches(rows, recipe, 0)]).mean(0).clamp(1e-4, 1 - 1e-4)
    return torch.log(weights * share / (1 - share))
