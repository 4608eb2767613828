"""A server that is killed at any step, or finds no room anywhere, loses no promise; the next start takes it up."""

import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from judge import POINTS, command_of, environment, promised, recovered
from needed import needs

from rasa_emotion.database import open_database
from rasa_emotion.handoff.outbox import Outbox

STEPS = [f"{when} {point} {number}" for point in POINTS for when in ("before", "after") for number in (1, 3)]


def killed_at(step: str, tmp_path: Path, promise) -> None:
    done = promise(30, "--refuse", "0.6", "--seed", "3", "--kill", step)
    # Calls that this process never makes kill nobody; the list of steps must not hold such.
    assert done.returncode == -signal.SIGKILL, f"{step}: {done.stderr}"
    told = promised(tmp_path)
    keys = recovered(tmp_path)
    assert set(told) <= set(keys)
    assert keys == sorted(keys), "in order"
    done = promise(5, "--first", "100")
    assert done.returncode == 0, done.stderr
    assert set(promised(tmp_path)) <= set(recovered(tmp_path))


@pytest.mark.parametrize(
    "step", ["before append 3", "after append 3", "after insert 3", "after replay 3", "after blank 1"]
)
def test_a_kill_loses_no_promise(step: str, tmp_path: Path, promise) -> None:
    killed_at(step, tmp_path, promise)


@pytest.mark.nightly
@pytest.mark.parametrize("step", [step for step in STEPS if step.split()[1:] not in (["create", "3"], ["wipe", "3"])])
def test_a_kill_at_any_step_loses_no_promise(step: str, tmp_path: Path, promise) -> None:
    killed_at(step, tmp_path, promise)


@contextmanager
def small_disk(folder: Path, megabytes: float):
    """A file system of its own with little room; the test is skipped where none may be mounted."""
    folder.mkdir()
    size = f"size={int(megabytes * 1024)}k"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Use up all room."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_disk_that_fills_up_loses_no_promise(tmp_path: Path, promise) -> None:
    """The spool was allocated before; the database, the log beside it and all else find no room."""
    with small_disk(tmp_path / "disk", 4) as disk:
        running = promise(5, folder=disk)
        assert running.returncode == 0
        recovered(disk)
        (disk / "hold").write_bytes(b"x" * 1_200_000)  # room for the next process's spool
        filler = fill(disk)
        (disk / "hold").unlink()
        done = promise(60, "--first", "100", "--seed", "1", folder=disk)
        assert done.returncode == 0, done.stderr
        told = promised(disk)
        assert [key for key in told if int(key, 16) >= 100], done.stdout
        filler.unlink()
        keys = recovered(disk)
        assert set(told) <= set(keys)


def test_where_there_is_no_room_at_all_nothing_is_promised(tmp_path: Path, promise) -> None:
    with small_disk(tmp_path / "disk", 3) as disk:
        assert promise(5, folder=disk).returncode == 0
        assert len(recovered(disk)) == 5
        shutil.rmtree(disk / "bot.db.spool")
        command = command_of(f"sqlite:///{disk}/bot.db", disk / "bot.db.spool", 20, "--first", 100, "--wait")
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=environment(), text=True, **streams) as running:
            assert running.stdout.readline() == "ready\n"
            filler = fill(disk)
            said, errors = running.communicate("\n")
        assert running.returncode == 0, errors
        told = [key for key in promised(disk) if int(key, 16) >= 100]
        nobody = [line.split()[1] for line in said.splitlines() if line.startswith("nobody")]
        assert sorted([*told, *nobody]) == [f"{number:032x}" for number in range(100, 120)]
        assert len(nobody) >= 10, "SQLite may find room inside of its file for some"
        filler.unlink()
        assert set(told) <= set(recovered(disk))


@needs("faketime")
@pytest.mark.parametrize(("first", "then"), [("+1h", "-1h"), ("-1h", "+1h")])
def test_clocks_that_are_put_forward_and_back(tmp_path: Path, promise, first: str, then: str) -> None:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    for number, clock in enumerate((first, then)):
        clocked = {"LD_PRELOAD": str(library), "FAKETIME": clock, "DONT_FAKE_MONOTONIC": "1"}
        done = promise(10, "--first", str(10 * number), "--refuse", "0.7", **clocked)
        assert done.returncode == 0, done.stderr
    keys = recovered(tmp_path)
    assert len(promised(tmp_path)) == len(keys) == 20
    assert keys == sorted(keys)
    due = claimed(tmp_path)
    assert due == sorted(keys), "what was written under a clock that was fast is not due an hour later"


def claimed(folder: Path) -> list[str]:
    """The keys that a worker with the right clock is given at once."""
    outbox = Outbox(open_database(f"sqlite:///{folder}/bot.db"))
    found = []
    while (claim := outbox.claim_packet("worker", lease_secs=60)) is not None:
        outbox.delivered(claim, claim.key)
        found.append(claim.key)
    return sorted(found)


def test_a_database_from_an_older_backup_gets_what_waits(tmp_path: Path, promise) -> None:
    promise(5)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as source, closing(sqlite3.connect(tmp_path / "old")) as target:
        source.backup(target)
    promise(10, "--first", "5", "--refuse", "1", "--replay", "0")
    for name in ("bot.db", "bot.db-wal", "bot.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "old").rename(tmp_path / "bot.db")
    assert set(promised(tmp_path)) == set(recovered(tmp_path))
