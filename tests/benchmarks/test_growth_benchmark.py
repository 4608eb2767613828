"""What a turn of ours does late in a conversation, beside what it does at its beginning."""

import json
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
from test_benchmark_figures import rows_of

from benchmarks import dialogue, growth
from benchmarks.growth import TURNS, Bench, conversation, measure, read_anew

CONVERSATIONS = 5


def calls_of(run: Callable[[], object]) -> int:
    """How many functions it calls: what grows with the conversation, on a busy machine as on another."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def test_each_length_has_its_figures():
    found = measure(1, (1, 5))
    assert list(found) == [1, 5]
    assert all(row["own_ms"]["median"] > 0 and row["rasa_ms"]["median"] > 0 for row in found.values())


def test_a_run_as_a_section(monkeypatch):
    monkeypatch.setattr(growth, "measure", lambda samples: measure(samples, (1, 3)))
    found = growth.measured(2)
    assert json.loads(json.dumps(found)) == found
    first, second = rows_of(growth.markdown(found))
    assert first.startswith("| 1 | ")
    assert first.endswith(" | 1.0 |")
    assert second.startswith("| 3 | ")


def test_what_policy_and_responses_add_as_a_section():
    found = dialogue.measured(2, 3)
    assert json.loads(json.dumps(found)) == found
    assert len(rows_of(dialogue.markdown(found))) == len(found["parts"]) == 6


def test_our_own_part_of_turn_400_does_at_most_twice_what_the_first_does(tmp_path):
    """Over a few conversations: what was said in one decides which rules are looked at."""
    bench, rng, counts = Bench(tmp_path), np.random.default_rng(0), Counter()
    for length in TURNS * CONVERSATIONS:
        tracker = conversation(rng, bench.domain, length)
        bench.own(read_anew(tracker, bench.domain, leave_out=True))  # as the turn before has read it
        again = read_anew(tracker, bench.domain)
        counts[length] += calls_of(lambda again=again: bench.own(again))
    bench.loop.close()
    bench.store.engine.dispose()
    assert all(counts[length] < 2 * counts[1] for length in TURNS), counts
