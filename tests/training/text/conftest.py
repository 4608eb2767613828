"""A tiny DistilBERT with random weights: the real code paths in seconds."""

import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.text.model import TextEmotionModel


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
