"""The tables of an archive as Parquet, in parts that are there whole or not at all.

A folder holds `calls/`, `turns/` and `windows/`, each with one file a part. A part counts once its file in `calls/`
stands, which is written last and says how many rows the other two have.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from rasa_emotion.archive.call import Row, Scored
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.extras import needs_extra
from rasa_emotion.spool.file import sync_folder

CALLS, TURNS, WINDOWS = "calls", "turns", "windows"
TABLES = (WINDOWS, TURNS, CALLS)
"""In the order in which they are written."""

UNFINISHED = ".unfinished"
COUNTS = b"rasa_emotion.rows"

_FIGURES = {
    "speech_secs": "float64",
    "emotion": "string",
    "confidence": "float32",
    "valence": "float32",
    "arousal": "float32",
    **dict.fromkeys(EMOTIONS, "float32"),
}
_PLACE = {"path": "string", "turn": "int32", "start_secs": "float64", "end_secs": "float64"}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    WINDOWS: {**_PLACE, **_FIGURES},
    TURNS: {
        **_PLACE,
        **_FIGURES,
        "modalities": "strings",
        "conflict": "bool",
        "confused": "float32",
        "mood": "string",
        "mood_anger": "float32",
        "mood_valence": "float32",
        "mood_arousal": "float32",
        "decision": "string",
        "rule": "string",
        "words": "string",
    },
    CALLS: {
        "path": "string",
        "size_bytes": "int64",
        "modified_ns": "int64",
        "error": "string",
        "warnings": "strings",
        "secs": "float64",
        "speech_secs": "float64",
        "turns": "int32",
        "windows": "int32",
        "emotion": "string",
        **{f"{name}_share": "float32" for name in EMOTIONS},
        "mood": "string",
        "angry_turns": "int32",
        "peak_anger": "float32",
        "peak_anger_secs": "float64",
        "lowest_valence": "float32",
        "lowest_valence_secs": "float64",
        "escalation": "string",
        "escalation_secs": "float64",
        "escalation_rule": "string",
        "escalation_urgency": "string",
        "escalation_reason": "string",
        "alerts": "int32",
    },
}
"""Name and type of each column of each table."""


def require_pyarrow() -> None:
    """Raises MissingExtraError where pyarrow is not installed."""
    with needs_extra("score", "The tables of an archive"):
        import_module("pyarrow.parquet")


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    Args:
        done: the identity of each recording that is in a whole part.
        next_part: number of the next part.
        removed: one sentence for each part that was not whole, or held a recording that has changed since.
    """

    done: frozenset[tuple[Any, ...]]
    next_part: int
    removed: tuple[str, ...] = ()


def key(row: Row) -> tuple[Any, ...]:
    """The identity of a recording (`call.identity`), to compare."""
    return row["path"], row["size_bytes"], row["modified_ns"]


def write_part(folder: Path, number: int, scored: Sequence[Scored]) -> None:
    """Write the rows of some recordings as one part. Killed at any moment, it leaves a whole part or none."""
    import pyarrow  # noqa: PLC0415 -- an optional package
    from pyarrow import parquet  # noqa: PLC0415

    rows = {
        WINDOWS: [row for one in scored for row in one.windows],
        TURNS: [row for one in scored for row in one.turns],
        CALLS: [one.call for one in scored],
    }
    counts = " ".join(str(len(rows[name])) for name in TABLES)
    for name in TABLES:
        table = pyarrow.Table.from_pylist(rows[name], schema=_schema(name).with_metadata({COUNTS: counts}))
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        unfinished = place / f"{_part(number)}{UNFINISHED}"
        with unfinished.open("wb") as file:
            parquet.write_table(table, file, compression="zstd", write_page_checksum=True)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place / _part(number))
        sync_folder(place)


def find_parts(folder: Path, wanted: frozenset[tuple[Any, ...]]) -> Found:
    """Look at what is there and remove what is not whole, so that its recordings are scored again.

    Args:
        folder: of the tables; may be empty or missing.
        wanted: identities of the recordings that are to be scored now. A part that holds one of their paths with
            another size or time of change is removed too.
    """
    for file in folder.glob(f"*/*{UNFINISHED}"):
        file.unlink()
    current = {identity[0]: identity for identity in wanted}
    done, removed = set[tuple[Any, ...]](), list[str]()
    numbers = sorted({int(file.stem.removeprefix("part-")) for name in TABLES for file in _parts(folder / name)})
    for number in numbers:
        held = _whole(folder, number)
        changed = [] if held is None else [one[0] for one in held if current.get(one[0], one) != one]
        if held is not None and not changed:
            done |= held
            continue
        for name in reversed(TABLES):  # the calls first: without them the part is none
            (folder / name / _part(number)).unlink(missing_ok=True)
        why = f"'{changed[0]}' has changed since" if changed else "it was not written to its end, or is damaged"
        removed.append(f"Part {number} of '{folder}' was removed and its recordings are scored again: {why}.")
    return Found(frozenset(done), max(numbers, default=0) + 1, tuple(removed))


def read_table(folder: Path, name: str, columns: Sequence[str]) -> Any:
    """Some columns of all parts of a table, as a `pyarrow.Table`."""
    import pyarrow  # noqa: PLC0415 -- an optional package
    from pyarrow import parquet  # noqa: PLC0415

    parts = [parquet.read_table(file, columns=list(columns)) for file in sorted(_parts(folder / name))]
    empty = pyarrow.schema([_schema(name).field(column) for column in columns]).empty_table()
    return pyarrow.concat_tables([part.replace_schema_metadata() for part in parts]) if parts else empty


def _parts(place: Path) -> Iterator[Path]:
    return place.glob("part-[0-9]*.parquet")


def _part(number: int) -> str:
    return f"part-{number:06}.parquet"


def _whole(folder: Path, number: int) -> set[tuple[Any, ...]] | None:
    """The identities of a part's recordings; None where it is not whole."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 -- an optional package

    try:
        file = folder / CALLS / _part(number)
        counts = [int(text) for text in parquet.read_schema(file).metadata[COUNTS].split()]
        tables = {
            name: parquet.read_table(folder / name / _part(number), page_checksum_verification=True) for name in TABLES
        }
    except (ArrowException, OSError, KeyError, TypeError, ValueError):
        return None
    if counts != [tables[name].num_rows for name in TABLES]:
        return None
    return {key(row) for row in tables[CALLS].select(["path", "size_bytes", "modified_ns"]).to_pylist()}


@lru_cache(maxsize=len(TABLES))
def _schema(name: str) -> Any:
    import pyarrow  # noqa: PLC0415 -- an optional package

    types = {"strings": pyarrow.list_(pyarrow.string()), "bool": pyarrow.bool_()}
    return pyarrow.schema(
        [(column, types[kind] if kind in types else getattr(pyarrow, kind)()) for column, kind in COLUMNS[name].items()]
    )
