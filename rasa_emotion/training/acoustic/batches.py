"""Batches of similar length, cropped to the shortest: the network never sees padding."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.training.acoustic.clips import Sounds, as_float

IGNORED = -100


@dataclass
class Batch:
    """Waveforms [batch, samples] and one target per head, [batch]; `IGNORED` where the head has none."""

    waveform: Tensor
    targets: dict[str, Tensor]

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.waveform.to(device), {name: t.to(device) for name, t in self.targets.items()})


class Tasks:
    """Which heads there are, their labels, and each clip's targets.

    Args:
        heads: per head its labels and the corpora that it learns from. The head `emotion` reads the manifest's
            column of that name, any other head the corpus' own label.
    """

    def __init__(self, heads: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> None:
        self.labels = {name: list(labels) for name, (labels, _) in heads.items()}
        self.corpora = {name: set(corpora) for name, (_, corpora) in heads.items()}

    def target(self, head: str, clip: Clip) -> int:
        label = clip.emotion if head == "emotion" else clip.label
        if clip.corpus not in self.corpora[head] or label not in self.labels[head]:
            return IGNORED
        return self.labels[head].index(label)


class EpochBatches(Dataset[Batch]):
    """One epoch's batches; `draw` picks the clips of the next epoch.

    Args:
        clips: what may be drawn.
        shares: per corpus, the share of its clips drawn in an epoch (above 1 repeats clips).
        max_secs: longest crop.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sounds: Sounds,
        tasks: Tasks,
        *,
        shares: Mapping[str, float],
        batch_size: int,
        max_secs: float,
    ) -> None:
        self.pools = {corpus: [clip for clip in clips if clip.corpus == corpus] for corpus in shares}
        self.sounds, self.tasks, self.shares = sounds, tasks, shares
        self.batch_size, self.max_samples = batch_size, int(max_secs * SAMPLE_RATE)
        self.batches: list[list[Clip]] = []
        self.draw(random.Random(0))

    def draw(self, generator: random.Random) -> None:
        """Choose and group the clips of one epoch; groups are of similar, slightly randomised length."""
        drawn: list[Clip] = []
        for corpus, pool in self.pools.items():
            count = round(len(pool) * self.shares[corpus])
            whole, rest = divmod(count, max(1, len(pool)))
            drawn += pool * whole + generator.sample(pool, rest)
        drawn.sort(key=lambda clip: len(self.sounds[clip.path]) * generator.uniform(0.8, 1.25))
        count = max(1, len(drawn) // self.batch_size)
        self.batches = [list(part) for part in np.array_split(np.array(drawn, dtype=object), count)]
        generator.shuffle(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        clips = self.batches[index]
        lengths = [len(self.sounds[clip.path]) for clip in clips]
        size = min(self.max_samples, max(min(lengths), int(np.percentile(lengths, 10))))
        rows = [_crop(as_float(self.sounds[clip.path]), size) for clip in clips]
        targets = {head: torch.tensor([self.tasks.target(head, clip) for clip in clips]) for head in self.tasks.labels}
        return Batch(torch.from_numpy(np.stack(rows)), targets)

    def loader(self) -> "DataLoader[Batch]":
        return DataLoader(self, batch_size=None, shuffle=False, collate_fn=_unchanged)  # type: ignore[arg-type]  # no lists here


def _crop(samples: np.ndarray, size: int) -> np.ndarray:  # type: ignore[type-arg]
    """A random part of `size` samples; what is shorter is repeated."""
    if len(samples) < size:
        return np.resize(samples, size)
    start = random.randint(0, len(samples) - size)
    return samples[start : start + size]


def _unchanged(batch: Batch) -> Batch:
    return batch
