"""The benchmark of a turn: what it times, in which order, and what it makes of the times."""

import json
from pathlib import Path

import pytest
from needed import needs

from benchmarks import turn
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import load_audio, speech_secs
from rasa_emotion.model_folder import shipped_models

needs_espeak = needs("espeak-ng")


def test_each_repeat_times_everything_one_after_another() -> None:
    order: list[str] = []
    mine = {"turn": lambda: order.append("turn"), "voice": lambda: order.append("voice")}
    cpu, wall = turn.interleave(mine, {"peer": lambda: order.append("peer")}, repeats=4)
    assert order == ["turn", "turn", "voice", "voice", "peer"] * (turn.WARM_UP + 4)
    assert {name: len(times) for name, times in cpu.items()} == {"turn": 4, "voice": 4, "peer": 4}
    assert all(taken >= 0 for times in (*cpu.values(), *wall.values()) for taken in times)


def test_the_ratio_is_taken_within_each_repeat() -> None:
    """A machine that is three times slower in every second repeat changes the times, not the ratio."""
    slow = [1.0, 3.0] * 15
    times = {
        turn.TURN: [10 * factor for factor in slow],
        turn.VOICE: [8 * factor for factor in slow],
        turn.READ: [2 * factor for factor in slow],
        turn.PEER_VOICE: [720 * factor for factor in slow],
        turn.PEER_WORDS: [80 * factor for factor in slow],
    }
    found = turn.ratios(times)
    assert found[turn.TURN] == {"median": 80.0, "low": 80.0, "high": 80.0, "p95": 80.0}
    assert found[turn.VOICE]["median"] == 90.0
    assert found[turn.READ]["median"] == 40.0
    spread = turn.median(times[turn.TURN])
    assert spread["low"] < spread["high"]


def test_the_median_and_its_interval() -> None:
    found = turn.median([1.0, 2.0, 3.0, 4.0, 100.0])
    assert found["median"] == 3.0
    assert 1.0 <= found["low"] <= 3.0 <= found["high"] <= 100.0
    assert found == turn.median([1.0, 2.0, 3.0, 4.0, 100.0])


@needs_espeak
def test_the_parts_are_what_the_table_says() -> None:
    audio = turn.speech()
    assert load_audio(audio).seconds == pytest.approx(turn.SPEECH_SECS)
    assert speech_secs(load_audio(audio)) > 2
    calls = turn.ours(EmotionAnalyzer.load(), audio)
    assert tuple(calls) == turn.OURS
    assert set(turn.WHAT) == {*turn.OURS, turn.OTHER, turn.PEER_VOICE, turn.PEER_WORDS}
    assert calls[turn.TURN]().modalities == ("acoustic", "text")
    assert calls[turn.ALONE]().modalities == ("acoustic",)
    assert calls[turn.READ]().modalities == ("text",)
    assert calls[turn.VOICE]().modality == "acoustic"


@needs_espeak
def test_a_run_as_json_and_as_a_section(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def small_peer() -> dict[str, turn.Call]:
        return {turn.PEER_VOICE: lambda: sum(range(200_000)), turn.PEER_WORDS: lambda: sum(range(20_000))}

    monkeypatch.setattr(turn, "peer", small_peer)
    found = turn.measure(2, cold=1, beside=shipped_models() / "acoustic-emogator")
    assert json.loads(json.dumps(found)) == found
    assert set(found["cpu_ms"]) == set(found["wall_ms"]) == set(turn.WHAT)
    assert found["cold_start"]["torch_imported"] is False
    assert found["machine"]["packages"].keys() == {"numpy", "onnxruntime", "torch", "transformers"}
    text = turn.markdown(found)
    assert f"| {turn.TURN} | {turn.WHAT[turn.TURN]} |" in text
    assert "times faster than the peer" in text
    assert found["times_faster_cpu"][turn.OTHER]["median"] > 0
    assert "voice, than the other voice" in text
    assert found["models"]["checksum"] in text


def test_the_documents_name_the_command(repository: Path) -> None:
    assert "python benchmarks/turn.py" in (repository / "docs" / "models.md").read_text(encoding="utf-8")
