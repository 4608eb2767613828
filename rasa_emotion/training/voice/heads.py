"""The head: a linear part beside one hidden layer, on the statistics of the trunk.

Classes weigh alike inside each corpus, and each corpus what the recipe says, so that a large corpus of one kind of
speech does not decide what the others mean.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.features import Rows

WEIGHTS: Mapping[str, float] = {
    "ravdess": 1.0,
    "nemo": 0.5,
    "emodb": 0.4,
    "digits": 0.3,
    "calls": 0.35,
    "prompts": 0.25,
    "iesc": 0.3,
    "savee": 0.3,
    "urdu": 0.25,
    "emogator": 0.25,
    "tess": 0.15,
}
"""How much a corpus counts; one that is not named counts `OTHER`."""

OTHER = 0.12

ORDINARY = ("digits", "calls", "prompts", "letters", "espeak", "festival", "flite", "hibari", "kokoro")
"""Corpora of people and machines that read or ask something: nobody has heard whether they are neutral or calm."""

LEVEL = [EMOTIONS.index(name) for name in ("neutral", "calm")]
"""Either is right for `ORDINARY` speech."""


@dataclass(frozen=True)
class HeadRecipe:
    """How heads are fitted.

    Args:
        hidden: units of the hidden layer of each seed.
        epochs, batch, lr, weight_decay: of AdamW.
        dropout: of the statistics before the hidden layer.
        smoothing: of the labels.
        mixup: parameter of the beta distribution; 0 switches it off.
        seeds: one network each, whose logits are averaged.
        weights: of corpora, over `WEIGHTS`.
        either: corpora of ordinary speech, all of which may be called neutral or calm, whatever its label: a head that
            must tell the two apart there becomes too sure that whatever sounds new is neutral.
        prior: added to the logit of neutral, half of it to that of calm.
        anger: added to the logit of angry, where a caller who is missed costs more than one who is asked in vain.
    """

    hidden: int = 128
    epochs: int = 14
    batch: int = 512
    lr: float = 1e-3
    weight_decay: float = 0.02
    dropout: float = 0.3
    smoothing: float = 0.1
    mixup: float = 0.2
    seeds: tuple[int, ...] = (1,)
    weights: Mapping[str, float] = field(default_factory=dict)
    either: tuple[str, ...] = ORDINARY
    prior: float = 0.0
    anger: float = 0.0


class Head(nn.Module):
    """Normalised statistics [batch, d] to the logits of the eight emotions."""

    def __init__(self, size: int, hidden: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Linear(size, len(EMOTIONS))
        self.hidden = nn.Linear(size, hidden)
        self.out = nn.Linear(hidden, len(EMOTIONS))
        nn.init.zeros_(self.skip.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(x)
        logits: Tensor = self.skip(x) + self.out(self.dropout(torch.relu(self.hidden(x))))
        return logits


@dataclass(frozen=True)
class Fitted:
    """A head with the normalisation that it reads through.

    Args:
        mean, deviation: of the statistics, shape [d].
        head: in evaluation mode.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    head: Head

    def logits(self, statistics: NDArray[np.float32]) -> NDArray[np.float64]:
        """[rows, d] to [rows, 8]."""
        normalised = torch.from_numpy((statistics - self.mean) / self.deviation)
        with torch.no_grad():
            logits: NDArray[np.float64] = self.head(normalised).double().numpy()
        return logits


def on_embedding(
    fitted: Fitted, mean: NDArray[np.float32] | float = 0.0, deviation: NDArray[np.float32] | float = 1.0
) -> dict[str, NDArray[np.float32]]:
    """A head's weights by the names of `OtherHead`, reading an embedding that is normalised by `mean` and `deviation`.

    The defaults are those of an embedding that comes as it is.
    """
    head = fitted.head
    scale, offset = deviation / fitted.deviation, (mean - fitted.mean) / fitted.deviation
    skip, hidden = (layer.weight.detach().numpy() for layer in (head.skip, head.hidden))
    bias = head.skip.bias.detach().numpy() + head.out.bias.detach().numpy()
    return {
        "weight": (skip * scale).T.astype(np.float32),
        "bias": (bias + skip @ offset).astype(np.float32),
        "hidden.weight": (hidden * scale).T.astype(np.float32),
        "hidden.bias": (head.hidden.bias.detach().numpy() + hidden @ offset).astype(np.float32),
        "out.weight": head.out.weight.detach().numpy().T.astype(np.float32),
    }


def write_heads(file: Path, heads: Sequence[Fitted]) -> None:
    """Keep heads, such as those of the folds, for `read_heads`."""
    kept = [{"mean": h.mean, "deviation": h.deviation, "head": h.head.state_dict()} for h in heads]
    tensors = [
        {**part, "mean": torch.from_numpy(part["mean"]), "deviation": torch.from_numpy(part["deviation"])}
        for part in kept
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, file)


def read_heads(file: Path) -> list[Fitted]:
    """What `write_heads` wrote."""
    found = []
    for part in torch.load(file, map_location="cpu", weights_only=True):
        units, size = part["head"]["hidden.weight"].shape
        head = Head(size, units)
        head.load_state_dict(part["head"])
        found.append(Fitted(part["mean"].numpy(), part["deviation"].numpy(), head.eval()))
    return found


class HeadBrain(sb.Brain):  # type: ignore[misc]
    """Fits one head by weighted cross-entropy, with mixup of statistics and labels."""

    def __init__(self, head: Head, recipe: HeadRecipe, steps: int) -> None:
        super().__init__(
            modules={"head": head},
            opt_class=lambda parameters: torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay),
            run_opts={"device": "cpu"},
        )
        self.recipe, self.steps = recipe, steps
        self.beta = torch.distributions.Beta(recipe.mixup, recipe.mixup) if recipe.mixup else None

    def on_fit_batch_start(self, batch: Any, should_step: bool) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * max(0.02, 1 - self.optimizer_step / self.steps)

    def compute_forward(self, batch: tuple[Tensor, ...], stage: Any) -> Tensor:
        x = batch[0]
        self.order = torch.randperm(len(x))
        self.share = float(self.beta.sample()) if self.beta else 1.0
        logits: Tensor = self.modules.head(self.share * x + (1 - self.share) * x[self.order])
        return logits

    def compute_objectives(self, predictions: Tensor, batch: tuple[Tensor, ...], stage: Any) -> Tensor:
        _, target, either, weight = batch
        own = self._loss(predictions, target, either)
        other = self._loss(predictions, target[self.order], either[self.order])
        losses = self.share * weight * own + (1 - self.share) * weight[self.order] * other
        return losses.mean()

    def _loss(self, logits: Tensor, target: Tensor, either: Tensor) -> Tensor:
        named = nn.functional.cross_entropy(logits, target, reduction="none", label_smoothing=self.recipe.smoothing)
        level = -torch.logsumexp(torch.log_softmax(logits, dim=1)[:, LEVEL], dim=1)
        return torch.where(either, level, named)


def row_weights(rows: Rows, recipe: HeadRecipe) -> NDArray[np.float64]:
    """Of each row, with mean 1: the corpus' weight, shared equally by its emotions."""
    weights = {**WEIGHTS, **recipe.weights}
    found = np.zeros(len(rows))
    for corpus in np.unique(rows.corpus):
        own = rows.corpus == corpus
        present = np.unique(rows.emotion[own])
        for emotion in present:
            alike = own & (rows.emotion == emotion)
            found[alike] = weights.get(str(corpus), OTHER) / len(present) / alike.sum()
    shares: NDArray[np.float64] = found / found.mean()
    return shares


def fit_head(rows: Rows, recipe: HeadRecipe, start: Head | None = None) -> Fitted:
    """Fit a head to rows; the heads of several seeds become one whose hidden layers stand side by side.

    Args:
        rows: with statistics; with `start`, with embeddings that are normalised as it reads them.
        recipe: how; its `hidden` is that of `start` where there is one.
        start: weights to begin with instead of random ones.

    Raises:
        ValueError: there are no rows.
    """
    weights = row_weights(rows, recipe)
    size = rows.statistics.shape[1]
    mean, deviation = np.zeros(size, np.float32), np.ones(size, np.float32)
    if start is None:
        mean = np.average(rows.statistics, axis=0, weights=weights).astype(np.float32)
        deviation = rows.statistics.std(axis=0).astype(np.float32) + 1e-6
    data = (
        torch.from_numpy((rows.statistics - mean) / deviation),
        torch.from_numpy(rows.emotion),
        torch.from_numpy(np.isin(rows.corpus, recipe.either)),
        torch.from_numpy(weights.astype(np.float32)),
    )
    heads = [_fit(data, recipe, seed, start) for seed in recipe.seeds]
    return Fitted(mean, deviation, with_prior(merged(heads), recipe.prior, recipe.anger))


def merged(heads: Sequence[Head]) -> Head:
    """One head with the mean of the logits of several."""
    first = heads[0]
    together = Head(first.skip.in_features, sum(head.hidden.out_features for head in heads))
    with torch.no_grad():
        together.skip.weight.copy_(torch.stack([head.skip.weight for head in heads]).mean(dim=0))
        together.skip.bias.copy_(torch.stack([head.skip.bias + head.out.bias for head in heads]).mean(dim=0))
        together.hidden.weight.copy_(torch.cat([head.hidden.weight for head in heads]))
        together.hidden.bias.copy_(torch.cat([head.hidden.bias for head in heads]))
        together.out.weight.copy_(torch.cat([head.out.weight for head in heads], dim=1) / len(heads))
        together.out.bias.zero_()
    return together.eval()


def with_prior(head: Head, prior: float, anger: float = 0.0) -> Head:
    """The head with more (or less) belief in neutral and half as much in calm, and more in angry."""
    with torch.no_grad():
        head.skip.bias[EMOTIONS.index("angry")] += anger
        head.skip.bias[EMOTIONS.index("neutral")] += prior
        head.skip.bias[EMOTIONS.index("calm")] += prior / 2
    return head


def _fit(data: tuple[Tensor, ...], recipe: HeadRecipe, seed: int, start: Head | None) -> Head:
    torch.manual_seed(seed)
    units = start.hidden.out_features if start else recipe.hidden
    head = Head(data[0].shape[1], units, dropout=recipe.dropout)
    if start is not None:
        head.load_state_dict(start.state_dict())
    batches = _Batches(data, recipe.batch, seed)
    brain = HeadBrain(head, recipe, recipe.epochs * len(batches))
    brain.fit(range(recipe.epochs), DataLoader(batches, batch_size=None), progressbar=False)
    return head.eval()


class _Batches(IterableDataset):  # type: ignore[type-arg]
    """All rows in a new order each time."""

    def __init__(self, data: tuple[Tensor, ...], size: int, seed: int) -> None:
        self.data, self.size = data, size
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self.data[0]) / self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(self.data[0]), generator=self.generator)
        for rows in torch.split(order, self.size):
            yield tuple(part[rows] for part in self.data)
