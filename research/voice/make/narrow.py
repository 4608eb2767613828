"""A narrow copy of Whisper's lower layers to begin a distillation with, instead of random weights.

The stream that the layers read and write is turned onto its principal directions and cut (Ashkboos et al., "SliceGPT:
Compress Large Language Models by Deleting Rows and Columns", 2024); of each inner layer the units, heads and channels
that carry most are kept, and what reads them is fitted anew by least squares to what the whole ones gave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from rasa_emotion.acoustic.whisper import EncoderLayer, WhisperNetwork
from research.voice.make.network import Layer, Trunk

RIDGE = 1e-3
"""Of the mean of the diagonal, added before a least-squares solution."""


@dataclass
class Seen:
    """What one inner layer of the wide network gave: the sums of products of its units with each other."""

    products: Tensor | None = None
    count: int = 0

    def add(self, values: Tensor) -> None:
        """`values`: [..., units]."""
        rows = values.reshape(-1, values.shape[-1]).double()
        products = rows.T @ rows
        self.products = products if self.products is None else self.products + products
        self.count += len(rows)

    def mean(self) -> Tensor:
        assert self.products is not None
        return self.products / self.count


@dataclass
class Traces:
    """What the wide network's inner layers gave on some waveforms."""

    stream: Seen = field(default_factory=Seen)
    channels: Seen = field(default_factory=Seen)  # of the first convolution, three neighbouring frames
    entry: Seen = field(default_factory=Seen)  # of the second, two frames averaged
    attended: list[Seen] = field(default_factory=list)
    hidden: list[Seen] = field(default_factory=list)


def trace(network: WhisperNetwork, batches: Sequence[Tensor]) -> Traces:
    """Run waveforms [batch, samples] through the wide network and keep what its inner layers give."""
    encoder, traces = network.encoder, Traces()
    traces.attended = [Seen() for _ in encoder.layers]
    traces.hidden = [Seen() for _ in encoder.layers]
    hooks = []
    for index, layer in enumerate(encoder.layers):
        assert isinstance(layer, EncoderLayer)
        hooks.append(layer.attended.register_forward_pre_hook(_keep(traces.attended[index])))
        if layer.hidden:
            hooks.append(layer.narrow.register_forward_pre_hook(_keep(traces.hidden[index])))
        hooks.append(layer.register_forward_pre_hook(lambda _, given: traces.stream.add(_centred(given[0]))))
    with torch.no_grad():
        for batch in batches:
            features = network.features(batch)
            states = encoder(features)
            traces.stream.add(_centred(states[-1]))
            first = encoder.first(features)
            padded = nn.functional.pad(first, (0, 0, 1, 1))
            traces.channels.add(torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=2))
            second = encoder.second(first)
            traces.entry.add(nn.functional.avg_pool1d(second.transpose(1, 2), 2).transpose(1, 2))
    for hook in hooks:
        hook.remove()
    return traces


def narrow(network: WhisperNetwork, trunk: Trunk, traces: Traces) -> Tensor:
    """Set the trunk's weights from the wide network's; returns the directions of the stream that were kept,
    [wide width, width]."""
    encoder, width = network.encoder, trunk.settings["width"]
    directions = torch.linalg.eigh(traces.stream.mean())[1].flip(1)[:, :width]
    into = directions - directions.mean(dim=0)  # the norm takes each state's mean away; so does this
    with torch.no_grad():
        _convolutions(network, trunk, traces, into)
        _place(encoder.scales, trunk, into)
        for index, (wide, layer) in enumerate(zip(encoder.layers, trunk.layers, strict=True)):
            assert isinstance(wide, EncoderLayer)
            assert isinstance(layer, Layer)
            _attention(wide, layer, traces.attended[index], directions, into)
            if layer.hidden:
                _feed_forward(wide, layer, traces.hidden[index], directions, into)
    kept: Tensor = directions.float()
    return kept


def _keep(seen: Seen):  # type: ignore[no-untyped-def]  # torch's hooks
    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.add(given[0])

    return keep


def _centred(x: Tensor) -> Tensor:
    centred: Tensor = x - x.mean(dim=-1, keepdim=True)
    return centred


def _refit(seen: Tensor, kept: Tensor, weight: Tensor) -> Tensor:
    """Weights over the kept units that come closest to `weight` [outputs, units] over all of them."""
    own = seen[kept][:, kept]
    own = own + RIDGE * own.diagonal().mean() * torch.eye(len(kept), dtype=own.dtype)
    fitted: Tensor = torch.linalg.solve(own, seen[kept] @ weight.T.double()).T
    return fitted


def _strongest(seen: Tensor, weight: Tensor, count: int, group: int = 1) -> Tensor:
    """The units, in groups of neighbours, whose part of the output is largest: sorted, [count * group]."""
    power = seen.diagonal() * (weight.double() ** 2).sum(dim=0)
    chosen = power.view(-1, group).sum(dim=1).topk(count).indices.sort().values
    return (chosen[:, None] * group + torch.arange(group)).flatten()


def _convolutions(network: WhisperNetwork, trunk: Trunk, traces: Traces, into: Tensor) -> None:
    first, second = network.encoder.first.weigh, network.encoder.second.weigh
    wide = first.out_features
    entry = traces.entry.mean()
    out = _strongest(entry, into.T, trunk.settings["entry"])
    trunk.mixed.weight.copy_(_refit(entry, out, into.T))
    trunk.mixed.bias.zero_()
    seen = traces.channels.mean()
    weight = second.weight[out].double()
    power = (seen.diagonal() * (weight**2).sum(dim=0)).view(3, wide).sum(dim=0)
    channels = power.topk(trunk.settings["channels"]).indices.sort().values
    kept = torch.cat([channels + tap * wide for tap in range(3)])
    trunk.second.weight.copy_(_refit(seen, kept, weight).view(len(out), 3, len(channels)).transpose(1, 2))
    assert trunk.second.bias is not None
    assert trunk.first.bias is not None
    trunk.second.bias.copy_(second.bias[out])
    trunk.first.weight.copy_(first.weight[channels].view(len(channels), 3, -1).transpose(1, 2))
    trunk.first.bias.copy_(first.bias[channels])


def _place(scales: Tensor, trunk: Trunk, into: Tensor) -> None:
    angles = torch.arange(2 * len(trunk.place))[:, None] * scales
    wide = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1).view(len(trunk.place), 2, -1).mean(dim=1)
    trunk.place.copy_(wide.double() @ into)


def _attention(wide: EncoderLayer, layer: Layer, seen: Seen, directions: Tensor, into: Tensor) -> None:
    size = layer.head_width
    kept = _strongest(seen.mean(), wide.attended.weight, layer.heads, size)
    rows = torch.cat([kept + part * wide.attended.in_features for part in range(3)])
    joint = wide.query_key_value
    norm = wide.attention_norm
    _reading(layer.attention_norm.gain, layer.query_key_value, norm=norm, wide=joint, rows=rows, directions=directions)
    layer.attended.weight.copy_(into.T @ _refit(seen.mean(), kept, wide.attended.weight))
    layer.attended.bias.copy_(into.T @ wide.attended.bias.double())


def _feed_forward(wide: EncoderLayer, layer: Layer, seen: Seen, directions: Tensor, into: Tensor) -> None:
    kept = _strongest(seen.mean(), wide.narrow.weight, layer.hidden)
    _reading(
        layer.forward_norm.gain,
        layer.widen,
        norm=wide.forward_norm,
        wide=wide.widen,
        rows=kept,
        directions=directions,
    )
    layer.narrow.weight.copy_(into.T @ _refit(seen.mean(), kept, wide.narrow.weight))
    layer.narrow.bias.copy_(into.T @ wide.narrow.bias.double())


def _reading(
    gain: Tensor, layer: nn.Linear, *, norm: nn.LayerNorm, wide: nn.Linear, rows: Tensor, directions: Tensor
) -> None:
    """What reads the stream behind a norm: the wide norm's gain and bias move into the weights."""
    weight = wide.weight[rows].double() * norm.weight.double()
    layer.weight.copy_(weight @ directions)
    layer.bias.copy_(wide.bias[rows].double() + wide.weight[rows].double() @ norm.bias.double())
    # the narrow norm takes the mean of nearly the same sum over fewer values
    gain.fill_((norm.weight.shape[0] / layer.in_features) ** 0.5)
