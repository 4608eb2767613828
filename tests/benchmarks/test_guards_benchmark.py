"""The benchmark of the guards: a short run, so that its figures are there."""

import json
import subprocess
import sys


def test_it_prints_what_was_measured(repository):
    command = [sys.executable, "benchmarks/guards.py", "--rounds", "2", "--json"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert set(found) == {"a key", "a ticket"}
    for row in found.values():
        assert row["without_ms"] > 0
        assert row["with_ms"] > 0
        assert row["low_ms"] <= row["added_ms"] <= row["high_ms"]
