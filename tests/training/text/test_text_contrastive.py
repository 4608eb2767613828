"""Contrastive tuning of a tiny model: read back from its export, tuned, written as a model folder."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_text_model import with_outliers

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adapter import Adapter
from rasa_emotion.training.text import dequantize
from rasa_emotion.training.text.contrastive import (
    Tuning,
    _blended,
    _write,
    pair_up,
    read_examples,
    tune,
    tune_on_file,
)
from rasa_emotion.training.text.dequantize import dequantized, write_run
from rasa_emotion.training.text.export import export_int8
from rasa_emotion.training.text.model import load_model
from rasa_emotion.training.text.start import MINILM, is_run, load_tokenizer

SENTENCES = Path(__file__).parents[2] / "data" / "customer_test_sentences.csv"
EXAMPLES = [
    (text.format(word), emotion)
    for word, emotion in (("crimson", "angry"), ("teal", "happy"))
    for text in ("the parcel is {}", "so it is {} again", "they sent {}", "{} it was")
]


@pytest.fixture
def tiny_model(tiny_model):
    """As after a training, no two biases are the same; the exporter stores equal ones once."""
    for parameter in tiny_model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.2)
    return tiny_model


def _sign_again(folder: Path) -> None:
    """Write the checksum of a file that was replaced into the folder's manifest."""
    settings = json.loads((folder / "model.json").read_text())
    files = settings.pop("files")
    write_manifest(folder, list(files), **settings)


@given(st.lists(st.integers(0, 7), min_size=2, max_size=20), st.integers(1, 4))
def test_pairs_are_of_one_emotion_or_of_two(labels, pairs):
    labels = np.array(labels)
    found = pair_up(labels, Tuning(pairs=pairs))
    assert all((labels[first] == labels[second]) == target for first, second, target in found)
    assert all(first != second for first, second, _ in found)
    lonely = [label for label in set(labels) if (labels == label).sum() == 1]
    alone = len(set(labels)) == 1
    assert len(found) == pairs * (2 * len(labels) - len(lonely) - (len(labels) if alone else 0))


def test_a_model_folder_becomes_a_run_to_start_from(built, tmp_path):
    write_run(built, tmp_path / "run")
    assert is_run(str(tmp_path / "run"))
    assert load_tokenizer(start=str(tmp_path / "run")).get_vocab_size() == load_tokenizer(start=MINILM).get_vocab_size()
    expected, model = dequantized(TextClassifier.load(built)), load_model(tmp_path / "run")
    assert torch.equal(model.head.weight, expected.head.weight)


def test_the_network_comes_back_from_its_export(built, tiny_model):
    model = dequantized(TextClassifier.load(built))
    ids = torch.tensor([[101, 2054, 2003, 2009, 102]])
    with torch.no_grad():
        found, expected = (network(ids, torch.ones_like(ids)) for network in (model, tiny_model))
    assert model.encoder.config.n_heads == tiny_model.encoder.config.n_heads
    torch.testing.assert_close(found[1], expected[1], atol=0.1, rtol=0)


def test_an_export_of_another_shape_is_refused(built):
    classifier = TextClassifier.load(built)
    parts = onnx.load(built / "model.onnx")
    parts.graph.initializer.pop()
    onnx.save(parts, built / "model.onnx")
    with pytest.raises(ModelError, match="cannot be read back"):
        dequantized(classifier)


def test_weights_that_say_something_else_are_refused(built, monkeypatch):
    monkeypatch.setattr(dequantize, "_tensor", lambda value: -torch.tensor(value))
    with pytest.raises(ModelError, match="do not say what it says"):
        dequantized(TextClassifier.load(built))


def test_a_tuned_model_is_a_model_folder(built, tmp_path):
    (built / "LICENSE").write_text("Anybody may.")
    before = TextClassifier.load(built)
    after = tune(built, EXAMPLES, tmp_path / "tuned", Tuning(pairs=1, learning_rate=1e-3))
    assert (after.folder.name, after.folder.settings["temperature"]) == ("text-tuned", 1.0)
    assert "4 angry, 4 happy" in (tmp_path / "tuned" / "card.md").read_text()
    text = EXAMPLES[0][0]
    assert not np.allclose(before.embed(text), after.embed(text), atol=1e-3)
    assert EmotionAnalyzer.load(tmp_path / "tuned").analyze(text=text).evidence["text"].model == "text-tuned"


def test_a_tuned_export_keeps_what_outliers_would_take(built, tiny_model, tmp_path):
    (built / "LICENSE").write_text("Anybody may.")
    model, classifier = with_outliers(tiny_model), TextClassifier.load(built)
    _write(model, classifier, tmp_path / "seen", EXAMPLES)
    _write(model, classifier, tmp_path / "unseen", EXAMPLES)
    export_int8(model, tmp_path / "unseen" / "model.onnx")
    _sign_again(tmp_path / "unseen")
    texts = [line for line in SENTENCES.read_text(encoding="utf-8").splitlines()[1:] if line]
    with torch.no_grad():
        ids = [torch.tensor([classifier.token_ids(text)]) for text in texts]
        right = [model(each, torch.ones_like(each))[0][0].numpy() for each in ids]
    seen, unseen = (
        np.mean([np.abs(exported.logits(text) - said).mean() for text, said in zip(texts, right, strict=True)])
        for exported in (TextClassifier.load(tmp_path / name) for name in ("seen", "unseen"))
    )
    assert seen < 0.8 * unseen


def test_blended_heads_keep_the_probability_of_the_others():
    random = np.random.default_rng(0)
    weight, bias = random.normal(size=(8, 4)), random.normal(size=8)
    embeddings = random.normal(size=(1, 4))
    learned = Adapter(("angry", "happy"), random.normal(size=(2, 4)), np.zeros(2), 0.5, "", 8)

    def softmax(weight, bias):
        logits = np.exp(embeddings[0] @ weight.T + bias)
        return logits / logits.sum()

    own = softmax(weight, bias)
    np.testing.assert_allclose(
        softmax(*_blended(weight, bias, learned, embeddings)), learned.probabilities(embeddings[0], own)
    )


@pytest.mark.parametrize(
    ("examples", "sentence"),
    [
        ([("a", "cross")] * 4, "has the emotion 'cross'"),
        ([("a", "angry"), ("b", "happy")], "are too few to learn from"),
        ([("a", "angry"), ("...", "happy")] * 2, r"'\.\.\.' holds no word"),
    ],
)
def test_what_cannot_teach_is_refused(built, tmp_path, examples, sentence):
    with pytest.raises(ConfigError, match=sentence):
        tune(built, examples, tmp_path / "tuned")
    assert not (tmp_path / "tuned").exists()


def test_a_folder_that_holds_something_is_left_alone(built):
    with pytest.raises(ConfigError, match="holds something else"):
        tune_on_file(built.parent / "sentences.csv", built, base=built)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "name a CSV file with the columns text and emotion"), ("a,b\n1,2\n", "is no table of examples")],
)
def test_a_file_that_holds_no_examples_is_refused(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "examples.csv").write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        read_examples(tmp_path / "examples.csv")


def test_examples_are_pairs(tmp_path):
    (tmp_path / "examples.csv").write_text('text,emotion\n"No, no.",angry\n')
    assert read_examples(tmp_path / "examples.csv") == [("No, no.", "angry")]
