"""A tiny DistilBERT with random weights: the real code paths in seconds."""

from pathlib import Path

import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.text.build import build
from rasa_emotion.training.text.model import TextEmotionModel, save_model
from rasa_emotion.training.text.recipe import Recipe, Source

RECIPE = Recipe(train=(Source("sentences.csv"),), labels=EMOTIONS, inner_share=0.5)


@pytest.fixture
def tiny_model() -> TextEmotionModel:
    """Two layers, 32 wide, MiniLM's vocabulary, a head that is not zero."""
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=30522, max_position_embeddings=128, n_layers=2, n_heads=4, dim=32, hidden_dim=64
    )
    model = TextEmotionModel(DistilBertModel(config), EMOTIONS)
    torch.nn.init.normal_(model.head.weight)
    # Random embeddings of BERT's initial size say nothing; larger ones make the predictions differ between sentences.
    torch.nn.init.normal_(model.encoder.embeddings.word_embeddings.weight)
    return model.eval()


@pytest.fixture
def built(tiny_model: TextEmotionModel, tmp_path: Path) -> Path:
    """A model folder made of the tiny model, next to what it was made of."""
    rows = [f"sentence {i} of kind {emotion},{emotion}" for emotion in EMOTIONS for i in range(4)]
    (tmp_path / "sentences.csv").write_text("text,emotion\n" + "\n".join(rows) + "\n")
    save_model(tiny_model, tmp_path / "run")
    build(RECIPE, tmp_path / "run", tmp_path, tmp_path / "model", beside=tmp_path)
    return tmp_path / "model"


def with_outliers(model: TextEmotionModel) -> TextEmotionModel:
    """Two numbers behind each GELU are large and meet small weights, as in trained models; the rest counts."""
    with torch.no_grad():
        for layer in model.encoder.transformer.layer:
            layer.ffn.lin1.weight *= 20
            layer.ffn.lin2.weight *= 20
            layer.ffn.lin1.bias[:2] = 200
            layer.ffn.lin2.weight[:, :2] /= 200
    return model
