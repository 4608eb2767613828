"""One recording: rows that agree with the analyzer, and one sentence for whatever is wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.archive.call import score_call
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.tables import CALLS, COLUMNS, TURNS, WINDOWS
from rasa_emotion.archive.words import Words
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError


def silence(secs: float) -> np.ndarray:
    return np.zeros(round(secs * 16_000), np.float32)


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    return EmotionAnalyzer.load()


@pytest.fixture
def call(write, caller) -> Path:
    return write("call.wav", np.concatenate([silence(1), caller, silence(2), caller, caller, silence(1)]))


def test_rows_have_the_columns_of_the_tables(analyzer, call) -> None:
    scored = score_call(analyzer, call, ScoreOptions())
    assert scored.call.keys() == COLUMNS[CALLS].keys()
    assert {frozenset(row) for row in scored.turns} == {frozenset(COLUMNS[TURNS])}
    assert {frozenset(row) for row in scored.windows} == {frozenset(COLUMNS[WINDOWS])}


def test_the_summary_agrees_with_its_turns(analyzer, call) -> None:
    scored = score_call(analyzer, call, ScoreOptions())
    summary, turns = scored.call, scored.turns
    assert summary["error"] is None
    assert summary["turns"] == len(turns) >= 2
    assert summary["windows"] == len(scored.windows)
    assert summary["secs"] == pytest.approx(soundfile.info(call).duration, abs=1e-3)
    assert summary["speech_secs"] == pytest.approx(sum(turn["speech_secs"] for turn in turns))
    assert summary["peak_anger"] == max(turn["angry"] for turn in turns)
    assert summary["mood"] == turns[-1]["mood"]
    assert sum(summary[f"{name}_share"] for name in EMOTIONS) == pytest.approx(1, abs=1e-3)


def test_windows_stand_side_by_side_within_their_turn(analyzer, call) -> None:
    scored = score_call(analyzer, call, ScoreOptions())
    for turn in scored.turns:
        own = [row for row in scored.windows if row["turn"] == turn["turn"]]
        assert own[0]["start_secs"] <= turn["start_secs"]
        assert own[-1]["end_secs"] >= turn["end_secs"]
        assert [row["end_secs"] for row in own[:-1]] == [row["start_secs"] for row in own[1:]]
        assert all(row["end_secs"] - row["start_secs"] <= 5 for row in own)


@pytest.fixture
def voices(caller, agent) -> list[np.ndarray]:
    count = min(len(caller), len(agent))
    return [caller[:count], agent[:count]]


@pytest.mark.parametrize(("channel", "side"), [("left", 0), ("right", 1)])
def test_only_the_callers_channel_is_heard(analyzer, write, voices, channel, side) -> None:
    alone = score_call(analyzer, write("mono.wav", voices[side]), ScoreOptions())
    stereo = score_call(analyzer, write("stereo.wav", np.stack(voices, axis=1)), ScoreOptions(channel=channel))
    assert [{**row, "path": ""} for row in stereo.turns] == [{**row, "path": ""} for row in alone.turns]


def test_an_agents_channel_is_never_heard_unasked(analyzer, write, voices) -> None:
    both = np.stack(voices, axis=1)
    for name, samples in {
        "two.wav": both,
        "agent-alone.wav": both * np.array([0, 1], np.float32),
        "three.wav": np.concatenate([both, both[:, :1]], axis=1),
    }.items():
        scored = score_call(analyzer, write(name, samples), ScoreOptions())
        assert scored.turns == []
        assert "--channel" in scored.call["error"]


def test_an_unknown_channel_is_refused() -> None:
    with pytest.raises(ConfigError, match="left, right, mix"):
        ScoreOptions(channel="middle")


def test_whatever_is_wrong_is_one_sentence(analyzer, tmp_path, write, caller) -> None:
    cut = write("cut.flac", caller)
    cut.write_bytes(cut.read_bytes()[:60])
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").write_bytes(b"")
    for path in (cut, tmp_path / "text.wav", tmp_path / "empty.wav", tmp_path / "none.wav", tmp_path):
        error = score_call(analyzer, path, ScoreOptions()).call["error"]
        assert str(path) in error
        assert error.endswith(".")
        assert "\n" not in error


def test_a_fault_in_the_code_is_one_sentence_without_its_message(write, caller) -> None:
    class Faulty(EmotionAnalyzer):
        def __init__(self) -> None: ...

        def hear_many(self, audios):
            raise RuntimeError("what a caller said")

    error = score_call(Faulty(), write("call.wav", caller), ScoreOptions()).call["error"]
    assert "RuntimeError" in error
    assert "what a caller said" not in error


def test_silence_is_a_call_without_turns(analyzer, write) -> None:
    scored = score_call(analyzer, write("silent.wav", silence(30)), ScoreOptions())
    assert (scored.call["error"], scored.call["turns"], scored.call["mood"]) == (None, 0, None)
    assert scored.call["warnings"] == ["Nobody was heard to speak in it."]


def test_a_recording_that_breaks_off_says_so(analyzer, write, caller) -> None:
    path = write("call.wav", np.concatenate([caller, caller]))
    path.write_bytes(path.read_bytes()[: -len(caller)])
    scored = score_call(analyzer, path, ScoreOptions())
    assert scored.call["error"] is None
    assert scored.call["turns"] >= 1
    assert len(scored.call["warnings"]) == 1


def says(**options) -> ScoreOptions:
    return ScoreOptions(recogniser="archive_recognisers.Says", recogniser_options=options)


def test_words_join_the_voice_and_are_not_kept(analyzer, call) -> None:
    options = says()
    scored = score_call(analyzer, call, options, Words(options))
    assert {tuple(row["modalities"]) for row in scored.turns} == {("acoustic", "text")}
    assert {row["words"] for row in scored.turns} == {None}
    kept = ScoreOptions(recogniser=options.recogniser, recogniser_options=options.recogniser_options, keep_words=True)
    assert {row["words"] for row in score_call(analyzer, call, kept, Words(kept)).turns} == {"thank you so much"}


def test_a_recogniser_that_fails_leaves_the_voice(analyzer, call) -> None:
    options = says(fails=True)
    scored = score_call(analyzer, call, options, Words(options))
    assert {tuple(row["modalities"]) for row in scored.turns} == {("acoustic",)}
    assert scored.call["warnings"] == ["The recogniser is away; start it."]
