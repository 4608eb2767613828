"""Turns are found in a recording of any length, however it comes in blocks."""

import numpy as np
import pytest

from rasa_emotion.archive.turns import FRAME, GAP, LONGEST, PIECE, Length, TurnCutter, pieces, spoken_turns
from rasa_emotion.audio import SAMPLE_RATE


def silence(secs: float) -> np.ndarray:
    return np.zeros(round(secs * SAMPLE_RATE), np.float32)


def test_two_turns_with_a_pause_between_them(caller) -> None:
    recording = np.concatenate([silence(2), caller, silence(3), caller, silence(1)])
    length = Length()
    turns = list(spoken_turns([recording], length))
    assert len(turns) == 2
    assert length.secs == pytest.approx(len(recording) / SAMPLE_RATE)
    secs = len(caller) / SAMPLE_RATE
    assert turns[0].start_secs == pytest.approx(2, abs=0.4)
    assert turns[1].start_secs == pytest.approx(2 + secs + 3, abs=0.4)
    for turn in turns:
        assert 0.5 * secs < turn.speech_secs <= turn.end_secs - turn.start_secs <= secs + 0.2
        begin = round(turn.samples_secs * SAMPLE_RATE)
        np.testing.assert_array_equal(turn.samples, recording[begin : begin + len(turn.samples)])
        assert turn.samples_secs <= turn.start_secs


def test_blocks_of_any_size_make_no_difference(caller) -> None:
    recording = np.concatenate([silence(17), caller, silence(3), caller, silence(12), caller])
    whole = list(spoken_turns([recording]))
    for size in (1000, 65_536, PIECE, PIECE + 1):
        cut = list(spoken_turns(recording[at : at + size] for at in range(0, len(recording), size)))
        assert [(one.start_secs, one.end_secs) for one in cut] == [(one.start_secs, one.end_secs) for one in whole]


def test_a_turn_goes_on_over_the_edge_of_what_is_looked_at_together(caller) -> None:
    before = silence(PIECE / SAMPLE_RATE - 0.5 * len(caller) / SAMPLE_RATE)
    turns = list(spoken_turns([np.concatenate([before, caller, silence(2)])]))
    assert len(turns) == 1
    assert len(turns[0].samples) > 0.8 * len(caller)


def test_memory_does_not_grow_with_the_recording(caller) -> None:
    cycle = np.concatenate([caller, silence(2)])
    sizes = [len(turn.samples) for turn in spoken_turns(cycle for _ in range(40))]
    assert len(sizes) == 40
    assert max(sizes) < len(cycle)


def test_pieces_are_the_same_samples() -> None:
    blocks = [np.arange(start, start + count) for start, count in ((0, 3), (3, 0), (3, 11), (14, 1))]
    cut = list(pieces(blocks, 5))
    assert [len(piece) for piece in cut] == [5, 5, 5]
    np.testing.assert_array_equal(np.concatenate(cut), np.arange(15))


def frames(*runs: tuple[bool, int]) -> np.ndarray:
    return np.concatenate([np.full(count, voiced) for voiced, count in runs])


def test_a_click_is_no_turn() -> None:
    cutter = TurnCutter()
    assert cutter.feed(frames((False, 50), (True, 10), (False, 100))) == []


def test_a_pause_shorter_than_the_gap_is_within_a_turn() -> None:
    cutter = TurnCutter()
    assert cutter.feed(frames((True, 50), (False, GAP - 1), (True, 50))) == []
    assert cutter.finish() == [[(0, 50), (50 + GAP - 1, 100 + GAP - 1)]]


def test_a_long_turn_is_cut_at_a_pause_or_else_anywhere() -> None:
    cutter = TurnCutter()
    pause = frames((True, LONGEST - 100), (False, 10), (True, 200))
    assert cutter.feed(pause) == [[(0, LONGEST - 100)]]
    (endless,) = TurnCutter().feed(frames((True, LONGEST + 50)))
    assert endless == [(0, LONGEST)]
    assert LONGEST * FRAME == 30 * SAMPLE_RATE
