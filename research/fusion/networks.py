"""Early fusion by concatenation, and attention between frames and tokens: small networks over both frozen encoders.

Each modality has a branch of its own; a cold start draws both branches at random, a pre-trained one trains each on its
modality alone and freezes it, a warm start trains each alone and then both together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from research.fusion.material import Floats, Ints
from research.fusion.pairs import Pairs
from research.fusion.weighted import balance

STARTS = ("cold", "pretrained", "warm")
ATTENTION_HEADS = 4

Inputs = tuple[Tensor, Tensor]
"""Of one modality: values [batch, length, d], and the mask [batch, length] of those that are there."""


class Branch(nn.Module):
    """Values of one modality [batch, length, inputs] to [batch, length, width].

    An absent modality is one learned vector. `head` reads the branch alone while it is pre-trained.
    """

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(inputs), nn.Dropout(dropout), nn.Linear(inputs, width), nn.GELU(), nn.Dropout(dropout)
        )
        self.absent = nn.Parameter(torch.zeros(width))
        self.head = nn.Linear(width, len(EMOTIONS))

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The values and a mask in which nothing is empty."""
        missing = ~mask.any(dim=1)
        encoded = torch.where(missing[:, None, None], self.absent, self.body(values))
        first = torch.zeros_like(mask)
        first[:, 0] = missing
        return encoded, mask | first

    def alone(self, values: Tensor, mask: Tensor) -> Tensor:
        """Logits of this modality alone, [batch, 8]."""
        logits: Tensor = self.head(_mean(*self(values, mask)))
        return logits


class EarlyFusion(nn.Module):
    """Both branches' means side by side, and one linear layer: [batch, 8] logits."""

    def __init__(self, inputs: Sequence[int], *, width: int, dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch(size, width, dropout) for size in inputs)
        self.head = nn.Linear(2 * width, len(EMOTIONS))

    def forward(self, both: Sequence[Inputs]) -> Tensor:
        means = [_mean(*branch(*one)) for branch, one in zip(self.branches, both, strict=True)]
        logits: Tensor = self.head(torch.cat(means, dim=1))
        return logits


class AttentionFusion(nn.Module):
    """Frames attend to tokens and tokens to frames; the means of what each saw and was: [batch, 8] logits."""

    def __init__(self, inputs: Sequence[int], *, width: int, dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch(size, width, dropout) for size in inputs)
        self.attention = nn.ModuleList(
            nn.MultiheadAttention(width, ATTENTION_HEADS, dropout=dropout, batch_first=True) for _ in inputs
        )
        self.head = nn.Linear(4 * width, len(EMOTIONS))

    def forward(self, both: Sequence[Inputs]) -> Tensor:
        encoded = [branch(*one) for branch, one in zip(self.branches, both, strict=True)]
        parts = []
        for attention, (own, mask), (other, other_mask) in zip(self.attention, encoded, encoded[::-1], strict=True):
            seen, _ = attention(own, other, other, key_padding_mask=~other_mask, need_weights=False)
            parts += [_mean(own, mask), _mean(seen, mask)]
        logits: Tensor = self.head(torch.cat(parts, dim=1))
        return logits


@dataclass(frozen=True)
class NetworkStrategy:
    """A trained network as a strategy."""

    kind: str
    network: nn.Module

    def fuse(self, pairs: Pairs) -> Floats:
        self.network.eval()
        rows = np.arange(len(pairs.labels))
        with torch.no_grad():
            found = [
                torch.softmax(self.network(inputs(self.kind, pairs.where(np.isin(rows, part)))), dim=1).numpy()
                for part in np.array_split(rows, max(1, len(rows) // 512))
            ]
        fused: Floats = np.concatenate(found).astype(np.float64)
        return fused


def fit_network(
    kind: str,
    pairs: Pairs,
    *,
    start: str = "cold",
    width: int = 64,
    dropout: float = 0.3,
    epochs: int = 6,
    alone_epochs: int = 4,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
    seed: int = 1,
) -> NetworkStrategy:
    """Train a network, always for all of its epochs.

    Args:
        kind: "early" or "attention".
        pairs: to train on.
        start: "cold", "pretrained" or "warm".
        width: of the branches.
        dropout: before and after each branch's layer.
        epochs: of both modalities together.
        alone_epochs: of each branch alone beforehand, unless the start is cold.
        batch_size, learning_rate, weight_decay: of AdamW.
        seed: of everything that is drawn.

    Raises:
        ConfigError: there is no such start.
    """
    if start not in STARTS:
        raise ConfigError(f"There is no start '{start}': name one of {', '.join(STARTS)}.")
    torch.manual_seed(seed)
    sizes = [one[0].shape[2] for one in inputs(kind, pairs.where(np.arange(len(pairs.labels)) < 1))]
    network = (EarlyFusion if kind == "early" else AttentionFusion)(sizes, width=width, dropout=dropout)

    def train(parameters: list[nn.Parameter], epochs: int, *, alone: bool) -> None:
        optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
        weights = torch.from_numpy(balance(pairs)).float()
        labels = torch.from_numpy(pairs.labels)
        order = np.random.default_rng(seed)
        network.train()
        for _ in range(epochs):
            for rows in np.array_split(order.permutation(len(labels)), max(1, len(labels) // batch_size)):
                both = inputs(kind, _rows(pairs, rows))
                heads = _alone(network.branches, both) if alone else [network(both)]
                losses = [nn.functional.cross_entropy(logits, labels[rows], reduction="none") for logits in heads]
                loss = (torch.stack(losses) * weights[rows]).mean()
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()

    if start != "cold":
        train(list(network.branches.parameters()), alone_epochs, alone=True)
    if start == "pretrained":
        network.branches.requires_grad_(False)
    train([p for p in network.parameters() if p.requires_grad], epochs, alone=False)
    return NetworkStrategy(kind, network)


def inputs(kind: str, pairs: Pairs) -> list[Inputs]:
    """What a network takes of voice and words: one embedding each, or the states of frames and tokens."""
    both = []
    for material, condition, items, there in (
        (pairs.voices, pairs.heard, pairs.clips, pairs.present[0]),
        (pairs.words, pairs.read, pairs.sentences, pairs.present[1]),
    ):
        if kind == "early":
            values = material.embeddings[condition, items][:, None]
            mask = np.ones(values.shape[:2], dtype=bool)
        else:
            values = material.states[condition, items].astype(np.float32)
            mask = np.arange(values.shape[1]) < material.lengths[condition, items][:, None]
        both.append((torch.from_numpy(values), torch.from_numpy(mask & there[:, None])))
    return both


def _alone(branches: nn.ModuleList, both: Sequence[Inputs]) -> list[Tensor]:
    """Logits of each modality alone."""
    logits = []
    for branch, one in zip(branches, both, strict=True):
        assert isinstance(branch, Branch)
        logits.append(branch.alone(*one))
    return logits


def _rows(pairs: Pairs, rows: Ints) -> Pairs:
    return Pairs(
        pairs.voices, pairs.words, pairs.clips[rows], pairs.sentences[rows], pairs.heard[rows], pairs.read[rows]
    )


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Over those that the mask has: [batch, length, d] to [batch, d]."""
    kept = mask.unsqueeze(2).to(values.dtype)
    mean: Tensor = (values * kept).sum(dim=1) / kept.sum(dim=1)
    return mean
