"""Trained weights to ONNX, in float32 and in int8."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DistilBertModel

from rasa_emotion.errors import ConfigError
from rasa_emotion.text.classifier import POOLED
from rasa_emotion.training.quantise import quantise_products
from rasa_emotion.training.text.model import TextEmotionModel
from rasa_emotion.training.text.smooth import smooth_products

OPSET = 18
MASKED = -10_000.0
"""Added to the attention scores of padding: its weight becomes exactly 0 in float32."""

SMOOTHED = ("qkv", "inner", "outer")
"""The products of a layer whose inputs have outliers: those behind a layer norm or a GELU."""


class RowInt8Embedding(nn.Module):
    """An embedding table in int8 with one scale per row: a quarter of the size, exact to 0.4 % of a row's peak."""

    scale: Tensor
    values: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("values", (table / scale).round().to(torch.int8))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [batch, tokens] to vectors [batch, tokens, dim]."""
        return functional.embedding(ids, self.values).float() * functional.embedding(ids, self.scale)


class Attention(torch.autograd.Function):
    """Attention over query, key and value side by side; one operator of ONNX Runtime's in the exported graph."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, mask: Tensor, heads: int) -> Tensor:
        """Queries (already scaled), keys and values [batch, tokens, 3 * dim], mask [batch, tokens] to context."""
        batch, tokens = qkv.shape[:2]
        query, key, value = qkv.reshape(batch, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-1, -2) + (1.0 - mask.float())[:, None, None, :] * MASKED).softmax(-1)
        return (weights @ value).transpose(1, 2).reshape(batch, tokens, -1)

    @staticmethod
    def symbolic(graph: Any, qkv: Any, mask: Any, heads: int) -> Any:
        """The operator MultiHeadAttention of the domain com.microsoft; its fourth input, a bias, is left out."""
        parts = graph.op("Split", qkv, axis_i=-1, num_outputs_i=3, outputs=3)
        absent = graph.op("prim::Constant")
        absent.setType(torch._C.OptionalType.ofTensor())
        found = graph.op("com.microsoft::MultiHeadAttention", *parts, absent, mask, num_heads_i=heads, scale_f=1.0)
        found.setType(qkv.type().with_sizes([None, None, None]))
        return found


class SkipNorm(torch.autograd.Function):
    """The layer norm of a sum, one operator of ONNX Runtime's in the exported graph."""

    @staticmethod
    def forward(  # noqa: PLR0917 -- autograd passes them by position
        ctx: Any, hidden: Tensor, added: Tensor, weight: Tensor, bias: Tensor, epsilon: float
    ) -> Tensor:
        """Hidden states and what is added to them [batch, tokens, dim] to hidden states."""
        return functional.layer_norm(hidden + added, weight.shape, weight, bias, epsilon)

    @staticmethod
    def symbolic(  # noqa: PLR0917 -- as those of `forward`
        graph: Any, hidden: Any, added: Any, weight: Any, bias: Any, epsilon: float
    ) -> Any:
        """The operator SkipLayerNormalization of the domain com.microsoft."""
        found = graph.op("com.microsoft::SkipLayerNormalization", hidden, added, weight, bias, epsilon_f=epsilon)
        found.setType(added.type())
        return found


class PlainLayer(nn.Module):
    """One DistilBERT layer with query, key and value in one product, of few and large operators, which runs faster."""

    def __init__(self, layer: Any, heads: int) -> None:
        super().__init__()
        attention = layer.attention
        width: int = attention.q_lin.in_features
        scale = (width // heads) ** -0.5
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        for name in ("weight", "bias"):
            parts = [getattr(linear, name).detach() for linear in (attention.q_lin, attention.k_lin, attention.v_lin)]
            setattr(self.qkv, name, nn.Parameter(torch.cat([parts[0] * scale, *parts[1:]])))
        self.out, self.attention_norm = attention.out_lin, layer.sa_layer_norm
        self.inner, self.outer, self.output_norm = layer.ffn.lin1, layer.ffn.lin2, layer.output_layer_norm

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [batch, tokens, dim] and mask (1: a token, 0: padding) [batch, tokens] to hidden states."""
        context = self.out(_applied(Attention, self.qkv(hidden), mask, self.heads))
        hidden = _skip_norm(self.attention_norm, hidden, context)
        return _skip_norm(self.output_norm, hidden, self.outer(functional.gelu(self.inner(hidden))))


def _skip_norm(norm: Any, hidden: Tensor, added: Tensor) -> Tensor:
    return _applied(SkipNorm, hidden, added, norm.weight, norm.bias, norm.eps)


def _applied(function: Any, *inputs: Any) -> Tensor:
    """What an autograd function makes of its inputs; torch gives its `apply` no types."""
    found: Tensor = function.apply(*inputs)
    return found


class PlainModel(nn.Module):
    """The same numbers as `TextEmotionModel`, written so that an exporter can trace them.

    Args:
        model: the trained model; its weights are shared, not changed, but for the word embeddings, which are in int8.
        pools_utterance: take what is pooled as a third input.

    Raises:
        ConfigError: the model's encoder is no DistilBERT.
    """

    positions: Tensor

    def __init__(self, model: TextEmotionModel, *, pools_utterance: bool = False) -> None:
        super().__init__()
        self.pools_utterance = pools_utterance
        encoder: Any = model.encoder
        if not isinstance(encoder, DistilBertModel):
            raise ConfigError(
                f"A model of type {encoder.config.model_type} is trained and scored only; train from a DistilBERT or a "
                "BERT to export."
            )
        embeddings = encoder.embeddings
        self.words: nn.Module = RowInt8Embedding(embeddings.word_embeddings.weight.detach())
        self.register_buffer("positions", embeddings.position_embeddings.weight.detach())
        self.norm = embeddings.LayerNorm
        self.layers = nn.ModuleList(PlainLayer(layer, encoder.config.n_heads) for layer in encoder.transformer.layer)
        self.head = model.head

    def forward(self, input_ids: Tensor, attention_mask: Tensor, pooled: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Token ids, mask and what is pooled [batch, tokens] to logits [batch, labels] and embedding [batch, dim]."""
        present = attention_mask.float()
        mask = attention_mask.int()
        hidden = self.norm(self.words(input_ids) + self.positions[: input_ids.shape[1]])
        for layer in self.layers:
            hidden = layer(hidden, mask)
        counted = present if pooled is None else pooled.float()
        embedding = (hidden * counted.unsqueeze(-1)).sum(1) / counted.sum(1, keepdim=True)
        return self.head(embedding), embedding


def export_int8(
    model: TextEmotionModel, path: Path, *, pools_utterance: bool = False, sentences: Sequence[Sequence[int]] = ()
) -> None:
    """Write the graph that ships: weights in int8 per output channel, word embeddings in int8 per row.

    It takes `input_ids` and `attention_mask`, int64 [batch, tokens], to `logits` and `embedding`; with
    `pools_utterance` there is a third input `pooled`, 1 for the tokens that the embedding is the mean of.
    Weights that are multiplied use seven bits (see `quantise_products`); embeddings are looked up and keep eight.

    Args:
        model: the trained model, which stays as it is.
        path: the file to write.
        pools_utterance: take what is pooled as a third input.
        sentences: token ids of some sentences. With them, the inputs of products are brought to like sizes (see
            `smooth_products`), so that int8 takes less away.
    """
    plain = PlainModel(model, pools_utterance=pools_utterance).eval()
    if sentences:
        smooth_products(plain, list(plain.layers), SMOOTHED, sentences)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        _export(plain, source)
        quantise_products(source, path)


def _export(model: PlainModel, path: Path) -> None:
    example = torch.ones(2, 6, dtype=torch.long)
    inputs, outputs = ["input_ids", "attention_mask"], ["logits", "embedding"]
    if model.pools_utterance:
        inputs.append(POOLED)
    axes = {name: {0: "batch", 1: "tokens"} for name in inputs} | {name: {0: "batch"} for name in outputs}
    torch.onnx.export(
        model.eval().cpu(),
        (example,) * len(inputs),
        str(path),
        input_names=inputs,
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=OPSET,
        custom_opsets={"com.microsoft": 1},
        dynamo=False,
    )
