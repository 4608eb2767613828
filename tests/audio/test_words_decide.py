"""Where nobody speaks, the words decide: what lines and machines play, with an angry sentence."""

import pytest
from signals import VOICELESS

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import Waveform, resample

WORDS = "This is outrageous, I have been waiting for three weeks and nobody calls me back!"
PLAYED = (
    "ring-back, North America",
    "ring-back, Europe",
    "busy, Europe",
    "busy, North America",
    "DTMF",
    "chords",
    "struck chords",
    "1 kHz",
    "hum at 50 Hz",
    "buzz at 50 Hz",
)


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    return EmotionAnalyzer.load()


@pytest.mark.parametrize("sound", PLAYED)
def test_what_no_voice_says_counts_for_nothing(analyzer: EmotionAnalyzer, sound: str) -> None:
    heard = analyzer.hear(resample(Waveform(*VOICELESS[sound])))
    assert heard is not None
    assert heard.reliability == 0
    assert analyzer.fuse([heard]).emotion == "unknown"


@pytest.mark.parametrize("sound", PLAYED)
def test_the_words_decide(analyzer: EmotionAnalyzer, sound: str) -> None:
    alone = analyzer.analyze(text=WORDS)
    both = analyzer.fuse([analyzer.hear(resample(Waveform(*VOICELESS[sound]))), analyzer.read(WORDS)])
    assert both.emotion == alone.emotion == "angry"
    assert both.probabilities["angry"] == pytest.approx(alone.probabilities["angry"], abs=0.1)
    assert not both.conflict
