"""Exported graphs give what torch gives."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from tiny_text_model import with_outliers

from rasa_emotion.training.text.export import PlainModel, RowInt8Embedding, export_int8
from rasa_emotion.training.text.model import TextEmotionModel
from rasa_emotion.training.text.smooth import SmoothLinear, sizes_of
from rasa_emotion.training.text.start import load_tokenizer

SENTENCES = Path(__file__).parents[2] / "data" / "customer_test_sentences.csv"


def run(path: Path, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(
        ["logits", "embedding"], {"input_ids": ids, "attention_mask": mask}
    )
    return outputs


@pytest.fixture
def plain_model(tiny_model: TextEmotionModel) -> PlainModel:
    """What is exported, with its word embeddings unrounded."""
    found = PlainModel(tiny_model)
    found.words = tiny_model.encoder.embeddings.word_embeddings
    return found.eval()


def test_what_is_exported_computes_as_the_trained_model(tiny_model: TextEmotionModel, plain_model: PlainModel) -> None:
    ids = torch.randint(1000, 20000, (3, 17))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    with torch.no_grad():
        for found, expected in zip(plain_model(ids, mask), tiny_model(ids, mask), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_padding_changes_nothing(plain_model: PlainModel) -> None:
    ids = torch.full((1, 6), 2003)
    padded = torch.cat([ids, torch.zeros((1, 4), dtype=torch.long)], dim=1)
    with torch.no_grad():
        alone, beside = (plain_model(part, (part != 0).long())[0] for part in (ids, padded))
    torch.testing.assert_close(alone, beside, atol=1e-5, rtol=0)


def test_int8_agrees_with_torch_at_any_length(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    export_int8(tiny_model, tmp_path / "int8.onnx")
    tokenizer = load_tokenizer(64)
    same = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        ids = torch.tensor([tokenizer.encode(line).ids])
        small = run(tmp_path / "int8.onnx", ids.numpy(), np.ones(ids.shape, dtype=np.int64))[0]
        with torch.no_grad():
            same.append(int(tiny_model(ids, torch.ones_like(ids))[0].argmax()) == small.argmax())
    assert np.mean(same) >= 0.97
    batch = np.full((3, 17), 2003, dtype=np.int64)
    assert [part.shape for part in run(tmp_path / "int8.onnx", batch, np.ones_like(batch))] == [(3, 8), (3, 32)]
    weights = 4 * sum(parameter.numel() for parameter in tiny_model.parameters())
    assert (tmp_path / "int8.onnx").stat().st_size < 0.4 * weights


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


def test_outliers_cost_less_where_sentences_were_seen(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    model, tokenizer = with_outliers(tiny_model), load_tokenizer(64)
    ids = [tokenizer.encode(line).ids for line in SENTENCES.read_text(encoding="utf-8").splitlines()[1:]]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_int8(model, tmp_path / "seen.onnx", sentences=ids[:50])
    export_int8(model, tmp_path / "unseen.onnx")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    errors = []
    for file in ("seen.onnx", "unseen.onnx"):
        found = [run(tmp_path / file, np.array([one]), np.ones((1, len(one)), dtype=np.int64))[0] for one in ids[50:]]
        with torch.no_grad():
            right = [model(torch.tensor([one]), torch.ones(1, len(one)))[0].numpy() for one in ids[50:]]
        errors.append(np.mean([np.abs(a - b).mean() for a, b in zip(found, right, strict=True)]))
    assert errors[0] < 0.7 * errors[1]


def test_a_smooth_layer_gives_what_its_layer_gives() -> None:
    linear = torch.nn.Linear(6, 4)
    inputs = torch.randn(3, 6) * torch.tensor([1, 1, 50, 1, 0, 1.0])
    sizes = sizes_of(inputs.abs().amax(0), linear.weight)
    smooth = SmoothLinear(linear, sizes)
    torch.testing.assert_close(smooth(inputs), linear(inputs))
    assert (inputs / sizes).abs().amax(0)[2] < 10 * (inputs / sizes).abs().amax(0)[0]
    assert sizes_of(inputs.abs().amax(0), linear.weight, 1.0)[2] == pytest.approx(inputs[:, 2].abs().max().item())
