"""A voice becomes evidence, or one sentence why not; nothing raises."""

import io
import logging
import tracemalloc

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer
from recordings import recorded

from rasa_emotion.audio import Waveform, encode_mulaw, load_audio
from rasa_emotion.turn.listening import listen
from rasa_emotion.turn.message import Audio


@pytest.fixture
def wav(tone):
    """`wav(freq, secs)`: the bytes of a WAV file with a tone."""

    def make(freq, secs=1.0, sample_rate=16_000):
        stream = io.BytesIO()
        soundfile.write(stream, tone(freq, secs, sample_rate), sample_rate, format="WAV")
        return stream.getvalue()

    return make


def emotion(heard):
    return heard.evidence.pieces()[0].emotion


def test_a_file(wav):
    heard = listen(FakeAnalyzer(), Audio(wav(400)))
    assert emotion(heard) == "angry"
    assert heard.warning is None


def test_headerless_samples(tone):
    samples = tone(400, 1.0, 8000)
    pcm = (samples * 32767).astype("<i2").tobytes()
    assert emotion(listen(FakeAnalyzer(), Audio(pcm, "pcm_s16le", 8000))) == "angry"
    mulaw = encode_mulaw(Waveform(tone(400, 1.0)))
    assert emotion(listen(FakeAnalyzer(), Audio(mulaw, "mulaw", 8000))) == "angry"


@pytest.mark.parametrize("encoding", [None, "pcm_s16le"])
def test_only_the_beginning_is_analysed(tone, encoding, monkeypatch):
    lengths = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: lengths.append(waveform.seconds))
    samples = np.concatenate([tone(400, 2.0), tone(800, 60.0)])
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format="RAW" if encoding else "WAV", subtype="PCM_16")
    listen(FakeAnalyzer(), Audio(stream.getvalue(), encoding, 16_000), max_secs=2.0)
    assert lengths == [2.0]


@pytest.mark.parametrize(
    ("encoding", "rate"), [("mulaw", 4000), ("alaw", 4000), ("pcm_s16le", 4000), ("mulaw", 192_000)]
)
def test_headerless_sound_is_cut_before_it_is_decoded(encoding, rate):
    """Ten megabytes of it are 42 minutes of a slow line, which as samples would fill hundreds."""
    content = np.random.default_rng(0).integers(0, 256, 10_000_000, np.uint8).tobytes()
    listen(FakeAnalyzer(), Audio(content[:1000], encoding, rate), max_secs=30)  # what is made once
    tracemalloc.start()
    listen(FakeAnalyzer(), Audio(content, encoding, rate), max_secs=30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6  # it is searched for its first voice for ten times as long as it is heard


BEFORE = {
    "silence": np.zeros_like,
    "a line's noise": lambda seconds: np.random.default_rng(0).normal(0, 0.003, len(seconds)),
    "an offset": lambda seconds: np.full_like(seconds, 0.05),
    "hum": lambda seconds: 0.1 * np.sin(2 * np.pi * 50 * seconds),
    "ring-back": lambda seconds: 0.2 * (np.sin(2 * np.pi * 440 * seconds) + np.sin(2 * np.pi * 480 * seconds)),
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("encoding", [None, "pcm_s16le"])
def test_what_comes_before_a_voice_does_not_count(speech, before, encoding, monkeypatch):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    voice = np.resize(load_audio(speech("I have been waiting for three weeks and nobody calls me.")).samples, 64_000)
    sound = np.concatenate([BEFORE[before](np.arange(29 * 16_000) / 16_000), voice])
    stream = io.BytesIO()
    soundfile.write(stream, sound, 16_000, format="RAW" if encoding else "WAV", subtype="PCM_16")
    listen(FakeAnalyzer(), Audio(stream.getvalue(), encoding, 16_000), max_secs=30.0)
    assert 4.0 <= heard[0].seconds <= 6.0
    np.testing.assert_allclose(heard[0].samples[-64_000:], voice, atol=1e-3)


def test_what_comes_after_the_limit_from_the_first_voice_on_is_told(speech):
    voice = np.resize(load_audio(speech("I have been waiting for three weeks and nobody calls me.")).samples, 64_000)
    stream = io.BytesIO()
    soundfile.write(stream, np.concatenate([np.zeros(160_000), voice]), 16_000, format="WAV")
    assert "Only 2 s" in listen(FakeAnalyzer(), Audio(stream.getvalue()), max_secs=2.0).warning


def test_sound_without_a_voice_after_silence_is_no_silence(tone):
    stream = io.BytesIO()
    soundfile.write(stream, np.concatenate([np.zeros(160_000), tone(400, 4.0)]), 16_000, format="WAV")
    heard = listen(FakeAnalyzer(), Audio(stream.getvalue()), max_secs=2.0)
    assert heard.evidence is not None
    assert "Only 2 s" in heard.warning


@pytest.mark.parametrize("label", ["pcm_s16le", "mulaw", "alaw"])
@pytest.mark.parametrize("kind", ["WAV", "OGG", "FLAC", "RF64", "AIFF", "AU", "CAF", "MP3"])
def test_what_the_bytes_say_wins_over_the_label(tone, label, kind, monkeypatch):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    stream = io.BytesIO()
    soundfile.write(stream, tone(440, 2.0, 48_000), 48_000, format=kind)
    assert listen(FakeAnalyzer(), Audio(stream.getvalue(), label, 8_000)).warning is not None  # no evidence of a mock
    assert heard[0].seconds == pytest.approx(2.0, abs=0.05)
    assert np.argmax(np.abs(np.fft.rfft(heard[0].samples[:16_000]))) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("label", ["pcm_s16le", "alaw"])
@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("ipod", "aac", 44_100),
        ("adts", "aac", 16_000),
        ("webm", "libopus", 48_000),
        ("amr", "libopencore_amrnb", 8_000),
    ],
)
def test_so_do_the_bytes_of_phones_and_browsers(label, container, codec, rate, monkeypatch):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    listen(FakeAnalyzer(), Audio(recorded(container, codec, rate, secs=2.0), label, 8_000))
    assert heard[0].seconds == pytest.approx(2.0, abs=0.15)
    assert np.argmax(np.abs(np.fft.rfft(heard[0].samples[8_000:24_000]))) == pytest.approx(440, abs=4)


@pytest.mark.parametrize("head", [b"\xff\xf1", b"\xff\xfb\x90\x64", b"\xff\xff\xff\xff"])
def test_samples_that_begin_like_a_frame_stay_samples(head, monkeypatch):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    sound = (9000 * np.sin(np.arange(16_000) * 0.3)).astype("<i2").tobytes()
    listen(FakeAnalyzer(), Audio(head + sound, "pcm_s16le", 16_000))
    assert heard[0].seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("channel", [None, "left", "right"])
def test_an_agent_on_the_other_channel_is_not_heard_unasked(speech, channel, monkeypatch, caplog):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    caller = load_audio(speech("I have been waiting for three weeks and nobody calls me.")).samples
    agent = load_audio(speech("Thank you for your patience, let me look at your order.", voice="en-us+f3")).samples
    stream = io.BytesIO()
    both = np.stack([0.5 * np.resize(caller, 64_000), np.resize(agent, 64_000)], axis=1)
    soundfile.write(stream, both, 16_000, format="WAV", subtype="FLOAT")
    warning = listen(FakeAnalyzer(), Audio(stream.getvalue(), channel=channel)).warning
    if channel is None:
        assert heard == []
        assert "choose the channel left, right or mix" in warning
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
    else:
        one = both[:, 0] if channel == "left" else both[:, 1]
        np.testing.assert_allclose(heard[0].samples, one, atol=1e-6)


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_both_laws_of_telephones_are_named(tone, encoding, monkeypatch):
    heard = []
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: heard.append(waveform))
    stream = io.BytesIO()
    subtype = {"mulaw": "ULAW", "alaw": "ALAW"}[encoding]
    soundfile.write(stream, tone(440, 1.0, 8_000), 8_000, format="RAW", subtype=subtype)
    listen(FakeAnalyzer(), Audio(stream.getvalue(), encoding, 8_000))
    np.testing.assert_allclose(heard[0].samples[2_000:-2_000], tone(440, 1.0)[2_000:-2_000], atol=0.02)


@pytest.mark.parametrize("content", [b"", b"not audio at all", b"RIFF\x00"])
def test_what_is_not_audio_costs_one_line(content, caplog):
    heard = listen(FakeAnalyzer(), Audio(content))
    assert heard.evidence is None
    assert heard.warning.endswith(".")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_what_was_left_out_stands_in_the_evidence(wav):
    whole = wav(400, 4.0)
    cut = listen(FakeAnalyzer(), Audio(whole[: len(whole) // 2]))
    assert "50%" in cut.warning
    assert cut.evidence.pieces()[0].warnings == (cut.warning,)
    long = listen(FakeAnalyzer(), Audio(whole), max_secs=1.0)
    assert FakeAnalyzer().fuse(long.evidence.pieces()).warnings == (long.warning,)
    assert "Only 1 s" in long.warning


def test_silence_costs_one_line(caplog):
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16_000), 16_000, format="WAV")
    assert "only silence" in listen(FakeAnalyzer(), Audio(stream.getvalue())).warning
    assert len(caplog.records) == 1


def test_a_failing_model_costs_one_line(wav, monkeypatch, caplog):
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: 1 / 0)
    assert listen(FakeAnalyzer(), Audio(wav(400))).evidence is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_without_models(wav, monkeypatch):
    assert "missing" in listen(None, Audio(wav(400))).warning
    monkeypatch.setattr(FakeAnalyzer, "hear", lambda self, waveform: None)
    assert "missing" in listen(FakeAnalyzer(), Audio(wav(400))).warning
