"""The network that the recipes train: front end, 2-D convolutions, BiLSTM, attentive statistics, one head per task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from rasa_emotion.acoustic.frontend import LogMel


class SqueezeExcite(nn.Module):
    """Weighs channels by their mean over time and frequency (Hu et al., "Squeeze-and-Excitation Networks", 2018)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.down = nn.Linear(channels, channels // reduction)
        self.up = nn.Linear(channels // reduction, channels)

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.sigmoid(self.up(torch.relu(self.down(x.mean(dim=(2, 3))))))
        return x * scale[:, :, None, None]


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, channel weights, then max-pooling: [batch, in, time, mel] to
    [batch, out, time / pool[0], mel / pool[1]].

    The first convolution may be left out (`depth=1`) where the map is large.
    """

    def __init__(self, inputs: int, outputs: int, pool: Sequence[int], *, depth: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(depth):
            layers += [
                nn.Conv2d(inputs if index == 0 else outputs, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
            ]
            if index + 1 < depth:
                layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.weigh = SqueezeExcite(outputs) if depth > 1 else nn.Identity()
        self.shortcut = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)) if depth > 1 else None
        )
        self.pool = nn.MaxPool2d(tuple(pool))
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.weigh(self.body(x))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        # the same as pooling after the ReLU, on a fourth of the values
        pooled: Tensor = self.dropout(torch.relu(self.pool(y)))
        return pooled


class AttentivePooling(nn.Module):
    """Mean and deviation over time, weighed by attention: [batch, time, features] to [batch, 2 * features].

    After Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding" (2018).
    """

    def __init__(self, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, features))

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.score(x).float(), dim=1)
        x = x.float()
        mean = (weights * x).sum(dim=1)
        variance = (weights * x * x).sum(dim=1) - mean * mean
        return torch.cat([mean, torch.sqrt(torch.clamp(variance, min=1e-4))], dim=1)


class EmotionNetwork(nn.Module, ABC):
    """Waveform to the logits of each head and an embedding; the encoders below it say what lies between.

    Args:
        heads: classes of each head by name, e.g. `{"emotion": 8, "tess": 7}`.
        embedding: size of the embedding.
        dropout: before the heads.
    """

    def __init__(self, heads: Mapping[str, int], *, embedding: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(embedding, classes) for name, classes in heads.items()})

    @abstractmethod
    def features(self, waveform: Tensor, mel: Tensor | None = None) -> Tensor:
        """[batch, samples] at 16 kHz to [batch, frames, n_mels]; `mel` stands in for the filters in training."""

    @abstractmethod
    def warped(self, warp: float) -> Tensor:
        """Filters for `features`, of a speaker with a shorter (above 1) or longer (below 1) vocal tract."""

    @abstractmethod
    def encode(self, features: Tensor) -> Tensor:
        """Features [batch, frames, n_mels] to the embedding [batch, embedding]."""

    def trunk(self) -> nn.Module | None:
        """What comes pretrained and may learn at a rate of its own; None when it is everything but the heads."""
        return None

    def forward(self, waveform: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """[batch, samples] at 16 kHz to the logits of each head, [batch, classes], and the embedding."""
        embedding = self.encode(self.features(waveform))
        kept = self.dropout(embedding)
        return {name: head(kept) for name, head in self.heads.items()}, embedding


class AcousticNetwork(EmotionNetwork):
    """Waveform to the logits of each head and an embedding.

    Args:
        heads: classes of each head by name, e.g. `{"emotion": 8, "tess": 7}`.
        channels: channels of the convolution blocks.
        pools: (time, mel) pooling of each block.
        depths: convolutions of each block.
        projection: features per frame that the LSTM reads.
        lstm: units of the LSTM per direction.
        embedding: size of the embedding.
        dropout: before the LSTM and the heads; a third of it between the blocks.

    >>> network = AcousticNetwork({"emotion": 8})
    >>> logits, embedding = network(torch.zeros(2, 16000))
    >>> logits["emotion"].shape, embedding.shape
    (torch.Size([2, 8]), torch.Size([2, 128]))
    """

    def __init__(
        self,
        heads: Mapping[str, int],
        *,
        n_mels: int = 64,
        channels: Sequence[int] = (32, 64, 96, 128),
        pools: Sequence[Sequence[int]] = ((2, 2), (2, 2), (1, 2), (1, 2)),
        depths: Sequence[int] = (1, 2, 2, 2),
        projection: int = 192,
        lstm: int = 128,
        embedding: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(heads, embedding=embedding, dropout=dropout)
        self.frontend = LogMel(n_mels=n_mels)
        sizes = [1, *channels]
        self.blocks = nn.Sequential(
            *(
                ConvBlock(sizes[i], sizes[i + 1], pools[i], depth=depths[i], dropout=dropout / 3)
                for i in range(len(channels))
            )
        )
        bands = n_mels
        for pool in pools:
            bands //= pool[1]
        self.project = nn.Sequential(nn.Linear(channels[-1] * bands, projection), nn.ReLU(), nn.Dropout(dropout))
        self.lstm = nn.LSTM(projection, lstm, batch_first=True, bidirectional=True)
        self.pooling = AttentivePooling(2 * lstm)
        self.embed = nn.Sequential(nn.Linear(4 * lstm, embedding), nn.BatchNorm1d(embedding), nn.ReLU())

    def features(self, waveform: Tensor, mel: Tensor | None = None) -> Tensor:
        """Log-mel spectrogram with zero mean and unit deviation per utterance: [batch, frames, n_mels]."""
        logmel = self.frontend(waveform, mel)
        centred = logmel - logmel.mean(dim=(1, 2), keepdim=True)
        deviation = torch.sqrt((centred * centred).mean(dim=(1, 2), keepdim=True))
        normalised: Tensor = centred / (deviation + 1e-3)
        return normalised

    def warped(self, warp: float) -> Tensor:
        return self.frontend.warped(warp)

    def encode(self, features: Tensor) -> Tensor:
        """Normalised log-mel [batch, frames, n_mels] to the embedding [batch, embedding]."""
        x = self.blocks(features[:, None].contiguous(memory_format=torch.channels_last))
        x = self.project(x.transpose(1, 2).flatten(2))
        x, _ = self.lstm(x)
        embedding: Tensor = self.embed(self.pooling(x))
        return embedding
