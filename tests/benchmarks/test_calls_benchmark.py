"""The benchmark of live calls: two short ones, so that its figures are there."""

import json
import subprocess
import sys

from test_benchmark_figures import rows_of
from voice_kit import needs_espeak

from benchmarks.calls import markdown


@needs_espeak
def test_it_prints_what_was_measured(repository):
    command = [sys.executable, "benchmarks/calls.py", "--calls", "2", "--secs", "12", "--texts", "--json"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert (found["calls"], found["recogniser"]) == (2, "none")
    for name in ("update", "emotion", "answer"):
        assert found[name]["count"] >= 1
        assert 0 < found[name]["median"] <= found[name]["p95"] <= found[name]["most"]
    assert found["text_alone"]["count"] >= 1
    assert found["text_beside"]["p95"] > 0
    assert set(found["cores_by_part"]) >= {"event loop", "voice model", "espeak-ng"}
    assert found["updates_per_spoken_sec"] > 0
    assert found["server_cores"] > 0
    assert len(rows_of(markdown(found))) == 5
