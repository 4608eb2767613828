"""What the documents promise is there: the files that they link, the two commands, the verbs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML


def documents(repository: Path) -> list[Path]:
    folders = [repository / "docs", repository / "research"]
    return [
        *repository.glob("*.md"),
        *(path for folder in folders for path in sorted(folder.rglob("*.md")) if ".template." not in path.name),
    ]


def test_every_relative_link_leads_somewhere(repository: Path) -> None:
    dead = [
        f"{document.name}: {target}"
        for document in documents(repository)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert dead == []


def test_set_up_takes_two_commands_and_ci_runs_the_second(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert "```sh\nmake demo\nmake test\n```" in readme
    ci = repository / ".ci" / "run"
    assert os.access(ci, os.X_OK)
    assert ci.read_text().splitlines()[-1] == "make test"


def make(repository: Path, *arguments: str) -> list[str]:
    """What `make` prints, also where these tests were themselves started by it."""
    outside = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "CALL"}}
    command = ["make", *arguments]
    shown = subprocess.run(command, cwd=repository, env=outside, capture_output=True, text=True, check=True).stdout
    return shown.splitlines()


def test_make_says_what_it_can_do(repository: Path) -> None:
    assert [line.split()[1] for line in make(repository, "help")] == [
        "help",
        "demo",
        "call",
        "test",
        "nightly",
        "docs",
        "lock",
    ]


@pytest.mark.parametrize(("call", "option"), [("", ""), ("my calls", ' --call "my calls"')])
def test_a_call_of_ones_own_is_handed_to_the_demo(repository: Path, call: str, option: str) -> None:
    shown = make(repository, "-n", "demo", *([f"CALL={call}"] if call else []))
    assert shown[-1].rstrip() == f".venv/bin/python bot_example/demo.py{option}"


def test_every_verb_that_is_written_about_exists(repository: Path) -> None:
    text = "\n".join(document.read_text(encoding="utf-8") for document in documents(repository))
    written = set(re.findall(r"^(?:\$ )?rasa-emotion ([a-z]+)", text, flags=re.MULTILINE))
    script = "import sys; from rasa_emotion.cli import main; main()"
    shown = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True).stdout
    assert {"init", "analyze", "doctor"} <= written
    assert {verb for verb in written if not re.search(rf"\b{verb}\b", shown)} == set()


def test_the_training_data_in_documents_has_no_comment_inside_an_example(repository: Path) -> None:
    """In a block of YAML a comment is text, and would become part of what callers are taken to say."""
    found = []
    for document in documents(repository):
        for block in re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL):
            nlu = (YAML(typ="safe").load(block) or {}).get("nlu") if "\nnlu:" in block else None
            found += [str(intent.get("examples")) for intent in nlu or []]
    assert found
    assert [examples for examples in found if "#" in examples] == []
