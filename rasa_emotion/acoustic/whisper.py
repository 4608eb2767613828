"""Whisper's encoder (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022), cut short.

Its lower layers, trained on speech of very many speakers, hear how something is said; pooling and heads follow.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from rasa_emotion.acoustic.frontend import dft_kernel
from rasa_emotion.acoustic.network import EmotionNetwork
from rasa_emotion.audio.waveform import SAMPLE_RATE

N_FFT, HOP, N_MELS = 400, 160, 80
LOUDEST = 1.25
"""Where the loudest point of speech at a usual level lies in Whisper's spectrogram."""

DYNAMIC_RANGE = 8.0
"""Of the log10 power below a clip's loudest point; what is quieter counts as this quiet."""


def slaney_matrix(*, warp: float = 1.0) -> Tensor:
    """The mel filters that Whisper was trained with (Slaney's scale and norm): shape [N_FFT // 2 + 1, N_MELS].

    `warp` scales the filters' edges as `frontend.mel_matrix` does.
    """
    top = _slaney_mel(SAMPLE_RATE / 2)
    mels = torch.linspace(0, top, N_MELS + 2, dtype=torch.float64)
    linear = 200 * mels / 3
    logarithmic = 1000 * torch.exp(math.log(6.4) / 27 * (mels - 15))
    hz = torch.where(mels < 15, linear, logarithmic) * warp
    frequencies = torch.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1, dtype=torch.float64)
    rising = (frequencies[:, None] - hz[:-2]) / (hz[1:-1] - hz[:-2])
    falling = (hz[2:] - frequencies[:, None]) / (hz[2:] - hz[1:-1])
    filters = torch.clamp(torch.minimum(rising, falling), min=0) * 2 / (hz[2:] - hz[:-2])
    return filters.float()


def _slaney_mel(hz: float) -> float:
    return 15 + 27 / math.log(6.4) * math.log(hz / 1000)


class WhisperMel(nn.Module):
    """Whisper's log-mel spectrogram: [batch, samples] at 16 kHz to [batch, samples // 160, 80], some -1 to 2.

    Equal to `transformers.WhisperFeatureExtractor`, without its padding to 30 s.
    """

    kernel: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(N_FFT, dtype=torch.float64)
        self.register_buffer("kernel", dft_kernel(N_FFT, window), persistent=False)
        self.register_buffer("mel", slaney_matrix(), persistent=False)

    def warped(self, warp: float) -> Tensor:
        """Filters for `forward`, of a speaker with another vocal tract."""
        return slaney_matrix(warp=warp).to(self.mel.device)

    def forward(self, waveform: Tensor, mel: Tensor | None = None) -> Tensor:
        padded = nn.functional.pad(waveform[:, None], (N_FFT // 2, N_FFT // 2), mode="reflect")
        parts = nn.functional.conv1d(padded, self.kernel, stride=HOP)[:, :, :-1]
        real, imaginary = parts.chunk(2, dim=1)
        power = (real * real + imaginary * imaginary).transpose(1, 2)
        logmel = torch.log(torch.clamp(power @ (self.mel if mel is None else mel), min=1e-10)) / math.log(10)
        logmel = torch.maximum(logmel, logmel.amax(dim=(1, 2), keepdim=True) - DYNAMIC_RANGE)
        scaled: Tensor = (logmel + 4) / 4
        return scaled


class FrameConv(nn.Module):
    """A convolution of width 3 over frames as one matrix product, which int8 makes fast: [batch, frames, inputs] to
    [batch, frames / stride, outputs]."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.weigh = nn.Linear(3 * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, (0, 0, 1, 1))
        frames = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=2)
        return nn.functional.gelu(self.weigh(frames[:, :: self.stride]))


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each with its norm before it: [batch, frames, width], same shape.

    The feed-forward part is left out when `hidden` is 0.
    """

    def __init__(self, width: int, attention_heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_heads = attention_heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.hidden = hidden
        if hidden:
            self.forward_norm = nn.LayerNorm(width)
            self.widen = nn.Linear(width, hidden)
            self.narrow = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, width = x.shape
        joint = self.query_key_value(self.attention_norm(x))
        shape = (batch, frames, 3, self.attention_heads, width // self.attention_heads)
        query, key, value = joint.view(shape).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        x = x + self.attended(mixed.transpose(1, 2).reshape(batch, frames, width))
        if not self.hidden:
            return x
        out: Tensor = x + self.narrow(nn.functional.gelu(self.widen(self.forward_norm(x))))
        return out


class WhisperEncoder(nn.Module):
    """Log-mel [batch, frames, 80] to the states of each layer, from below: [batch, frames / (2 * stride), width].

    Args:
        width: of the states.
        attention_heads: of each layer.
        hidden: width of the feed-forward part of each layer that is kept, from below: the pretrained 4 * width, or 0.
        stride: how many frames (20 ms each) are averaged before the layers; 2 halves their work.
    """

    scales: Tensor

    def __init__(self, *, width: int, attention_heads: int, hidden: Sequence[int], stride: int = 1) -> None:
        super().__init__()
        self.attention_heads, self.stride = attention_heads, stride
        self.first = FrameConv(N_MELS, width)
        self.second = FrameConv(width, width, stride=2)
        self.layers = nn.ModuleList(EncoderLayer(width, attention_heads, units) for units in hidden)
        scales = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))
        self.register_buffer("scales", scales, persistent=False)

    def forward(self, logmel: Tensor) -> list[Tensor]:
        x = self.second(self.first(logmel))
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * self.scales
        x = x + torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
        if self.stride > 1:
            x = nn.functional.avg_pool1d(x.transpose(1, 2), self.stride).transpose(1, 2)
        states = [x]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states[1:]


class WhisperNetwork(EmotionNetwork):
    """Waveform to the logits of each head and an embedding, over the lower layers of Whisper's encoder.

    The embedding is the mean and the deviation of the last layers' states over time, each value normalised over the
    clips of the training: the statistics that a linear head reads best.

    Args:
        heads: classes of each head by name.
        width, attention_heads, hidden, stride: see `WhisperEncoder`; the defaults fit Whisper base.
        pooled: how many layers, from above, the statistics are taken of.
        dropout: before the heads.

    >>> network = WhisperNetwork({"emotion": 8})
    >>> logits, embedding = network(torch.zeros(2, 16000))
    >>> logits["emotion"].shape, embedding.shape
    (torch.Size([2, 8]), torch.Size([2, 2048]))
    """

    def __init__(
        self,
        heads: Mapping[str, int],
        *,
        width: int = 512,
        attention_heads: int = 8,
        hidden: Sequence[int] = (2048, 2048, 0),
        stride: int = 2,
        pooled: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(heads, embedding=2 * pooled * width, dropout=dropout)
        self.pooled = pooled
        self.frontend = WhisperMel()
        self.encoder = WhisperEncoder(width=width, attention_heads=attention_heads, hidden=hidden, stride=stride)
        self.normalise = nn.BatchNorm1d(2 * pooled * width, affine=False)

    def features(self, waveform: Tensor, mel: Tensor | None = None) -> Tensor:
        """Log-mel spectrogram as Whisper takes it, its loudest point at `LOUDEST`: [batch, frames, 80].

        Whisper hears a louder copy differently; a caller's distance from the microphone says nothing of the mood.
        """
        logmel = self.frontend(waveform, mel)
        levelled: Tensor = logmel - logmel.amax(dim=(1, 2), keepdim=True) + LOUDEST
        return levelled

    def warped(self, warp: float) -> Tensor:
        return self.frontend.warped(warp)

    def statistics(self, features: Tensor) -> Tensor:
        """Log-mel [batch, frames, 80] to mean and deviation of the states over time, [batch, 2 * pooled * width]."""
        states = torch.cat(self.encoder(features)[-self.pooled :], dim=2).float()
        mean = states.mean(dim=1, keepdim=True)
        # a floor under the root: its slope at 0 is infinite
        deviation = torch.sqrt(((states - mean) ** 2).mean(dim=1) + 1e-6)
        both: Tensor = torch.cat([mean[:, 0], deviation], dim=1)
        return both

    def encode(self, features: Tensor) -> Tensor:
        """Log-mel [batch, frames, 80] to the embedding [batch, 2 * pooled * width]."""
        embedding: Tensor = self.normalise(self.statistics(features))
        return embedding

    def trunk(self) -> WhisperEncoder:
        """What comes pretrained."""
        return self.encoder
