"""Networks of a few numbers with the inputs and outputs of the real ones: float, masked, and so exact in a batch."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.model_folder import write_manifest

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def text_folder(folder: Path, words: dict[str, str], **settings: object) -> Path:
    """A text model that knows some words, each for one emotion, and takes the mean over them.

    Args:
        folder: where to write it.
        words: the emotion of each word.
        settings: what else its `model.json` says; `languages` are English, and None leaves one out.
    """
    settings = {name: value for name, value in {"languages": ["en"], **settings}.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.zeros((len(vocabulary), len(EMOTIONS)), dtype=np.float32)
    for word, emotion in words.items():
        table[vocabulary[word], EMOTIONS.index(emotion)] = 9.0
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sums"], keepdims=0),
        helper.make_node("ReduceSum", ["wide", "middle"], ["counts"], keepdims=0),
        helper.make_node("Div", ["sums", "counts"], ["logits"]),
        helper.make_node("Identity", ["logits"], ["embedding"]),
    ]
    inputs = {"input_ids": TensorProto.INT64, "attention_mask": TensorProto.INT64}
    _save(folder, nodes, {name: (kind, ["batch", "tokens"]) for name, kind in inputs.items()}, {"table": table})
    _manifest(folder, "text", ["model.onnx", "tokenizer.json"], max_tokens=32, temperature=1.0, **settings)
    return folder


def acoustic_folder(folder: Path, **settings: object) -> Path:
    """An acoustic model with `lengths`: louder clips are angrier, whatever lies behind their end.

    Args:
        folder: where to write it.
        settings: what else its `model.json` says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weight = np.zeros((1, len(EMOTIONS)), dtype=np.float32)
    weight[0, EMOTIONS.index("angry")] = 40.0
    nodes = [
        helper.make_node("Shape", ["waveform"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["samples"]),
        helper.make_node("Range", ["zero", "samples", "one"], ["places"]),
        helper.make_node("Unsqueeze", ["lengths", "middle"], ["ends"]),
        helper.make_node("Less", ["places", "ends"], ["inside"]),
        helper.make_node("Cast", ["inside"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Abs", ["waveform"], ["level"]),
        helper.make_node("Mul", ["level", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sums"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "middle"], ["counts"], keepdims=1),
        helper.make_node("Div", ["sums", "counts"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
    ]
    inputs = {"waveform": (TensorProto.FLOAT, ["batch", "samples"]), "lengths": (TensorProto.INT64, ["batch"])}
    _save(folder, nodes, inputs, {"weight": weight})
    _manifest(folder, "acoustic", ["model.onnx"], temperature=1.0, **settings)
    return folder


def old_acoustic_folder(folder: Path) -> Path:
    """The same as a first release wrote it: one sound at a time, no lengths, no word of windows or of what it hears."""
    folder.mkdir(parents=True, exist_ok=True)
    weight = np.zeros((1, len(EMOTIONS)), dtype=np.float32)
    weight[0, EMOTIONS.index("angry")] = 40.0
    nodes = [
        helper.make_node("Abs", ["waveform"], ["level"]),
        helper.make_node("ReduceMean", ["level"], ["embedding"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
    ]
    _save(folder, nodes, {"waveform": (TensorProto.FLOAT, ["batch", "samples"])}, {"weight": weight})
    _manifest(folder, "acoustic", ["model.onnx"], temperature=1.0, sample_rate=16_000, parameters=8)
    return folder


def _save(folder: Path, nodes: list, inputs: dict[str, tuple[int, list]], constants: dict[str, np.ndarray]) -> None:
    axes = {"middle": np.array([1]), "last": np.array([2]), "zero": np.array(0), "one": np.array(1)}
    stored = [numpy_helper.from_array(value, name) for name, value in {**axes, **constants}.items()]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in ("logits", "embedding")],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))


def _manifest(folder: Path, kind: str, files: list[str], **settings: object) -> None:
    known = {"name": folder.name, "kind": kind, "licence": "Apache-2.0", "commercial": True, "summary": "Tiny."}
    write_manifest(folder, files, **known, labels=list(EMOTIONS), **json.loads(json.dumps(settings)))
