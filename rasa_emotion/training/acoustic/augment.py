"""Augmentation of batches of waveforms and spectrograms."""

import random
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
import torchaudio
from numpy.typing import NDArray
from torch import Tensor

from rasa_emotion.audio.waveform import SAMPLE_RATE

MU = 255.0


def telephone(waveform: Tensor) -> Tensor:
    """8 kHz, 8-bit mu-law and back: [batch, samples] at 16 kHz, same shape."""
    narrow = torchaudio.functional.resample(waveform, SAMPLE_RATE, 8000).clamp(-1, 1)
    code = torch.sign(narrow) * torch.log1p(MU * narrow.abs()) / np.log1p(MU)
    code = torch.round((code + 1) / 2 * MU) / MU * 2 - 1
    decoded = torch.sign(code) * (torch.pow(1 + MU, code.abs()) - 1) / MU
    wide = torchaudio.functional.resample(decoded, 8000, SAMPLE_RATE)
    same_length: Tensor = wide[:, : waveform.shape[1]]
    return same_length


def add_noise(waveform: Tensor, noise: NDArray[np.int16], snr_db: float, start: int = 0) -> Tensor:
    """Mix one noise, repeated as needed from `start`, into [samples] at a signal-to-noise ratio in dB."""
    picked = torch.from_numpy(np.resize(np.roll(noise, -start), waveform.shape[-1]).astype(np.float32) / 32768)
    power, noise_power = waveform.square().mean(), picked.square().mean()
    if noise_power <= 0:
        return waveform
    return waveform + picked * torch.sqrt(power / noise_power) * 10 ** (-snr_db / 20)


class AugmentSettings(Protocol):
    """What every recipe that augments waveforms says."""

    speed: Any
    noise_probability: float
    snr_db: list[float]
    telephone_probability: float


class WaveformAugment:
    """Speed (SpeechBrain's `SpeedPerturb`), real noise and telephone, each with its probability.

    Args:
        speed: `speechbrain.augment.time_domain.SpeedPerturb`; one speed is drawn per batch.
        noises: int16 noises; empty switches noise off.
        noise_probability: per clip.
        snr_db: lowest and highest signal-to-noise ratio.
        telephone_probability: per batch part; the drawn clips go through 8 kHz mu-law.
    """

    def __init__(
        self,
        *,
        speed: Any,
        noises: Sequence[NDArray[np.int16]],
        noise_probability: float,
        snr_db: tuple[float, float],
        telephone_probability: float,
    ) -> None:
        self.speed, self.noises = speed, noises
        self.noise_probability, self.snr_db = noise_probability, snr_db
        self.telephone_probability = telephone_probability

    @classmethod
    def of(cls, recipe: "AugmentSettings", noises: Sequence[NDArray[np.int16]]) -> "WaveformAugment":
        """As a recipe sets it."""
        return cls(
            speed=recipe.speed,
            noises=noises,
            noise_probability=recipe.noise_probability,
            snr_db=(recipe.snr_db[0], recipe.snr_db[1]),
            telephone_probability=recipe.telephone_probability,
        )

    def __call__(self, waveform: Tensor) -> Tensor:
        """[batch, samples] at 16 kHz to [batch, other samples]."""
        waveform = self.speed(waveform)
        if self.noises:
            waveform = torch.stack([self._noisy(row) for row in waveform])
        chosen = torch.rand(len(waveform)) < self.telephone_probability
        if chosen.any():
            waveform = waveform.clone()
            waveform[chosen] = telephone(waveform[chosen])
        return waveform

    def _noisy(self, row: Tensor) -> Tensor:
        if random.random() >= self.noise_probability:
            return row
        noise = random.choice(self.noises)
        return add_noise(row, noise, random.uniform(*self.snr_db), random.randrange(len(noise)))


def mixup(values: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Mixed values, the order of the partners, and the share of the first (Zhang et al., "mixup", 2018)."""
    share = float(np.random.beta(alpha, alpha)) if alpha > 0 else 1.0
    order = torch.randperm(len(values))
    return share * values + (1 - share) * values[order], order, share
