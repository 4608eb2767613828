"""A training becomes a model folder that a bot can load, and a card's figures are what the rows say."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rasa_emotion.corpora.text import LabelledText, Turn
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError, TextError
from rasa_emotion.model_folder import MANIFEST, read_model_folder, write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import TOKENIZER_FILE
from rasa_emotion.training.text.build import Scored, build, score_single, write_heldout
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.report import Part, foreign_shares, recall_table

RECIPE = Recipe(train=(Source("sentences.csv"),), labels=EMOTIONS, inner_share=0.5)


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


def test_a_tokenizer_of_another_model_is_refused(built: Path) -> None:
    tokenizer = json.loads((built / TOKENIZER_FILE).read_text())
    words = tokenizer["model"]["vocab"]
    words["happy"], words["sad"] = words["sad"], words["happy"]  # the same words under other ids
    (built / TOKENIZER_FILE).write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="was altered"):
        TextClassifier.load(built)
    manifest = json.loads((built / MANIFEST).read_text())
    write_manifest(built, manifest.pop("files"), **manifest)
    with pytest.raises(ModelError, match=r"tokenizer .* is that of another model"):
        TextClassifier.load(built)


@pytest.mark.parametrize("pool", ["all", "utterance"])
def test_earlier_turns_are_read_as_in_training(tiny_model: TextEmotionModel, tmp_path: Path, pool: str) -> None:
    recipe = replace(RECIPE, context_turns=2, pool=pool, max_tokens=20, spell_emoji=True)
    rows = [f"sentence {i} of kind {emotion},{emotion}" for emotion in EMOTIONS for i in range(4)]
    (tmp_path / "sentences.csv").write_text("text,emotion\n" + "\n".join(rows) + "\n")
    save_model(tiny_model, tmp_path / "run")
    build(recipe, tmp_path / "run", tmp_path, tmp_path / "model", beside=tmp_path)
    classifier = TextClassifier.load(tmp_path / "model")
    assert classifier.context_turns == 2
    earlier = tuple(Turn(words) for words in ("long ago", "where is my parcel", "😂"))
    row = LabelledText("a", "thank you", {"happy": 1.0}, earlier=earlier)
    expected = predict(load_model(tmp_path / "run" / "biased"), tokenize([row], recipe), pool)[0]
    context = [turn.text for turn in earlier]
    found = classifier.logits(row.text, context)
    np.testing.assert_allclose(found, expected, atol=0.25)
    other = "all" if pool == "utterance" else "utterance"
    pooled_otherwise = predict(load_model(tmp_path / "run" / "biased"), tokenize([row], recipe), other)[0]
    assert np.abs(found - expected).max() < np.abs(found - pooled_otherwise).max() / 2
    assert np.abs(classifier.logits(row.text) - found).max() > 0.05
    alone = classifier.classify(row.text, ["...", ""])  # no words: as if nothing had been said
    assert alone == classifier.classify(row.text)
    assert classifier.classify(row.text, context).quality == alone.quality
    emoji = classifier.classify("😂")
    assert emoji.quality["words"] == 5
    assert emoji.reliability == 1


def test_context_is_left_out_by_a_model_that_has_not_learnt_it(built: Path) -> None:
    classifier = TextClassifier.load(built)
    assert classifier.context_turns == 0
    assert classifier.classify("happy", ["where is my parcel"]) == classifier.classify("happy")


@pytest.mark.parametrize("change", [{"labels": ("joy",)}, {"speakers": True}])
def test_what_no_bot_could_use_is_not_built(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        build(replace(RECIPE, **change), tmp_path, tmp_path, tmp_path / "model", beside=tmp_path)
    assert not (tmp_path / "model").exists()


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
    read = {"letters": [classifier.classify(row.text) for row in rows]}
    assert foreign_shares(classifier, read, languages) == {
        "mistaken": "50.00% of 2 in letters",
        "foreign": "50.0% of 2 short utterances in 2 languages",
    }
