"""Who speaks when: real synthetic speech, tones, silence and noise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rasa_emotion.audio import Waveform, is_silent, load_audio, resample, speech_secs, trim_silence, voice_activity
from rasa_emotion.errors import ConfigError

Tone = Callable[..., NDArray[np.float32]]
Speech = Callable[..., Path]

QUIET = np.zeros(16_000, np.float32)


def between_silence(waveform: Waveform) -> Waveform:
    """A second of silence on both sides."""
    return Waveform(np.concatenate([QUIET, waveform.samples, QUIET]))


def test_finds_the_speech(speech: Speech) -> None:
    spoken = load_audio(speech("I have been waiting for an hour and nobody answers the telephone."))
    active = voice_activity(between_silence(spoken))
    frames = len(spoken.samples) // 320
    assert active[50 : 50 + frames].mean() > 0.8
    assert active[:48].mean() < 0.1
    assert active[-30:].mean() < 0.1
    assert speech_secs(between_silence(spoken)) == pytest.approx(spoken.seconds, rel=0.25)


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_rates(speech: Speech, rate: int) -> None:
    spoken = load_audio(speech("My internet is down again."))
    assert speech_secs(resample(spoken, rate)) == pytest.approx(speech_secs(spoken), rel=0.2)


@pytest.mark.parametrize("frame_secs", [0.01, 0.02, 0.03])
def test_one_answer_a_frame(frame_secs: float) -> None:
    active = voice_activity(Waveform(np.zeros(16_100, np.float32)), frame_secs=frame_secs)
    assert active.shape == (int(16_100 / 16_000 / frame_secs),)
    assert active.dtype == np.bool_


def test_nobody_speaks() -> None:
    assert speech_secs(Waveform(QUIET)) == 0
    assert speech_secs(Waveform(QUIET[:0])) == 0
    assert voice_activity(Waveform(QUIET[:100])).shape == (0,)


def test_aggressiveness_wants_clearer_speech() -> None:
    noise = Waveform(np.random.default_rng(0).normal(0, 0.05, 48_000).astype(np.float32))
    assert voice_activity(noise, aggressiveness=3).sum() < voice_activity(noise, aggressiveness=0).sum()


@pytest.mark.parametrize("options", [{"frame_secs": 0.025}, {"aggressiveness": 4}])
def test_settings_that_do_not_exist(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="choose"):
        voice_activity(Waveform(QUIET), **options)  # type: ignore[arg-type]


def test_trim_keeps_the_sound_and_a_margin(tone: Tone) -> None:
    trimmed = trim_silence(between_silence(Waveform(tone(440, 1))))
    assert trimmed.seconds == pytest.approx(1.2, abs=0.02)
    assert np.abs(trimmed.samples).sum() == pytest.approx(np.abs(tone(440, 1)).sum())


def test_trim_leaves_the_same_however_closely_speech_was_cut(tone: Tone) -> None:
    close = Waveform(tone(440, 1))
    np.testing.assert_array_equal(trim_silence(close).samples, trim_silence(between_silence(close)).samples)


@pytest.mark.parametrize("where", ["before", "after", "both"])
@pytest.mark.parametrize("secs", [0.001, 0.03])
def test_a_click_at_an_end_keeps_no_silence(tone: Tone, where: str, secs: float) -> None:
    framed = between_silence(Waveform(tone(440, 1)))
    clicked = framed.samples.copy()
    count = round(secs * 16_000)
    if where != "after":
        clicked[:count] = 0.2
    if where != "before":
        clicked[-count:] = 0.2
    np.testing.assert_array_equal(trim_silence(Waveform(clicked)).samples, trim_silence(framed).samples)


def test_a_short_sound_that_is_all_there_is_stays(tone: Tone) -> None:
    alone = np.concatenate([tone(440, 0.04), np.zeros(16_000, np.float32)])
    assert np.abs(trim_silence(Waveform(alone)).samples).max() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("samples", [QUIET, QUIET[:0], np.ones(100, np.float32)])
def test_nothing_to_trim(samples: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(trim_silence(Waveform(samples)).samples, samples)


def test_is_silent(tone: Tone) -> None:
    assert is_silent(Waveform(QUIET))
    assert is_silent(Waveform(QUIET[:0]))
    assert is_silent(Waveform(tone(440, 1, level=5e-5)))
    assert not is_silent(Waveform(tone(440, 1, level=1e-3)))
