"""docs/voice.md and docs/company-voice.md from kept figures, without measuring: `python -m research.voice.render`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path("research/voice")
PAGES = {
    Path("docs/voice.md"): (HERE / "result.json", HERE / "voice.template.md"),
    Path("docs/company-voice.md"): (HERE / "company.json", HERE / "company.template.md"),
}
"""Each page with its figures, which `page` and `company` write, and its template."""

NAMES = {
    "clean": "as recorded",
    "mulaw": "8 kHz mu-law telephone",
    "noise20": "noise at 20 dB",
    "noise10": "noise at 10 dB",
    "noise5": "noise at 5 dB",
    "noise0": "noise at 0 dB",
}


def text(result: Mapping[str, Any], template: str) -> str:
    """The page; a table that was not measured is left out with its section."""
    for name, table in {
        "ROWS": table_of_rows(result["rows"]),
        "CONDITIONS": _conditions(result.get("conditions")),
        "LINES": table_of_losses(result.get("lines")),
        "CUT": table_of_losses(result.get("cut"), first="first 3 s"),
        "TOLD": _told(result.get("told")),
        "LONG": table_of_lengths(result.get("long")),
        "ORDINARY": _ordinary(result.get("ordinary")),
    }.items():
        template = filled(template, name, table)
    return template


def filled(template: str, name: str, table: Sequence[str]) -> str:
    """The table in its place; without one, the lines between `<!-- if NAME -->` and `<!-- end -->` go."""
    mark = f"<!-- if {name} -->\n"
    if mark in template:
        before, rest = template.split(mark, 1)
        section, after = rest.split("<!-- end -->\n", 1)
        template = before + (section if table else "") + after
    return template.replace(f"<!-- {name} -->", "\n".join(table))


def table_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Both voices by row, as Markdown; of one speaker there is no interval and no test."""
    lines = ["| row | n, speakers | before | now | p | unknown, before and now |", "|---|---|---|---|---|---|"]
    for row in rows:
        shares = " and ".join(f"{share:.3f}" for share in row["unknown"])
        one = row["speakers"] == 1
        old, new = (f"{row[name][0]:.3f}" if one else _value(row[name]) for name in ("before", "after"))
        p = "–" if one else f"{row['p']:.3f}"
        lines.append(f"| {row['row']} | {row['n']:,}, {row['speakers']} | {old} | {new} | {p} | {shares} |")
    return lines


def _conditions(found: Mapping[str, Mapping[str, float]] | None) -> list[str]:
    if found is None:
        return []
    lines = ["| condition | before | now |", "|---|---|---|"]
    for name, value in found["after"].items():
        lines.append(f"| {NAMES.get(name, name)} | {found['before'][name]:.3f} | {value:.3f} |")
    return lines


def table_of_losses(found: Mapping[str, Mapping[str, float]] | None, *, first: str = "undisturbed") -> list[str]:
    """UA of both voices under each condition and what it loses against the condition `first`, as Markdown."""
    if found is None:
        return []
    lines = ["| condition | before | lost | now | lost |", "|---|---|---|---|---|"]
    for name in found["after"]:
        cells = [
            f"{found[voice][name]:.3f} | {found[voice][first] - found[voice][name]:.3f}"
            for voice in ("before", "after")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _told(found: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    if found is None:
        return []
    lines = ["| line | clips | chance | before | now |", "|---|---|---|---|---|"]
    for name, now in found["after"].items():
        old = _value(found["before"][name]["told"])
        lines.append(f"| {name} | {now['clips']:,} | {now['chance']:.3f} | {old} | {_value(now['told'])} |")
    return lines


def table_of_lengths(found: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """Both voices by the length of turns, as Markdown; nothing where it was not measured."""
    if found is None:
        return []
    lines = ["| turns | before | now |", "|---|---|---|"]
    for name, (right, count) in found["after"].items():
        old_right, old_count = found["before"][name]
        lines.append(f"| {name} | {old_right} of {old_count} | {right} of {count} |")
    return lines


def _ordinary(found: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    if found is None:
        return []
    lines = [
        "| line | clips | ordinary before | now | bad before | now | unknown now |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, now in found["after"].items():
        cells = [_value(found[voice][name][row]) for row in ("ordinary", "bad") for voice in ("before", "after")]
        lines.append(f"| {name} | {now['clips']} | {' | '.join(cells)} | {now['unknown']:.3f} |")
    return lines


def _value(found: Sequence[float]) -> str:
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


def main() -> None:
    for page, (result, template) in PAGES.items():
        figures = json.loads(result.read_text(encoding="utf-8"))
        page.write_text(text(figures, template.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
