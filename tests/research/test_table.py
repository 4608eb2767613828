"""The table of experiments: every command parses, every recipe loads, every figure is that of its result file."""

import argparse
import importlib
import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest

from rasa_emotion.training.acoustic import recipe as acoustic
from rasa_emotion.training.text import recipe as text
from research.fusion import strategies
from research.systems.recipe import RECIPES, read_system_recipe
from research.table import END, README, START, Experiment, as_markdown, read_table

ROWS = read_table()
READERS = {
    "research/systems": read_system_recipe,
    "research/fusion": strategies.read_recipe,
    "rasa_emotion/training/acoustic": acoustic.read_recipe,
    "rasa_emotion/training/text": text.read_recipe,
}
"""What loads a recipe, by the folder that it lies under."""


class Parsed(Exception):
    """Ends a command once its arguments are understood, before it does anything."""


def names(row: Experiment) -> str:
    return row.experiment


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_the_command_parses(row: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    program, flag, module, *arguments = shlex.split(row.command)
    assert (program, flag) == ("python", "-m")
    if (Path(importlib.util.find_spec(module).origin)).name == "__init__.py":  # type: ignore[union-attr, arg-type]
        module += ".__main__"
    real = ArgumentParser.parse_args

    def parse(self: ArgumentParser, *given: Any, **options: Any) -> Namespace:
        raise Parsed(real(self, *given, **options))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(Parsed):
        importlib.import_module(module).main()


@pytest.mark.parametrize("row", [row for row in ROWS if row.recipe], ids=names)
def test_the_recipe_loads_and_has_the_seed(row: Experiment, repository: Path) -> None:
    file = repository / row.recipe
    reader = next(reader for folder, reader in READERS.items() if row.recipe.startswith(folder))
    assert reader(file) is not None
    seeds = [line.split("#")[0].split(":")[1].strip() for line in file.read_text().splitlines() if line[:5] == "seed:"]
    if seeds and row.seed.isdigit():
        assert seeds == [row.seed]


def headline(row: Experiment, found: dict[str, Any]) -> list[str]:
    """The shares that a row has to show, as its result file has them."""
    if row.folder == "systems":
        shown = [r for r in found["rows"] if r["corpus"] == "ravdess" and r["protocol"] in {"speaker", "random"}]
        shown = shown or [r for r in found["rows"] if r["protocol"] == "language"]
        first = {r["protocol"]: r["ua"] for r in reversed(shown)}
        return [f"{100 * share:.1f}" for share in first.values()]
    if row.folder == "embeddings":
        rows = {(r["embedding"], r["protocol"]): r["recall"][0] for r in found["rows"]}
        return [f"{100 * rows['minilm', 'speaker-script']:.1f}"]
    if row.folder == "fusion":
        strategy = found["measured"]["sets"]["all conditions"]["strategies"]
        return [f"{100 * next(s['ua']['value'] for name, s in strategy.items() if 'what ships' in name):.1f}"]
    if row.folder == "steadiness":
        clean = [r for r in found["speech"] if "mu-law" not in r["kind"]]
        sums = {name: sum(r[name] for r in clean) for name in ("pieces", "lost", "turns", "turns_lost")}
        return [f"{sums['lost']} of {sums['pieces']:,} pieces", f"{sums['turns_lost']} of {sums['turns']:,} live"]
    assert row.folder == "escalation"
    return [f"{100 * found['rows'][0][name][0]:.1f}" for name in ("within_2", "false")]


@pytest.mark.parametrize("row", [row for row in ROWS if row.result.endswith(".json")], ids=names)
def test_the_figure_is_that_of_the_result(row: Experiment, repository: Path) -> None:
    shares = headline(row, json.loads((repository / row.result).read_text(encoding="utf-8")))
    assert shares
    assert [share for share in shares if share not in row.figure] == []


def test_every_row_has_its_folder_and_every_folder_its_row(repository: Path) -> None:
    folders = {path.parent.name for path in (repository / "research").glob("*/README.md")}
    assert {row.folder for row in ROWS} == folders
    assert {file.stem for file in RECIPES.rglob("*.yaml")} == {
        Path(r.recipe).stem for r in ROWS if r.folder == "systems"
    }
    assert [row.result for row in ROWS if row.result and not (repository / row.result).is_file()] == []


def test_the_readme_shows_the_table() -> None:
    shown = README.read_text(encoding="utf-8").split(START)[1].split(END)[0].strip()
    assert shown == as_markdown(ROWS), "run: python -m research.table"
