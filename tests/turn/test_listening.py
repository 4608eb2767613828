"""A voice becomes evidence, or one sentence why not; nothing raises."""

import io
import logging

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer

from rasa_emotion.audio import Waveform, encode_mulaw
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
