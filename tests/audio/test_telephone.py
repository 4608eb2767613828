"""The simulated telephone line."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rasa_emotion.audio import Waveform, decode_raw, encode_mulaw, to_telephone

Tone = Callable[..., NDArray[np.float32]]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("secs", [1, 0.1234])
def test_keeps_voice_rate_and_length(tone: Tone, rate: int, secs: float) -> None:
    original = Waveform(tone(440, secs, rate), rate)
    heard = to_telephone(original)
    assert heard.sample_rate == rate
    assert heard.samples.shape == original.samples.shape
    middle = slice(len(original.samples) // 4, -len(original.samples) // 4)
    error = heard.samples[middle] - original.samples[middle]
    # Mu-law keeps about 38 dB between a tone and its noise.
    assert 20 * np.log10(np.std(original.samples[middle]) / np.std(error)) > 30


def test_drops_what_the_line_cannot_carry(tone: Tone) -> None:
    heard = to_telephone(Waveform(tone(6_000, 1)))
    assert np.abs(heard.samples[1_000:-1_000]).max() < 0.005


def test_adds_the_noise_of_eight_bits(tone: Tone) -> None:
    original = tone(440, 1)
    assert np.std(to_telephone(Waveform(original)).samples - original) > 1e-4


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_very_short(count: int) -> None:
    assert to_telephone(Waveform(np.full(count, 0.1, np.float32))).samples.shape == (count,)


def test_bytes_are_what_decoders_expect(tone: Tone) -> None:
    heard = decode_raw(encode_mulaw(Waveform(tone(440, 1))), encoding="mulaw", sample_rate=8_000)
    np.testing.assert_allclose(heard.samples[1_000:-1_000], tone(440, 1)[1_000:-1_000], atol=0.02)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("peak", [1.05, 1.5, 3.0])
def test_what_is_beyond_full_scale_is_clipped_and_does_not_wrap(tone: Tone, rate: int, peak: float) -> None:
    loud = Waveform(tone(440, 1, rate, peak), rate)
    heard = decode_raw(encode_mulaw(loud), encoding="mulaw", sample_rate=8_000).samples[1_000:-1_000]
    clipped = np.clip(tone(440, 1, level=peak), -1, 1)[1_000:-1_000]
    assert np.abs(heard - clipped).max() < 0.35  # 8 kHz hold few of the corners' harmonics
    sure = np.abs(clipped) > 0.5
    assert (np.sign(heard[sure]) == np.sign(clipped[sure])).all()
