"""A training becomes a model folder that a bot can load, and a card's figures are what the rows say."""

import csv
from pathlib import Path

import numpy as np
import torch

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import TextError
from rasa_emotion.model_folder import read_model_folder
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.text.build import Scored, score_single, write_heldout
from rasa_emotion.training.text.model import load_model
from rasa_emotion.training.text.report import Part, foreign_shares, recall_table


def test_the_folder_loads_and_gives_what_was_exported(built: Path) -> None:
    classifier = TextClassifier.load(built)
    folder = read_model_folder(built, "text")
    assert folder.commercial
    assert 0.2 <= folder.settings["temperature"] <= 5
    assert (built / "LICENSE").is_file()
    exact = load_model(built.parent / "run" / "biased")
    ids = torch.tensor([[101, 3407, 102]])
    with torch.no_grad():
        expected = exact(ids, torch.ones_like(ids))[0][0].numpy()
    np.testing.assert_allclose(classifier.logits("happy"), expected, atol=0.2)


def test_heldout_logits_hold_no_texts(built: Path) -> None:
    data = built.parent
    (data / "text").mkdir()
    rows = "".join(f"comment {i}\tanger\n" for i in range(6)) + "both\tanger,fear\n?!\tjoy\n"
    (data / "text" / "goemotions_dev.tsv").write_text("text\tlabels\n" + rows)
    out = data / "heldout.csv"
    write_heldout(TextClassifier.load(built), data, data / "sentences.csv", out, per_emotion=4)
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == ["id", "part", "emotion", *EMOTIONS]
    assert sum(row["part"] == "goemotions_dev" for row in found) == 4
    assert sum(row["part"] == "customer_test" for row in found) == 4 * len(EMOTIONS)
    assert "comment" not in out.read_text().replace("emotion", "")


def test_rows_with_several_labels_or_no_word_are_left_out() -> None:
    def logits(text: str) -> np.ndarray:
        if not text:
            raise TextError("no word")
        return np.eye(8, dtype=np.float32)[len(text)]

    rows = [
        LabelledText("a", "x", {"calm": 1.0}),
        LabelledText("b", "", {"calm": 1.0}),
        LabelledText("c", "x", {"calm": 0.5, "happy": 0.5}),
    ]
    scored = score_single(logits, rows)
    assert [row.id for row in scored.rows] == ["a"]
    assert scored.truth.tolist() == scored.logits.argmax(1).tolist() == [1]


def test_recall_table_counts() -> None:
    truth = np.array([0, 0, 1, 1])
    found = np.array([0, 4, 1, 1])
    table = recall_table([Part("dev", Scored([], truth, np.eye(8)[found]))])
    assert "| angry | 0.50 of 2 |" in table
    assert "| calm | 1.00 of 2 |" in table
    assert "| sad | none |" in table
    assert "**UA** | 0.750" in table


def test_the_card_says_how_many_texts_of_each_side_are_taken_for_another_language(built: Path) -> None:
    languages = built.parent / "languages.tsv"
    languages.write_text("language\ttext\nen\tI like it here\nde\tWo ist denn mein Paket geblieben?\npl\tOK\n")
    texts = ["My parcel never arrived here", "Warum ruft mich denn niemand an?", "thank you"]
    rows = [LabelledText(str(number), text, {"sad": 1.0}) for number, text in enumerate(texts)]
    classifier = TextClassifier.load(built)
    part = Part("letters", score_single(classifier.logits, rows))
    assert foreign_shares(classifier, [part], languages) == {
        "mistaken": "50.00% of 2 in letters",
        "foreign": "50.0% of 2 short utterances in 2 languages",
    }
