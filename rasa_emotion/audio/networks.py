"""The small networks beside the voice's own model, as they are loaded."""

from collections.abc import Callable
from typing import TypeVar

import onnxruntime

from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import model_path, read_model_folder

Network = TypeVar("Network")

FILE = "model.onnx"


def session(file: str) -> onnxruntime.InferenceSession:
    """A network that takes one core, since calls and turns are many."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def shipped(kind: str, make: Callable[[str], Network]) -> Network:
    """The network of a kind that ships.

    Args:
        kind: the name of its folder, and what its manifest says.
        make: makes it of its file.

    Raises:
        ModelError: it is missing or altered.
    """
    model = read_model_folder(model_path(None, kind, kind), kind)
    try:
        return make(str(model.file(FILE)))
    except ModelError:
        raise
    except Exception as error:  # onnxruntime has no public base class of its errors
        raise ModelError(f"the network cannot be loaded ({error})") from error
