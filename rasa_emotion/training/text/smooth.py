"""Inputs of products at like sizes, so that eight bits hold them.

Behind a layer norm or a GELU a few of the numbers are ten times as large as the rest, and one step for all of them
rounds the rest away. Each is divided by a size of its own, and the weights that it meets are multiplied by it: the
product stays the same (Xiao et al., "SmoothQuant: Accurate and efficient post-training quantization for large language
models", 2023).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SHARE = 0.7
"""How much of the inequality goes over into the weights: of 0.5, 0.7, 0.8 and 0.9, what moved the logits least."""


class SmoothLinear(nn.Linear):
    """A linear layer that divides its input by sizes first; it gives what the layer that it was made of gives.

    Args:
        linear: the layer, which stays as it is.
        sizes: above 0, shape [inputs].
    """

    smooth: Tensor

    def __init__(self, linear: nn.Linear, sizes: Tensor) -> None:
        super().__init__(linear.in_features, linear.out_features)
        self.weight = nn.Parameter(linear.weight.detach() * sizes)
        self.bias = nn.Parameter(linear.bias.detach().clone())
        self.register_buffer("smooth", 1 / sizes)

    def forward(self, input: Tensor) -> Tensor:
        """Inputs [..., inputs] to outputs [..., outputs]."""
        return functional.linear(input * self.smooth, self.weight, self.bias)


def sizes_of(peaks: Tensor, weight: Tensor, share: float = SHARE) -> Tensor:
    """What to divide each input by, shape [inputs].

    Args:
        peaks: the largest absolute value seen of each input, shape [inputs].
        weight: shape [outputs, inputs].
        share: 1 makes the inputs alike, 0 the weights.
    """
    sizes: Tensor = peaks.clamp(min=1e-3) ** share / weight.detach().abs().amax(0).clamp(min=1e-4) ** (1 - share)
    return sizes


@torch.no_grad()
def smooth_products(
    model: nn.Module, layers: Sequence[nn.Module], names: Sequence[str], ids: Sequence[Sequence[int]]
) -> None:
    """Put smooth layers in the place of linear ones.

    Args:
        model: takes token ids and mask, int64 [batch, tokens].
        layers: parts of it.
        names: of the linear layers in each part.
        ids: tokens of some sentences, to see how large the inputs are.
    """
    found: dict[nn.Module, Tensor] = {}

    def see(linear: nn.Module, inputs: Any) -> None:
        peaks = inputs[0].abs().flatten(0, -2).amax(0)
        found[linear] = torch.maximum(found.get(linear, peaks), peaks)

    hooks = [getattr(layer, name).register_forward_pre_hook(see) for layer in layers for name in names]
    for sentence in ids:
        tokens = torch.tensor([list(sentence)])
        model(tokens, torch.ones_like(tokens))
    for hook in hooks:
        hook.remove()
    for layer in layers:
        for name in names:
            linear = getattr(layer, name)
            setattr(layer, name, SmoothLinear(linear, sizes_of(found[linear], linear.weight)))
