"""Lines, rooms and noise: what comes out is as long as what went in, and is still the same speech."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasa_emotion.training.voice import lines

Samples = NDArray[np.float32]
NOISES = [(np.random.default_rng(1).normal(0, 3000, 8000)).astype(np.int16)]
CONDITIONS = lines.test_lines(NOISES)


@pytest.fixture(scope="module")
def voice() -> Samples:
    """A buzz of 120 Hz with a slow swell: some harmonics, as a voice has."""
    time = np.arange(24_000) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    return (0.05 * buzz * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_keeps_length_and_type(name: str, voice: Samples) -> None:
    heard = CONDITIONS[name](voice, np.random.default_rng(0))
    assert heard.shape == voice.shape
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() > 0.01


@pytest.mark.parametrize("name", ["8 kHz mu-law", "8 kHz A-law", "GSM", "Opus 24 kb/s"])
def test_codecs_keep_the_speech(name: str, voice: Samples) -> None:
    heard = CONDITIONS[name](voice, np.random.default_rng(0))
    assert np.corrcoef(heard, voice)[0, 1] > 0.8


def test_noise_has_the_ratio_that_it_says(voice: Samples) -> None:
    noise = CONDITIONS["noise 5 dB"](voice, np.random.default_rng(0)) - voice
    assert 10 * np.log10((voice**2).mean() / (noise**2).mean()) == pytest.approx(5, abs=0.1)


def test_a_louder_voice_does_not_wrap_in_an_integer_codec(voice: Samples) -> None:
    loud = voice / np.abs(voice).max() * 1.2
    heard = lines.g711("ULAW")(loud, np.random.default_rng(0))
    assert np.corrcoef(heard, loud)[0, 1] > 0.95


def test_the_line_of_a_recording_is_its_band_its_pauses_and_its_level(voice: Samples) -> None:
    random = np.random.default_rng(0)
    narrow = lines.at_rate(voice, 8_000, lambda samples: samples) * 0.3
    hiss = random.normal(0, 0.002, 16_000).astype(np.float32)
    other = np.concatenate([narrow, hiss])  # a pause that is not silent
    wide = np.asarray(voice + random.normal(0, 0.01, len(voice)), np.float32)
    heard = lines.line_of(other)(wide, random)
    level = np.sqrt((other**2).mean())
    assert np.sqrt((heard**2).mean()) == pytest.approx(level, rel=0.05)
    assert heard.shape == voice.shape
    silent = lines.line_of(narrow)(wide, random)
    high = np.abs(np.fft.rfft(silent))[np.fft.rfftfreq(len(silent), 1 / 16_000) > 5_000]
    low = np.abs(np.fft.rfft(wide))[np.fft.rfftfreq(len(wide), 1 / 16_000) > 5_000]
    assert (high**2).sum() < 0.1 * (low**2).sum()


def test_the_same_draw_gives_the_same_sound(voice: Samples) -> None:
    once, again = (lines.room(voice, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


@given(share=st.floats(0, 1))
@settings(max_examples=10, deadline=None)
def test_sometimes_is_a_share(share: float) -> None:
    mark: Callable[..., Samples] = lambda samples, _: samples + 1  # noqa: E731
    random = np.random.default_rng(0)
    hits = sum(float(lines.sometimes(share, mark)(np.zeros(1, np.float32), random)[0]) for _ in range(400))
    assert hits / 400 == pytest.approx(share, abs=0.1)
