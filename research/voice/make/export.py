"""Export the trunk with a head to ONNX: waveforms and lengths in, logits and the embedding out."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ModelError
from rasa_emotion.training.quiet import without_warnings
from rasa_emotion.training.voice.heads import Fitted, Head
from research.voice.make.network import Trunk

OPSET = 17
TOLERANCE = 2e-4
CHECKED_SECS = (0.5, 1.0, 3.0, 5.0)


class Served(nn.Module):
    """What runs in use: the embedding is normalised as the head reads it."""

    def __init__(self, trunk: Trunk, fitted: Fitted) -> None:
        super().__init__()
        self.trunk, self.head = trunk, fitted.head
        trunk.mean.copy_(torch.from_numpy(fitted.mean))
        trunk.deviation.copy_(torch.from_numpy(fitted.deviation))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.trunk(waveform, lengths)
        return self.head(embedding), embedding


def export(trunk: Trunk, fitted: Fitted, file: Path, *, calibration: Sequence[NDArray[np.float32]] = ()) -> float:
    """Write the model and compare it with its original, alone and in a batch with a longer and louder neighbour.

    With `calibration`, batches of waveforms [batch, samples], the large matrix products become int8 afterwards, with
    scales that are fixed by them: scales that follow the batch would let neighbours change an item's answer.

    Returns the largest difference of a logit or of a value of the embedding, in float32.

    Raises:
        ModelError: it differs by more than `TOLERANCE`.
    """
    served = Served(trunk, fitted).eval()
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "float.onnx"
        _write(served, exact)
        difference = largest_difference(served, exact, CHECKED_SECS)
        if difference > TOLERANCE:
            raise ModelError(f"'{file}' differs from its original by {difference:.1e}: report the export.")
        if len(calibration):
            quantise(exact, file, calibration)
        else:
            file.write_bytes(exact.read_bytes())
    return difference


def _write(served: nn.Module, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a free batch; the check runs several
        torch.onnx.export(
            served,
            (torch.randn(2, 2 * SAMPLE_RATE) * 0.1, torch.tensor([2 * SAMPLE_RATE, SAMPLE_RATE])),
            str(file),
            input_names=["waveform", "lengths"],
            output_names=["logits", "embedding"],
            dynamic_axes={
                "waveform": {0: "batch", 1: "samples"},
                "lengths": {0: "batch"},
                "logits": {0: "batch"},
                "embedding": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )


def quantise(source: Path, file: Path, calibration: Sequence[NDArray[np.float32]]) -> None:
    """Write the model with the trunk's matrix products and convolutions in int8, scales fixed by the batches.

    The Fourier transform and the mel filters stay float32, since quiet bands would drown, and so do the heads. Weights
    use seven bits: with eight, sums overflow on CPUs with AVX2 alone, and a model has to say the same on each.
    """
    prepared = source.with_suffix(".prepared.onnx")
    with without_warnings():
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(file),
            _Batches(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            nodes_to_quantize=_products(onnx.load(str(prepared)).graph),
        )


def _products(graph: onnx.GraphProto) -> list[str]:
    """Names of the trunk's matrix products and convolutions with weights."""
    weights = {tensor.name for tensor in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type in {"MatMul", "Conv"} and "/trunk/" in node.name and "spectrogram" not in node.name
        if weights & set(node.input)
    ]


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Sequence[NDArray[np.float32]]) -> None:
        self.batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        batch = next(self.batches, None)
        return None if batch is None else padded(list(batch))


def largest_difference(served: nn.Module, file: Path, seconds: Sequence[float]) -> float:
    """Of each length alone by torch and in one batch of all lengths by ONNX Runtime, on noise."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    sounds = [
        random.normal(0, 0.02 * (i + 1), int(secs * SAMPLE_RATE)).astype(np.float32) for i, secs in enumerate(seconds)
    ]
    found = session.run(["logits", "embedding"], padded(sounds))
    worst = 0.0
    for row, sound in enumerate(sounds):
        with torch.no_grad():
            alone = served(torch.from_numpy(sound)[None], torch.tensor([len(sound)]))
        worst = max(worst, *(float(np.abs(a[0].numpy() - b[row]).max()) for a, b in zip(alone, found, strict=True)))
    return worst


def random_head(size: int, hidden: int) -> Fitted:
    """A head that was fitted to nothing, for measuring."""
    return Fitted(np.zeros(size, np.float32), np.ones(size, np.float32), Head(size, hidden).eval())
