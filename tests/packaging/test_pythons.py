"""The table of Pythons: what a run keeps of the page, and what it has to do."""

from pathlib import Path

import pytest
import pythons


@pytest.fixture(autouse=True)
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with two Pythons of an earlier machine, on one that has the former alone."""
    monkeypatch.setattr(pythons, "PAGE", tmp_path / "compatibility.md")
    here = {"3.10": Path("/usr/bin/python3.10")}
    monkeypatch.setattr(pythons, "interpreter", here.get)
    rows = [pythons.Row(f"{python}.1", "-", "2.2.6", "2.0.58", "yes", "9 passed") for python in ("3.10", "3.14")]
    pythons.written(rows, [])


def test_the_row_of_a_python_that_is_not_here_stays() -> None:
    (row,) = pythons.kept([])
    assert (row.python, row.tests, row.failed) == ("3.14.1", "9 passed", False)
    todo = [trial for trial in pythons.plan() if not trial.is_of(row)]
    assert "3.10" in [trial.python for trial in todo]  # run again, as it is here
    assert "3.14" not in [trial.python for trial in todo]


def test_the_rest_is_what_was_not_run() -> None:
    rows = pythons.kept(["--rest"])
    assert [row.python for row in rows] == ["3.10.1", "3.14.1"]
    todo = [trial for trial in pythons.plan() if not any(trial.is_of(row) for row in rows)]
    assert [trial.extra for trial in todo if trial.python == "3.10"] == [pythons.CORE, "rasa"]


def test_a_chosen_python_keeps_nothing() -> None:
    assert pythons.kept(["3.10"]) == []
