"""The customers' figures by style, and without the sentences that are alike."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.corpora.text import LabelledText, read_sentences
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.text.build import Scored
from rasa_emotion.training.text.customers import alike, overlap_table, style_table

HEADER = "text,emotion,topic,style\n"
TESTED = [
    ("wonderful, a third week of waiting for my parcel", "angry", "sarcasm"),
    ("where is my parcel", "neutral", "plain"),
    ("can I speak to a human please", "neutral", "plain"),
    ("lovely, it rains into my kitchen", "sad", "sarcasm"),
    ("thank you ever so much", "happy", "plain"),
]


@pytest.fixture
def utterances(tmp_path: Path) -> Path:
    rows = "".join(f'"{text}",{emotion},delivery,{style}\n' for text, emotion, style in TESTED)
    (tmp_path / "test.csv").write_text(HEADER + rows)
    (tmp_path / "train.csv").write_text(HEADER + '"Please, can I speak to a manager?",neutral,delivery,human\n')
    return tmp_path


def scored(utterances: Path, *said: str) -> Scored:
    rows = read_sentences(utterances / "test.csv")
    truth = np.array([EMOTIONS.index(next(iter(row.target))) for row in rows])
    return Scored(rows, truth, np.eye(8)[[EMOTIONS.index(emotion) for emotion in said]])


def test_each_style_has_its_own_share(utterances: Path) -> None:
    before = scored(utterances, "happy", "neutral", "neutral", "happy", "happy")
    after = scored(utterances, "angry", "neutral", "sad", "happy", "happy")
    table = style_table(before, after, utterances).splitlines()
    assert table[2].startswith("| plain | 3 | 1.000 | 0.667 (")
    assert table[3].startswith("| sarcasm | 2 | 0.000 | 0.500 (")


def test_sentences_that_are_alike_are_left_out(utterances: Path) -> None:
    table = overlap_table(scored(utterances, "angry", "neutral", "fear", "sad", "happy"), utterances).splitlines()
    assert "| all | 5 (100.0%) |" in table[2]
    assert "| 4 (80.0%) | 1.000 (1.000 to 1.000) | 1.000 (1.000 to 1.000) |" in table[3]
    (utterances / "train_more.csv").write_text(HEADER + '"Well lovely, it rains into my kitchen",sad,delivery,human\n')
    table = overlap_table(scored(utterances, "angry", "neutral", "fear", "sad", "happy"), utterances).splitlines()
    assert "| 3 (60.0%) |" in table[3]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_words_in_a_row_are_found_wherever_they_stand(tested: list[str], trained: list[str]) -> None:
    found = alike([LabelledText("x", " ".join(tested), {})], [LabelledText("y", ", ".join(trained).upper(), {})], 3)
    joined = "".join(trained)
    assert found.tolist() == [any("".join(tested[i : i + 3]) in joined for i in range(len(tested) - 2))]
