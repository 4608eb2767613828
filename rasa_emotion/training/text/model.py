"""The network: an encoder, the mean over its tokens, one linear layer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.start import CONFIG, DISTILBERT, WEIGHTS, is_run, load_encoder


class TextEmotionModel(nn.Module):
    """A sequence classifier that also gives the sentence embedding.

    Args:
        encoder: a DistilBERT, or what else `load_encoder` gives.
        labels: what the logits stand for.
        dropout: share of the embedding that is dropped before the head in training.
    """

    def __init__(self, encoder: PreTrainedModel, labels: Sequence[str], dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.labels = tuple(labels)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, len(self.labels))
        # Zeros: the first steps then move the head alone, not the pretrained encoder.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, pooled: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Token ids, mask and what is pooled [batch, tokens] to logits [batch, labels] and embedding [batch, dim].

        The embedding is the mean over the tokens that are `pooled` (0 or 1); all that the mask shows where None.
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = (attention_mask if pooled is None else pooled).unsqueeze(-1).to(hidden.dtype)
        embedding = (hidden * mask).sum(1) / mask.sum(1)
        return self.head(self.dropout(embedding)), embedding


def start_model(start: str, labels: Sequence[str], dropout: float) -> TextEmotionModel:
    """A model to fine-tune: a pretrained encoder (see `load_encoder`), or that of an earlier run's folder.

    The head of an earlier run is kept where its labels are the same.

    Raises:
        ConfigError: `start` is neither.
    """
    if is_run(start):
        model = load_model(Path(start))
        if model.labels != tuple(labels):
            model = TextEmotionModel(model.encoder, labels)
    else:
        model = TextEmotionModel(load_encoder(start), labels, dropout)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return model


def save_model(model: TextEmotionModel, folder: Path) -> None:
    """Write weights and configuration into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / WEIGHTS)
    config = {"labels": list(model.labels), "encoder": model.encoder.config.to_diff_dict()}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_model(folder: Path) -> TextEmotionModel:
    """The inverse of `save_model`, in evaluation mode.

    Raises:
        ConfigError: the folder holds no trained model.
    """
    if not (folder / WEIGHTS).is_file():
        raise ConfigError(f"No trained text model at '{folder}'; run rasa_emotion.training.text.train first.")
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    shape = {"model_type": DISTILBERT} | config["encoder"]
    make: Any = AutoModel.from_config  # without annotations
    encoder = make(AutoConfig.for_model(**shape))
    model = TextEmotionModel(encoder, config["labels"])
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.eval()
