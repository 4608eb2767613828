"""Keep the fold models of a trunk that all of them share: one head each, on the embedding of the model that ships."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.errors import ModelError


def carried_over(
    shipped: WhisperNetwork, other: WhisperNetwork, head: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The other network's head as it reads the shipped network's embedding: weight [d, classes] and bias [classes].

    Both embeddings are the same statistics under different normalisations, so that the shipped one's cancels out.

    Raises:
        ModelError: the networks have different trunks.
    """
    pairs = zip(shipped.encoder.state_dict().values(), other.encoder.state_dict().values(), strict=True)
    if not all(torch.equal(first, second) for first, second in pairs):
        raise ModelError("The fold models have trunks of their own: export each of them whole.")
    mean, deviation = _normalisation(shipped)
    other_mean, other_deviation = _normalisation(other)
    layer = other.heads[head]
    assert isinstance(layer, nn.Linear)
    weight = layer.weight.detach().double() / other_deviation
    bias = layer.bias.detach().double() + weight @ (mean - other_mean)
    return (weight * deviation).T.float().numpy(), bias.float().numpy()


def write_heads(file: Path, heads: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]) -> None:
    """Keep the heads of folds by name."""
    weights = {f"{name}.weight": weight for name, (weight, _) in heads.items()}
    biases = {f"{name}.bias": bias for name, (_, bias) in heads.items()}
    np.savez(file, **weights, **biases)


def _normalisation(network: WhisperNetwork) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation that the embedding is normalised by, [d] each."""
    layer = network.normalise
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return layer.running_mean.double(), torch.sqrt(layer.running_var.double() + layer.eps)
