"""What a bot's own examples teach the text model: a small head on the sentence embedding, stored as plain numbers.

It needs numpy alone; `rasa_emotion.text.adaptation` fits it.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError

WEIGHTS_FILE = "emotion_adapter.npz"
ABOUT_FILE = "emotion_adapter.json"
FORMAT = 1
"""Of the two files; another number makes `rasa train` fit the head again."""

LEAST = 1e-12
"""Probabilities are not taken for lower than this, as their logarithm would be no number."""

AGAIN = "run `rasa train` again"


@dataclass(frozen=True)
class Adapter:
    """A logistic regression on the embedding, blended with what the model itself says.

    Args:
        emotions: those that had examples, k of them, in the order of `EMOTIONS`.
        weights: float64, shape [k, d].
        bias: float64, shape [k].
        blend: share of the head in the answer, 0 to 1.
        model: checksum of the text model whose embedding the head was fitted to.
        examples: how many examples it was fitted to.

    >>> head = Adapter(("angry", "happy"), np.array([[1.0], [-1.0]]), np.zeros(2), 0.5, "", 8)
    >>> own = np.full(8, 0.125)
    >>> head.probabilities(np.array([2.0]), own).round(3)  # "calm" and the others keep their 0.125
    array([0.22 , 0.125, 0.125, 0.125, 0.03 , 0.125, 0.125, 0.125])
    """

    emotions: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    blend: float
    model: str
    examples: int

    def probabilities(self, embedding: NDArray[np.floating[Any]], own: NDArray[np.float64]) -> NDArray[np.float64]:
        """The model's probabilities, changed among the emotions that had examples; the others keep theirs.

        Head and model are blended log-linearly (a weighted product of experts), which is then scaled to the probability
        that the model gave to these emotions together.

        Args:
            embedding: shape [d] or [n, d].
            own: what the model says, in the order of `EMOTIONS`, shape [8] or [n, 8].

        Returns:
            Shape [8] or [n, 8], with the sum of `own`.
        """
        known = [EMOTIONS.index(emotion) for emotion in self.emotions]
        head = _log_softmax(embedding @ self.weights.T + self.bias)
        model = np.log(np.maximum(own[..., known], LEAST))
        blended = np.exp(_log_softmax(self.blend * head + (1 - self.blend) * model))
        found = np.array(own, dtype=np.float64)
        found[..., known] = blended * own[..., known].sum(-1, keepdims=True)
        return found

    def save(self, folder: Path) -> None:
        """Write the two files of a head into an existing folder."""
        np.savez(folder / WEIGHTS_FILE, weights=self.weights, bias=self.bias)
        about = {
            "format": FORMAT,
            "emotions": list(self.emotions),
            "blend": self.blend,
            "model": self.model,
            "examples": self.examples,
        }
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load_adapter(folder: Path, model: str) -> Adapter | None:
    """The head in a folder; None where there is none.

    Args:
        folder: where `Adapter.save` wrote it.
        model: checksum of the text model that is to be adapted.

    Raises:
        ModelError: the files cannot be read, or the head was fitted to another text model.
    """
    if not (folder / ABOUT_FILE).is_file():
        return None
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as arrays:
            weights, bias = arrays["weights"].astype(np.float64), arrays["bias"].astype(np.float64)
        emotions = tuple(about["emotions"])
        adapter = Adapter(emotions, weights, bias, float(about["blend"]), about["model"], int(about["examples"]))
        if not set(emotions) <= set(EMOTIONS) or weights.ndim != 2 or not len(emotions) == len(weights) == len(bias):
            raise ValueError("its parts do not match")
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"What the bot's own emotions taught cannot be read ({error}); {AGAIN}.") from error
    if adapter.model != model:
        raise ModelError(f"The bot's own emotions were learned on another text model than the one in use; {AGAIN}.")
    return adapter


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(-1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return found
