"""What an embedding says beyond the eight emotions: small heads, stored as plain numbers beside the model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import ModelFolder

ATTRIBUTES_FILE = "attributes.json"
ENCODER_FILE = "model.onnx"
AGAIN = "run `python -m research.attributes.fit` of the project's repository on the folder again"


@dataclass(frozen=True)
class AttributeHead:
    """A calibrated logistic regression on an encoder's embedding.

    Args:
        weights: float64, shape [d].
        bias: added to the product of weights and embedding.

    >>> AttributeHead(np.array([1.0, -1.0]), 0.0).probability(np.array([2.0, 2.0]))
    0.5
    """

    weights: NDArray[np.float64]
    bias: float

    def probability(self, embedding: NDArray[np.floating[Any]]) -> float:
        """How probable the attribute is, 0 to 1; `embedding` has shape [d]."""
        logit = float(self.weights @ embedding) + self.bias
        # half a tangent, as the exponential of a far logit would overflow
        return round(0.5 * (1 + float(np.tanh(0.5 * logit))), 6)


def load_head(model: ModelFolder, attribute: str) -> AttributeHead | None:
    """The head of an attribute, such as "confused"; None where the folder has none.

    Raises:
        ModelError: the file cannot be read, or was fitted to another encoder than the one beside it.
    """
    if ATTRIBUTES_FILE not in model.files:
        return None
    file = model.file(ATTRIBUTES_FILE)
    try:
        data: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        encoder, entry = data["encoder"], data["attributes"].get(attribute)
        head = AttributeHead(np.array(entry["weights"], dtype=np.float64), float(entry["bias"])) if entry else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"'{file}' holds no attributes ({error}); {AGAIN}.") from error
    if encoder != model.files.get(ENCODER_FILE):
        raise ModelError(f"'{file}' belongs to another {ENCODER_FILE} than the one beside it; {AGAIN}.")
    return head
