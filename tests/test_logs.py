"""Log records have names, which a page lists, and tracebacks quote nobody."""

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rasa_emotion.logs import named, trace

LEVELS = {"debug", "info", "warning", "error", "exception", "log"}
COMMANDS = ("training/", "cli/")
"""What people run and watch; programs read what servers log."""


def calls(repository: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every logging call of the package, with its place."""
    package = repository / "rasa_emotion"
    for path in sorted(package.rglob("*.py")):
        where = str(path.relative_to(package))
        if where.startswith(COMMANDS) or where == "logs.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "logger":
                    yield f"{where}:{node.lineno}", node


def name_of(call: ast.Call) -> str | None:
    extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
    if isinstance(extra, ast.Call) and isinstance(extra.func, ast.Name) and extra.func.id == "named":
        (name,) = extra.args
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return name.value
    return None


def test_every_record_of_a_server_has_a_name(repository: Path) -> None:
    found = {place: name_of(call) for place, call in calls(repository)}
    assert len(found) > 40
    assert [place for place, name in found.items() if name is None] == []
    assert [name for name in found.values() if not re.fullmatch(r"[a-z]+(\.[a-z]+){1,3}", name or "")] == []


def test_the_page_lists_every_name_and_no_other(repository: Path) -> None:
    page = (repository / "docs" / "logs.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z.]+)` \|", page, flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {name_of(call) for _, call in calls(repository)}


def test_the_name_is_an_attribute_of_the_record(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("rasa_emotion.somewhere").warning("It was skipped.", extra=named("turn.voice.skipped"))
    assert [vars(record)["event"] for record in caplog.records] == ["turn.voice.skipped"]


def test_a_traceback_quotes_no_message(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("rasa_emotion.somewhere")
    said = "my number is 07700 900123"
    try:
        try:
            raise KeyError(said)
        except KeyError as error:
            raise ValueError(said) from error
    except ValueError as error:
        with caplog.at_level(logging.INFO, logger="rasa_emotion"):
            trace(logger, "turn.failed", error)
        assert caplog.records == []
        with caplog.at_level(logging.DEBUG, logger="rasa_emotion"):
            trace(logger, "turn.failed", error)
    (record,) = caplog.records
    assert (record.levelname, vars(record)["event"]) == ("DEBUG", "turn.failed")
    assert "07700" not in record.getMessage()
    assert record.getMessage().index("KeyError") < record.getMessage().index("ValueError")
    assert "test_logs.py" in record.getMessage()
