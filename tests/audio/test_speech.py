"""When a caller speaks, pauses and has finished."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import VOICELESS, interrupted, melody, tones

from rasa_emotion.audio import Waveform, load_audio, resample, voice
from rasa_emotion.audio.speech import LOOKBACK_SECS, SpeechDetector, SpeechEvent, SpeechSettings
from rasa_emotion.errors import ConfigError

Speech = Callable[..., Path]
SENTENCE = "I have been waiting for an hour and nobody answers the telephone."


def silence(secs: float) -> np.ndarray:
    return (0.0005 * np.random.default_rng(0).standard_normal(round(secs * 16000))).astype(np.float32)


def told(detector: SpeechDetector, sound: np.ndarray, size: int = 320) -> list[SpeechEvent]:
    return [event for start in range(0, len(sound), size) for event in detector.feed(sound[start : start + size])]


@pytest.fixture(scope="module")
def spoken(speech: Speech) -> np.ndarray:
    return load_audio(speech(SENTENCE)).samples


def test_a_turn_is_told_with_its_times(spoken: np.ndarray) -> None:
    sound = np.concatenate([silence(1), spoken, silence(2)])
    events = told(SpeechDetector(), sound)
    assert [event.kind for event in events] == ["start", "pause", "end"]
    start, pause, end = events
    voice_secs = len(spoken) / 16000
    assert start.at_secs == pytest.approx(1, abs=0.1)
    assert end.at_secs == pause.at_secs == pytest.approx(1 + voice_secs, abs=0.3)
    assert start.decided_secs - start.at_secs < 0.4
    assert pause.decided_secs - pause.at_secs == pytest.approx(0.2, abs=0.06)
    assert end.decided_secs - end.at_secs == pytest.approx(0.7, abs=0.06)
    assert (end.reason, end.turn, end.start_secs) == ("silence", 1, start.at_secs)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=30))
def test_the_size_of_frames_changes_nothing(sizes: list[int]) -> None:
    # Of noise that comes and goes, since the voice of a fixture is made but once.
    rng = np.random.default_rng(1)
    envelope = np.repeat(rng.random(40) > 0.5, 2000)
    sound = (0.3 * rng.standard_normal(80_000) * envelope).astype(np.float32)
    one, other, start, found = SpeechDetector(), SpeechDetector(), 0, []
    for size in sizes:
        found += other.feed(sound[start : start + size])
        start += size
    assert [*found, *other.feed(sound[start:])] == told(one, sound)


@pytest.mark.parametrize("size", [960, 4000, 16_000, 400_000])
def test_a_voice_in_larger_frames_starts_and_ends_as_in_small_ones(spoken: np.ndarray, size: int) -> None:
    sound = np.concatenate([silence(1), spoken, silence(2), 0.1 * spoken, silence(1)])
    small = told(SpeechDetector(), sound)
    assert [event.kind for event in small].count("end") == 2
    assert told(SpeechDetector(), sound, size) == small


@pytest.mark.parametrize("name", VOICELESS)
@pytest.mark.parametrize("level", [1.0, 0.05])
def test_what_lines_and_machines_play_is_no_turn(name: str, level: float) -> None:
    sound = resample(Waveform(VOICELESS[name][0] * np.float32(level), VOICELESS[name][1])).samples
    assert told(SpeechDetector(), np.tile(sound, 3)) == []


@pytest.mark.parametrize("secs", [(3.0, 1.0), (0.5, 0.5), (0.25, 0.25)])
@pytest.mark.parametrize("frequencies", [(150, 300, 450), (200,), (250, 500), (400, 508), (900,)])
def test_what_begins_at_once_and_goes_on_as_a_tone_is_no_turn(
    frequencies: tuple[float, ...], secs: tuple[float, float]
) -> None:
    samples, _ = interrupted(tones(*frequencies, rate=16_000), *secs)
    for lead in (0.0, 0.5):
        assert told(SpeechDetector(), np.concatenate([silence(lead), samples])) == []


@pytest.mark.parametrize("note_secs", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("decay", [0.0, 2.0, 6.0])
def test_nor_is_a_melody(note_secs: float, decay: float) -> None:
    assert told(SpeechDetector(), melody(note_secs=note_secs, decay=decay)[0]) == []


@pytest.mark.parametrize("name", ["ring-back, North America", "dial tone", "chords", "melody", "DTMF"])
def test_a_voice_after_a_tone_begins_where_it_did(spoken: np.ndarray, name: str) -> None:
    tone = resample(Waveform(*VOICELESS[name])).samples
    *_, alone = told(SpeechDetector(), np.concatenate([spoken, silence(2)]))
    start, *_, end = told(SpeechDetector(), np.concatenate([tone, spoken, silence(2)]))
    assert start.at_secs == pytest.approx(len(tone) / 16000, abs=LOOKBACK_SECS)
    assert end.at_secs == pytest.approx(len(tone) / 16000 + alone.at_secs, abs=0.1)


@pytest.mark.parametrize("name", ["ring-back, North America", "dial tone", "chords", "melody", "200 Hz"])
def test_a_tone_after_a_voice_does_not_keep_its_turn(spoken: np.ndarray, name: str) -> None:
    tone = resample(Waveform(*VOICELESS[name])).samples
    events = told(SpeechDetector(), np.concatenate([spoken, tone, silence(2)]))
    (end,) = [event for event in events if event.kind == "end"]
    assert end.at_secs == pytest.approx(len(spoken) / 16000, abs=0.5)


@pytest.mark.parametrize("words", ["No.", "Yes.", "Mmm.", "Help!"])
def test_a_short_word_begins_at_once(speech: Speech, words: str) -> None:
    sound = load_audio(speech(words)).samples
    start = told(SpeechDetector(), np.concatenate([silence(1), sound, silence(1)]))[0]
    assert start.decided_secs - start.at_secs < 0.4


@pytest.mark.parametrize("level", [1.0, 0.1, 0.01])
def test_a_quiet_line_is_heard_as_well(spoken: np.ndarray, level: float) -> None:
    sound = np.concatenate([silence(1) * level, spoken * np.float32(level), silence(2) * level])
    assert [event.kind for event in told(SpeechDetector(), sound)] == ["start", "pause", "end"]


@pytest.mark.parametrize("words", ["No.", "Yes.", "Help!", "Hello?"])
def test_one_word_on_a_quiet_line_is_a_turn(speech: Speech, words: str) -> None:
    sound = load_audio(speech(words)).samples * np.float32(0.006)  # -45 dB
    line = 0.06 * silence(1)
    assert [event.kind for event in told(SpeechDetector(), np.concatenate([line, sound, line]))] == [
        "start",
        "pause",
        "end",
    ]


def test_hum_and_an_offset_on_the_line_do_not_hide_a_pause(spoken: np.ndarray) -> None:
    sound = np.concatenate([silence(1), spoken, silence(2)])
    seconds = np.arange(len(sound)) / 16000
    disturbed = (sound + 0.05 + 0.1 * np.sin(2 * np.pi * 50 * seconds)).astype(np.float32)
    assert [event.kind for event in told(SpeechDetector(), disturbed)] == ["start", "pause", "end"]


def test_a_short_pause_belongs_to_the_turn(spoken: np.ndarray) -> None:
    sound = np.concatenate([silence(1), spoken, silence(0.25), spoken, silence(2)])
    events = told(SpeechDetector(), sound)
    assert [event.kind for event in events] == ["start", "pause", "resume", "pause", "end"]
    assert {event.turn for event in events} == {1}


def test_turns_are_counted(spoken: np.ndarray) -> None:
    sound = np.concatenate([spoken, silence(2), spoken, silence(2)])
    assert [event.turn for event in told(SpeechDetector(), sound) if event.kind == "end"] == [1, 2]


def test_a_turn_without_an_end_is_cut_and_goes_on_in_the_next(spoken: np.ndarray) -> None:
    detector = SpeechDetector(SpeechSettings(longest_secs=4))
    events = [event for event in told(detector, np.tile(spoken, 4)) if event.kind in ("start", "end")]
    assert [event.kind for event in events[:4]] == ["start", "end", "start", "end"]
    assert events[1].reason == "longest"
    assert events[2].at_secs == pytest.approx(events[1].at_secs, abs=0.1)


def test_a_voice_over_the_bots_is_an_interruption(spoken: np.ndarray) -> None:
    detector = SpeechDetector()
    detector.bot_speaks = True
    start = told(detector, np.concatenate([silence(1), spoken]))[0]
    assert (start.kind, start.barge_in) == ("start", True)
    assert start.decided_secs - start.at_secs < 0.6


def test_an_end_may_be_decided_by_others(spoken: np.ndarray) -> None:
    detector = SpeechDetector()
    assert detector.end_turn("network") == []
    told(detector, np.concatenate([spoken, silence(0.3)]))
    (end,) = detector.end_turn("network")
    assert (end.kind, end.reason) == ("end", "network")
    assert told(detector, silence(2)) == []


def test_memory_is_that_of_a_moment() -> None:
    detector = SpeechDetector()
    for _ in range(300):
        detector.feed(np.zeros(16_000, np.float32))
        assert len(detector._sound) < 16_000
        assert detector._waiting_count < 320
    assert detector.position == 300 * 16_000


def test_without_the_network_the_gate_decides(spoken: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_emotion.audio.speech.voice_network", lambda: None)
    assert voice.voice_network() is not None
    events = told(SpeechDetector(), np.concatenate([silence(1), spoken, np.zeros(32000, np.float32)]))
    assert [events[0].kind, events[-1].kind] == ["start", "end"]


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        SpeechSettings(pause_secs=1, silence_secs=0.5)
