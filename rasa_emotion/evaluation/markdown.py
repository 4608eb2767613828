"""Small pieces of the generated pages: tables, wrapped paragraphs, figures as people read them."""

import textwrap
from collections.abc import Iterable, Sequence

NONE = "–"
"""What stands where nothing was measured."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph in lines of 120 characters, `indent` before all but the first."""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def percent(value: float | None) -> str:
    """A share from 0 to 1 in percent.

    >>> percent(0.747)
    '74.7'
    """
    return NONE if value is None else f"{100 * value:.1f}"


def p_value(value: float) -> str:
    """A p-value to three places.

    >>> p_value(0.00004)
    '< 0.001'
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
