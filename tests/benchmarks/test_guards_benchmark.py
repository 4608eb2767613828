"""The benchmark of the guards: a short run, so that its figures are there."""

import json
import subprocess
import sys

from test_benchmark_figures import rows_of

from benchmarks.guards import markdown


def test_it_prints_what_was_measured(repository):
    command = [sys.executable, "benchmarks/guards.py", "--rounds", "2", "--json"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert set(found["who"]) == {"a key", "a ticket"}
    for row in found["who"].values():
        assert row["without_ms"]["median"] > 0
        assert row["with_ms"]["median"] > 0
        assert row["added_ms"]["low"] <= row["added_ms"]["median"] <= row["added_ms"]["high"]
    assert len(rows_of(markdown(found))) == 2
