"""The benchmark of two builds: what is compared, and by night a short run of it."""

import pytest
from test_benchmark_figures import rows_of

from benchmarks import builds


def test_what_is_taken_within_each_round() -> None:
    """A machine that is three times slower in every second round changes the times, not the ratio."""
    found = builds.compared([(10.0 * slow, 8.0 * slow) for slow in (1, 3) * 5])
    assert found["times"] == {"median": 0.8, "low": 0.8, "high": 0.8, "p95": 0.8}
    assert found["before"]["low"] < found["before"]["high"]
    assert found["added"]["median"] < 0


def test_a_commit_that_git_does_not_have(tmp_path) -> None:
    with pytest.raises(SystemExit, match="git has no commit 'no-such-commit'"):
        builds.earlier("no-such-commit", tmp_path / "build")


@pytest.mark.nightly
def test_this_build_beside_itself() -> None:
    found = builds.measure("HEAD", 1)
    assert all(row["before"]["median"] > 0 and row["now"]["median"] > 0 for row in found["cpu_ms"].values())
    assert len(rows_of(builds.markdown(found))) == len(builds.KINDS)
