"""One call, heard while it goes on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import Waveform, encode_mulaw, load_audio
from rasa_emotion.audio.speech import SpeechEvent, SpeechSettings
from rasa_emotion.errors import AudioError, ConfigError, ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.streaming import EmotionStream, StreamEvent, StreamSettings, Update, Utterance
from rasa_emotion.streaming.hearing import NOT_HEARD, merged

Speech = Callable[..., Path]
SENTENCE = "I have been waiting for an hour and nobody answers the telephone."


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    return EmotionAnalyzer.load()


@pytest.fixture(scope="module")
def spoken(speech: Speech) -> np.ndarray:
    return load_audio(speech(SENTENCE)).samples


def call(*parts: np.ndarray | float) -> np.ndarray:
    """Sounds and seconds of silence in a row, with the faint noise of a line."""
    sounds = [np.zeros(round(part * 16000), np.float32) if isinstance(part, float) else part for part in parts]
    sound = np.concatenate(sounds)
    return (sound + 0.0005 * np.random.default_rng(0).standard_normal(len(sound))).astype(np.float32)


def pcm(sound: np.ndarray) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def told(stream: EmotionStream, data: bytes, size: int) -> list[StreamEvent]:
    return [event for start in range(0, len(data), size) for event in stream.feed(data[start : start + size])]


def utterances(events: list[StreamEvent]) -> list[Utterance]:
    return [event for event in events if isinstance(event, Utterance)]


def test_updates_come_every_quarter_of_a_second_while_somebody_speaks(
    analyzer: EmotionAnalyzer, spoken: np.ndarray
) -> None:
    stream = analyzer.stream(encoding="mulaw", sample_rate=8000)
    events = told(stream, encode_mulaw(Waveform(call(1.0, spoken, 2.0))), 160)
    updates = [event for event in events if isinstance(event, Update)]
    gaps = np.diff([update.at_secs for update in updates])
    assert gaps.min() >= 0.23
    assert gaps.max() <= 0.27
    (end,) = (event for event in events if isinstance(event, SpeechEvent) and event.kind == "end")
    assert 1.4 < updates[0].at_secs < 1.7
    assert end.at_secs - 0.3 < updates[-1].at_secs < end.at_secs + 0.3
    assert all(update.estimate.modalities == ("acoustic",) for update in updates)
    assert isinstance(events[-1], Utterance)


def test_an_utterance_is_heard_as_a_recording_of_it_is(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    (utterance,) = utterances(told(analyzer.stream(), pcm(call(1.0, spoken, 2.0)), 640))
    recording = analyzer.hear(Waveform(call(0.2, spoken, 0.2)))
    assert utterance.evidence is not None
    assert recording is not None
    assert utterance.evidence.emotion == recording.emotion
    assert utterance.evidence.confidence == pytest.approx(recording.confidence, abs=0.1)
    assert utterance.evidence.quality["speech_secs"] == pytest.approx(recording.quality["speech_secs"], abs=0.3)


def test_a_long_utterance_is_heard_as_a_recording_of_it_is(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    talk = np.tile(spoken, 4)
    (utterance,) = utterances(told(analyzer.stream(), pcm(call(0.5, talk, 1.5)), 640))
    recording = analyzer.hear(Waveform(call(0.2, talk, 0.2)))
    assert utterance.evidence is not None
    assert recording is not None
    difference = max(
        abs(utterance.evidence.probabilities[name] - recording.probabilities[name]) for name in recording.probabilities
    )
    assert difference < 0.1
    assert utterance.evidence.quality["speech_secs"] == pytest.approx(recording.quality["speech_secs"], rel=0.1)


@pytest.mark.parametrize("size", [37, 320, 3200, 32_000 * 20])
def test_frames_of_any_size_tell_the_same(analyzer: EmotionAnalyzer, spoken: np.ndarray, size: int) -> None:
    data = pcm(call(0.5, spoken, 1.0, spoken, 1.0))
    assert told(analyzer.stream(), data, size) == told(analyzer.stream(), data, 640)


class Counting(FakeAnalyzer):
    """Counts what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[float] = []

    def hear_many(self, audios):
        self.lengths += [audio.seconds for audio in audios]
        return super().hear_many(audios)


def test_nothing_is_heard_at_the_end_that_was_not_heard_before(spoken: np.ndarray) -> None:
    analyzer = Counting()
    stream = EmotionStream(analyzer)
    sound = pcm(call(0.5, spoken, 2.0))
    heard = 0
    for start in range(0, len(sound), 640):
        before = len(analyzer.lengths)
        if utterances(stream.feed(sound[start : start + 640])):
            heard = len(analyzer.lengths) - before
            break
    else:
        pytest.fail("the turn never ended")
    assert heard == 0


def test_however_long_the_call_what_is_held_and_heard_at_once_stays_small(spoken: np.ndarray) -> None:
    analyzer = Counting()
    stream = EmotionStream(analyzer)
    frame = pcm(call(np.tile(spoken, 3), 1.0))
    for _ in range(10):
        stream.feed(frame)
        assert sum(len(piece) for piece in stream._cutter._pieces) <= 7 * 16_000
        assert len(stream._hearing._turns) <= 1
    assert max(analyzer.lengths) <= 5.2


def test_a_call_that_ends_in_a_turn(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    stream = analyzer.stream()
    told(stream, pcm(call(0.5, spoken)), 640)
    utterance = stream.finish()
    assert utterance is not None
    assert (utterance.reason, utterance.turn) == ("closed", 1)
    assert utterance.evidence is not None
    assert analyzer.stream().finish() is None


def test_an_end_that_is_known_from_elsewhere(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    stream = analyzer.stream()
    assert stream.end_turn() == []
    told(stream, pcm(call(0.5, spoken, 0.3)), 640)
    (utterance,) = utterances(stream.end_turn())
    assert utterance.reason == "network"
    assert told(stream, pcm(call(2.0)), 640) == []


def test_barge_in(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    stream = analyzer.stream()
    stream.bot_speaks = True
    starts = [event for event in told(stream, pcm(call(0.5, spoken)), 640) if getattr(event, "kind", "") == "start"]
    assert [event.barge_in for event in starts] == [True]


def test_text_where_audio_belongs_does_not_end_the_call(analyzer: EmotionAnalyzer, spoken: np.ndarray) -> None:
    stream = analyzer.stream()
    with pytest.raises(AudioError):
        stream.feed("hello")  # type: ignore[arg-type]
    assert len(utterances(told(stream, pcm(call(0.5, spoken, 1.5)), 640))) == 1


class Deaf(FakeAnalyzer):
    """Has no acoustic model."""

    def hear_many(self, audios):
        return [None] * len(audios)


class Failing(FakeAnalyzer):
    """Its model fails."""

    def hear_many(self, audios):
        return [ModelError("The model is broken.")] * len(audios)


@pytest.mark.parametrize(("analyzer", "warning"), [(Deaf(), NOT_HEARD), (Failing(), "The model is broken.")])
def test_turns_are_told_without_a_voice_that_can_be_heard(
    analyzer: FakeAnalyzer, warning: str, spoken: np.ndarray
) -> None:
    events = told(EmotionStream(analyzer), pcm(call(0.5, spoken, 1.5)), 640)
    (utterance,) = utterances(events)
    assert (utterance.evidence, utterance.estimate.emotion, utterance.warning) == (None, "unknown", warning)
    assert not any(isinstance(event, Update) for event in events)


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        StreamSettings(window_secs=6.0)
    with pytest.raises(ConfigError, match="update_secs"):
        StreamSettings(update_secs=0.0)
    assert StreamSettings(speech=SpeechSettings(silence_secs=1.0)).speech.silence_secs == 1.0


def test_windows_merge_as_a_softmax_of_mean_logits() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 8))
    names = sorted(FakeAnalyzer().hear(Waveform(np.zeros(16000, np.float32))).probabilities)
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    speech = np.array([1.0, 2.0, 3.0])
    windows = [
        Evidence("acoustic", dict(zip(names, row, strict=True)), 1.0, "m", {"speech_secs": secs})
        for row, secs in zip(soft, speech, strict=True)
    ]
    mean = np.exp(speech / speech.sum() @ logits)
    found = merged(windows).probabilities
    assert [found[name] for name in names] == pytest.approx(list(mean / mean.sum()), abs=1e-4)
