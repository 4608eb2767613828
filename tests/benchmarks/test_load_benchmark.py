"""The benchmark of many conversations: its search, what it counts as a fault, and by night the whole of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from load import Answers, largest


def held_well_up_to(most: int):
    """A server that holds so many, and whose answers are late beyond."""

    def hold(count: int) -> Answers:
        found = Answers()
        found.take(200, {}, [], 0.1 if count <= most else 0.9)
        return found

    return hold


@pytest.mark.parametrize("most", [1, 7, 8, 40, 300])
def test_the_largest_number_is_found_to_a_tenth(most):
    found, answers = largest(held_well_up_to(most))
    assert most * 0.9 - 1 <= found <= most
    assert answers.p95_ms() == pytest.approx(100)


def test_a_server_that_holds_none():
    assert largest(held_well_up_to(0))[0] == 0


def test_a_refusal_without_its_time_is_a_fault():
    found = Answers()
    found.take(429, {"Retry-After": "3"}, {"message": "Send it again."}, 0.0)
    found.take(429, {}, {"message": "Send it again."}, 0.0)
    found.take(500, {}, {}, 0.0)
    assert found.faults == {"429 without its time or sentence": 1, "status 500": 1}


@pytest.mark.nightly
def test_a_real_server_survives_ten_times_its_load(repository):
    command = [sys.executable, "benchmarks/load.py", "--json", "--secs", "30", "--overload-secs", "60"]
    found = json.loads(subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout)
    over = found["overload"]
    for run in (over["before"], over["during"], over["after"]):
        assert not run["faults"]
        assert run["answered"] > 0
    assert over["during"]["refused"] > 0
    # A machine that does something else too must not fail it; ten times the time would be no recovery.
    assert over["after"]["p95_ms"] < 2 * over["before"]["p95_ms"] + 100
    assert over["after"]["memory_mb"] < 1.2 * over["before"]["memory_mb"]
    assert over["after"]["descriptors"] < over["before"]["descriptors"] + 50
