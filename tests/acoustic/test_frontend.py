"""The exported front end against the libraries that it stands in for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from speechbrain.lobes.features import Fbank

from rasa_emotion.acoustic.frontend import LogMel, mel_matrix

TOLERANCE_DB = 1e-3


@pytest.fixture
def sounds(tone: Callable[..., NDArray[np.float32]]) -> torch.Tensor:
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.1, 24_000).astype(np.float32)
    return torch.from_numpy(np.stack([tone(440, 1.5), noise, tone(3000, 1.5, level=0.01) + noise / 100]))


def test_equals_speechbrain(sounds: torch.Tensor) -> None:
    fbank = Fbank(n_mels=64, n_fft=512, win_length=25, hop_length=16, sample_rate=16_000)
    difference = (LogMel()(sounds) - fbank(sounds)).abs().max()
    assert difference < TOLERANCE_DB


def test_spectrum_equals_librosa() -> None:
    """`librosa_power.npz` holds a sound and its power spectrum by librosa 0.11.0: `abs(librosa.stft(sound, n_fft=512,
    hop_length=256, win_length=400, window="hamming", center=True, pad_mode="constant").T) ** 2`."""
    with np.load(Path(__file__).parent / "librosa_power.npz") as reference:
        ours = LogMel().spectrum(torch.from_numpy(reference["sound"])[None])[0].numpy()
        np.testing.assert_allclose(ours, reference["power"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 255, 4800, 16_000])
def test_frames(samples: int) -> None:
    assert LogMel()(torch.zeros(1, samples)).shape == (1, 1 + samples // 256, 64)


def test_a_warped_filter_bank_moves_the_peak(tone: Callable[..., NDArray[np.float32]]) -> None:
    sound = torch.from_numpy(tone(2000, 0.5))[None]
    frontend = LogMel()
    plain = frontend(sound).mean(dim=1).argmax()
    warped = frontend(sound, mel_matrix(n_fft=512, n_mels=64, warp=1.2)).mean(dim=1).argmax()
    assert warped < plain
