"""Recordings cut and altered at random places: a result or one sentence, within a bound of memory, never a crash.

Inputs are made from a seed and are never stored.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("av")

from recordings import recorded

FORMATS = {
    "wav": ("wav", "pcm_s16le", 8_000, 1),
    "wav-alaw": ("wav", "pcm_alaw", 8_000, 2),
    "wav-adpcm": ("wav", "adpcm_ima_wav", 8_000, 1),
    "aiff": ("aiff", "pcm_s16be", 8_000, 1),
    "au": ("au", "pcm_mulaw", 8_000, 1),
    "caf": ("caf", "pcm_s16le", 8_000, 1),
    "flac": ("flac", "flac", 16_000, 1),
    "mp3": ("mp3", "libmp3lame", 16_000, 1),
    "ogg": ("ogg", "libopus", 16_000, 1),
    "ogg-chained": ("ogg", "libopus", 16_000, 1),
    "m4a": ("ipod", "aac", 16_000, 1),
    "webm": ("webm", "libopus", 48_000, 1),
    "amr": ("amr", "libopencore_amrnb", 8_000, 1),
    "3gp": ("3gp", "libopencore_amrnb", 8_000, 1),
    "aac": ("adts", "aac", 16_000, 1),
    "wma": ("asf", "wmav2", 16_000, 1),
}
IN_CI, NIGHTLY = 500, 10_000


def fuzzed(folder: Path, name: str, count: int, seed: int) -> dict:
    """What the worker prints; it fails the test where the worker is ended by a signal."""
    path = folder / name
    # An Ogg page holds a second, and one altered byte costs a page.
    made = recorded(*FORMATS[name], secs=3.0 if name == "ogg" else 0.5)
    path.write_bytes(3 * made if name == "ogg-chained" else made)
    worker = Path(__file__).with_name("fuzz_worker.py")
    done = subprocess.run(
        [sys.executable, str(worker), str(path), str(count), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"{name}, seed {seed}: exit code {done.returncode}\n{done.stderr[-2000:]}"
    found: dict = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_altered_at_random(tmp_path: Path, name: str) -> None:
    found = fuzzed(tmp_path, name, IN_CI, seed=0)
    assert found["others"] == []
    assert found["decoded"] + found["refused"] == IN_CI
    assert found["decoded"] > 0
    assert found["refused"] > 0


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMATS)
def test_altered_at_random_all_night(tmp_path: Path, name: str) -> None:
    found = fuzzed(tmp_path, name, NIGHTLY, seed=1)
    assert found["others"] == []
    assert found["decoded"] + found["refused"] == NIGHTLY
