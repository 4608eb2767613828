"""The benchmark of many conversations: its search, what it counts as a fault, and by night the whole of it."""

import json
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML
from test_benchmark_figures import rows_of

from benchmarks import load
from benchmarks.figures import machine
from benchmarks.load import Answers, largest, markdown, told


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


class Idle:
    """Callers and a server in one, of whom nothing is wanted."""

    def __init__(self):
        self.held = []

    def hold(self, count, secs, *, warm_secs=0.0):
        self.held.append(count)
        return Answers()

    def state(self):
        return {"memory_mb": 1.0, "descriptors": 1}


def test_ten_times_of_a_machine_that_holds_none_is_ten(monkeypatch, tmp_path):
    idle = Idle()
    options = SimpleNamespace(
        bots=tmp_path, bare=False, secs=0.0, overload_secs=1.0, conversations=None, max_wait_secs=None
    )
    monkeypatch.setattr(load, "speech", lambda: b"")
    monkeypatch.setattr(load, "with_plugin", lambda folder: folder)
    monkeypatch.setattr(load, "let_wait", lambda *_: None)
    monkeypatch.setattr(load, "served", lambda *_: nullcontext(SimpleNamespace(address="", state=idle.state)))
    monkeypatch.setattr(load, "Callers", lambda *_: idle)
    monkeypatch.setattr(load, "REST_SECS", 0.0)
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(load.os, "sched_setaffinity", lambda *_: None)
    found = load.measure(options, lambda _: None)
    assert found["plugin"]["conversations"] == 0
    assert found["overload"]["conversations"] == 10
    assert idle.held[-3:] == [1, 10, 1]
    assert len(rows_of(markdown(found))) == 4


@pytest.mark.parametrize(
    ("secs", "options"), [(None, None), (3.0, {"max_wait_secs": 3.0}), (0.0, {"max_wait_secs": None})]
)
def test_the_channel_may_let_wait_longer(tmp_path, secs, options):
    load.let_wait(tmp_path, secs)
    (channel,) = YAML(typ="safe").load(tmp_path / "credentials.yml").values()
    assert channel.get("options") == options


def test_a_run_as_a_section():
    answers = Answers()
    answers.take(200, {}, [], 0.1)
    answers.take(500, {}, {}, 0.0)
    row = told(answers)
    state = {"memory_mb": 400.0, "descriptors": 30}
    plugin = {"conversations": 7, **row, **state, "memory_mb_grown": 2.5, "descriptors_grown": 0}
    over = {"conversations": 70, "before": {**row, **state}, "during": row, "after": {**row, **state}}
    found = {"machine": machine(("numpy",)), "secs": 30, "load_after": 1.5, "plugin": plugin, "overload": over}
    assert rows_of(markdown(json.loads(json.dumps(found)))) == [
        "| plugin | 7 | 100.0 | 100.0 | 1 | 0 | 1 | 400.0 (+2.5) | 30 (+0) |",
        "| before | 7 | 100.0 | 100.0 | 1 | 0 | 1 | 400.0 | 30 |",
        "| ten times | 70 | 100.0 | 100.0 | 1 | 0 | 1 |  |  |",
        "| after | 7 | 100.0 | 100.0 | 1 | 0 | 1 | 400.0 | 30 |",
    ]


@pytest.mark.nightly
def test_a_real_server_survives_ten_times_its_load(repository):
    """None is lost, and the server goes on. How many it answers in which time is the machine's, and the benchmark's."""
    command = [sys.executable, "benchmarks/load.py", "--json", "--no-bare", "--conversations", "30"]
    command += ["--secs", "20", "--overload-secs", "60"]
    found = json.loads(subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout)
    over = found["overload"]
    for run in (found["plugin"], over["before"], over["during"], over["after"]):
        assert not run["faults"]
        assert run["answered"] > 0
    assert over["after"]["memory_mb"] < 1.2 * over["before"]["memory_mb"]
    assert over["after"]["descriptors"] < over["before"]["descriptors"] + 50
