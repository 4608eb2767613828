"""System E's text branch: a dense reduction of each word's vector, a convolution over words, their mean, a dense layer.

The paper's text here names the order of the layers but no sizes; here 64 units, 3 words and 64 dense units.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from research.embeddings.vectors import Sequences

WIDTH = 64
SAMPLED = 1000
"""Sentences of the training part whose words give mean and deviation."""
POOL_BATCHES = 20
"""Batches of similar length are cut out of random pools of so many."""


class TextBranch(nn.Module):
    """Word vectors [batch, words, dims] and mask [batch, words] to logits [batch, classes].

    Args:
        mean, deviation: of each dimension over the words of the training part, shape [dims]: no embedding is at an
            advantage by the scale of its numbers.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.reduction = nn.Sequential(nn.Linear(len(mean), WIDTH), nn.ReLU(), nn.Dropout(0.2))
        self.convolution = nn.Sequential(nn.Conv1d(WIDTH, WIDTH, 3, padding=1), nn.ReLU())
        self.dense = nn.Sequential(nn.Dropout(0.3), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        reduced = self.reduction((x - self.mean) / self.deviation) * mask[:, :, None]
        hidden = self.convolution(reduced.transpose(1, 2)) * mask[:, None]
        return cast(Tensor, self.dense(hidden.sum(dim=2) / mask.sum(dim=1, keepdim=True)))


@dataclass(frozen=True)
class Fitting:
    """How a branch is trained: fixed beforehand, no scored sentence had a say in them."""

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 1


class Padded:
    """Sentences as padded tensors.

    Args:
        sequences: the word vectors of all sentences.
    """

    def __init__(self, sequences: Sequences) -> None:
        self.starts = torch.from_numpy(sequences.starts)
        self.lengths = self.starts.diff()
        empty = torch.zeros(1, sequences.dims)
        self.values = torch.cat([torch.from_numpy(sequences.values).float(), empty])

    def words(self, rows: NDArray[np.int64]) -> Tensor:
        """All words of some sentences, [words, dims]."""
        x, mask = self(rows)
        return x[mask.bool()]

    def __call__(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Word vectors [rows, words, dims], zeros after a sentence's end, and the mask of its words [rows, words]."""
        numbers = torch.from_numpy(rows)
        places = torch.arange(int(self.lengths[numbers].max()))
        inside = places < self.lengths[numbers, None]
        index = torch.where(inside, self.starts[numbers, None] + places, len(self.values) - 1)
        return self.values[index], inside.float()


def fit(sentences: Padded, rows: NDArray[np.int64], truth: NDArray[np.int64], fitting: Fitting) -> TextBranch:
    """Train on some sentences; every class weighs the same, as average recall has it.

    Args:
        sentences: all of them.
        rows: numbers of those to train on.
        truth: class numbers of all sentences.
    """
    torch.manual_seed(fitting.seed)
    random = np.random.default_rng(fitting.seed)
    words = sentences.words(random.choice(rows, min(len(rows), SAMPLED), replace=False))
    counts = np.bincount(truth[rows], minlength=int(truth.max()) + 1)
    branch = TextBranch(words.mean(dim=0), words.std(dim=0) + 1e-3, len(counts))
    weight = torch.from_numpy(len(rows) / (np.maximum(counts, 1) * len(counts))).float()
    optimizer = torch.optim.Adam(branch.parameters(), lr=fitting.learning_rate)
    lengths = sentences.lengths.numpy()
    branch.train()
    for _ in range(fitting.epochs):
        for batch in _epoch(lengths, rows, fitting.batch_size, random):
            logits = branch(*sentences(batch))
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(truth[batch]), weight=weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's stubs lack it
            optimizer.step()
    return branch.eval()


@torch.no_grad()
def probabilities(branch: TextBranch, sentences: Padded, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each class, for some sentences, shape [rows, classes]."""
    parts = [branch(*sentences(rows[start : start + 256])) for start in range(0, len(rows), 256)]
    found: NDArray[np.float64] = torch.softmax(torch.cat(parts).double(), dim=1).numpy()
    return found


def _epoch(
    lengths: NDArray[np.int64], rows: NDArray[np.int64], size: int, random: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    shuffled = random.permutation(rows)
    batches = []
    for start in range(0, len(shuffled), size * POOL_BATCHES):
        pool = shuffled[start : start + size * POOL_BATCHES]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + size] for i in range(0, len(pool), size)]
    for number in random.permutation(len(batches)):
        yield batches[number]
