"""Tones are steady, voices are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from signals import interrupted, melody, tones

from rasa_emotion.audio import Waveform, highpass, load_audio, resample
from rasa_emotion.audio.activity import voice_activity
from rasa_emotion.audio.steadiness import begins_steadily, is_steady

Speech = Callable[..., Path]


def judged(sound: Waveform) -> bool:
    clean = highpass(resample(sound))
    return is_steady(clean.samples, voice_activity(clean))


@pytest.mark.parametrize("sound", [tones(440), tones(697, 1209), tones(200, 401, 603), melody()])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_tones_and_struck_notes_are_steady(sound: tuple[np.ndarray, int], noise: float) -> None:
    samples, rate = sound
    disturbed = samples + noise * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    assert judged(Waveform(disturbed.astype(np.float32), rate))


@pytest.mark.parametrize("secs", [(0.1, 0.1), (0.1, 0.2), (0.15, 0.1)])
@pytest.mark.parametrize("frequencies", [(200,), (400, 508), (250, 500, 750, 1000)])
def test_short_bursts_are_steady(frequencies: tuple[float, ...], secs: tuple[float, float]) -> None:
    assert judged(Waveform(*interrupted(tones(*frequencies, rate=16_000), *secs)))


@pytest.mark.parametrize("decay", [0.0, 6.0])
@pytest.mark.parametrize("note_secs", [0.1, 0.15, 0.3])
def test_fast_notes_are_steady(note_secs: float, decay: float) -> None:
    assert judged(Waveform(*melody(decay=decay, note_secs=note_secs)))


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "de"])
@pytest.mark.parametrize("words", ["Mmm.", "No.", "I have been waiting for an hour and nobody answers the telephone."])
def test_a_voice_is_not(speech: Speech, voice: str, words: str) -> None:
    assert not judged(load_audio(speech(words, voice=voice)))


@pytest.mark.parametrize("count", [0, 1, 320, 1_900])
def test_what_is_too_short_is_not(count: int) -> None:
    assert not is_steady(np.ones(count, np.float32), np.ones(count // 320, np.bool_))


def test_noise_is_not() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert not is_steady(noise, np.ones(50, np.bool_))


@pytest.mark.parametrize("secs", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("frequencies", [(200, 400, 600), (350, 620), (1000,)])
def test_a_tone_is_known_from_its_beginning(frequencies: tuple[float, ...], secs: float) -> None:
    assert begins_steadily(tones(*frequencies, rate=16_000, secs=secs)[0])


@pytest.mark.parametrize("secs", [0.1, 0.2, 0.3])
def test_noise_is_known_from_its_beginning(secs: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(secs * 16_000)).astype(np.float32)
    assert not begins_steadily(noise)


@pytest.mark.parametrize("count", [0, 1, 160, 1_400])
def test_of_less_than_a_tenth_of_a_second_nothing_is_known(count: int) -> None:
    assert not begins_steadily(np.sin(np.arange(count) * 0.3).astype(np.float32))
