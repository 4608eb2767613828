"""Weights in eight-bit integers, for every model that is exported."""

from collections.abc import Sequence
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from rasa_emotion.training.quiet import without_warnings


def quantise_products(source: Path, file: Path, *, exclude: Sequence[str] = ()) -> None:
    """Write a graph with the weights of its matrix products as int8 per output channel.

    Activations are quantised as they come (dynamic), so no calibration data are needed. Weights use seven bits: with
    eight, sums overflow on CPUs with AVX2 alone, and a model has to say the same on each.

    Args:
        source: the ONNX file to read.
        file: the ONNX file to write.
        exclude: names of the nodes that stay float32.
    """
    with without_warnings():  # of a step before quantising that these graphs do not need
        quantize_dynamic(
            source,
            file,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=list(exclude),
        )
