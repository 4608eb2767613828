"""Offsets, hum and rumble go; a voice stays as it was."""

import numpy as np
import pytest

from rasa_emotion.audio import Waveform, highpass

RATES = (4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000)


def tone(hz: float, rate: int = 16_000, *, secs: float = 2.0, phase: float = 0.3) -> np.ndarray:
    seconds = np.arange(round(secs * rate)) / rate
    return (0.5 * np.cos(2 * np.pi * hz * seconds + phase)).astype(np.float32)


def inside(samples: np.ndarray, rate: int) -> np.ndarray:
    """Without the quarter of a second at each end, where a mirrored tone is another one."""
    return samples[rate // 4 : -rate // 4]


def level_db(samples: np.ndarray, reference: np.ndarray) -> float:
    return float(20 * np.log10(np.linalg.norm(samples) / np.linalg.norm(reference)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hz", [0.5, 5, 20, 50, 60])
def test_hum_and_rumble_are_removed(hz: float, rate: int) -> None:
    low = tone(hz, rate, secs=4)
    left = highpass(Waveform(low, rate)).samples
    assert level_db(inside(left, rate), inside(low, rate)) < -50


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hz", [50, 60, 49.95, 60.05])
@pytest.mark.parametrize("phase", [0, 1, 2, 4])
def test_hum_is_removed_from_the_first_to_the_last_sample(hz: float, rate: int, phase: float) -> None:
    hum = tone(hz, rate, phase=phase)
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(hum)).astype(np.float32)
    left = highpass(Waveform(noise + hum, rate)).samples - highpass(Waveform(noise, rate)).samples
    assert np.abs(left).max() < (0.005 if hz in {50, 60} else 0.04) * np.abs(hum).max()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hz", [80, 100, 220, 400, 800, 1000, 1900])
def test_a_voice_keeps_shape_and_time(hz: float, rate: int) -> None:
    voice = tone(hz, rate)
    kept = highpass(Waveform(voice, rate)).samples
    np.testing.assert_allclose(inside(kept, rate), inside(voice, rate), atol=1e-3)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("secs", [0.001, 0.05, 0.3, 3.0001])
def test_an_offset_vanishes_from_the_first_to_the_last_sample(secs: float, rate: int) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(int(secs * rate)).astype(np.float32)
    plain = highpass(Waveform(noise, rate))
    shifted = highpass(Waveform(noise + np.float32(0.25), rate))
    assert len(plain.samples) == len(noise)
    assert plain.sample_rate == rate
    assert plain.samples.dtype == np.float32
    np.testing.assert_allclose(shifted.samples, plain.samples, atol=2e-6)


def test_a_slow_drift_vanishes() -> None:
    drift = np.linspace(-0.4, 0.4, 48_000, dtype=np.float32)
    assert np.abs(highpass(Waveform(drift)).samples).max() < 2e-3


@pytest.mark.parametrize("count", [0, 1, 2, 39, 41, 3000])
def test_any_length_is_filtered(count: int) -> None:
    assert len(highpass(Waveform(np.ones(count, np.float32))).samples) == count


def test_filtering_twice_changes_nothing_more() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(32_000).astype(np.float32)
    once = highpass(Waveform(noise))
    twice = highpass(once)
    assert level_db(inside(twice.samples - once.samples, 16_000), inside(once.samples, 16_000)) < -35
