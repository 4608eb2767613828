"""The table of peers: what stands in a row, and what asks the one that runs in another process."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import peers


def found(**rows) -> dict:
    around = {
        "processor": "a CPU",
        "instructions": ["avx2"],
        "cores": 2,
        "load_average": 0.5,
        "packages": {"numpy": "1"},
    }
    return {
        "machine": around,
        "models": "abc",
        "repeats": 3,
        "rows": rows,
        "multiplications_per_sec": {"a matrix product in float": 100e9},
    }


def test_a_ratio_is_taken_within_each_repeat_and_the_limit_is_that_of_its_row() -> None:
    cpu = {peers.VOICE: [2.0, 4.0, 6.0], "wav2vec2-base, eager": [20.0, 80.0, 60.0]}
    one = peers.row(cpu, cpu, "wav2vec2-base, eager", {"wav2vec2-base, eager": 15.0})
    assert one["times_ours"]["median"] == 10
    assert one["limit_ms"] == 15
    text = peers.markdown(found(**{"wav2vec2-base, eager": one}))
    assert "| wav2vec2-base, eager | 60.0 (20.0 to 80.0) | 10.0 (10.0 to 20.0) | 15.00 | 4.0 |" in text
    assert "200 (a matrix product in float)" in text


def test_words_are_compared_with_words() -> None:
    cpu = {peers.VOICE: [2.0], peers.READ: [1.0], "DistilBERT, eager": [10.0]}
    assert peers.row(cpu, cpu, "DistilBERT, eager", {})["times_ours"]["median"] == 10


def test_what_was_not_measured_says_so() -> None:
    text = peers.markdown(found(**{peers.OPENSMILE: None, "our voice on a GPU": None}))
    assert text.count("not measured") == 2


def test_the_other_process_is_asked_turn_by_turn(tmp_path: Path, loud: bytes) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho '{}'\nwhile read line; do echo '[0.04, 0.05]'; done\n")
    program.chmod(0o755)
    with peers.opensmile(program, loud, tmp_path) as ask:
        assert ask is not None
        assert [ask(), ask()] == [[0.04, 0.05]] * 2
    with peers.opensmile(None, loud, tmp_path) as ask:
        assert ask is None


def test_a_python_without_opensmile_is_told(tmp_path: Path, loud: bytes) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(SystemExit, match="install opensmile"), peers.opensmile(program, loud, tmp_path):
        pass


@pytest.fixture
def loud() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.ones(1600, np.float32) / 2, 16_000, format="WAV")
    return file.getvalue()


@pytest.mark.nightly
def test_everything_is_measured_in_one_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rows = peers.measure(1, None, None, tmp_path)["rows"]
    assert {name for name, one in rows.items() if one is None} == {peers.OPENSMILE, *peers.ON_A_GPU}
    assert set(rows) == {peers.VOICE, peers.READ, *peers.HEARS, *peers.READS, *peers.ON_A_GPU}
    assert all(one["times_ours"]["median"] > 0 for name, one in rows.items() if one and "our" not in name)
