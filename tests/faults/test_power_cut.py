"""After a power cut at any moment every caller who was told of a human has one: only what was synced is left then.

Killing a process proves nothing here, for the page cache survives it. A preloaded library records what the process
writes and syncs, and the disk is put together from that record, with any part of what was not synced.
"""

import random
import shutil
from pathlib import Path

import pytest
from disk import after_power_cut, compiled, recorded
from judge import promised, recovered
from needed import needs

pytestmark = [needs("gcc"), needs("libc6-dev")]


def cuts(tmp_path: Path, promise, *, number: int, seed: int, cuts: int) -> int:
    """How many promises the cuts found, after as many cuts."""
    here, trace = tmp_path / "here", tmp_path / "trace"
    here.mkdir()
    library = compiled(tmp_path)
    done = promise(
        number,
        *("--refuse", "0.5", "--seed", str(seed)),
        folder=here,
        LD_PRELOAD=str(library),
        RECORDER_FOLDER=str(here),
        RECORDER_TRACE=str(trace),
    )
    assert done.returncode == 0, done.stderr
    steps = recorded(trace)
    assert sum(step.operation == "sync" for step in steps) > number
    assert len(recovered(here)) == number
    chance = random.Random(seed)
    found = 0
    moments = sorted(chance.sample(range(len(steps)), min(cuts, len(steps))))
    for moment in [*moments, len(steps)]:
        there = tmp_path / f"there {moment}"
        there.mkdir()
        told = after_power_cut(steps[:moment], str(here), there, chance)
        assert set(told) <= set(recovered(there)), f"seed {seed}, cut at {moment} of {len(steps)}"
        found += len(told)
        shutil.rmtree(there)
    return found


def test_no_promise_is_lost(tmp_path: Path, promise) -> None:
    assert cuts(tmp_path, promise, number=20, seed=1, cuts=40) > 100


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_no_promise_is_lost_at_any_moment(tmp_path: Path, promise, seed: int) -> None:
    assert cuts(tmp_path, promise, number=100, seed=seed, cuts=400) > 1000


def test_the_record_tells_what_was_not_synced(tmp_path: Path, promise) -> None:
    """The proof of the method: without syncs, promises are lost."""
    here, trace = tmp_path / "here", tmp_path / "trace"
    here.mkdir()
    promise(
        20,
        *("--refuse", "1"),
        folder=here,
        LD_PRELOAD=str(compiled(tmp_path)),
        RECORDER_FOLDER=str(here),
        RECORDER_TRACE=str(trace),
    )
    steps = [step for step in recorded(trace) if step.operation != "sync" or not step.path.endswith(".new")]
    spool = [step.path for step in steps if step.path.endswith(".spool")]
    unsynced = [step for step in steps if not (step.operation == "sync" and step.path in spool)]
    there = tmp_path / "there"
    there.mkdir()
    told = after_power_cut(unsynced, str(here), there, random.Random(1))
    assert len(told) == len(promised(here)) == 20
    assert set(told) - set(recovered(there))
