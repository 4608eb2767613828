"""How far the probability of anger puts angry turns first."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.errors import ConfigError, TextError
from research.text.anger import line, ranked

MODEL = Path(__file__).parents[3] / "models" / "text"


def rows(**labels: str) -> list[LabelledText]:
    return [LabelledText(text, text, {label: 1.0}) for text, label in labels.items()]


def test_rows_of_no_emotion_count_and_texts_without_words_are_not_angry() -> None:
    def anger(text: str) -> float:
        if text == "none":
            raise TextError("no word")
        return len(text) / 10

    truth, found = ranked(anger, rows(furious="angry", mad="anger", none="others", hi="others"))
    assert truth.tolist() == [1, 1, 0, 0]
    assert found.tolist() == [0.7, 0.3, 0.0, 0.2]
    assert line(truth, found).startswith("area 1.000 (")
    assert line(truth, found).endswith("2 angry of 4")
    assert line(truth, np.array([0.1, 0.9, 0.5, 0.5])).startswith("area 0.500 (")


@pytest.mark.parametrize("label", ["others", "angry"])
def test_a_part_of_one_side_alone_is_refused(label: str) -> None:
    with pytest.raises(ConfigError, match="angry rows and others"):
        ranked(len, rows(a=label, b=label))


def test_the_model_that_ships_is_ranked_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    turns = [
        "turn1\tturn2\tturn3\tlabel",
        "hi\thello\tI am furious with you\tangry",
        "hi\thello\tWhat time is it\tothers",
    ]
    (tmp_path / "text" / "emocontext_dev.tsv").write_text("\n".join(turns) + "\n")
    command = [sys.executable, "-m", "research.text.anger", str(MODEL), "--data", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=MODEL.parents[1]).stdout
    assert "on emocontext_dev: area 1.000 (" in said
    assert "1 angry of 2" in said
