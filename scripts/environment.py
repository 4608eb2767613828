"""Set up what the Makefile's targets run in: `python3 scripts/environment.py run | speech | dev | pro | uv | tests`.

`run` is `.venv`, what a bot needs (no torch); `speech` is the same with recognisers of speech and their weights (some
500 MB), and where it is set up, `run` leaves it so; `dev` is `.venv-dev`, everything; `pro` is `.venv-pro`, Rasa Pro
and what its tests need; `uv` is the installer alone, which comes by pip into `.tools`; `tests` and `nightly` are the
programs that tests talk to, such as databases (`programs.py` has the table). Several may be named. An environment whose
lock is unchanged is left as it is; one that was interrupted is made again. Written for the standard library of Python
3.7, since it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import programs
from python310 import SetUpError, find

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"
REQUIREMENTS = ROOT / "requirements"
ENVIRONMENTS = {"run": ROOT / ".venv", "speech": ROOT / ".venv", "dev": ROOT / ".venv-dev", "pro": ROOT / ".venv-pro"}
PYTHON_OF_PRO = "3.11"
"""The oldest that Rasa Pro 3.21 runs on; uv finds one, or downloads it."""
STAMP = "set-up.sha256"
PROGRAMS = {"tests": programs.TESTS, "nightly": programs.TESTS + programs.NIGHTLY}
APT = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def run(command: list[str], purpose: str, **environment: str) -> None:
    """Run a command with its output shown.

    Raises:
        SetUpError: it failed.
    """
    done = subprocess.run(
        command, cwd=str(ROOT), stdin=subprocess.DEVNULL, env={**os.environ, **environment}, check=False
    )
    if done.returncode != 0:
        raise SetUpError(
            f"{purpose} failed (its output stands above, exit code {done.returncode}); "
            "run the same command again when the cause is mended, it goes on from there."
        )


def ensure_uv() -> None:
    """Install uv into `.tools` where it is not there or does not run."""
    if works([str(UV), "--version"]):
        return
    if sys.version_info < (3, 8):  # noqa: UP036 -- this file runs before the right Python is there
        raise SetUpError(
            f"uv needs Python 3.8 or later and {sys.executable} is older; "
            "name another one, for example 'make test PYTHON=python3.10'."
        )
    pips = [[sys.executable, "-m", "pip"], ["pip3"], ["pip"]]
    pip = next((command for command in pips if works([*command, "--version"])), None)
    if pip is None:
        raise SetUpError("pip is missing; install it, for example with 'apt-get install python3-pip'.")
    # As variables, because an older pip refuses options that it does not know: Debian's pip would ask for a virtual
    # environment, and one set to install for the user cannot have a target.
    variables = {"PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables["PIP_ROOT_USER_ACTION"] = "ignore"  # it goes into a folder of the project, whoever calls
    lock = str(REQUIREMENTS / "uv.txt")
    options = ["--quiet", "--upgrade", "--target", str(TOOLS), "--require-hashes", "-r", lock]
    run([*pip, "install", *options], "Installing uv", **variables)


def works(command: list[str]) -> bool:
    """Whether a command starts and succeeds."""
    null = subprocess.DEVNULL
    try:
        return subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False).returncode == 0
    except OSError:
        return False


def ensure_programs(wanted: tuple[programs.Program, ...], *, needed: bool) -> None:
    """Install what is missing of Debian's packages, or ask for it.

    Raises:
        SetUpError: something that is needed is still missing.
    """
    missing = programs.missing(wanted)
    names = [program.package for program in missing]
    if missing and programs.may_install():
        print(f"Installing {', '.join(names)} with apt-get.", file=sys.stderr)
        # A list of packages that cannot be refreshed in full may still know these: only the install must succeed.
        works(["apt-get", "update"])
        for answer in programs.ANSWERS:
            if answer.split()[0] in names:
                subprocess.run(["debconf-set-selections"], input=answer.encode(), check=False)
        # Their servers are started by the tests, on ports of their own: in runlevel 1 Debian starts none.
        done = subprocess.run(programs.command(names), stdin=subprocess.DEVNULL, env={**os.environ, **APT}, check=False)
        if done.returncode == 0:
            return
    for program in programs.missing(wanted):
        name = program.package
        wish = f"install it, for example with 'sudo apt-get install {name}', and run the same command again."
        if needed:
            raise SetUpError(f"{name} is missing, which {program.purpose}; {wish}")
        print(f"Tests are skipped: {name} is missing, which {program.purpose}; {wish}", file=sys.stderr)


def digest(name: str) -> str:
    """What an environment was made from: its lock, the project's own settings, and the place where it stands."""
    content = hashlib.sha256(str(ROOT).encode())
    for path in (REQUIREMENTS / f"{name}.txt", REQUIREMENTS / "build.txt", ROOT / "pyproject.toml"):
        content.update(path.read_bytes())
    return content.hexdigest()


def ensure_environment(name: str) -> None:
    """Bring the environment `name` in step with its lock, exact versions and hashes, and the project itself."""
    folder, wanted = ENVIRONMENTS[name], digest(name)
    stamp, python = folder / STAMP, folder / "bin" / "python"
    stamped = stamp.is_file()
    # The same versions and more: nothing is taken away from who has set up recognisers.
    enough = {wanted, digest("speech")} if name == "run" else {wanted}
    if stamped and stamp.read_text() in enough and works([str(python), "-c", "import rasa_emotion"]):
        return
    started = time.monotonic()
    print(f"Setting up {folder.name} from requirements/{name}.txt ...", file=sys.stderr)
    # Without a stamp the last set-up was interrupted, and a package may lie there half copied.
    if folder.exists() and not (stamped and works([str(python), "--version"])):
        shutil.rmtree(str(folder))
    uv = str(UV)
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    if not folder.exists():
        wanted_python = PYTHON_OF_PRO if name == "pro" else find(uv)
        purpose = f"Making {folder.name} with Python {PYTHON_OF_PRO}" if name == "pro" else f"Making {folder.name}"
        run([uv, "venv", *quiet, "--python", wanted_python, str(folder)], purpose)
    else:
        stamp.unlink()
    common = [*quiet, "--python", str(python), "--build-constraints", "requirements/build.txt"]
    run([uv, "pip", "sync", *common, "--require-hashes", f"requirements/{name}.txt"], f"Filling {folder.name}")
    run([uv, "pip", "install", *common, "--no-deps", "--editable", "."], "Installing the project")
    stamp.write_text(wanted)
    print(f"{folder.name} is ready after {time.monotonic() - started:.0f} s.", file=sys.stderr)


def main(names: list[str]) -> None:
    if not names or set(names) - {*ENVIRONMENTS, *PROGRAMS, "uv"}:
        raise SetUpError("name what to set up: run, speech, dev, pro, uv, tests or nightly.")
    # A Python that uv has to download stays inside the project.
    os.environ.setdefault("UV_PYTHON_INSTALL_DIR", str(TOOLS / "python"))
    if set(names) - set(PROGRAMS):
        ensure_uv()
    for name in names:
        if name in PROGRAMS:
            ensure_programs(PROGRAMS[name], needed=False)
        elif name != "uv":
            ensure_programs(programs.DEMO, needed=True)
            ensure_environment(name)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetUpError as problem:
        sys.exit(f"Error: {problem}")
    except KeyboardInterrupt:
        sys.exit("Interrupted; run the same command again, it goes on from there.")
