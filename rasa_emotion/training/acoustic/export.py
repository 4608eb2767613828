"""Export a trained network to ONNX: waveform in, the eight logits and the embedding out."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from rasa_emotion.acoustic.network import EmotionNetwork
from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ModelError
from rasa_emotion.training.quantise import quantise_products

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
QUANTISED_TOLERANCE = 1e-3
"""Of a network that is written in int8 next, which changes far more."""
CHECKED_SECS = (0.3, 1.0, 3.0, 15.0)
OPSET = 17
MIN_QUANTISED = 10_000
"""Values of a matrix that is worth being int8; a head is not."""


class _Served(nn.Module):
    def __init__(self, network: EmotionNetwork, head: str) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.network.encode(self.network.features(waveform))
        return self.network.heads[self.head](embedding), embedding


def export(network: EmotionNetwork, file: Path, *, head: str = "emotion") -> float:
    """Write one head of a network and compare it with the original.

    The batch and the number of samples stay free. Returns the largest difference over lengths from 0.3 to 15 s, in
    float32: a network of large matrix products is written in int8 afterwards.

    Raises:
        ModelError: the exported model differs by more than `TOLERANCE`.
    """
    if not isinstance(network, WhisperNetwork):
        return export_module(_Served(network, head), file)
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "float.onnx"
        difference = export_module(_Served(network, head), exact, tolerance=QUANTISED_TOLERANCE)
        quantise(exact, file)
    return difference


def export_module(served: nn.Module, file: Path, *, tolerance: float = TOLERANCE) -> float:
    """The same for any module that maps waveforms [batch, samples] to logits [batch, 8] and an embedding [batch, d]."""
    served.eval()
    with warnings.catch_warnings():
        # the exporter warns about LSTM with a free batch; the check below runs other batch sizes
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.randn(2, SAMPLE_RATE) * 0.1,),
            str(file),
            input_names=["waveform"],
            output_names=["logits", "embedding"],
            dynamic_axes={
                "waveform": {0: "batch", 1: "samples"},
                "logits": {0: "batch"},
                "embedding": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    difference = largest_difference(served, file, CHECKED_SECS)
    if difference > tolerance:
        raise ModelError(f"'{file}' differs from its original by {difference:.1e}: do not ship it, report the export.")
    logger.info("Exported %s, largest difference %.1e.", file, difference)
    return difference


def quantise(source: Path, file: Path) -> None:
    """Write the model with its large matrix products in int8; the mel filters stay float32: quiet bands would drown."""
    graph = onnx.load(source).graph
    large = {tensor.name for tensor in graph.initializer if np.prod(tensor.dims) >= MIN_QUANTISED}
    mel = {node.name for node in graph.node if node.op_type == "MatMul" and "/frontend/" in node.name}
    kept = [n.name for n in graph.node if n.op_type == "MatMul" and not large & set(n.input)]
    quantise_products(source, file, exclude=sorted({*mel, *kept}))


def largest_difference(
    served: nn.Module, file: Path, seconds: Sequence[float], *, batches: Sequence[int] = (1, 3)
) -> float:
    """The largest difference of logits and embedding between a module and its export, on noise."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    worst = 0.0
    for secs in seconds:
        for batch in batches:
            waveform = generator.normal(0, 0.1, (batch, int(secs * SAMPLE_RATE))).astype(np.float32)
            with torch.no_grad():
                expected = [output.numpy() for output in served(torch.from_numpy(waveform))]
            found = session.run(["logits", "embedding"], {"waveform": waveform})
            worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)))
    return worst
