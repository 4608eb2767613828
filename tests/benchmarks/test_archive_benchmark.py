"""The benchmark of archives measures what `score` does."""

import json
import subprocess
import sys

from needed import skip_without

from benchmarks import archive


def test_it_measures_every_recording_and_step(repository) -> None:
    skip_without("espeak-ng")
    command = [sys.executable, "benchmarks/archive.py", "--repeats", "1", "--secs", "40", "--json"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert len(found["times_real_time"]) == 6
    for steps in found["times_real_time"].values():
        assert set(steps) == {archive.ALL, archive.TURNS, archive.DECODING}
        assert all(row["median"] > 0 for row in steps.values())
    assert found["speech"]["speech throughout, 16 kHz WAV"] > 0.6
    assert 0.3 < found["speech"]["half speech, 16 kHz WAV"] < 0.8 * found["speech"]["speech throughout, 16 kHz WAV"]
    text = archive.markdown(found)
    assert all(name in text for name in found["speech"])
