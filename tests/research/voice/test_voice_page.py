"""The page on callers: what the figures say, tables without figures left out, and whether a line gives itself away."""

import json
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from research.voice import page, render
from research.voice.make import yardstick
from research.voice.make.answered import Answers
from research.voice.make.yardstick import Rule
from research.voice.shortcuts import ordinary_on_lines, told

RULE = Rule(1.0, 0.35)
LINES = ("clean", "mulaw")


def rows(clips: int = 120) -> list[dict[str, str]]:
    """Clips of six speakers, each on two lines."""
    return [
        {"name": f"{clip}", "condition": line, "fold": str(clip % 3), "speaker": f"s{clip % 6}"}
        for clip in range(clips)
        for line in LINES
    ]


def probabilities(shift: float) -> np.ndarray:  # type: ignore[type-arg]
    """Of `rows`: the second line raises fear by `shift`."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (240, len(EMOTIONS)))
    logits[1::2, EMOTIONS.index("fear")] += shift
    return RULE.probabilities(logits)


def test_a_line_that_shows_is_told_and_one_that_does_not_is_guessed() -> None:
    shown, hidden = (told(rows(), probabilities(shift), LINES) for shift in (4.0, 0.0))
    assert shown["chance"] == hidden["chance"] == 0.5
    assert shown["clips"] == 120
    assert shown["told"][0] > 0.9
    assert hidden["told"][1] < 0.55
    assert hidden["told"][1] <= hidden["told"][0] <= hidden["told"][2]


def test_ordinary_speech_that_a_line_makes_afraid_is_counted() -> None:
    said = np.zeros((240, len(EMOTIONS)))
    said[0::2, EMOTIONS.index("neutral")] = 5
    said[1::2, EMOTIONS.index("fear")] = 5
    found = ordinary_on_lines(rows(), said, RULE)
    assert found["clean"]["ordinary"] == [1.0, 1.0, 1.0]
    assert found["mulaw"]["bad"] == [1.0, 1.0, 1.0]
    assert found["mulaw"]["clips"] == 120


def test_what_was_not_measured_has_no_section() -> None:
    template = "a\n<!-- if LONG -->\n## Long\n\n<!-- LONG -->\n<!-- end -->\nb <!-- ROWS -->\n"
    value = [0.5, 0.4, 0.6]
    told_of = {"before": {"x": {"told": value, "clips": 3, "chance": 0.5}}}
    result = {
        "rows": [{"row": "r", "n": 3, "speakers": 2, "before": value, "after": value, "p": 1.0, "unknown": [0, 0]}],
        "conditions": {"before": {"clean": 0.5}, "after": {"clean": 0.6}},
        "told": {**told_of, "after": told_of["before"]},
    }
    without = render.text(result, template)
    assert "Long" not in without
    assert "| r | 3, 2 | 0.500 (0.400 to 0.600) |" in without
    result["long"] = {"before": {"angry 2 s": [1, 4]}, "after": {"angry 2 s": [4, 4]}}
    assert "## Long\n\n| turns | before | now |" in render.text(result, template)


def test_one_speaker_gives_no_interval() -> None:
    value = [0.5, 0.5, 0.5]
    row = {"row": "r", "n": 3, "speakers": 1, "before": value, "after": value, "p": 0.002, "unknown": [0, 0]}
    assert render.table_of_rows([row])[-1] == "| r | 3, 1 | 0.500 | 0.500 | – | 0.000 and 0.000 |"


@pytest.mark.parametrize("page", render.PAGES, ids=str)
def test_a_page_is_what_its_figures_say(page: Path, repository: Path) -> None:
    result, template = (repository / file for file in render.PAGES[page])
    figures = json.loads(result.read_text(encoding="utf-8"))
    assert (repository / page).read_text(encoding="utf-8") == render.text(figures, template.read_text(encoding="utf-8"))


def test_ravdess_comes_from_the_folder_that_ships(repository: Path) -> None:
    found = page.on_ravdess(repository / "models" / "acoustic")
    assert len(found.emotion) == 2400
    assert set(found.view) == {"clean", "line"}
    assert len(set(found.speaker)) == 20


def test_the_figures_are_those_of_the_yardstick() -> None:
    random = np.random.default_rng(0)
    emotion = random.integers(0, 8, 200)
    names = np.array([f"s{number % 7}" for number in range(200)])
    heard = Answers(random.normal(0, 2, (200, 8)), emotion, names, names, names, names, names)
    pairs = (
        (page.ordinary, yardstick.ordinary),
        (page.bad, yardstick.bad),
        (page.strict, yardstick.strict),
        (page.among, yardstick.among),
        (page.recall(yardstick.ANGRY), yardstick.recall(yardstick.ANGRY)),
    )
    for count, figure in pairs:
        values = page.drawn(count(heard, RULE), names)
        assert values[0] == pytest.approx(figure(heard, RULE))
        low, high = page.with_interval(values)[1:]
        assert low < values[0] < high


def test_a_voice_that_is_always_better_is_told_from_the_same_one() -> None:
    worse, better = np.linspace(0.2, 0.4, 1001), np.linspace(0.6, 0.8, 1001)
    assert page.paired(worse, better) < 0.01
    assert page.paired(worse, worse) == 1.0


def test_a_loss_is_against_the_first_condition() -> None:
    found = {"before": {"undisturbed": 0.7, "GSM": 0.6}, "after": {"undisturbed": 0.8, "GSM": 0.75}}
    assert render.table_of_losses(found)[-1] == "| GSM | 0.600 | 0.100 | 0.750 | 0.050 |"
    assert render.table_of_losses(None) == []
