"""The benchmark of the checks: what it compares is a turn with them and one without, side by side."""

import json

import pytest
from needed import needs
from test_benchmark_figures import rows_of

from benchmarks import checks
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic import classifier
from rasa_emotion.audio import windows

pytestmark = needs("espeak-ng")


def test_both_hear_the_same_turn_and_one_of_them_checks_it() -> None:
    analyzer = EmotionAnalyzer.load()
    audio = checks.recordings()["16 kHz"]
    asked: list[str] = []
    kept = classifier.highpass, classifier.speech_mask, windows.stream_blocks

    def hear() -> object:
        asked.append(classifier.highpass.__name__)
        return analyzer.hear(audio)

    before, after = checks.without_checks(hear)(), hear()
    assert asked == ["former_filter", "highpass"]
    assert (classifier.highpass, classifier.speech_mask, windows.stream_blocks) == kept
    assert before.quality["speech_secs"] == pytest.approx(after.quality["speech_secs"], abs=0.5)
    assert before.emotion == after.emotion


def test_a_run_as_json_and_as_a_section() -> None:
    found = checks.measure(2)
    assert json.loads(json.dumps(found)) == found
    assert set(found["recordings"]) == set(checks.recordings())
    for row in found["recordings"].values():
        assert row["cpu_ms"]["before"]["median"] > 0
        assert row["added_cpu_ms"]["low"] <= row["added_cpu_ms"]["high"]
    assert len(rows_of(checks.markdown(found))) == len(found["recordings"])
