"""What the benchmarks share: their options, their progress, and the three ways in which figures are printed."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

Found = Mapping[str, Any]


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the text at the head of a benchmark, line by line."""
    return argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def repeated(about: str | None, repeats: int, warm_up: str) -> argparse.ArgumentParser:
    """The parser of a benchmark that repeats.

    Args:
        about: the text at the head of the benchmark.
        repeats: that count, unless an option says otherwise.
        warm_up: what comes before them, as the help says it: "three that do not".
    """
    made = parser(about)
    said = f"repeats that count, after {warm_up} ({repeats})"
    made.add_argument("--repeats", type=int, default=repeats, help=said)
    made.add_argument("--models", type=Path, help="folder with other models than those that ship")
    return made


def run(
    arguments: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Found],
    markdown: Callable[[Found], str],
) -> None:
    """Measure what the command line asks for, and print it: as a table, as JSON, or as a section of a document.

    Args:
        arguments: the options of this benchmark alone.
        measure: everything that is printed, from the options.
        markdown: the same as a section of a document.
    """
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--markdown", action="store_true", help="print a section of a document")
    options = arguments.parse_args()
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=1))
    elif options.markdown:
        print(markdown(found))
    else:
        from rich.markdown import Markdown  # noqa: PLC0415 -- for people alone

        Console().print(Markdown(markdown(found)))


def interval(row: Mapping[str, float], digits: int = 2) -> str:
    """A median with its interval, as a cell of a table."""
    return f"{row['median']:.{digits}f} ({row['low']:.{digits}f} to {row['high']:.{digits}f})"


def shown(name: str) -> Callable[[Sequence[int]], Iterable[int]]:
    """Shows on standard error how far the repeats are."""
    return lambda repeats: track(repeats, name, transient=True, console=Console(stderr=True))
