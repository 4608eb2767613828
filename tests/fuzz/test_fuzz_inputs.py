"""Whatever is sent or lies in a file is taken or refused in one sentence, within bounds of memory and time.

`FUZZ_INPUTS` says how many inputs there are in all, and `FUZZ_SEED` which; recordings are altered in tests/audio.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Named here, so that to collect the tests loads nothing; a test below sees that none is missing.
NAMES = [
    *("body", "form", "chatwoot", "zendesk", "webhook", "request_tracker"),
    *("model", "text_recipe", "manifest", "endpoints", "spool", "packet"),
]
IN_CI, NIGHTLY = 3_600, 100_000


def fuzz(name: str, inputs: int) -> None:
    seed = os.environ.get("FUZZ_SEED", "0")
    path = os.pathsep.join(map(str, (HERE, HERE.parent.parent, HERE.parent / "handoff")))
    command = [sys.executable, str(HERE / "worker.py"), name, str(inputs // len(NAMES)), seed]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, f"{name}, seed {seed}: {done.stderr[-2000:]}"
    found = json.loads(done.stdout)
    assert found["faults"] == [], f"of seed {seed}"
    assert found["read"] == inputs // len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_altered_inputs(name: str) -> None:
    fuzz(name, int(os.environ.get("FUZZ_INPUTS", IN_CI)))


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_altered_inputs_all_night(name: str) -> None:
    fuzz(name, int(os.environ.get("FUZZ_INPUTS", NIGHTLY)))


def test_each_target_has_its_test() -> None:
    code = "import json, targets; print(json.dumps(sorted(targets.TARGETS)))"
    path = os.pathsep.join(map(str, (HERE, HERE.parent.parent)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert json.loads(done.stdout) == sorted(NAMES)
