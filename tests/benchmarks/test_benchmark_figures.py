"""What benchmarks share: medians with intervals, the machine, and one form of Markdown for all of them."""

import argparse
import asyncio
import importlib
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks import figures, languages, open_load, printing, redaction
from rasa_emotion.text import cleaning

COMMANDS = [
    "archive", "batches", "builds", "calls", "checks", "console", "dialogue", "growth", "guards", "languages", "load",
    "open_load", "peers", "recognition", "redaction", "service", "sessions", "steps", "turn",
]  # fmt: skip


def rows_of(section: str) -> list[str]:
    """The rows of the tables in a section; each table has as many cells in every row."""
    found = [block.splitlines() for block in section.split("\n\n") if block.startswith("|")]
    assert found
    for rows in found:
        assert len({row.replace("\\|", "").count("|") for row in rows}) == 1, rows
    return [row for rows in found for row in rows[2:]]


def test_every_benchmark_is_a_command_that_prints_a_section(repository: Path) -> None:
    scripts = {path.stem for path in (repository / "benchmarks").glob("*.py")}
    assert scripts == {*COMMANDS, "figures", "printing", "rasa_server"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "recognition"])
def test_its_command_line_offers_both(name: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("rasa" if name in ("dialogue", "growth") else "numpy")
    script = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit):
        script.main()
    said = capsys.readouterr().out
    assert "--json" in said
    assert "--markdown" in said


def test_a_median_has_its_interval() -> None:
    found = figures.median([1.0, 2.0, 3.0, 4.0, 100.0])
    assert found["median"] == 3.0
    assert 1 <= found["low"] <= 3 <= found["high"] <= 100
    assert figures.median([2.0]) == {"median": 2.0, "low": 2.0, "high": 2.0, "p95": 2.0}


def test_the_machine_names_what_is_not_installed() -> None:
    found = figures.machine(("numpy", "no-such-package"))
    assert found["packages"]["no-such-package"] == "not installed"
    said = figures.around(found)
    assert found["python"] in said
    assert f"numpy {found['packages']['numpy']}" in said


def test_a_table_keeps_its_columns_whatever_stands_in_it() -> None:
    assert rows_of(figures.table(["a", "b"], [["x | y", 1], ["z", None]])) == ["| x \\| y | 1 |", "| z | None |"]


@pytest.mark.parametrize("form", ["--json", "--markdown", None])
def test_a_run_prints_one_of_three_forms(form: str | None, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["some.py", *([form] if form else [])])
    printing.run(argparse.ArgumentParser(), lambda _: {"a": 1}, lambda found: f"# figure {found['a']}")
    said = capsys.readouterr().out
    if form == "--json":
        assert json.loads(said) == {"a": 1}
    else:
        assert ("# figure 1" in said) is (form == "--markdown")
        assert "figure 1" in said


def test_redaction_as_a_section() -> None:
    found = redaction.measure(argparse.Namespace(missed=True, phonenumbers=False))
    assert json.loads(json.dumps(found)) == found
    rows = rows_of(redaction.markdown(found))
    assert len(rows) >= len(found["forms"]) + len(found["missed"])


def test_languages_as_a_section(tmp_path: Path) -> None:
    file = tmp_path / "some.tsv"
    file.write_text("text\tlabel\nI have been waiting for an hour\thappy\nqwrt zxcv plkm\tsad\n")
    detector = cleaning.foreign_language
    found = languages.measure([str(file)])
    assert cleaning.foreign_language is detector
    assert json.loads(json.dumps(found)) == found
    assert found["sets"]["some, English"]["texts"] == 2
    assert len(rows_of(languages.markdown(found))) == len(found["sets"]) + len(languages.LIBRARIES)


async def test_an_open_load_as_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/v1/analyze", answer)
    async with TestServer(app) as server:
        port = server.port
        monkeypatch.setattr(open_load, "highest", lambda *_: 20.0)
        found = await asyncio.to_thread(open_load.measure, port, 0.2)
    assert {one["text"] for one in asked} == {open_load.WORDS}
    assert found["highest_rate"] == 20.0
    assert 0 < found["ms"]["p50"] <= found["ms"]["p99"]
    assert len(rows_of(open_load.markdown(found))) == 1
