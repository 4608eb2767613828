"""Install the wheel for each Python that is here, with the lowest and highest numpy and SQLAlchemy; test its core.

    .venv-dev/bin/python scripts/pythons.py            # all, and write docs/compatibility.md
    .venv-dev/bin/python scripts/pythons.py 3.13       # that Python alone, nothing is written

Pythons are those of pyenv. Tests run outside the checkout's package: what is imported is the wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = str(ROOT / ".tools" / "bin" / "uv")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# numpy has wheels for a Python from these versions on; SQLAlchemy 1.4 is pure Python where it has none.
LOWEST_NUMPY = {"3.10": "1.23.5", "3.11": "1.23.5", "3.12": "1.26.4", "3.13": "2.1.3", "3.14": "2.3.3"}
# SQLAlchemy 2.1 takes psycopg for a URL that names no driver, earlier ones psycopg2.
TOOLS = ("pytest<9", "pytest-asyncio<1", "hypothesis<7", "psycopg2-binary", "psycopg[binary]")
TESTS = (
    "tests/audio/test_decode.py",
    "tests/audio/test_resample.py",
    "tests/audio/test_windows.py",
    "tests/conversation/test_anger.py",
    "tests/conversation/test_mood.py",
    "tests/conversation/test_escalation.py",
    "tests/fusion",
    "tests/handoff/test_outbox.py",
    "tests/handoff/test_record.py",
    "tests/handoff/test_redact.py",
    "tests/privacy/test_consent.py",
    "tests/test_database.py",
    "tests/test_estimate.py",
    "tests/text/test_detector.py",
    "tests/text/test_text_cleaning.py",
)
PAGE = ROOT / "docs" / "compatibility.md"
HEAD = """# Compatibility

The core and the extra `handoff`, installed from the wheel into a fresh environment of each Python, with the lowest and
the highest numpy and SQLAlchemy that the Python takes. `.venv-dev/bin/python scripts/pythons.py` makes this page.
Rasa Open Source 3.6.21 runs on Python 3.10 alone; its tests are those of `make test`.

| Python | numpy | SQLAlchemy | installed | tests passed |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: versions as installed, and how the tests went."""

    python: str
    numpy: str = ""
    sqlalchemy: str = ""
    installed: str = "not tested: not on this machine"
    passed: str = ""

    def __str__(self) -> str:
        return f"| {self.python} | {self.numpy} | {self.sqlalchemy} | {self.installed} | {self.passed} |"


def interpreter(python: str) -> Path | None:
    """The newest one of pyenv; None where there is none."""
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{python}.*/bin/python"))
    return found[-1] if found else None


def tried(python: str, wheel: Path, *, lowest: bool) -> Row:
    """Install and test."""
    program = interpreter(python)
    if program is None:
        return Row(python)
    wanted = [f"numpy=={LOWEST_NUMPY[python]}", "SQLAlchemy<2"] if lowest else ["numpy", "SQLAlchemy>=2"]
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "bin" / "python"
        subprocess.run([UV, "venv", "--quiet", "--allow-existing", "--python", str(program), folder], check=True)
        install = [UV, "pip", "install", "--quiet", "--python", str(own), f"{wheel}[handoff]", *wanted, *TOOLS]
        if subprocess.run(install, check=False).returncode != 0:
            return Row(python, wanted[0], wanted[1], "no")
        script = "import numpy, sqlalchemy; print(numpy.__version__, sqlalchemy.__version__)"
        versions = subprocess.run([str(own), "-c", script], capture_output=True, text=True, check=True).stdout.split()
        tests = Path(folder) / "checkout"
        for name in ("tests", "models", "pyproject.toml"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, _beside(tests, name))
        command = [str(own), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=tests, env=outside, capture_output=True, text=True, check=False)
        print(done.stdout[-2000:], file=sys.stderr)
        summary = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", done.stdout.strip().rpartition("\n")[2])
        return Row(python, *versions, "yes", ", ".join(summary) or f"ended with {done.returncode}")


def _beside(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / name


def main(chosen: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        build = [UV, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", folder, str(ROOT)]
        subprocess.run(build, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        rows = []
        for python in chosen or PYTHONS:
            for lowest in (True, False) if interpreter(python) and not chosen else (False,):
                rows.append(tried(python, wheel, lowest=lowest))
                print(rows[-1], flush=True)
    if not chosen:
        PAGE.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    tested = [row for row in rows if row.installed != Row("").installed]
    return int(any("passed" not in row.passed or re.search("fail|err", row.passed) for row in tested))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
