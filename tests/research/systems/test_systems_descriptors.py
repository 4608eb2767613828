"""Descriptors of sounds whose pitch, loudness, roughness and noise are known."""

from typing import Any

import numpy as np
import pytest

from research.systems.descriptors import DIMS, NAMES, descriptors

Sound = np.ndarray[Any, np.dtype[np.float32]]
RATE = 16_000


def voice(f0: float, *, secs: float = 1.0, jitter: float = 0.0, noise: float = 0.0, level: float = 0.1) -> Sound:
    """A pulse train with falling harmonics at `f0` Hz; `jitter` is the spread of its periods."""
    generator = np.random.default_rng(0)
    size = round(secs * RATE)
    periods = RATE / f0 * (1 + jitter * generator.standard_normal(int(secs * f0 * 2)))
    phase = np.interp(np.arange(size), np.concatenate([[0], np.cumsum(periods)]), np.arange(len(periods) + 1))
    tone = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    return (level * tone + noise * generator.standard_normal(size)).astype(np.float32)


def middle(sound: Sound, name: str) -> float:
    return float(np.median(descriptors(sound)[10:-10, NAMES.index(name)]))


@pytest.mark.parametrize("freq", [110.0, 200.0, 320.0])
def test_pitch_in_semitones_above_27_5_hz(freq: float) -> None:
    semitones = middle(voice(freq), "F0semitoneFrom27.5Hz_sma3nz")
    assert semitones == pytest.approx(12 * np.log2(freq / 27.5), abs=0.3)


def test_noise_has_no_pitch() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    assert middle(sound, "F0semitoneFrom27.5Hz_sma3nz") == 0


def test_the_louder_the_more_loudness() -> None:
    quiet, loud = (middle(voice(200, level=level), "Loudness_sma3") for level in (0.02, 0.2))
    assert loud > 2 * quiet > 0


def test_uneven_periods_are_jitter() -> None:
    even, uneven = (middle(voice(200, jitter=jitter), "jitterLocal_sma3nz") for jitter in (0.0, 0.02))
    assert even < 0.002
    assert uneven > 0.005


def test_uneven_strength_is_shimmer() -> None:
    sound = voice(100)
    beats = 1 + 0.3 * np.sign(np.sin(2 * np.pi * 50 * np.arange(len(sound)) / RATE))
    shaken = (sound * beats).astype(np.float32)
    assert middle(shaken, "shimmerLocaldB_sma3nz") > 5 * middle(sound, "shimmerLocaldB_sma3nz")


def test_noise_lowers_the_harmonics_to_noise_ratio() -> None:
    clean, hoarse = (middle(voice(200, noise=noise), "HNRdBACF_sma3nz") for noise in (0.0, 0.05))
    assert clean > hoarse + 3


def test_mfcc_and_differences() -> None:
    generator = np.random.default_rng(2)
    hum = voice(150)
    hiss = np.diff(generator.normal(0, 0.1, RATE + 1)).astype(np.float32)
    assert middle(hum, "mfcc1") > middle(hiss, "mfcc1") + 50  # energy in low bands against high ones
    values = descriptors(hum)
    half = DIMS // 2
    assert half == len(NAMES) == 18
    np.testing.assert_allclose(values[1:, half:], np.diff(values[:, :half], axis=0), atol=1e-4)
    assert not values[0, half:].any()


@pytest.mark.parametrize("size", [0, 100, 3200, 16_000])
def test_any_length_gives_finite_frames_every_10_ms(size: int) -> None:
    values = descriptors(np.random.default_rng(3).normal(0, 0.1, size).astype(np.float32))
    assert values.shape[1] == DIMS
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert size / 160 - 5 <= len(values) <= max(size, 3200) / 160
