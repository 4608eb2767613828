import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.audio import SAMPLE_RATE, Waveform, is_narrow_band, level_db, snr_db, to_telephone
from rasa_emotion.audio.quality import MAX_SNR_DB, MIN_SNR_DB


def speech_in_noise(snr, seconds=3.0, seed=0):
    """A tone that pauses half of the time, in white noise."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 220 * time) * (time % 0.6 < 0.3)
    noise = np.random.default_rng(seed).standard_normal(len(time))
    level = np.sqrt(0.5) * 10 ** (-snr / 20)
    return Waveform((0.1 * (tone + level * noise)).astype(np.float32))


@pytest.mark.parametrize("snr", [40, 20, 10, 5])
def test_noise_between_the_words_is_measured(snr):
    assert snr_db(speech_in_noise(snr)) == pytest.approx(snr, abs=2.5)


def test_more_noise_is_a_lower_ratio():
    found = [snr_db(speech_in_noise(snr)) for snr in (40, 20, 10, 5, 0)]
    assert found == sorted(found, reverse=True)


@given(st.floats(0.01, 50))
def test_loudness_says_nothing(gain):
    waveform = speech_in_noise(10, seconds=1.0)
    assert snr_db(Waveform(waveform.samples * np.float32(gain))) == pytest.approx(snr_db(waveform), abs=0.2)


@pytest.mark.parametrize("samples", [0, 10, 16000])
def test_silence_counts_as_noise(samples):
    assert snr_db(Waveform(np.zeros(samples, np.float32))) == MIN_SNR_DB


def test_a_recording_without_any_noise_has_the_highest_ratio():
    words = np.concatenate([np.zeros(8000, np.float32), np.ones(8000, np.float32)])
    assert snr_db(Waveform(words)) == MAX_SNR_DB


def test_the_level_of_a_recording() -> None:
    loud = Waveform(np.full(16_000, 0.5, np.float32))
    assert level_db(loud) == pytest.approx(-6.0, abs=0.1)
    assert level_db(Waveform(np.zeros(16_000, np.float32))) == -100
    assert level_db(Waveform(np.zeros(10, np.float32))) == -100


def test_the_band_of_noise_and_of_the_telephone() -> None:
    noise = Waveform((0.1 * np.random.default_rng(0).standard_normal(32_000)).astype(np.float32))
    assert not is_narrow_band(noise)
    assert is_narrow_band(to_telephone(noise))
    assert is_narrow_band(Waveform(noise.samples[:8_000], 8_000))
