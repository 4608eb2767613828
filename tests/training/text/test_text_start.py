"""A training starts from any DistilBERT, BERT or MPNet of this machine; others are refused by name."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
)

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.export import export_int8
from rasa_emotion.training.text.minilm import minilm_folder
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model, start_model
from rasa_emotion.training.text.produce import train_recipe
from rasa_emotion.training.text.provenance import PROVENANCE, licence_of, provenance
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.start import end_marks, layers_of, load_encoder, load_tokenizer, require_fit
from rasa_emotion.training.text.train import train_rows

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
SMALL = {"vocab_size": len(WORDS), "max_position_embeddings": 16}
BERT = BertConfig(
    **SMALL, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, type_vocab_size=2
)


def save(model: torch.nn.Module, folder: Path) -> str:
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    settings = {"tokenizer_class": "BertTokenizerFast", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return str(folder)


def test_a_bert_gives_the_same_numbers(tmp_path: Path) -> None:
    bert = BertModel(BERT).eval()
    start = save(bert, tmp_path / "bert")
    model = start_model(start, ("good", "bad"), 0.1).eval()
    ids = torch.tensor([[2, 5, 6, 3]])
    with torch.no_grad():
        expected = bert(ids).last_hidden_state
        assert torch.allclose(model.encoder(ids).last_hidden_state, expected, atol=1e-5)
    require_fit(model.encoder, start, 16)
    assert load_tokenizer(start=start).encode("Good bad").ids == [2, 5, 6, 3]


def test_a_distilbert_is_taken_as_it_is(tmp_path: Path) -> None:
    distilbert = DistilBertModel(DistilBertConfig(**SMALL, n_layers=1, n_heads=2, dim=16, hidden_dim=32))
    found = load_encoder(save(distilbert, tmp_path / "own"))
    for expected, weight in zip(distilbert.parameters(), found.parameters(), strict=True):
        assert torch.equal(weight, expected)


def test_an_mpnet_is_trained_but_not_exported(tmp_path: Path) -> None:
    words = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "good", "bad", "<mask>"]
    shape = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    mpnet = MPNetModel(MPNetConfig(vocab_size=len(words), max_position_embeddings=18, **shape)).eval()
    start = save(mpnet, tmp_path / "mpnet")
    (tmp_path / "mpnet" / "vocab.txt").write_text("\n".join(words) + "\n")
    settings = {"tokenizer_class": "MPNetTokenizer", "do_lower_case": True}
    (tmp_path / "mpnet" / "tokenizer_config.json").write_text(json.dumps(settings))
    assert end_marks(load_tokenizer(start=start)) == {"cls": 0, "sep": 2}
    recipe = Recipe(
        train=(Source("own"),), labels=("good", "bad"), start=start, max_tokens=16, epochs=2, freeze_layers=1
    )
    rows = tokenize([LabelledText(word, word, {word: 1.0}) for word in ("good", "bad") * 8], recipe)
    trained = train_rows(recipe, rows, [], tmp_path / "run")
    pairs = zip(layers_of(mpnet), layers_of(trained.encoder), strict=True)
    moved = [
        any(not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))
        for before, after in pairs
    ]
    assert moved == [False, False, True, True]  # the embeddings, and three layers
    with pytest.raises(ConfigError, match="reads 16 tokens at most"):
        require_fit(mpnet, start, 17)
    with pytest.raises(ConfigError, match="type mpnet is trained and scored only"):
        export_int8(load_model(tmp_path / "run"), tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="can teach but not be exported"):
        train_recipe("emotions8", tmp_path, tmp_path / "out", start=str(tmp_path / "run"))
    assert not (tmp_path / "out" / "model.onnx").exists()


def test_what_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="There is no folder"):
        load_encoder(str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="'nobody/has-this' cannot be loaded"):
        load_encoder("nobody/has-this")
    roberta = RobertaModel(
        RobertaConfig(**SMALL, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    )
    with pytest.raises(ConfigError, match="of type roberta"):
        load_encoder(save(roberta, tmp_path / "roberta"))
    tanh = BertModel(BertConfig(**{**BERT.to_diff_dict(), "hidden_act": "relu"}))
    with pytest.raises(ConfigError, match="relu"):
        load_encoder(save(tanh, tmp_path / "relu"))


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    start = save(BertModel(BERT), tmp_path / "bert")
    encoder = load_encoder(start)
    with pytest.raises(ConfigError, match="reads 16 tokens at most"):
        require_fit(encoder, start, 64)
    shutil.copy(minilm_folder() / "tokenizer.json", tmp_path / "bert")
    with pytest.raises(ConfigError, match="30522 words, the model knows 7"):
        require_fit(encoder, start, 16)
    other = Tokenizer.from_str(
        json.dumps({"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}})
    )
    other.save(str(tmp_path / "bert" / "tokenizer.json"))
    with pytest.raises(ConfigError, match="does not mark both ends"):
        load_tokenizer(start=start)


def test_the_corpora_of_the_start_are_behind_the_weights(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path)
    recipe = Recipe(train=(Source("goemotions_train"), Source("../mine.csv")), labels=("joy",), start=str(tmp_path))
    assert provenance(recipe) == ["goemotions", "mine.csv", "minilm"]
    (tmp_path / PROVENANCE).write_text('["meld", "minilm"]')
    assert provenance(recipe) == ["goemotions", "meld", "mine.csv", "minilm"]


@pytest.mark.parametrize(
    ("names", "licence", "commercial"),
    [
        (["customer_sentences.csv", "goemotions", "minilm"], "Apache-2.0", True),
        (["goemotions", "mine.csv", "minilm"], "LicenseRef-Own", True),
        (["goemotions", "someone/distilbert"], "LicenseRef-Source", False),
        (["meld", "someone/distilbert"], "LicenseRef-Research", False),
    ],
)
def test_licences_follow_from_what_is_behind(names: list[str], licence: str, commercial: bool) -> None:
    assert licence_of(names) == (licence, commercial)
