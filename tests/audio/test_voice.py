"""A voice is told from what WebRTC's detector takes for one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from signals import VOICELESS, chords, interrupted, melody, tones

from rasa_emotion.audio import Waveform, highpass, load_audio, networks, resample, speech_mask, speech_secs, voice
from rasa_emotion.audio.activity import trim_silence, voice_activity

Speech = Callable[..., Path]
SENTENCE = "I have been waiting for an hour and nobody answers the telephone."


@pytest.fixture(scope="module")
def spoken(speech: Speech) -> Waveform:
    return highpass(load_audio(speech(SENTENCE)))


@pytest.mark.parametrize("name", VOICELESS)
@pytest.mark.parametrize("level", [1.0, 0.05])
@pytest.mark.parametrize("cut", [lambda sound: sound, trim_silence])  # a model hears it between silence
def test_no_voice_in_what_lines_and_machines_play(name: str, level: float, cut: Callable[[Waveform], Waveform]) -> None:
    samples, rate = VOICELESS[name]
    sound = cut(highpass(resample(Waveform(samples * np.float32(level), rate))))
    assert not speech_mask(sound).any()


@pytest.mark.parametrize("frequencies", [(200,), (250, 500, 750, 1000), (400, 508)])
def test_no_voice_in_bursts_of_a_tenth_of_a_second(frequencies: tuple[float, ...]) -> None:
    bursts = Waveform(*interrupted(tones(*frequencies, rate=16_000, amplitude=0.2), 0.1, 0.1))
    assert not speech_mask(trim_silence(highpass(bursts))).any()


@pytest.mark.parametrize("vibrato", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("note_secs", [0.1, 0.25])
def test_no_voice_in_a_melody_with_vibrato(vibrato: float, note_secs: float) -> None:
    for decay in (0.0, 2.0, 6.0):
        sound = Waveform(*melody(vibrato=vibrato, decay=decay, note_secs=note_secs))
        whole = Waveform(np.tile(sound.samples, 3)[:64_000])
        assert not speech_mask(highpass(whole)).any()


@pytest.mark.parametrize("level", [1.0, 0.1, 0.02])
def test_the_mask_of_a_voice_is_that_of_the_gate(spoken: Waveform, level: float) -> None:
    heard = Waveform(spoken.samples * np.float32(level))
    gate = voice_activity(heard)
    assert speech_mask(heard).sum() > 0.9 * gate.sum()
    assert not (speech_mask(heard) & ~gate).any()


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_rates(spoken: Waveform, rate: int) -> None:
    assert speech_secs(resample(spoken, rate)) == pytest.approx(speech_secs(spoken), rel=0.2)


def test_a_voice_after_music_on_hold_is_found_where_it_begins(spoken: Waveform) -> None:
    music = highpass(resample(Waveform(*chords(secs=6.0))))
    mask = speech_mask(Waveform(np.concatenate([music.samples, spoken.samples])))
    begin = round(music.seconds / 0.02)
    assert mask[: begin - 25].sum() == 0
    assert mask[begin:].sum() > 0.8 * speech_mask(spoken).sum()


def test_a_voice_before_a_busy_tone_does_not_make_the_tone_a_voice(spoken: Waveform) -> None:
    tone = resample(Waveform(*tones(425, secs=12)))
    mask = speech_mask(Waveform(np.concatenate([spoken.samples, tone.samples])))
    # A piece that began with the voice is believed to its end; the ones behind it are looked at anew.
    assert mask[round((spoken.seconds + voice.PIECE_SECS) / 0.02) :].sum() == 0


def test_a_long_talk_is_heard_to_its_end(spoken: Waveform) -> None:
    talk = Waveform(np.tile(spoken.samples, 8))
    assert speech_mask(talk).sum() > 0.85 * voice_activity(talk).sum()


def test_a_turn_costs_few_frames_of_the_network(spoken: Waveform, monkeypatch: pytest.MonkeyPatch) -> None:
    network = voice.voice_network()
    assert network is not None
    asked = []

    class Counting:
        def run(self, frames: np.ndarray, state: tuple) -> tuple:
            asked.append(len(frames))
            return network.run(frames, state)

    monkeypatch.setattr(voice, "voice_network", Counting)
    assert speech_mask(spoken).any()
    assert sum(asked) <= (voice.FIRST + 4 * voice.MORE) * np.ceil(spoken.seconds / voice.PIECE_SECS)


@pytest.mark.parametrize(("first", "more"), [(1, 1), (200, 200)])
def test_how_many_frames_are_heard_at_a_time_changes_nothing(
    spoken: Waveform, monkeypatch: pytest.MonkeyPatch, first: int, more: int
) -> None:
    music = highpass(resample(Waveform(*chords(secs=3.0))))
    late = Waveform(np.concatenate([music.samples, spoken.samples]))
    usual = [speech_mask(spoken), speech_mask(late)]
    monkeypatch.setattr(voice, "FIRST", first)
    monkeypatch.setattr(voice, "MORE", more)
    for one, found in zip((spoken, late), usual, strict=True):
        assert (speech_mask(one) == found).all()


@pytest.mark.parametrize("count", [0, 1, 100, 319, 320, 700, 16_000])
def test_silence_of_any_length(count: int) -> None:
    mask = speech_mask(Waveform(np.zeros(count, np.float32)))
    assert mask.shape == (count // 320,)
    assert not mask.any()


def test_without_the_network_the_gate_decides(
    spoken: Waveform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(networks, "model_path", lambda *_: tmp_path)
    voice.voice_network.cache_clear()
    try:
        assert (speech_mask(spoken) == voice_activity(spoken)).all()
        speech_mask(spoken)
    finally:
        voice.voice_network.cache_clear()
    assert len(caplog.records) == 1
    assert "Tones and music may be taken for a voice" in caplog.text
