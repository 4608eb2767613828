"""The table of experiments: `python -m research.table` writes it from experiments.csv into README.md.

One row per experiment, modelled on SpeechBrain's table of recipes: what regenerates it, on which data and seed, what it
found, and when. Edit the CSV file and run the command again.
"""

import csv
import os
from dataclasses import dataclass, fields
from pathlib import Path

from rasa_emotion.evaluation.markdown import NONE, table

FOLDER = Path(__file__).parent
TABLE, README = FOLDER / "experiments.csv", FOLDER / "README.md"
START, END = "<!-- table: python -m research.table -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class Experiment:
    """One row.

    Args:
        experiment: what was compared, in a few words.
        folder: below `research/`, with its README.
        recipe: path of the YAML file from the root of the checkout; empty where the command has all settings.
        command: what regenerates the figure, from the root of the checkout.
        data: the corpora that it reads.
        seed: of everything drawn; empty where nothing is.
        figure: the main one, with its split; "not run" where the data cannot be had here.
        date: of the run, as year-month-day.
        result: the file that holds all figures.
        smoke: "yes" where a test runs the same code on generated data.
    """

    experiment: str
    folder: str
    recipe: str
    command: str
    data: str
    seed: str
    figure: str
    date: str
    result: str
    smoke: str


def read_table(file: Path = TABLE) -> list[Experiment]:
    """Read the rows; a missing or an unknown column is a TypeError."""
    with file.open(encoding="utf-8", newline="") as stream:
        return [Experiment(**row) for row in csv.DictReader(stream)]


def as_markdown(experiments: list[Experiment]) -> str:
    """The table for people: the folder and the files are links from README.md."""
    rows = [
        [
            f"[{row.experiment}]({row.folder}/README.md)",
            f"[{Path(row.recipe).name}]({_link(row.recipe)})" if row.recipe else NONE,
            f"`{row.command}`",
            row.data,
            row.seed or NONE,
            f"[{row.figure}]({_link(row.result)})" if row.result else row.figure,
            row.date or NONE,
        ]
        for row in experiments
    ]
    head = [field.name for field in fields(Experiment) if field.name not in {"folder", "result", "smoke"}]
    return table(head, rows)


def _link(path: str) -> str:
    """A path from the root of the checkout, seen from this folder."""
    return os.path.relpath(path, FOLDER.name)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    README.write_text(f"{before}{START}\n\n{as_markdown(read_table())}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
