"""Install the wheel for each Python that is here, with the lowest and highest numpy and SQLAlchemy; test its core.

    .venv-dev/bin/python scripts/pythons.py            # all, and write docs/compatibility.md
    .venv-dev/bin/python scripts/pythons.py --rest     # what docs/compatibility.md calls not tested; it keeps the rest
    .venv-dev/bin/python scripts/pythons.py 3.13       # that Python alone, without Rasa, and nothing is written

A Python is that of a variable (`PYTHON314=/usr/bin/python3.14`), or the newest of pyenv. Tests run outside the
checkout's package: what is imported is the wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = str(ROOT / ".tools" / "bin" / "uv")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# numpy has wheels for a Python from these versions on; SQLAlchemy 1.4 is pure Python where it has none.
LOWEST_NUMPY = {"3.10": "1.23.5", "3.11": "1.23.5", "3.12": "1.26.4", "3.13": "2.1.3", "3.14": "2.3.3"}
# SQLAlchemy 2.1 takes psycopg for a URL that names no driver, earlier ones psycopg2.
# onnx writes the small models that tests load.
TOOLS = ("onnx", "pytest<9", "pytest-asyncio<1", "hypothesis<7", "psycopg2-binary", "psycopg[binary]")
TESTS = (
    "tests/audio/test_decode.py",
    "tests/audio/test_resample.py",
    "tests/conversation/test_mood.py",
    "tests/conversation/test_escalation.py",
    "tests/fusion",
    "tests/handoff/test_outbox.py",
    "tests/handoff/test_record.py",
    "tests/test_analyzer_contract.py",
    "tests/test_database.py",
    "tests/test_estimate.py",
    "tests/text/test_text_cleaning.py",
    "tests/text/test_text_reading.py",
)
LEFT_OUT = "not that_ship"
"""What takes long and says nothing of versions."""
CORE = "handoff,serve"
"""The extras of the rows without Rasa."""
RASA = {"rasa": ("3.10",), "rasa-pro": ("3.11", "3.12", "3.13", "3.14")}
"""The extras that bring a Rasa, and the Pythons that it says it runs on."""
RASA_TESTS = (
    "tests/bot/test_classifier.py",
    "tests/bot/test_policy.py",
    "tests/bot/test_responses.py",
    "tests/bot/test_tracker_store.py",
    "tests/bot/channels/test_collectors.py",
    "tests/bot/channels/test_relay.py",
    "tests/bot/channels/test_rest.py",
    "tests/bot/channels/test_translators.py",
)
"""Of the channels, those that need nothing beside Rasa; the lines' tests need clients of their own."""
HIGHEST = ("numpy", "SQLAlchemy>=2")
LOWEST_SQLALCHEMY = "SQLAlchemy<2"
PAGE = ROOT / "docs" / "compatibility.md"
HEAD = """# Compatibility

Each row is a fresh environment with the wheel: the core and the extras `handoff` and `serve` with the lowest and the
highest numpy and SQLAlchemy that the Python takes, or a Rasa with what its extra lets in. The tests are those of
the core, or of the component, policy, responses, tracker store, REST channel and relay. They import what was installed.
`.venv-dev/bin/python scripts/pythons.py` makes this page, with `--rest` the rows that are not tested. A Python that is
not on the machine keeps the rows of an earlier run. `make nightly` runs it. A row takes minutes, so `make test` has
none; it tests Python 3.10 with Rasa Open Source and 3.11 with Rasa Pro, in the versions of `requirements/`.

| Python | Rasa | numpy | SQLAlchemy | installed | tests |
|---|---|---|---|---|---|
"""
ABSENT = "not tested: not on this machine"
LATER = "not tested: the run was ended before"
VERSIONS = """
from importlib.metadata import PackageNotFoundError, version
import platform
def named(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"
print(platform.python_version(), named("numpy"), named("sqlalchemy"))
print(next((f"{name} {named(name)}" for name in ("rasa", "rasa-pro") if named(name) != "-"), "-"))
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: versions as installed, and how the tests went."""

    python: str
    rasa: str = "-"
    numpy: str = "-"
    sqlalchemy: str = "-"
    installed: str = ABSENT
    tests: str = "-"

    @property
    def failed(self) -> bool:
        """Whether the Python is here and something went wrong."""
        return self.installed != ABSENT and (
            "passed" not in self.tests or re.search("fail|err", self.tests) is not None
        )

    def __str__(self) -> str:
        return f"| {self.python} | {self.rasa} | {self.numpy} | {self.sqlalchemy} | {self.installed} | {self.tests} |"


def interpreter(python: str) -> Path | None:
    """The one that a variable names, such as PYTHON314, or the newest of pyenv; None where there is none."""
    named = os.environ.get("PYTHON" + python.replace(".", ""))
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{python}.*/bin/python"))
    return Path(named) if named else found[-1] if found else None


@dataclass(frozen=True)
class Trial:
    """What makes a row: a Python, an extra, what is installed beside it, and the tests."""

    python: str
    extra: str = CORE
    wanted: tuple[str, ...] = ()
    tests: tuple[str, ...] = TESTS

    @property
    def untried(self) -> Row:
        """The row while nobody has run it."""
        if self.extra in RASA:
            return Row(self.python, self.extra, installed=LATER)
        edge = "lowest" if LOWEST_SQLALCHEMY in self.wanted else "highest"
        return Row(self.python, "-", edge, edge, LATER)

    def is_of(self, row: Row) -> bool:
        """Whether a row of the page is this one's."""
        if row.python.split(".")[:2] != self.python.split("."):
            return False
        if self.extra in RASA:
            return row.rasa.split()[0] == self.extra
        return row.rasa == "-" and (LOWEST_SQLALCHEMY in self.wanted) == row.sqlalchemy.startswith(("1.", "lowest"))


def tried(trial: Trial, wheel: Path) -> Row:
    """Install the wheel with an extra and what else is wanted, and run the tests."""
    program = interpreter(trial.python)
    if program is None:
        return Row(trial.python)
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "bin" / "python"
        subprocess.run([UV, "venv", "--quiet", "--allow-existing", "--python", str(program), folder], check=True)
        install = [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(own),
            f"{wheel}[{trial.extra}]",
            *trial.wanted,
            *TOOLS,
        ]
        done = subprocess.run(install, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return replace(trial.untried, installed="no")
        found = subprocess.run([str(own), "-c", VERSIONS], capture_output=True, text=True, check=True).stdout
        versions, rasa = found.splitlines()
        full, numpy, sqlalchemy = versions.split()
        return Row(full, rasa, numpy, sqlalchemy, "yes", tested(own, Path(folder) / "checkout", trial.tests))


def tested(python: Path, folder: Path, tests: tuple[str, ...]) -> str:
    """How the tests went, in pytest's words."""
    folder.mkdir()
    for name in ("tests", "models", "scripts", "docs", "bot_example", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.db", "*.tar.gz"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Rasa Pro fetches a table of prices when it is imported, unless it is told not to.
    outside["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", LEFT_OUT, *tests]
    done = subprocess.run(command, cwd=folder, env=outside, capture_output=True, text=True, check=False)
    print(done.stdout[-2000:], file=sys.stderr)
    summary = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", done.stdout.strip().rpartition("\n")[2])
    return ", ".join(summary) or f"ended with {done.returncode}"


def plan() -> list[Trial]:
    """The whole table: the newest versions, the oldest, then a Rasa where there is its Python."""
    here = [python for python in PYTHONS if interpreter(python)]
    return [
        *(Trial(python, wanted=HIGHEST) for python in reversed(PYTHONS)),
        *(Trial(python, wanted=(f"numpy=={LOWEST_NUMPY[python]}", LOWEST_SQLALCHEMY)) for python in here),
        *(
            Trial(python, extra, tests=RASA_TESTS)
            for extra, pythons in RASA.items()
            for python in here
            if python in pythons
        ),
    ]


def on_page() -> list[Row]:
    """The rows that stand in the page and were run."""
    lines = (line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d", line))
    rows = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]
    return [row for row in rows if row.installed not in (LATER, ABSENT)]


def written(rows: list[Row], todo: list[Trial]) -> None:
    """Write the page at once: who interrupts a long run keeps what it found."""
    table = sorted(map(str, [*rows, *(trial.untried for trial in todo)]), key=lambda row: row.split()[1].split(".")[:2])
    PAGE.write_text(HEAD + "".join(f"{row}\n" for row in table), encoding="utf-8")


def kept(chosen: list[str]) -> list[Row]:
    """What stays of the page: with `--rest` all that was run, without it the rows of Pythons that are not here."""
    if chosen == ["--rest"]:
        return on_page()
    return [] if chosen else [row for row in on_page() if interpreter(".".join(row.python.split(".")[:2])) is None]


def main(chosen: list[str]) -> int:
    rows = kept(chosen)
    todo = [trial for trial in plan() if not any(trial.is_of(row) for row in rows)]
    if chosen and chosen != ["--rest"]:
        todo = [Trial(python, wanted=HIGHEST) for python in chosen]
    with tempfile.TemporaryDirectory() as folder:
        build = [UV, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", folder, str(ROOT)]
        subprocess.run(build, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        for number, trial in enumerate(todo, 1):
            rows.append(tried(trial, wheel))
            print(rows[-1], flush=True)
            if not chosen or chosen == ["--rest"]:
                written(rows, todo[number:])
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
