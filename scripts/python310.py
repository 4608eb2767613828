"""Find a Python 3.10 that really runs and print its path: Rasa Open Source 3.6.21 needs just that version.

In this order: `$PYTHON310`, a `python3.10` on the PATH (one may be a shim that fails), `~/.pyenv/versions/3.10*`, and
last a download by uv. Written for the standard library of Python 3.7, since it runs before anything is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

WANTED = "3.10"


class SetUpError(Exception):
    """One sentence for people: what failed and what to do."""


def runs(program: str) -> bool:
    """Whether `program` starts and says that it is Python 3.10."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [program, "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.decode().strip() == WANTED


def installed() -> str | None:
    """Path of a Python 3.10 on this machine, or None.

    Raises:
        SetUpError: `$PYTHON310` is set and is no Python 3.10; an explicit wish is never passed over in silence.
    """
    wish = os.environ.get("PYTHON310")
    if wish:
        if not runs(wish):
            raise SetUpError(f"PYTHON310 is '{wish}', which does not run as Python {WANTED}; correct or unset it.")
        return wish
    candidates = [Path(folder) / f"python{WANTED}" for folder in os.get_exec_path()]
    candidates += [folder / "bin" / "python" for folder in pyenv_versions()]
    return next((str(path) for path in candidates if path.is_file() and runs(str(path))), None)


def pyenv_versions() -> list[Path]:
    """Folders of the versions 3.10.x that pyenv installed, the newest first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = (root / "versions").glob(f"{WANTED}*")
    return sorted(folders, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.name)], reverse=True)


def download(uv: str) -> str:
    """Path of a Python 3.10 that uv downloads.

    Raises:
        SetUpError: the download failed.
    """
    print(f"No Python {WANTED} here; downloading one with uv.", file=sys.stderr)
    fetched = subprocess.run([uv, "python", "install", WANTED], stdin=subprocess.DEVNULL, check=False)
    if fetched.returncode == 0:
        command = [uv, "python", "find", "--managed-python", "--no-project", WANTED]
        found = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        path = found.stdout.decode().strip()
        if found.returncode == 0 and runs(path):
            return path
    raise SetUpError(
        f"No Python {WANTED} was found and none could be downloaded (Rasa 3.6.21 needs just that version); "
        f"install one, for example with 'pyenv install {WANTED}', or set PYTHON310 to the path of one."
    )


def find(uv: str) -> str:
    """Path of a Python 3.10, downloaded by `uv` where this machine has none."""
    return installed() or download(uv)


if __name__ == "__main__":
    try:
        print(find(sys.argv[1] if len(sys.argv) > 1 else "uv"))
    except SetUpError as problem:
        sys.exit(f"Error: {problem}")
