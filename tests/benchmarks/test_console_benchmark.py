"""The benchmark of the live page writes turns and sees them arrive."""

import json
import subprocess
import sys

from test_benchmark_figures import rows_of

from benchmarks.console import markdown


def test_what_is_written_is_shown(repository) -> None:
    options = ["--conversations", "20", "--turns", "2", "--secs", "3", "--listeners", "2"]
    command = [sys.executable, "benchmarks/console.py", *options, "--json"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert (found["database"], found["conversations"]) == ("sqlite", 20)
    assert 0 < found["shown"] <= found["written"]
    assert 0 < found["refresh_secs"]["p50"] <= found["refresh_secs"]["p95"]
    assert 0 < found["heard_secs"]["p50"] <= found["heard_secs"]["p95"]
    assert len(found["ended_secs"]) == 2
    assert len(rows_of(markdown(found))) == 7
