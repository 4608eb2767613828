"""CSV files that people made: read whole, with errors that name file, line and remedy."""

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError

Row = tuple[int, Mapping[str, str]]
"""The line that a row ends on, and its cells by column, stripped; a cell that is not there is empty."""


def read_rows(file: str | Path, columns: Collection[str]) -> list[Row]:
    """All rows of a CSV file in UTF-8, blank lines left out.

    Raises:
        ConfigError: the file cannot be read, holds no row, or lacks one of `columns`, or a row has cells too many.
    """
    file = Path(file)
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets put a byte order mark first
            reader = csv.DictReader(stream, strict=True)
            absent = [column for column in columns if column not in (reader.fieldnames or ())]
            if absent:
                raise ConfigError(f"'{file}' line 1 lacks the columns {', '.join(absent)}: add them.")
            rows = [_row(file, reader.line_num, cells) for cells in reader]
    except OSError as error:
        raise ConfigError(f"'{file}' cannot be read ({error.strerror}): name a CSV file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"'{file}' is not a CSV file in UTF-8 ({error}): save it as such.") from error
    if not rows:
        raise ConfigError(f"'{file}' has no rows below its line of column names: add one per utterance.")
    return rows


def _row(file: Path, line: int, cells: Mapping[str | None, str | Sequence[str] | None]) -> Row:
    if None in cells:
        raise ConfigError(f"'{file}' line {line} has more cells than line 1 has columns: quote text that holds commas.")
    return line, {str(column): cell.strip() if isinstance(cell, str) else "" for column, cell in cells.items()}


def emotion_of(file: str | Path, line: int, name: str) -> int:
    """The number of an emotion in `EMOTIONS`. Raises ConfigError where it is none of them."""
    if name not in EMOTIONS:
        raise ConfigError(f"'{file}' line {line}: emotion '{name}' is not one of {', '.join(EMOTIONS)}.")
    return EMOTIONS.index(name)
