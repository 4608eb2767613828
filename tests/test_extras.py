"""Who lacks an extra reads one sentence that names it, wherever the package is needed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import MissingExtraError, needs_extra

BOT = "rasa" if sys.version_info < (3, 11) else "rasa-pro"
CALLS = {
    "handoff work": ("sqlalchemy", "handoff"),
    "handoff list": ("sqlalchemy", "handoff"),
    "forget someone": ("sqlalchemy", "handoff"),
    "train acoustic calls --data . --out made": ("torch", "train"),
    "train text goemotions --data . --out made": ("torch", "train"),
    "corpora fetch ravdess --yes": ("pooch", "evaluate"),
}
"""Verbs of the command line, what each lacks here, and the extra that brings it."""
LACKING = """
import json, sys
lacking = set(json.loads(sys.argv[1]))
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in lacking:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Lacking())
said = {}
from rasa_emotion.cli import app, verbs
from rasa_emotion.extras import MissingExtraError
from typer.testing import CliRunner
for verb in json.loads(sys.argv[2]):
    said[verb] = str(CliRunner().invoke(app, verb.split()).exception)
import rasa_emotion
for name in ("EmotionClassifier", "EmotionTrackerStore", "RelayInput"):
    try:
        getattr(rasa_emotion, name)
    except MissingExtraError as error:
        said[name] = str(error)
print(json.dumps(said))
"""


def test_every_verb_and_name_says_which_extra_it_lacks(tmp_path: Path) -> None:
    lacking = json.dumps(sorted({package for package, _ in CALLS.values()} | {"rasa"}))
    command = [sys.executable, "-c", LACKING, lacking, json.dumps(list(CALLS))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    for verb, (package, extra) in CALLS.items():
        assert f"needs {package}, which is not installed: pip install 'rasa-emotion[{extra}]'" in said[verb], verb
    for name in ("EmotionClassifier", "EmotionTrackerStore", "RelayInput"):
        assert said[name].startswith(f"rasa_emotion.{name} needs ")
        assert said[name].endswith(f"which is not installed: pip install 'rasa-emotion[{BOT}]'.")


def test_who_expects_either_kind_of_error_gets_it() -> None:
    for kind in (ConfigError, ImportError, MissingExtraError):
        with pytest.raises(kind, match="It needs no_such_package"), needs_extra("train", "It"):
            import no_such_package  # noqa: F401, PLC0415


def test_a_module_of_the_package_itself_is_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs_extra("train", "It"):
        import rasa_emotion.no_such_module  # noqa: F401, PLC0415


def test_the_sentence_has_one_home_and_its_extras_exist(repository: Path) -> None:
    project = (repository / "pyproject.toml").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+) = \[", project.partition("[project.optional-dependencies]")[2], re.MULTILINE))
    named: set[str] = set()
    for path in sorted((repository / "rasa_emotion").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if path.name != "extras.py":
            assert "pip install 'rasa-emotion[" not in source, path
        named |= set(re.findall(r"(?:needs_extra|pip_install)\(\s*['\"]([a-z-]+)['\"]", source))
    assert {"handoff", "train", "evaluate", "rasa"} <= named <= known
