"""Other heads on the embedding of a model: the fold models of a trunk that all of them share."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.errors import ModelError

HEADS = "heads.npz"


class Network(Protocol):
    """What runs a model."""

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Sounds of any lengths, [samples] each, to the named outputs: "logits" [sounds, 8], in the order of
        `EMOTIONS`, and "embedding" [sounds, d]."""


def one_by_one(
    run: Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]], sounds: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """What `run` makes of each sound [1, samples], put together by output."""
    parts = [run(sound[None]) for sound in sounds]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


class OtherHead:
    """A model whose logits come from another head on its embedding; runs as a `Network`.

    Args:
        network: gives the embedding.
        head: its weights by name: `weight` [d, 8] and `bias` [8]; with a hidden layer beside them also
            `hidden.weight` [d, units], `hidden.bias` [units] and `out.weight` [units, 8].
    """

    def __init__(self, network: Network, head: Mapping[str, NDArray[np.float32]]) -> None:
        self.network, self.head = network, head

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        embedding = self.network.run(["embedding"], sounds)[0]
        logits = embedding @ self.head["weight"] + self.head["bias"]
        if "hidden.weight" in self.head:
            hidden = np.maximum(embedding @ self.head["hidden.weight"] + self.head["hidden.bias"], 0)
            logits = logits + hidden @ self.head["out.weight"]
        found = {"embedding": embedding, "logits": logits}
        return [found[name] for name in outputs]


def head_names(file: Path) -> list[str]:
    """The names that `write_heads` was given."""
    with np.load(file) as stored:
        return sorted({key.partition(".")[0] for key in stored.files})


def read_head(file: Path, name: str, network: Network) -> OtherHead:
    """The model of one fold.

    Raises:
        ModelError: the file holds no such head.
    """
    with np.load(file) as stored:
        if f"{name}.weight" not in stored:
            raise ModelError(f"'{file}' holds no head '{name}': ship the model again.")
        own = [key for key in stored.files if key.partition(".")[0] == name]
        return OtherHead(network, {key.partition(".")[2]: stored[key] for key in own})
