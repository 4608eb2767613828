"""The network of the voice: a narrow copy of the lower layers of Whisper's encoder, with lengths as an input.

Nothing in it looks beyond an item's own length, so that an item is heard alike alone and in a batch.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rasa_emotion.acoustic.frontend import dft_kernel
from rasa_emotion.acoustic.whisper import DYNAMIC_RANGE, HOP, LOUDEST, N_FFT, N_MELS, slaney_matrix

FRAMES_PER_STATE = 4
"""States every 40 ms."""

MOST_STATES = 400
"""16 s; turns are cut into windows far below."""

FLOOR = 1e-10


class Spectrogram(nn.Module):
    """Whisper's log-mel spectrogram, its loudest point at `LOUDEST`: [batch, samples] to [batch, 80, frames].

    Unlike Whisper's, it ends in zeros instead of a mirror image, and takes each item's loudest point from its own
    frames, so that no neighbour in the batch changes it.
    """

    kernel: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(N_FFT, dtype=torch.float64)
        self.register_buffer("kernel", dft_kernel(N_FFT, window), persistent=False)
        self.register_buffer("mel", slaney_matrix().T.contiguous(), persistent=False)

    def forward(self, waveform: Tensor, within: Tensor) -> Tensor:
        """`within` is 1 for the frames of the item and 0 beyond them, [batch, 1, frames]."""
        padded = nn.functional.pad(
            waveform[:, None], (N_FFT // 2, N_FFT // 2 - HOP)
        )  # one frame less than Whisper cuts
        parts = nn.functional.conv1d(padded, self.kernel, stride=HOP)
        real, imaginary = parts.chunk(2, dim=1)
        power = self.mel @ (real * real + imaginary * imaginary)
        logmel = torch.log(torch.clamp(power, min=FLOOR)) * (1 / math.log(10))
        loudest = (logmel + (within - 1) * 100).amax(dim=(1, 2), keepdim=True)
        scaled: Tensor = torch.clamp((logmel - loudest) / 4, min=-DYNAMIC_RANGE / 4) + LOUDEST
        return scaled


class Norm(nn.Module):
    """Root-mean-square norm (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        # written as ONNX Runtime recognises it
        return x / torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True) + 1e-6) * self.gain


class Layer(nn.Module):
    """Self-attention and a feed-forward part: [batch, states, width], same shape; `hidden` 0 leaves the latter out."""

    def __init__(self, width: int, heads: int, head_width: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.head_width, self.hidden = heads, head_width, hidden
        self.attention_norm = Norm(width)
        self.query_key_value = nn.Linear(width, 3 * heads * head_width)
        self.attended = nn.Linear(heads * head_width, width)
        if hidden:
            self.forward_norm = Norm(width)
            self.widen = nn.Linear(width, hidden)
            self.narrow = nn.Linear(hidden, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`bias` is 0 for the item's states and very negative beyond them, [batch, 1, 1, states]."""
        batch, states, _ = x.shape
        joint = self.query_key_value(self.attention_norm(x))
        query, key, value = joint.view(batch, states, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(2, 3) * self.head_width**-0.5 + bias, dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, states, self.heads * self.head_width)
        x = x + self.attended(mixed)
        if self.hidden:
            x = x + self.narrow(nn.functional.gelu(self.widen(self.forward_norm(x))))
        return x


class Trunk(nn.Module):
    """Waveforms and their lengths to statistics of the last two layers' states, [batch, 4 * width].

    The statistics are mean and deviation over the item's own states, each normalised by `mean` and `deviation`.

    Args:
        width: of the states.
        channels: of the first convolution.
        entry: channels of the second, which the stream begins with.
        heads: of attention in each layer, each `head_width` wide.
        hidden: width of the feed-forward part of each layer; 0 leaves it out.

    >>> trunk = Trunk()
    >>> trunk(torch.zeros(2, 16000), torch.tensor([16000, 8000])).shape
    torch.Size([2, 1024])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        width: int = 256,
        channels: int = 256,
        entry: int = 256,
        heads: int = 4,
        head_width: int = 64,
        hidden: Sequence[int] = (1024, 1024, 0),
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "width": width,
            "channels": channels,
            "entry": entry,
            "heads": heads,
            "head_width": head_width,
            "hidden": list(hidden),
        }
        self.spectrogram = Spectrogram()
        self.first = nn.Conv1d(N_MELS, channels, 3, padding=1)
        self.second = nn.Conv1d(channels, entry, 3, stride=2, padding=1)
        self.mixed = nn.Linear(entry, width)
        self.place = nn.Parameter(torch.zeros(MOST_STATES, width))
        self.layers = nn.ModuleList(Layer(width, heads, head_width, units) for units in hidden)
        self.register_buffer("mean", torch.zeros(4 * width))
        self.register_buffer("deviation", torch.ones(4 * width))

    def states(self, waveform: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        """States after each layer, [batch, states, width], and which of them belong to the item, [batch, states, 1]."""
        frames = torch.div(lengths, HOP, rounding_mode="floor")
        count = waveform.shape[1] // HOP
        within = (torch.arange(count, device=waveform.device)[None] < frames[:, None]).to(waveform.dtype)[:, None]
        x = nn.functional.gelu(self.first(self.spectrogram(waveform, within) * within)) * within
        x = nn.functional.gelu(self.second(x)).transpose(1, 2)
        states = x.shape[1] // 2
        x = self.mixed(x[:, : 2 * states].reshape(x.shape[0], states, 2, x.shape[2]).mean(dim=2)) + self.place[:states]
        whole = torch.div(frames, FRAMES_PER_STATE, rounding_mode="floor")
        inside = (torch.arange(states, device=waveform.device)[None] < whole[:, None]).to(waveform.dtype)
        bias = (inside - 1)[:, None, None] * 1e4
        found = []
        for layer in self.layers:
            x = layer(x, bias)
            found.append(x)
        return found, inside[:, :, None]

    def statistics(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """Mean and deviation over time before they are normalised, [batch, 4 * width]."""
        states, inside = self.states(waveform, lengths)
        last = torch.cat(states[-2:], dim=2).float()
        count = inside.sum(dim=1)
        mean = (last * inside).sum(dim=1) / count
        centred = (last - mean[:, None]) * inside
        # a floor under the root: its slope at 0 is infinite
        deviation = torch.sqrt((centred * centred).sum(dim=1) / count + 1e-6)
        return torch.cat([mean, deviation], dim=1)

    def forward(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        embedding: Tensor = (self.statistics(waveform, lengths) - self.mean) / self.deviation
        return embedding
