"""What a turn of ours costs late in a conversation, beside what it costs at its beginning."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from growth import TURNS, measure


def test_each_length_has_its_figures():
    found = measure(1, (1, 5))
    assert list(found) == [1, 5]
    assert all(row["own_ms"] > 0 and row["rasa_ms"] > 0 for row in found.values())


@pytest.mark.nightly
def test_our_own_part_of_turn_400_costs_at_most_twice_that_of_the_first(repository):
    command = [sys.executable, "benchmarks/growth.py", "--json"]
    told = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    found = {int(length): row for length, row in json.loads(told).items()}
    assert set(found) == set(TURNS)
    assert all(row["own_ms"] < 2 * found[1]["own_ms"] for row in found.values())
