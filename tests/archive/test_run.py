"""Whole runs: many processes, real kills, two runs at once, a report that loads nothing."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("matplotlib")

from rasa_emotion.archive.lock import locked
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.pool import score_all
from rasa_emotion.archive.run import PART_CALLS, score_archive
from rasa_emotion.archive.tables import CALLS, COLUMNS, TABLES, read_table
from rasa_emotion.errors import ConfigError

COMMAND = [sys.executable, "-m", "rasa_emotion.cli", "score"]


@pytest.fixture
def calls(write, caller) -> Path:
    """Thirty short calls, and a file that is none."""
    for number in range(PART_CALLS + 5):
        path = write(f"{number:03}.wav", caller[: 16_000 + 400 * number])
    (path.parent / "text.wav").write_text("hello")
    return path.parent


def rows(out: Path, name: str) -> list[str]:
    table = read_table(out, name, list(COLUMNS[name])).to_pylist()
    return sorted(json.dumps(row, sort_keys=True) for row in table)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_a_killed_run_is_taken_up_where_it_was(calls: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    process = subprocess.Popen([*COMMAND, str(calls), "--out", str(out), "--workers", "1"], stderr=subprocess.PIPE)
    first = out / CALLS / "part-000001.parquet"
    while not first.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert psutil.wait_procs(workers, timeout=60)[1] == []  # nobody is left behind
    again = run(calls, "--out", out, "--json")
    assert again.returncode == 1  # one file is no recording
    found = json.loads(again.stdout)
    assert found["known"] >= PART_CALLS
    assert found["known"] + found["new"] == PART_CALLS + 6
    assert run(calls, "--out", whole).returncode == 1
    for name in TABLES:
        assert rows(out, name) == rows(whole, name)


def test_a_second_run_on_one_folder_is_told(calls: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out"):
        told = run(calls, "--out", tmp_path / "out")
    assert told.returncode == 1
    assert f"process {os.getpid()}" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "out" / CALLS).exists()


def test_a_recording_that_ends_its_process_does_not_end_the_run(write, caller, tmp_path) -> None:
    paths = [write(f"{number}.wav", caller[:32_000]) for number in range(4)]
    deadly = write("deadly.wav", np.concatenate([np.zeros(5 * 16_000, np.float32), caller]))
    options = ScoreOptions(recogniser="archive_recognisers.Says", recogniser_options={"deadly_secs": 4.0})
    found = {one.call["path"]: one.call for one in score_all([*paths[:2], deadly, *paths[2:]], options, workers=2)}
    assert [found[str(path)]["error"] for path in paths] == [None] * 4
    assert "ended the process" in found[str(deadly)]["error"]
    assert len(found) == 5


def score(paths: list[Path], out: Path, **options) -> dict:
    return score_archive(paths, out, ScoreOptions(**options), workers=1)


def test_other_settings_are_refused_in_the_same_folder(write, caller, tmp_path: Path) -> None:
    path = write("a.wav", caller)
    score([path], tmp_path / "out")
    with pytest.raises(ConfigError, match=r"other settings \(channel\)"):
        score([path], tmp_path / "out", channel="left")
    assert score([path], tmp_path / "out")["known"] == 1


def test_half_a_part_is_scored_again(write, caller, tmp_path: Path, caplog) -> None:
    path, out = write("a.wav", caller), tmp_path / "out"
    first = score([path], out)
    before = {name: rows(out, name) for name in TABLES}
    part = out / "turns" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        again = score([path], out)
    assert [record.event for record in caplog.records if hasattr(record, "event")] == ["archive.part.removed"]
    assert (again["new"], again["known"], again["turns"]) == (1, 0, first["turns"])
    assert {name: rows(out, name) for name in TABLES} == before


def test_the_report_loads_nothing_and_names_what_failed(write, caller, tmp_path: Path) -> None:
    good, out = write("<b>good.wav", caller), tmp_path / "out"
    (bad := tmp_path / "bad.wav").write_text("hello")
    found = score([good, bad], out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script|<link|(?:src|href)=\"(?!data:)|url\(|@import", page)
    assert page.count("data:image/png;base64,") == 3
    assert "&lt;b&gt;good.wav" in page
    assert "<b>good" not in page
    assert found["failed"][0]["error"] in page.replace("&#x27;", "'")
    assert json.loads((out / "figures.json").read_text(encoding="utf-8")) == found


def test_a_name_that_is_no_utf_8_is_a_name(write, caller, tmp_path: Path) -> None:
    plain, out = write("plain.wav", caller), tmp_path / "out"
    odd = Path(os.fsdecode(os.fsencode(plain.parent) + b"/caf\xe9.wav"))
    plain.rename(odd)
    bad = odd.with_name(odd.name + ".mp3")
    bad.write_text("hello")
    assert (score([odd, bad], out)["calls"], score([odd, bad], out)["known"]) == (1, 2)
    assert "caf\\udce9.wav" in (out / "report.html").read_text(encoding="utf-8")


def test_an_archive_in_which_nobody_speaks_has_a_report(write, tmp_path: Path) -> None:
    found = score([write("silent.wav", np.zeros(48_000, np.float32))], tmp_path / "out")
    assert (found["calls"], found["turns"], found["warned"]) == (1, 0, 1)
    assert "Nobody was heard to speak" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
