"""A recording window by window: nothing is left out, nothing counts twice, whatever its length."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import load_audio
from rasa_emotion.errors import AudioError, ConfigError
from rasa_emotion.timeline import AT_ONCE, timeline


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def test_an_emotion_for_each_part(tone) -> None:
    sound = np.concatenate([tone(400, 5.0), tone(800, 5.0), tone(1000, 5.0)])
    spans = list(timeline(FakeAnalyzer(), wav(sound)))
    assert [(span.start_secs, span.end_secs) for span in spans] == [(0, 5), (5, 10), (10, 15)]
    assert [span.estimate.emotion for span in spans] == ["angry", "happy", "sad"]


@given(secs=st.floats(0.05, 60), span_secs=st.sampled_from([1.0, 2.5, 5.0]))
def test_the_spans_follow_each_other_and_cover_all(secs: float, span_secs: float) -> None:
    count = round(secs * 16_000)
    spans = list(timeline(FakeAnalyzer(), wav(np.full(count, 0.1)), span_secs=span_secs))
    assert spans[0].start_secs == 0
    assert spans[-1].end_secs == pytest.approx(count / 16_000, abs=1e-3)
    assert all(one.end_secs == other.start_secs for one, other in pairwise(spans))
    lengths = [span.end_secs - span.start_secs for span in spans]
    assert lengths[:-1] == pytest.approx([span_secs] * (len(spans) - 1))
    assert lengths[-1] <= 1.5 * span_secs + 1e-3
    assert len(spans) == 1 or lengths[-1] >= span_secs / 2 - 1e-3


def test_a_long_recording_goes_to_the_model_in_parts(tone, monkeypatch) -> None:
    asked: list[int] = []
    hear_many = FakeAnalyzer.hear_many
    monkeypatch.setattr(FakeAnalyzer, "hear_many", lambda self, some: asked.append(len(some)) or hear_many(self, some))
    found = timeline(FakeAnalyzer(), wav(tone(400, 40.0)), span_secs=1.0)
    next(found)
    assert asked == [AT_ONCE]
    assert len(list(found)) == 39


def test_what_is_missing_is_told_and_what_is_there_is_heard(tone) -> None:
    notes: list[str] = []
    file = wav(tone(400, 20.0))
    spans = list(timeline(FakeAnalyzer(), file[: len(file) // 2], notes=notes))
    assert [span.end_secs for span in spans] == [5.0, pytest.approx(10.0, abs=0.01)]
    assert "breaks off" in notes[0]


def test_silence_throughout() -> None:
    with pytest.raises(AudioError, match="holds no sound"):
        list(timeline(FakeAnalyzer(), wav(np.zeros(160_000))))


@pytest.mark.parametrize("span_secs", [0, 0.9, 31, -5, float("nan")])
def test_lengths_that_are_none(span_secs: float) -> None:
    with pytest.raises(ConfigError, match="choose 1 to 30 seconds"):
        timeline(FakeAnalyzer(), b"", span_secs=span_secs)


def test_where_nobody_speaks_the_emotion_is_unknown(speech, tone, tmp_path: Path) -> None:
    """Of the real models: a ring-back tone, then a caller."""
    voice = load_audio(speech("I have been waiting for three weeks and nobody calls me back.")).samples
    ring = tone(440, 5.0, level=0.2) + tone(480, 5.0, level=0.2)
    soundfile.write(tmp_path / "call.wav", np.concatenate([ring, np.resize(voice, 80_000)]), 16_000)
    first, second = timeline(EmotionAnalyzer.load(), tmp_path / "call.wav")
    assert first.estimate.emotion == "unknown"
    assert second.estimate.emotion != "unknown"
