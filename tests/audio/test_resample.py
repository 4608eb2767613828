"""Changing the sample rate in one go and block by block."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasa_emotion.audio import Waveform, resample
from rasa_emotion.audio.resample import resample_blocks

Tone = Callable[..., NDArray[np.float32]]


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_there_and_back(tone: Tone, rate: int) -> None:
    original = Waveform(tone(440, 1))
    there = resample(original, rate)
    assert there.sample_rate == rate
    assert there.seconds == pytest.approx(1, abs=1 / rate)
    back = resample(there)
    np.testing.assert_allclose(back.samples[1000:15000], original.samples[1000:15000], atol=1e-3)


def test_what_the_new_rate_cannot_carry_is_gone(tone: Tone) -> None:
    heard = resample(Waveform(tone(6_000, 1)), 8_000)
    assert np.abs(heard.samples[500:-500]).max() < 1e-3


def test_full_scale_stays_within_bounds() -> None:
    square = np.sign(np.sin(np.arange(8_000) / 5)).astype(np.float32)
    assert np.abs(resample(Waveform(square, 8_000)).samples).max() == 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 8_001])
@pytest.mark.parametrize("count", [1, 7, 500, 20_000])
def test_an_offset_begins_and_ends_without_a_click(rate: int, count: int) -> None:
    heard = resample(Waveform(np.full(count, 0.3, np.float32), rate)).samples
    assert len(heard) == int(count * 16_000 / rate + 0.5)
    np.testing.assert_allclose(heard, 0.3, atol=1e-4)


def test_empty() -> None:
    assert len(resample(Waveform(np.zeros(0, np.float32), 8_000)).samples) == 0


@given(cuts=st.lists(st.integers(0, 4_000), max_size=6), rate=st.sampled_from([8_000, 11_025, 16_000, 44_100]))
def test_blocks_leave_no_seams(cuts: list[int], rate: int) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 4_000).astype(np.float32)
    blocks = np.split(samples, sorted(cuts))
    joined = np.concatenate(list(resample_blocks(blocks, rate, 16_000)))
    np.testing.assert_allclose(joined, resample(Waveform(samples, rate)).samples, atol=1e-6)
