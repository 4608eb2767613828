"""A voice with another head on the trunk of a model folder: the graph up to its embedding stays, int8 included."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from rasa_emotion.errors import ModelError

EMBEDDING, LOGITS = "embedding", "logits"
PREFIX = "other_head."


def write_with_head(source: Path, head: Mapping[str, NDArray[np.float32]], file: Path) -> None:
    """Write the model at `source` with its logits from another head, in float32.

    Args:
        source: an ONNX file with the outputs "logits" and "embedding".
        head: weights as `on_embedding` or `fit_linear` gives them.
        file: may be `source` itself.

    Raises:
        ModelError: the model has no embedding.
    """
    model = onnx.load(str(source))
    graph = model.graph
    if EMBEDDING not in {output.name for output in graph.output}:
        raise ModelError(f"'{source}' has no output '{EMBEDDING}': name a voice that ships.")
    nodes = _leading_to(graph, EMBEDDING) + _head_nodes("hidden.weight" in head)
    read = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in read and not tensor.name.startswith(PREFIX)]
    weights += [numpy_helper.from_array(np.ascontiguousarray(value), PREFIX + name) for name, value in head.items()]
    for field, values in ((graph.node, nodes), (graph.initializer, weights)):
        del field[:]
        field.extend(values)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def _head_nodes(hidden: bool) -> list[onnx.NodeProto]:
    """From the embedding to the logits: a linear layer, beside a hidden one where the head has that."""

    def node(kind: str, left: str, right: str, result: str) -> onnx.NodeProto:
        return helper.make_node(kind, [left, right] if right else [left], [result])

    linear = PREFIX + "linear" if hidden else LOGITS
    found = [
        node("MatMul", EMBEDDING, PREFIX + "weight", PREFIX + "skip"),
        node("Add", PREFIX + "skip", PREFIX + "bias", linear),
    ]
    if hidden:
        found += [
            node("MatMul", EMBEDDING, PREFIX + "hidden.weight", PREFIX + "product"),
            node("Add", PREFIX + "product", PREFIX + "hidden.bias", PREFIX + "sum"),
            node("Relu", PREFIX + "sum", "", PREFIX + "hidden"),
            node("MatMul", PREFIX + "hidden", PREFIX + "out.weight", PREFIX + "beside"),
            node("Add", linear, PREFIX + "beside", LOGITS),
        ]
    return found


def _leading_to(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """The nodes that an output rests on, in their order."""
    wanted, kept = {output}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]
