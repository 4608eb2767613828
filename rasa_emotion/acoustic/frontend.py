"""The front end as a torch module that exports to plain ONNX operators: waveform to log-mel spectrogram."""

import math

import torch
from torch import Tensor, nn

from rasa_emotion.audio.waveform import SAMPLE_RATE

AMIN = 1e-10
TOP_DB = 80.0


def mel_matrix(*, n_fft: int, n_mels: int, sample_rate: int = SAMPLE_RATE, warp: float = 1.0) -> Tensor:
    """SpeechBrain's triangular mel filters: shape [n_fft // 2 + 1, n_mels].

    `warp` scales the filters' centres and widths, as a vocal tract that is shorter (above 1) or longer (below 1) would.
    """
    top_mel = 2595 * math.log10(1 + sample_rate / 2 / 700)
    hz = 700 * (10 ** (torch.linspace(0, top_mel, n_mels + 2) / 2595) - 1) * warp
    width = (hz[1:] - hz[:-1])[:-1]
    frequencies = torch.linspace(0, sample_rate // 2, n_fft // 2 + 1)
    slope = (frequencies[:, None] - hz[1:-1]) / width
    return torch.clamp(torch.minimum(slope + 1, 1 - slope), min=0)


def dft_kernel(n_fft: int, window: Tensor) -> Tensor:
    """Cosines, then sines, of a windowed Fourier transform as `conv1d` weights: [2 * (n_fft // 2 + 1), 1, window]."""
    # float64 first: rounding the angles to float32 costs two digits in the log of quiet bands
    time = torch.arange(len(window), dtype=torch.float64)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64)
    angle = 2 * math.pi * bins[:, None] * time / n_fft
    return (torch.cat([torch.cos(angle), torch.sin(angle)]) * window).float()[:, None]


class LogMel(nn.Module):
    """Log-mel spectrogram in dB, equal to `speechbrain.lobes.features.Fbank` with the same settings.

    The Fourier transform is a fixed `Conv1d` with real weights: the ONNX exporter has no complex STFT.

    Args:
        n_mels: mel bands.
        n_fft: points of the transform; the window is padded to it.
        win_length: samples of the Hamming window.
        hop_length: samples between frames.

    >>> LogMel()(torch.zeros(2, 16000)).shape
    torch.Size([2, 63, 64])
    """

    kernel: Tensor
    mel: Tensor

    def __init__(self, *, n_mels: int = 64, n_fft: int = 512, win_length: int = 400, hop_length: int = 256) -> None:
        super().__init__()
        self.n_mels, self.n_fft, self.win_length, self.hop_length = n_mels, n_fft, win_length, hop_length
        window = torch.hamming_window(win_length, dtype=torch.float64)
        self.register_buffer("kernel", dft_kernel(n_fft, window), persistent=False)
        self.register_buffer("mel", mel_matrix(n_fft=n_fft, n_mels=n_mels), persistent=False)

    def warped(self, warp: float) -> Tensor:
        """Filters for `forward`, of a speaker with another vocal tract."""
        return mel_matrix(n_fft=self.n_fft, n_mels=self.n_mels, warp=warp).to(self.mel.device)

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Power spectrum: [batch, samples] to [batch, frames, n_fft // 2 + 1]."""
        parts = nn.functional.conv1d(
            waveform[:, None], self.kernel, stride=self.hop_length, padding=self.win_length // 2
        )
        real, imaginary = parts.chunk(2, dim=1)
        return (real * real + imaginary * imaginary).transpose(1, 2)

    def forward(self, waveform: Tensor, mel: Tensor | None = None) -> Tensor:
        """[batch, samples] at 16 kHz to [batch, frames, n_mels] in dB; `mel` stands in for the filters in training."""
        power = self.spectrum(waveform) @ (self.mel if mel is None else mel)
        decibels = 10 / math.log(10) * torch.log(torch.clamp(power, min=AMIN))
        return torch.maximum(decibels, decibels.amax(dim=(1, 2), keepdim=True) - TOP_DB)
