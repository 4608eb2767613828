"""Archives on a real local Ray cluster: the same tables as the pool, a recording that kills, a run that is killed."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from ray_environment import PATIENT, ROOT

from rasa_emotion.archive.run import PART_CALLS
from rasa_emotion.archive.tables import CALLS, COLUMNS, TABLES, read_table

pytestmark = pytest.mark.nightly

SAYS = ["--recogniser", "archive_recognisers.Says", "--recogniser-option", "deadly_secs=4.0"]

LATE = "Ray cannot be started on this machine"
"""Ray gives itself 30 s, which is too little where a machine has other things to do; it is started again then."""


def environment() -> dict[str, str]:
    return {**os.environ, **PATIENT, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "archive")))}


def score(python: str, *arguments: object) -> dict:
    command = [python, "-m", "rasa_emotion.cli", "score", *map(str, arguments), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if LATE in run.stderr:
        return score(python, *arguments)
    assert run.stdout, run.stderr
    return json.loads(run.stdout)


def rows(out: Path, name: str) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in read_table(out, name, list(COLUMNS[name])).to_pylist())


def test_it_writes_what_the_pool_writes_whatever_a_recording_does(
    ray_python: str, write, caller, tmp_path: Path
) -> None:
    for number in range(6):
        write(f"{number}.wav", caller[: 16_000 + 2_000 * number])
    write("caf\u00e9.wav", caller[:32_000])
    calls = write("deadly.wav", np.concatenate([np.zeros(5 * 16_000, np.float32), caller])).parent
    (calls / "text.wav").write_text("hello")
    on_ray = score(ray_python, calls, "--out", tmp_path / "ray", "--ray", "--workers", 2, *SAYS)
    here = score(ray_python, calls, "--out", tmp_path / "pool", "--workers", 2, *SAYS)
    assert on_ray["new"] == here["new"] == 9
    assert len(on_ray["failed"]) == 2
    for name in TABLES:
        assert rows(tmp_path / "ray", name) == rows(tmp_path / "pool", name)


def test_a_killed_run_is_taken_up_where_it_was(ray_python: str, write, caller, tmp_path: Path) -> None:
    for number in range(PART_CALLS + 15):
        calls = write(f"{number:03}.wav", caller[: 16_000 + 400 * number]).parent
    out = tmp_path / "out"
    command = [ray_python, "-m", "rasa_emotion.cli", "score", str(calls), "--out", str(out), "--ray", "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    while not (out / CALLS / "part-000001.parquet").exists():
        if process.poll() is not None:
            assert LATE in (said := process.stderr.read()), said
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = score(ray_python, calls, "--out", out, "--ray", "--workers", 2)
    assert again["known"] >= PART_CALLS
    assert again["known"] + again["new"] == PART_CALLS + 15
    score(ray_python, calls, "--out", tmp_path / "whole")
    for name in TABLES:
        assert rows(out, name) == rows(tmp_path / "whole", name)
