"""Other heads on the embedding of a model: the fold models of a trunk that all of them share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.errors import ModelError

HEADS = "heads.npz"


class Network(Protocol):
    """What runs a model."""

    @property
    def batches(self) -> bool:
        """Whether clips in one batch, zeros behind the shorter ones, give what each gives alone."""

    def run(
        self, outputs: Sequence[str], waveform: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> list[NDArray[np.float32]]:
        """Run the network once.

        Args:
            outputs: "logits" [batch, 8], in the order of `EMOTIONS`, or "embedding" [batch, d].
            waveform: [batch, samples] at 16 kHz; of one clip, unless the network `batches`.
            lengths: samples of each clip, [batch]; all of them where None.
        """


class OtherHead:
    """A model whose logits come from another head on its embedding; runs as a `Network`.

    Args:
        network: gives the embedding.
        weight: [d, classes].
        bias: [classes].
    """

    def __init__(self, network: Network, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.network, self.weight, self.bias = network, weight, bias

    @property
    def batches(self) -> bool:
        """As the network does."""
        return self.network.batches

    def run(
        self, outputs: Sequence[str], waveform: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> list[NDArray[np.float32]]:
        """Run the network once (see `Network`)."""
        embedding = self.network.run(["embedding"], waveform, lengths)[0]
        found = {"embedding": embedding, "logits": embedding @ self.weight + self.bias}
        return [found[name] for name in outputs]


def head_names(file: Path) -> list[str]:
    """The names that `write_heads` was given."""
    with np.load(file) as stored:
        return sorted({key.rpartition(".")[0] for key in stored.files})


def read_head(file: Path, name: str, network: Network) -> OtherHead:
    """The model of one fold.

    Raises:
        ModelError: the file holds no such head.
    """
    with np.load(file) as stored:
        if f"{name}.weight" not in stored:
            raise ModelError(f"'{file}' holds no head '{name}': ship the model again.")
        return OtherHead(network, stored[f"{name}.weight"], stored[f"{name}.bias"])
