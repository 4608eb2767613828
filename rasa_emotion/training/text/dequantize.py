"""An exported text model back to PyTorch, to be trained further where the weights it was exported from are not at hand.

Eight bits become floats: what rounding took is lost, which the check at the end measures.

    python -m rasa_emotion.training.text.dequantize models/text --out runs/text/shipped
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import DistilBertModel

from rasa_emotion.errors import ModelError, RasaEmotionError
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE, POOLED, TOKENIZER_FILE
from rasa_emotion.training.text.minilm import distilbert_config
from rasa_emotion.training.text.model import TextEmotionModel, save_model
from rasa_emotion.training.text.provenance import APACHE, PROVENANCE
from rasa_emotion.training.text.start import MINILM

TOLERANCE = 0.5
"""Mean difference of the logits that is accepted: the exported graph also rounds activations, this model does not."""
SENTENCES = ("Thank you so much!", "I have been waiting for an hour and nobody has helped me.", "My number is four.")

Array = NDArray[Any]


def dequantized(classifier: TextClassifier) -> TextEmotionModel:
    """The network of a model folder that `export_int8` wrote, in evaluation mode.

    Raises:
        ModelError: the graph is of another shape, or the network does not say what the graph says.
    """
    path = classifier.folder.file(MODEL_FILE)
    try:
        model = _network(onnx.load(str(path)).graph, classifier)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise ModelError(f"The weights of '{path}' cannot be read back ({error}); name another model.") from error
    _check(model, classifier, path)
    return model


def pools_utterance(path: Path) -> bool:
    """Whether an exported graph takes what is pooled as a third input."""
    return POOLED in {entry.name for entry in onnx.load(str(path)).graph.input}


def _network(graph: Any, classifier: TextClassifier) -> TextEmotionModel:
    values = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    products = iter([_weights(node.input[1], values) for node in graph.node if node.op_type == "MatMulInteger"])
    state = {
        "embeddings.word_embeddings.weight": values["words.values"] * values["words.scale"],
        "embeddings.position_embeddings.weight": values["positions"],
        "embeddings.LayerNorm.weight": values["norm.weight"],
        "embeddings.LayerNorm.bias": values["norm.bias"],
    }
    layers = len({name.split(".")[1] for name in values if name.startswith("layers.")})
    heads = _heads(graph)
    for number in range(layers):
        state |= _layer(values, f"layers.{number}", f"transformer.layer.{number}", products, heads)
    vocabulary, width = values["words.values"].shape
    hidden = len(values["layers.0.inner.bias"])
    config = distilbert_config(
        vocab_size=vocabulary,
        max_position_embeddings=len(values["positions"]),
        n_layers=layers,
        n_heads=heads,
        dim=width,
        hidden_dim=hidden,
    )
    model = TextEmotionModel(DistilBertModel(config), classifier.folder.settings["labels"])
    model.encoder.load_state_dict({name: _tensor(value) for name, value in state.items()})
    model.head.load_state_dict({"weight": _tensor(next(products)), "bias": _tensor(values["head.bias"])})
    return model.eval()


def _layer(values: dict[str, Array], theirs: str, ours: str, products: Any, heads: int) -> dict[str, Array]:
    """One layer under DistilBERT's names; the graph has its four products in the order of computation."""
    joined, out, inner, outer = (
        next(products) * values.get(f"{theirs}.{name}.smooth", np.float32(1))
        for name in ("qkv", "out", "inner", "outer")
    )
    weights, biases = (np.split(part, 3) for part in (joined, values[f"{theirs}.qkv.bias"]))
    scale = (weights[0].shape[1] // heads) ** -0.5  # which the export multiplied the query by
    weights[0], biases[0] = weights[0] / scale, biases[0] / scale
    found = {}
    for name, weight, bias in zip(("q_lin", "k_lin", "v_lin"), weights, biases, strict=True):
        found[f"attention.{name}.weight"], found[f"attention.{name}.bias"] = weight, bias
    linear = {"out": ("attention.out_lin", out), "inner": ("ffn.lin1", inner), "outer": ("ffn.lin2", outer)}
    for part, (name, weight) in linear.items():
        found[f"{name}.weight"], found[f"{name}.bias"] = weight, values[f"{theirs}.{part}.bias"]
    for part, name in {"attention_norm": "sa_layer_norm", "output_norm": "output_layer_norm"}.items():
        for kind in ("weight", "bias"):
            found[f"{name}.{kind}"] = values[f"{theirs}.{part}.{kind}"]
    return {f"{ours}.{name}": value for name, value in found.items()}


def _weights(name: str, values: dict[str, Array]) -> Array:
    """A product's weights as PyTorch has them, shape [out, in]."""
    stem = name.removesuffix("_quantized")
    whole = values[name].astype(np.float32) - values[f"{stem}_zero_point"].astype(np.float32)
    found: Array = (whole * values[f"{stem}_scale"]).T
    return found


def _heads(graph: Any) -> int:
    """An attribute of the first layer's attention; in older exports, the fourth of the sizes [batch, tokens, 3, heads,
    rest] that it brings its product to.
    """
    for node in graph.node:
        if node.op_type == "MultiHeadAttention":
            return next(int(attribute.i) for attribute in node.attribute if attribute.name == "num_heads")
    constants = {node.output[0]: node.attribute[0] for node in graph.node if node.op_type == "Constant"}
    sizes = next(node.input for node in graph.node if node.op_type == "Concat" and node.name.startswith("/layers.0/"))
    return int(numpy_helper.to_array(constants[sizes[3]].t).item())


def _tensor(value: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(value, dtype=np.float32, order="C"))


@torch.no_grad()
def _check(model: TextEmotionModel, classifier: TextClassifier, path: Path) -> None:
    differences = []
    tokenizer = Tokenizer.from_file(str(classifier.folder.file(TOKENIZER_FILE)))
    for text in SENTENCES:
        ids = torch.tensor([tokenizer.encode(text).ids])
        found, _ = model(ids, torch.ones_like(ids))
        differences.append(np.abs(found[0].numpy() - classifier.logits(text)).mean())
    if not np.mean(differences) < TOLERANCE:
        raise ModelError(f"The weights read back from '{path}' do not say what it says; name another model.")


def write_run(folder: Path, out: Path) -> None:
    """Write the network of a model folder as a run that a recipe may start from.

    Raises:
        ModelError: the folder is missing or altered, or its weights cannot be read back.
    """
    classifier = TextClassifier.load(folder)
    save_model(dequantized(classifier), out)
    shutil.copyfile(classifier.folder.file(TOKENIZER_FILE), out / TOKENIZER_FILE)
    known = [MINILM] if classifier.folder.licence == APACHE else [folder.name]
    (out / PROVENANCE).write_text(json.dumps(known), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a model folder's network as a run to start from.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        write_run(options.folder, options.out)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
