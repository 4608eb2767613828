"""The customers' wording: its two halves, and the table of its kinds."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.cleaning import has_words
from rasa_emotion.training.text.customers import alike
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.model import TextEmotionModel
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.wording import RECIPE, SPOKEN, STRICT, choice, read_wording, wording_table

WORDING = Path(__file__).parents[2] / "data" / "customer_wording"
TURNS = """text,emotion,also,kind,topic
"I'm not angry!",neutral,calm,denial,bank
I'm not joking,happy,,denial,bank
Stop.,neutral,,one-word,any
"""


def columns(half: str) -> list[dict[str, str]]:
    with (WORDING / half).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "test.csv").write_text(TURNS)
    return tmp_path / "test.csv"


def saying(**answers: str) -> object:
    """A model that answers by the first word of a text, and is calm about any other."""

    def logits(text: str) -> NDArray[np.float32]:
        emotion = answers.get(text.split(maxsplit=1)[0].strip(".").replace("'", ""), "calm")
        return np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index(emotion)]

    return logits


def test_each_kind_has_its_own_share(file: Path) -> None:
    before, after = saying(Im="angry", Stop="angry"), saying(Stop="neutral")
    rows = {line.split(" | ")[0].strip("| "): line for line in wording_table(before, after, file).splitlines()}
    assert rows["denial"].startswith("| denial | 2 | 0.000 | 0.500 (")
    assert rows["one-word"].startswith("| one-word | 1 | 0.000 | 1.000 (")
    assert rows["**all**"].startswith("| **all** | 3 | 0.000 | 0.667 (")
    assert rows[STRICT].startswith(f"| {STRICT} | 3 | 0.000 | 0.333 (")  # calm is right for a denial, not its label
    # printed "i'm" and "stop", both are calm to the second model
    assert rows[SPOKEN].startswith(f"| {SPOKEN} | 3 | 0.333 | 0.333 (")
    assert rows["**all**"].endswith("| 0.500 |")  # two turns that only the second gets right: 2 / 2**2


def test_what_is_right_is_the_label_or_among_the_others(file: Path) -> None:
    wording = read_wording(file)
    assert wording.kinds.tolist() == ["denial", "denial", "one-word"]
    assert [[EMOTIONS[number] for number in np.flatnonzero(row)] for row in wording.right] == [
        ["calm", "neutral"],
        ["happy"],
        ["neutral"],
    ]


@pytest.mark.parametrize(
    ("half", "least"),
    [
        ("train.csv", 900),
        ("train_more.csv", 600),
        ("train_pairs.csv", 500),
        ("train_kinds.csv", 800),
        ("train_turns.csv", 600),
        ("dev.csv", 140),
        ("dev_kinds.csv", 120),
        ("dev_turns.csv", 100),
        ("train_denials.csv", 160),
        ("dev_denials.csv", 40),
        ("test.csv", 500),
    ],
)
def test_a_half_is_what_its_readme_says(half: str, least: int) -> None:
    rows = columns(half)
    readme = (WORDING / "README.md").read_text(encoding="utf-8")
    assert len(rows) >= least
    assert len({row["text"].lower() for row in rows}) == len(rows)
    for row in rows:
        assert {row["emotion"], *row["also"].split()} <= set(EMOTIONS)
        assert row["emotion"] not in row["also"].split()
        assert f"| {row['kind']} |" in readme
        assert has_words(row["text"], spelled=True)


@pytest.mark.parametrize("half", ["train.csv", "test.csv"])
def test_every_kind_has_counterparts_that_differ_in_the_emotion(half: str) -> None:
    emotions: dict[str, set[str]] = {}
    for row in columns(half):
        emotions.setdefault(row["kind"], set()).add(row["emotion"])
    assert emotions.pop("plain") == {"neutral", "calm"}
    assert all(len(found) >= 4 and "neutral" in found for found in emotions.values()), emotions


def test_the_halves_share_neither_topics_nor_sentences() -> None:
    train, test = columns("train.csv"), columns("test.csv")
    assert {row["topic"] for row in train} & {row["topic"] for row in test} == {"any"}
    tested, trained = (read_wording(WORDING / half).rows for half in ("test.csv", "train.csv"))
    assert alike(tested, trained, 6).mean() < 0.01
    assert not {row["text"].lower() for row in train} & {row["text"].lower() for row in test}


LATER = ("train_more.csv", "train_pairs.csv", "train_kinds.csv", "train_turns.csv", "train_denials.csv")


@pytest.mark.parametrize("chooses", ["dev.csv", "dev_kinds.csv", "dev_turns.csv", "dev_denials.csv"])
def test_no_training_has_the_topics_of_the_parts_that_choose(chooses: str) -> None:
    trained = [row for part in ("train.csv", *LATER) for row in columns(part)]
    dev, test = columns(chooses), columns("test.csv")
    topics = [{row["topic"] for row in rows} - {"any"} for rows in (trained, dev, test)]
    assert not any(topics[a] & topics[b] for a, b in ((0, 1), (0, 2), (1, 2)))
    tested = read_wording(WORDING / "test.csv").rows
    for part in (*LATER, "dev_kinds.csv", "dev_turns.csv", "dev_denials.csv"):
        assert not alike(tested, read_wording(WORDING / part).rows, 5).any()
    texts = [{row["text"].lower() for row in rows} for rows in (trained, dev, test)]
    assert not any(texts[a] & texts[b] for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_training_is_compared_by_the_part_that_chooses(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    header = "text,emotion,also,kind,topic\n"
    turns = [f"sentence {i} is {emotion},{emotion},,denial,bank" for emotion in EMOTIONS for i in range(10)]
    for half in ("dev.csv", "train.csv"):
        (tmp_path / half).write_text(header + "\n".join(turns) + "\n")
    anything = [f"whatever {i},calm,{' '.join(e for e in EMOTIONS if e != 'calm')},denial,bank" for i in range(10)]
    (tmp_path / "train_pairs.csv").write_text(header + "\n".join(anything) + "\n")
    comments = "text\tlabels\n" + "\n".join(f"comment {i}\tneutral" for i in range(20))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "goemotions_train.tsv").write_text(comments + "\n")
    said = choice(tiny_model, tmp_path, tmp_path)
    share = float(said.split()[1].strip(","))
    rows = read_wording(tmp_path / "dev.csv")
    answers = predict(tiny_model, tokenize(rows.rows, RECIPE)).argmax(1)
    assert share == pytest.approx(rows.right[np.arange(len(answers)), answers].mean(), abs=0.001)
    assert f"(denial {share:.2f})" in said
    (tmp_path / "dev_more.csv").write_text(header + "\n".join(anything) + "\n")
    assert f"dev {share:.3f}" in (both := choice(tiny_model, tmp_path, tmp_path))
    assert "; dev_more 1.000, as printed 1.000 (denial 1.00); inner wording" in both
    assert "inner wording: train 0." in said
    assert ", train_pairs 1.000; inner comments" in said


def test_what_was_built_is_compared_too(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "dev.csv").write_text(TURNS)
    (tmp_path / "train.csv").write_text(TURNS + "\n".join(f"stop it {i},angry,,denial,any" for i in range(10)) + "\n")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "goemotions_train.tsv").write_text("text\tlabels\n" + "?\tneutral\n" * 20)
    said = choice(TextClassifier.load(repository / "models" / "text"), tmp_path, tmp_path)
    assert said.startswith("dev 0.667, as printed 0.667 (denial 0.50, one-word 1.00); inner wording: train ")
    assert said.endswith("inner comments 1.000 / 1.000")  # signs alone
