"""The modules of the package: imports point to the left, and heavy packages stay in theirs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = (
    "errors",
    "extras",
    "logs",
    "settings",
    "plain_yaml",
    "plugins",
    "emotions",
    "estimate",
    "database",
    "endpoints",
    "spool",
    "model_folder",
    "attributes",
    "anger_weights",
    "audio",
    "protocol",
    "streaming",
    "acoustic",
    "text",
    "torch_backends",  # behind the extra `torch`; `acoustic` names it and does not import it
    "fusion",
    "analyzer",
    "wire",
    "replicas",
    "remote",
    "timeline",
    "conversation",
    "handoff",  # before the bot: the tracker store writes handoffs, the channels relay
    "privacy",
    "turn",
    "corpora",
    "evaluation",  # before training, which chooses its epochs by these metrics
    "training",
    "voice",
    "archive",
    "service",
    "console",
    "bot",
    "components",  # old paths of what is in `bot`
    "channels",
    "relay",  # names for further relays in credentials.yml
    "cli",
)

HEAVY = {"torch", "torchaudio", "transformers", "speechbrain", "sklearn", "librosa", "tensorflow"}

HEAVY_ALLOWED = (
    "training/",
    "evaluation/",
    "console/workbench/pictures.py",  # librosa, loaded with the first recording
    # The encoders that the recipes train, and the adapters of the optional `torch` extra.
    "acoustic/frontend.py",
    "acoustic/network.py",
    "acoustic/whisper.py",
    "torch_backends/",
    "text/torch_",
    # What `rasa train` fits with the scikit-learn that Rasa brings; the tests below see that nothing else loads it.
    "text/adaptation.py",
)


def imported(path: Path) -> Iterator[str]:
    """The modules that a file names, anywhere in it; names that are needed for type checking alone count too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="module")
def imports(repository: Path) -> dict[str, list[str]]:
    """What each module of the package imports, by its path inside the package."""
    package = repository / "rasa_emotion"
    return {str(path.relative_to(package)): list(imported(path)) for path in sorted(package.rglob("*.py"))}


def room(module: str) -> str:
    return module.split("/", maxsplit=1)[0].removesuffix(".py")


def test_every_room_has_its_place(imports: dict[str, list[str]]) -> None:
    assert {room(module) for module in imports} - {"__init__"} <= set(ROOMS)


def test_the_architecture_names_every_room_in_this_order(repository: Path) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]+`) \|", page, flags=re.MULTILINE)
    named = [re.findall(r"`(\w+)[^`]*`", cell) for cell in cells]
    assert sorted(name for row in named for name in row) == sorted(ROOMS)
    rows = {name: number for number, row in enumerate(named) for name in row}
    order = [rows[name] for name in ROOMS]
    assert order == sorted(order)


def test_training_holds_what_a_verb_reaches(repository: Path, imports: dict[str, list[str]]) -> None:
    """What makes the models that ship, and no verb asks for, is in `research/`."""
    names = {
        "rasa_emotion." + path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): path for path in imports
    }
    reached: set[str] = set()
    waiting = [name for name, path in names.items() if room(path) not in ("training", "corpora", "evaluation")]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += {
                found for one in imports[names[name]] for found in (one, one.rpartition(".")[0]) if found in names
            }
    left = [path for name, path in names.items() if name not in reached and not path.endswith("__init__.py")]
    assert left == []


def test_imports_point_to_the_left(imports: dict[str, list[str]]) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in names
        if name.startswith("rasa_emotion.") and name.split(".")[1] in ROOMS
        if ROOMS.index(name.split(".")[1]) > ROOMS.index(room(module))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["rasa", "rasa_sdk", "sanic"])
def test_rasa_is_imported_in_one_folder(package: str, imports: dict[str, list[str]]) -> None:
    users = {room(module) for module, names in imports.items() if any(name.split(".")[0] == package for name in names)}
    assert users <= {"bot"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("components.classifier.EmotionClassifier", "bot.classifier.EmotionClassifier"),
        ("components.policy.EmotionPolicy", "bot.policy.EmotionPolicy"),
        ("components.responses.EmotionResponses", "bot.responses.EmotionResponses"),
        ("components.tracker_store.EmotionTrackerStore", "bot.tracker_store.EmotionTrackerStore"),
        ("channels.rest.EmotionRestInput", "bot.channels.rest.EmotionRestInput"),
        ("channels.relay.RelayInput", "bot.channels.relay.RelayInput"),
        ("relay.any_name", "bot.channels.relay.RelayInput"),
    ],
)
def test_paths_that_bots_in_the_field_name_lead_to_the_same_class(old: str, new: str) -> None:
    from rasa.shared.utils.common import class_from_module_path  # noqa: PLC0415 -- loads Rasa

    assert class_from_module_path(f"rasa_emotion.{old}") is class_from_module_path(f"rasa_emotion.{new}")


def test_only_the_database_begins_transactions_that_write(repository: Path) -> None:
    """On SQLite a transaction that is begun otherwise may be refused as soon as it writes; see `database.writing`."""
    package = repository / "rasa_emotion"
    found = [
        str(path.relative_to(package))
        for path in sorted(package.rglob("*.py"))
        if re.search(r"engine\.begin\(", path.read_text(encoding="utf-8")) and path.name != "database.py"
    ]
    assert found == []


def test_heavy_packages_stay_where_training_happens(imports: dict[str, list[str]]) -> None:
    users = [
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in names
        if name.split(".")[0] in HEAVY and not module.startswith(HEAVY_ALLOWED)
    ]
    assert users == []


def test_nothing_at_run_time_imports_the_recipes(imports: dict[str, list[str]]) -> None:
    users = {
        room(module) for module, names in imports.items() if any(n.startswith("rasa_emotion.training") for n in names)
    }
    assert users <= {"training", "cli"}


def test_the_package_needs_no_research(imports: dict[str, list[str]]) -> None:
    """The wheel does not contain `research/`."""
    users = [module for module, names in imports.items() if any(name.split(".")[0] == "research" for name in names)]
    assert users == []


@pytest.mark.parametrize(
    "statement", ["import rasa_emotion", "from rasa_emotion import EmotionAnalyzer", "import rasa_emotion.cli.verbs"]
)
def test_the_core_loads_without_heavy_packages(statement: str) -> None:
    script = f"{statement}; import sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) & (HEAVY | {"rasa"}) == set()


def test_test_files_have_names_of_their_own(repository: Path) -> None:
    # Without packages among the tests, pytest refuses a second file of the same name.
    names = [path.name for path in (repository / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
