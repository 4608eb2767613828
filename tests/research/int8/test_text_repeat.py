"""What a model answers here is set against what was stored beside it."""

from pathlib import Path

import pytest

from rasa_emotion.errors import ModelError
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.text.build import HELDOUT_FILE, write_heldout
from research.int8.repeat import repeat


@pytest.fixture
def stored(built: Path) -> Path:
    data = built.parent
    (data / "text").mkdir()
    rows = "".join(f"comment {i}\tanger\n" for i in range(6))
    (data / "text" / "goemotions_dev.tsv").write_text("text\tlabels\n" + rows)
    write_heldout(TextClassifier.load(built), data, data / "sentences.csv", built / HELDOUT_FILE, per_emotion=4)
    return built


def compare(folder: Path, per_emotion: int = 4) -> list[str]:
    data = folder.parent
    return repeat(folder, data, data / "sentences.csv", per_emotion=per_emotion).splitlines()


def test_the_same_machine_gives_the_same_answers(stored: Path) -> None:
    reddit, customers = compare(stored)
    assert reddit.startswith("goemotions_dev: 4 rows, 100.0% of the answers agree, logits 0.000 apart")
    assert customers.startswith("customer_test: 32 rows, 100.0%")


def test_an_altered_answer_is_seen(stored: Path) -> None:
    file = stored / HELDOUT_FILE
    header, first, *others = file.read_text().splitlines()
    cells = first.split(",")
    low = min(range(3, len(cells)), key=lambda place: float(cells[place]))
    cells[low] = "9.0"
    file.write_text("\n".join([header, ",".join(cells), *others]) + "\n")
    assert "4 rows, 75.0% of the answers agree" in compare(stored)[0]


def test_other_rows_are_refused(stored: Path) -> None:
    with pytest.raises(ModelError, match="other rows"):
        compare(stored, per_emotion=3)
