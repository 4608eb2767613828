"""Exported graphs give what torch gives."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from rasa_emotion.training.text.export import RowInt8Embedding, export_float, export_int8
from rasa_emotion.training.text.model import TextEmotionModel
from rasa_emotion.training.text.start import load_tokenizer

SENTENCES = Path(__file__).parents[2] / "data" / "customer_test_sentences.csv"


def run(path: Path, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(
        ["logits", "embedding"], {"input_ids": ids, "attention_mask": mask}
    )
    return outputs


def test_float_export_equals_torch(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    export_float(tiny_model, tmp_path / "float.onnx")
    # Another batch size and length than the exporter saw, with padding.
    ids = torch.randint(1000, 20000, (3, 17))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    with torch.no_grad():
        logits, embedding = tiny_model(ids, mask)
    found = run(tmp_path / "float.onnx", ids.numpy(), mask.numpy())
    np.testing.assert_allclose(found[0], logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(found[1], embedding.numpy(), atol=1e-4)


def test_padding_changes_nothing(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    export_float(tiny_model, tmp_path / "float.onnx")
    ids = np.full((1, 6), 2003, dtype=np.int64)
    padded = np.concatenate([ids, np.zeros((1, 4), dtype=np.int64)], axis=1)
    alone = run(tmp_path / "float.onnx", ids, np.ones_like(ids))
    beside = run(tmp_path / "float.onnx", padded, (padded != 0).astype(np.int64))
    np.testing.assert_allclose(alone[0], beside[0], atol=1e-5)


def test_int8_agrees_with_float(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    export_float(tiny_model, tmp_path / "float.onnx")
    export_int8(tiny_model, tmp_path / "int8.onnx")
    tokenizer = load_tokenizer(64)
    same = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        ids = np.array([tokenizer.encode(line).ids])
        exact, small = (run(tmp_path / f"{name}.onnx", ids, np.ones_like(ids))[0] for name in ("float", "int8"))
        same.append(exact.argmax() == small.argmax())
    assert np.mean(same) >= 0.97
    assert (tmp_path / "int8.onnx").stat().st_size < 0.4 * (tmp_path / "float.onnx").stat().st_size


def test_int8_weights_that_are_multiplied_use_seven_bits(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    export_int8(tiny_model, tmp_path / "int8.onnx")
    graph = onnx.load(tmp_path / "int8.onnx").graph
    multiplied = {node.input[1] for node in graph.node if node.op_type == "MatMulInteger"}
    peaks = [
        np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max()
        for tensor in graph.initializer
        if tensor.name in multiplied
    ]
    # AVX2 adds two products of an unsigned and a signed byte in 16 bits: 2 * 255 * 64 fits, 2 * 255 * 127 does not.
    assert len(peaks) == len(multiplied) > 0
    assert 2 * 255 * max(peaks) < 2**15


def test_row_int8_embedding_is_close(tiny_model: TextEmotionModel) -> None:
    table = tiny_model.encoder.embeddings.word_embeddings.weight.detach()
    ids = torch.arange(1000, 1200)[None]
    error = (RowInt8Embedding(table)(ids) - table[ids]).abs().max()
    assert 0 < error <= 1.001 * table[ids].abs().max() / 254
