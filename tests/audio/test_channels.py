"""Two channels with one voice, and with two."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio import Waveform, decode_raw, load_audio
from rasa_emotion.errors import AudioError, ChannelError, ConfigError

Speech = Callable[..., Path]
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def voices(speech: Speech) -> tuple[Samples, Samples]:
    """A caller and an agent, 4 s each."""
    caller = load_audio(speech("I have been waiting for three weeks and nobody calls me back."))
    agent = load_audio(speech("Thank you for your patience, let me look at your order right now.", voice="en-us+f3"))
    count = 16_000 * 4
    return np.resize(caller.samples, count), np.resize(agent.samples, count)


def stereo(left: Samples, right: Samples, subtype: str = "PCM_16") -> bytes:
    return side_by_side(left, right, subtype=subtype)


def side_by_side(*channels: Samples, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.stack(channels, axis=1), 16_000, format="WAV", subtype=subtype)
    return file.getvalue()


def delayed(samples: Samples, secs: float, db: float) -> Samples:
    shift = round(secs * 16_000)
    return np.concatenate([np.zeros(shift, np.float32), samples[: len(samples) - shift]]) * np.float32(10 ** (db / 20))


def noise(level: float) -> Samples:
    return np.random.default_rng(3).normal(0, level, 64_000).astype(np.float32)


def heard_as(waveform: Waveform, samples: Samples) -> float:
    return float(np.corrcoef(waveform.samples[: len(samples)], samples[: len(waveform.samples)])[0, 1])


ONE_VOICE: dict[str, Callable[[Samples], tuple[Samples, Samples]]] = {
    "dual mono": lambda voice: (voice, voice),
    "inverted": lambda voice: (voice, -voice),
    "one channel silent": lambda voice: (voice, np.zeros_like(voice)),
    "one channel noise": lambda voice: (voice, noise(0.01)),
    "one channel with an offset": lambda voice: (voice, np.full_like(voice, 0.1)),
    "one channel with hum": lambda voice: (
        voice,
        (0.1 * np.sin(np.arange(64_000) * 2 * np.pi * 50 / 16e3)).astype("f4"),
    ),
    "one channel with a ring-back": lambda voice: (
        voice,
        (0.2 * (np.sin(np.arange(64_000) * 0.1728) + np.sin(np.arange(64_000) * 0.1885))).astype("f4"),
    ),
    "crosstalk at -20 dB": lambda voice: (voice, delayed(voice, 0.0, -20)),
    "crosstalk at -30 dB, 10 ms": lambda voice: (voice, delayed(voice, 0.01, -30)),
    "crosstalk at -40 dB, 120 ms": lambda voice: (voice, delayed(voice, 0.12, -40)),
    "crosstalk in noise": lambda voice: (voice, delayed(voice, 0.05, -25) + noise(0.0003)),
    "6 dB quieter": lambda voice: (voice, delayed(voice, 0.0, -6)),
}


@pytest.mark.parametrize("kind", ONE_VOICE)
@pytest.mark.parametrize("swapped", [False, True])
def test_one_voice_is_heard_wherever_it_is(voices: tuple[Samples, Samples], kind: str, swapped: bool) -> None:
    left, right = ONE_VOICE[kind](voices[0])
    heard = load_audio(stereo(right, left) if swapped else stereo(left, right))
    assert abs(heard_as(heard, voices[0])) > 0.95


@pytest.mark.parametrize("gain_db", [-6, 0, 6])
@pytest.mark.parametrize("crosstalk_db", [None, -20, -30, -40])
@pytest.mark.parametrize("turns", [False, True])
def test_two_voices_are_refused_unless_one_is_chosen(
    voices: tuple[Samples, Samples], gain_db: float, crosstalk_db: float | None, turns: bool
) -> None:
    caller, agent = 0.4 * voices[0], 0.4 * np.float32(10 ** (gain_db / 20)) * voices[1]
    if turns:  # one after the other
        pause = np.zeros(32_000, np.float32)
        caller, agent = np.concatenate([caller, pause, 0 * agent]), np.concatenate([0 * caller, pause, agent])
    left = caller if crosstalk_db is None else caller + delayed(agent, 0.02, crosstalk_db)
    right = agent if crosstalk_db is None else agent + delayed(caller, 0.02, crosstalk_db)
    with pytest.raises(AudioError, match="choose the channel left, right or mix"):
        load_audio(stereo(left, right, "FLOAT"))
    assert heard_as(load_audio(stereo(left, right, "FLOAT"), channel="left"), caller) > 0.95
    assert heard_as(load_audio(stereo(left, right, "FLOAT"), channel="right"), agent) > 0.95
    assert heard_as(load_audio(stereo(left, right, "FLOAT"), channel="mix"), left + right) > 0.99


def test_raw_samples_of_two_voices_are_refused(voices: tuple[Samples, Samples]) -> None:
    both = (np.stack(voices, axis=1) * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    with pytest.raises(AudioError, match="choose the channel"):
        decode_raw(both, encoding="pcm_s16le", sample_rate=16_000, channels=2)
    heard = decode_raw(both, encoding="pcm_s16le", sample_rate=16_000, channels=2, channel="right")
    assert heard_as(heard, voices[1]) > 0.99


MANY: dict[str, Callable[[Samples], list[Samples]]] = {
    "the first of four": lambda voice: [voice, 0 * voice, 0 * voice, 0 * voice],
    "the last of four": lambda voice: [0 * voice, 0 * voice, 0 * voice, voice],
    "all of four, every other one inverted": lambda voice: [voice, -voice, voice, -voice],
    "beside its crosstalk and hum": lambda voice: [delayed(voice, 0.02, -25), voice, np.full_like(voice, 0.1)],
}


@pytest.mark.parametrize("kind", MANY)
def test_one_voice_on_more_than_two_channels(voices: tuple[Samples, Samples], kind: str) -> None:
    assert abs(heard_as(load_audio(side_by_side(*MANY[kind](voices[0]))), voices[0])) > 0.95


@pytest.mark.parametrize("order", [(0, 1, 2, 2), (2, 0, 2, 1), (0, 0, 1), (0, 3, 1)])
def test_two_voices_on_more_than_two_channels_are_refused(voices: tuple[Samples, Samples], order: list[int]) -> None:
    caller, agent = voices
    channels = [(caller, agent, 0 * caller, -caller)[number] for number in order]
    with pytest.raises(ChannelError, match="choose the channel"):
        load_audio(side_by_side(*channels))
    samples = (np.stack(channels, axis=1) * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    with pytest.raises(ChannelError, match="choose the channel"):
        decode_raw(samples, encoding="pcm_s16le", sample_rate=16_000, channels=len(order))


@pytest.mark.parametrize(
    ("channel", "remedy"), [("mix", "cancel each other out"), ("right", "choose the other channel")]
)
def test_a_chosen_channel_without_sound_is_named(voices: tuple[Samples, Samples], channel: str, remedy: str) -> None:
    caller = voices[0]
    with pytest.raises(AudioError, match=f"{channel}.*{remedy}"):
        load_audio(stereo(caller, -caller if channel == "mix" else 0 * caller), channel=channel)


@pytest.mark.parametrize("channel", ["left", "right", "mix", None])
def test_mono_has_one_channel(voices: tuple[Samples, Samples], channel: str | None, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mono.wav", voices[0], 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(load_audio(tmp_path / "mono.wav", channel=channel).samples, voices[0])


@pytest.mark.parametrize("channel", ["", "centre", "LEFT", "0"])
def test_a_channel_that_does_not_exist(voices: tuple[Samples, Samples], channel: str) -> None:
    with pytest.raises(ConfigError, match="left, right, mix"):
        load_audio(stereo(*voices), channel=channel)
