"""How much personal data the redaction strikes out, and how much else.

`python -m benchmarks.redaction`; `--missed` lists what is not right, `--json` and `--markdown` are for programs and
documents.

Measured on the written set `tests/data/redaction.tsv`: forms that must go, with the part that is personal, and forms
that must stay as they are. A form is gone when no letter or digit of that part is left. The rules were mended by that
set; `tests/data/redaction_unseen.tsv` was written afterwards, and nothing was changed by what it showed.
"""

import argparse
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.printing import parser, run
from rasa_emotion.handoff.redact import Redactor, Rules

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
COUNTRIES = [
    "GB",
    "US",
    "DE",
    "FR",
    "ES",
    "IN",
    "CH",
    "AT",
    "IT",
    "PL",
    "SE",
    "NL",
    "BR",
    "RU",
    "CN",
    "JP",
    "NO",
    "DK",
    "TR",
]
FORMS, UNSEEN = DATA / "redaction.tsv", DATA / "redaction_unseen.tsv"


@dataclass(frozen=True)
class Form:
    """One text of the set.

    Args:
        goes: whether `secret` must be struck out; where not, the text must stay as it is.
        kind: what it is.
        secret: the personal part.
        text: what is said.
    """

    goes: bool
    kind: str
    secret: str
    text: str


def read_forms(path: Path = FORMS) -> list[Form]:
    """The set."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Form(row["wanted"] == "go", row["kind"], _plain(row["secret"]), _plain(row["text"])) for row in rows]


def is_right(form: Form) -> bool:
    """Whether the redaction does with a form what it should."""
    redactor = Redactor(Rules())
    if not form.goes:
        return redactor.text(form.text) == form.text
    start = form.text.index(form.secret)
    struck = {place for _, first, last in redactor.spans(form.text) for place in range(first, last)}
    return all(place in struck for place, sign in enumerate(form.secret, start=start) if sign.isalnum())


def measured(forms: list[Form]) -> dict[tuple[str, str], tuple[int, int]]:
    """For what must go and what must stay, and each kind: how many forms are right, and how many there are."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for form in forms:
        key = ("go" if form.goes else "stay", form.kind)
        right, number = found.get(key, (0, 0))
        found[key] = right + is_right(form), number + 1
    return found


def table(found: Mapping[tuple[str, str], tuple[int, int]], unseen: Mapping[tuple[str, str], tuple[int, int]]) -> str:
    """The figures of both sets as a table of Markdown."""
    lines = ["| forms that must | kind | right | of | unseen: right | of |", "|---|---|---:|---:|---:|---:|"]
    for wanted, shown in (("go", "be struck out"), ("stay", "stay")):
        kinds = dict.fromkeys(kind for one, kind in (*found, *unseen) if one == wanted)
        rows = [(found.get((wanted, kind), (0, 0)), unseen.get((wanted, kind), (0, 0))) for kind in kinds]
        lines += [_row(shown, kind, *row) for kind, row in zip(kinds, rows, strict=True)]
        sums = [tuple(map(sum, zip(*side, strict=True))) for side in zip(*rows, strict=True)]
        lines.append(_row(shown, "**all**", *sums))
    return "\n".join(lines)


def _row(shown: str, kind: str, *sides: tuple[int, ...]) -> str:
    figures = [f"{right} | {number}" if number else " | " for right, number in sides]
    return f"| {shown} | {kind} | {' | '.join(figures)} |"


def by_phonenumbers(forms: list[Form]) -> str:
    """What the library phonenumbers finds, set to `COUNTRIES`."""
    import phonenumbers  # type: ignore[import-not-found]  # noqa: PLC0415 -- not a package that this project installs

    found, of, taken = 0, 0, 0
    for form in forms:
        matches = [
            match
            for country in COUNTRIES
            for match in phonenumbers.PhoneNumberMatcher(form.text, country, leniency=phonenumbers.Leniency.VALID)
        ]
        struck = {place for match in matches for place in range(match.start, match.end)}
        start = form.text.index(form.secret)
        if form.goes and form.kind == "phone":
            found += all(start + place in struck for place, sign in enumerate(form.secret) if sign.isalnum())
            of += 1
        taken += bool(matches) and not form.goes
    return f"phonenumbers finds {found} of {of}, and takes {taken} of {sum(not form.goes for form in forms)}"


def _as_json(key: tuple[str, str], figures: tuple[int, int]) -> dict[str, object]:
    return {"must": key[0], "kind": key[1], "right": figures[0], "of": figures[1]}


def _plain(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that is printed."""
    forms, unseen = read_forms(), read_forms(UNSEEN)
    found: dict[str, Any] = {
        name: [_as_json(*row) for row in measured(some).items()]
        for name, some in (("forms", forms), ("unseen", unseen))
    }
    if options.phonenumbers:
        found["phonenumbers"] = by_phonenumbers(forms)
    if options.missed:
        found["missed"] = [
            {"must": "go" if form.goes else "stay", "kind": form.kind, "text": form.text}
            | {"becomes": Redactor(Rules()).text(form.text)}
            for form in [*forms, *unseen]
            if not is_right(form)
        ]
    return found


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    sets = [
        {(row["must"], row["kind"]): (row["right"], row["of"]) for row in found[name]} for name in ("forms", "unseen")
    ]
    lines = [table(*sets)]
    if "phonenumbers" in found:
        lines += ["", f"{found['phonenumbers']}."]
    if "missed" in found:
        rows = [[row["must"], row["kind"], repr(row["text"]), repr(row["becomes"])] for row in found["missed"]]
        lines += ["", figures.table(["must", "kind", "text", "becomes"], rows)]
    return "\n".join(lines)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--missed", action="store_true", help="list the forms that are not right")
    arguments.add_argument("--phonenumbers", action="store_true", help="measure that library, where it is installed")
    run(arguments, measure, markdown)


if __name__ == "__main__":
    main()
