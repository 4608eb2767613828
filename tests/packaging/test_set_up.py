"""How the Makefile's set-up finds Python 3.10 and uv, and when it does its work again."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import programs
import pytest

GOOD = 'echo "${0##*/} $*" >>"$LOG"; echo 3.10\n'
BAD = 'echo "pyenv: python3.10: command not found" >&2; exit 127\n'
OTHER = "echo 3.11\n"

Program = Callable[[Path, str], Path]


@pytest.fixture
def program() -> Program:
    """Writes an executable shell script."""

    def write(path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)
        return path

    return write


class Finder:
    """`scripts/python310.py` with a home, a PATH and a uv of its own."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.script = repository / "scripts" / "python310.py"
        self.home, self.path, self.uv = folder / "home", folder / "path", folder / "uv"
        self.environment = {"HOME": str(self.home), "PATH": str(self.path), "LOG": str(folder / "log")}

    def __call__(self, **environment: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.script), str(self.uv)],
            env={**self.environment, **{name: str(value) for name, value in environment.items()}},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def finder(repository: Path, tmp_path: Path) -> Finder:
    return Finder(repository, tmp_path)


def test_the_named_python_comes_first(finder: Finder, program: Program, tmp_path: Path) -> None:
    program(finder.path / "python3.10", GOOD)
    named = program(tmp_path / "mine", GOOD)
    assert finder(PYTHON310=named).stdout.strip() == str(named)


@pytest.mark.parametrize("body", [BAD, OTHER])
def test_a_named_python_that_does_not_serve_is_an_error(
    finder: Finder, program: Program, tmp_path: Path, body: str
) -> None:
    program(finder.path / "python3.10", GOOD)
    named = program(tmp_path / "mine", body)
    answer = finder(PYTHON310=named)
    assert answer.returncode == 1
    assert answer.stderr == f"Error: PYTHON310 is '{named}', which does not run as Python 3.10; correct or unset it.\n"


def test_a_shim_that_fails_is_passed_over_for_a_later_one_on_the_path(
    finder: Finder, program: Program, tmp_path: Path
) -> None:
    program(finder.path / "python3.10", BAD)
    real = program(tmp_path / "later" / "python3.10", GOOD)
    assert finder(PATH=f"{finder.path}:{real.parent}").stdout.strip() == str(real)


def test_the_newest_of_pyenv_comes_after_the_path(finder: Finder, program: Program) -> None:
    program(finder.path / "python3.10", BAD)
    versions = finder.home / ".pyenv" / "versions"
    for name in ("3.10.9", "3.10.13", "3.11.2"):
        program(versions / name / "bin" / "python", GOOD)
    assert finder().stdout.strip() == str(versions / "3.10.13" / "bin" / "python")
    on_path = program(finder.path / "python3.10", GOOD)
    assert finder().stdout.strip() == str(on_path)


def test_uv_downloads_where_there_is_none(finder: Finder, program: Program, tmp_path: Path) -> None:
    fetched = program(tmp_path / "fetched", GOOD)
    program(finder.uv, f'echo "uv $*" >>"$LOG"; [ "$2" = find ] && echo {fetched}; exit 0\n')
    assert finder().stdout.strip() == str(fetched)
    calls = (tmp_path / "log").read_text().splitlines()
    assert calls[:2] == ["uv python install 3.10", "uv python find --managed-python --no-project 3.10"]


@pytest.mark.parametrize("body", ["exit 1\n", "echo /nowhere/python\n"])
def test_a_download_that_fails_is_one_sentence(finder: Finder, program: Program, body: str) -> None:
    program(finder.uv, body)
    answer = finder()
    assert answer.returncode == 1
    error = answer.stderr.splitlines()[-1]
    assert error.startswith("Error: No Python 3.10 was found and none could be downloaded")
    assert "PYTHON310" in error


FAKE_UV = """\
echo "$*" >>"$LOG"
case "$1 $2" in
  "venv --quiet") mkdir -p "$5/bin"; ln -s "$REAL" "$5/bin/python" ;;
  "pip sync") [ -e "$FAIL" ] && exit 2 ;;
esac
exit 0
"""


class Project:
    """A copy of the set-up scripts beside a uv that only notes what it is asked for."""

    def __init__(self, repository: Path, folder: Path, program: Program) -> None:
        self.root, self.log, self.fail = folder / "project", folder / "log", folder / "fail"
        for name in ("scripts", "requirements"):
            shutil.copytree(repository / name, self.root / name)
        (self.root / "pyproject.toml").write_text("[project]\n")
        # The project counts as installed when it can be imported; the real one is, in the Python of these tests.
        self.uv = program(self.root / ".tools" / "bin" / "uv", FAKE_UV)
        self.tools = folder / "bin"
        program(self.tools / "espeak-ng", "exit 0\n")

    def set_up(self, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        given = {"PATH": f"{self.tools}:/usr/bin:/bin", "HOME": str(self.root), "LOG": str(self.log)}
        given |= {"PYTHON310": sys.executable, "REAL": sys.executable, "FAIL": str(self.fail), **environment}
        command = [sys.executable, str(self.root / "scripts" / "environment.py"), *names]
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    @property
    def asked(self) -> list[str]:
        """The verbs that uv was called with."""
        lines = [line.split() for line in self.log.read_text().splitlines() if line != "--version"]
        return [" ".join(words[:2]) if words[0] == "pip" else words[0] for words in lines]


@pytest.fixture
def project(repository: Path, tmp_path: Path, program: Program) -> Project:
    return Project(repository, tmp_path, program)


ALL = ["venv", "pip sync", "pip install"]


def test_an_environment_is_made_once(project: Project) -> None:
    assert project.set_up("run").returncode == 0
    assert project.asked == ALL
    assert project.set_up("run").returncode == 0
    assert project.asked == []


def test_everything_is_installed_with_hashes(project: Project) -> None:
    project.set_up("run")
    sync = next(line for line in project.log.read_text().splitlines() if line.startswith("pip sync"))
    assert "--require-hashes requirements/run.txt" in sync


def test_recognisers_that_were_set_up_stay(project: Project) -> None:
    project.set_up("run")
    project.set_up("speech")
    assert project.asked == ["pip sync", "pip install"]
    assert "requirements/speech.txt" in project.log.read_text()
    project.set_up("run")
    assert project.asked == []


def test_a_changed_lock_brings_the_environment_in_step(project: Project) -> None:
    project.set_up("run")
    lock = project.root / "requirements" / "run.txt"
    lock.write_text(lock.read_text() + "# changed\n")
    project.set_up("run")
    assert project.asked == ["pip sync", "pip install"]


def test_an_interrupted_set_up_starts_from_nothing(project: Project) -> None:
    project.fail.touch()
    answer = project.set_up("run")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("Error: Filling .venv failed")
    half = project.root / ".venv" / "half-copied"
    half.touch()
    project.fail.unlink()
    assert project.set_up("run").returncode == 0
    assert project.asked == ALL
    assert not half.exists()


def test_a_moved_checkout_is_set_up_again(project: Project) -> None:
    project.set_up("run")
    project.root = project.root.rename(project.root.with_name("moved"))
    project.set_up("run")
    assert project.asked == ["pip sync", "pip install"]


def test_the_two_environments_do_not_meet(project: Project) -> None:
    project.set_up("run")
    project.set_up("dev")
    assert project.asked == ALL
    assert (project.root / ".venv-dev").is_dir()


def test_an_unknown_name_is_refused(project: Project) -> None:
    assert project.set_up("all").stderr == "Error: name what to set up: run, speech, dev, pro, uv, tests or nightly.\n"


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may install with apt-get: sudo make test")


@root
def test_root_installs_espeak_ng_even_where_a_list_cannot_be_refreshed(project: Project, program: Program) -> None:
    (project.tools / "espeak-ng").unlink()
    program(project.tools / "apt-get", 'echo "apt-get $*" >>"$LOG"; [ "$1" = update ] && exit 100; exit 0\n')
    assert project.set_up("run", PATH=f"{project.tools}:{bin_without_espeak(project)}").returncode == 0
    assert "apt-get install --yes -qq --no-install-recommends espeak-ng" in project.log.read_text()


def test_without_apt_get_espeak_ng_is_asked_for(project: Project) -> None:
    (project.tools / "espeak-ng").unlink()
    answer = project.set_up("run", PATH=f"{project.tools}:{bin_without_espeak(project)}")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: espeak-ng is missing")
    assert "sudo apt-get install espeak-ng" in answer.stderr


@root
def test_root_installs_what_tests_talk_to(project: Project, program: Program) -> None:
    program(project.tools / "debconf-set-selections", 'cat >>"$LOG"\n')
    program(project.tools / "apt-get", 'echo "apt-get $RUNLEVEL $*" >>"$LOG"; exit 0\n')
    path = f"{project.tools}:{bin_without_espeak(project)}"
    assert project.set_up("tests", PATH=path).returncode == 0
    said = project.log.read_text()
    assert re.search("^apt-get 1 install .* openssl .*redis-server$", said, flags=re.MULTILINE)
    assert "request-tracker5" not in said
    project.set_up("nightly", PATH=path)
    said = project.log.read_text()
    assert "redis-server request-tracker5" in said
    assert ("rt5-db-sqlite" in said) is not Path("/usr/share/doc/rt5-db-sqlite").exists()  # no program of its own
    assert "request-tracker5/dbconfig-install boolean false" in said


def test_tests_go_on_without_what_they_talk_to(project: Project) -> None:
    answer = project.set_up("tests", PATH=f"{project.tools}:{bin_without_espeak(project)}")
    assert answer.returncode == 0
    assert "Tests are skipped: redis-server is missing, which holds conversations; install it" in answer.stderr
    assert "'sudo apt-get install redis-server'" in answer.stderr


def test_the_programs_that_tests_wait_for_are_named_with_the_command() -> None:
    for entry in (*programs.DEMO, *programs.TESTS, *programs.NIGHTLY):
        said = programs.why_not(entry.package)
        assert said in {"", f"{entry.package} is not installed: sudo apt-get install {entry.package}"}
    with pytest.raises(KeyError):
        programs.why_not("no-such-package")


def bin_without_espeak(project: Project) -> Path:
    """A folder with nothing but what the fake programs call."""
    folder = project.root / "bare"
    folder.mkdir()
    for name in ("sh", "mkdir", "ln", "cat"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def test_uv_comes_by_pip_into_the_project(project: Project, program: Program) -> None:
    project.uv.unlink()
    program(project.tools / "python3", 'echo "$PIP_USER $PIP_BREAK_SYSTEM_PACKAGES pip $*" >>"$LOG"\n')
    stand_in = f"import sys; sys.path.insert(0, {str(project.root / 'scripts')!r}); import environment, python310\n"
    stand_in += f"sys.executable = {str(project.tools / 'python3')!r}; environment.ensure_uv()\n"
    environment = {"PATH": "/usr/bin:/bin", "LOG": str(project.log)}
    subprocess.run([sys.executable, "-c", stand_in], env=environment, check=True)
    call = project.log.read_text().splitlines()[-1]
    assert call.startswith("0 1 pip -m pip install")
    assert f"--target {project.root / '.tools'}" in call
    assert "--require-hashes" in call


def test_a_missing_pip_is_one_sentence(project: Project, program: Program) -> None:
    project.uv.unlink()
    broken = program(project.tools / "python3", "exit 1\n")
    stand_in = f"import sys; sys.path.insert(0, {str(project.root / 'scripts')!r}); import environment\n"
    stand_in += f"sys.executable = {str(broken)!r}; environment.ensure_uv()\n"
    command = [sys.executable, "-c", stand_in]
    answer = subprocess.run(command, env={"PATH": str(project.tools)}, capture_output=True, text=True, check=False)
    assert "pip is missing; install it" in answer.stderr


@pytest.mark.parametrize("name", ["python310.py", "environment.py", "programs.py"])
def test_the_scripts_keep_to_python_37(repository: Path, name: str) -> None:
    source = (repository / "scripts" / name).read_text()
    ast.parse(source, feature_version=(3, 7))
    assert "from __future__ import annotations" in source
