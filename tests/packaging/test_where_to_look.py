"""Who asks where something is finds it in one step: CONTRIBUTING.md names the file, and it holds what is named."""

import re
from pathlib import Path

import pytest

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
ROWS = re.findall(
    r"^\| ([^|]+\?) \| `([^`]+)` \| `(.+)` \|$", CONTRIBUTING.read_text(encoding="utf-8"), flags=re.MULTILINE
)


def test_the_questions_are_there() -> None:
    assert len(ROWS) >= 10


@pytest.mark.parametrize(("question", "file", "holds"), ROWS, ids=[row[0] for row in ROWS])
def test_the_file_holds_what_is_asked_for(repository: Path, question: str, file: str, holds: str) -> None:
    assert holds in (repository / file).read_text(encoding="utf-8"), question
