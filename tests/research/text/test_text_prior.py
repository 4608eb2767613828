"""Constants added to the logits: chosen on one part, scored on others."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import weighted_f1
from rasa_emotion.text import TextClassifier
from research.text.prior import Side, best_shifts, comparison, confused, main, wording_side

ANGRY, CALM, NEUTRAL = (EMOTIONS.index(name) for name in ("angry", "calm", "neutral"))


def side(name: str = "part", *, lead: float = 1.0) -> Side:
    """Twenty neutral rows that the model finds calm by `lead`, and ten angry ones that it finds angry by 5."""
    truth = np.array([NEUTRAL] * 20 + [ANGRY] * 10)
    logits = np.zeros((30, 8))
    logits[:20, CALM], logits[20:, ANGRY] = lead, 5.0
    return Side(name, logits, np.eye(8, dtype=bool)[truth])


def test_the_emotion_that_is_missed_gets_what_it_lacks() -> None:
    part = side()
    shifts = best_shifts(part.truth, part.logits, [NEUTRAL])
    assert shifts[NEUTRAL] == pytest.approx(1.2)
    assert np.count_nonzero(shifts) == 1
    assert weighted_f1(part.truth, (part.logits + shifts).argmax(1)) == 1.0


def test_what_may_not_move_stays() -> None:
    assert not best_shifts(side().truth, side().logits, [ANGRY]).any()
    right = side(lead=-1.0)  # all rows are right as they are: neutral is not behind calm, and first of equal ones
    right.logits[:20, NEUTRAL] = 1.0
    assert not best_shifts(right.truth, right.logits, range(8)).any()


def test_a_shift_is_chosen_on_one_part_and_scored_on_the_others() -> None:
    lines = comparison(side("first"), [side("second", lead=2.0)]).splitlines()
    assert lines[0] == "| shift | added | first | second |"
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in lines[2:]}
    assert rows["as it is"][1] == "nothing"
    assert rows["without calm"][1] == "calm -inf"
    assert rows["neutral alone"][1] == "neutral +1.2"
    assert rows["neutral alone"][2].startswith("1.000")
    assert rows["neutral alone"][3].startswith("0.333")  # which would have needed more


def test_turns_with_two_right_answers_count_either() -> None:
    two = side("own turns")
    two.right[:20, CALM] = True
    assert "| 1.000 right |" in comparison(side(), [two]).splitlines()[2]


def test_who_is_taken_for_whom() -> None:
    lines = confused(side()).splitlines()
    assert lines[2].startswith("| angry | 10 | 0 |")
    assert lines[3] == "| neutral | 0 | 20 | 0 | 0 | 0 | 0 | 0 | 0 |"


def test_signs_alone_are_no_turn(built: Path, tmp_path: Path) -> None:
    (tmp_path / "dev.csv").write_text(
        "text,emotion,also,kind,topic\nstop,neutral,angry,one-word,any\n?,surprise,,exclamation,any\n"
    )
    found = wording_side(TextClassifier.load(built), [tmp_path / "dev.csv"])
    assert found.logits.shape == (1, 8)
    assert found.right.sum() == 2


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prior", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"model\.json"):
        main()
