"""Neural networks: hidden layers of encoder and decoder, and the decoder's last layer.

Each family of networks has its own way to combine images with labels. The last layer returns
``values_per_pixel`` · c · h · w numbers for the likelihood: the first value of each pixel, then the
second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from vae_core.config import ModelConfig
from vae_core.models.dense import Dense

#: Slope of the leaky ReLU below zero.
LEAK = 0.2


@dataclass(frozen=True)
class Activation:
    """Activation function: its module for an axis, and the number of inputs of one unit."""

    module: Callable[[int], nn.Module]
    inputs: int = 1


class _TanhBySigmoid(torch.autograd.Function):
    """Compute tanh(a) = 2σ(2a) − 1: on a CPU, PyTorch's σ takes a quarter of its tanh's time."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        h = (2 * a).sigmoid_().mul_(2).sub_(1)
        ctx.save_for_backward(h)
        return h

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        h: Tensor
        (h,) = ctx.saved_tensors
        return gradient * (1 - h * h)


def tanh(a: Tensor) -> Tensor:
    """Hyperbolic tangent, with an absolute error of up to 2e-7 in float32."""
    # bfloat16 is too coarse for the difference from 1; on a GPU torch.tanh is one kernel, not four.
    if a.dtype == torch.bfloat16 or a.is_cuda:
        return torch.tanh(a)
    return _TanhBySigmoid.apply(a)  # type: ignore[no-any-return, no-untyped-call]


class Tanh(nn.Tanh):
    """Module of :func:`tanh`."""

    def forward(self, a: Tensor) -> Tensor:
        """Return tanh(a)."""
        return tanh(a)


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(lambda axis: Tanh()),
    "relu": Activation(lambda axis: nn.ReLU()),
    "silu": Activation(lambda axis: nn.SiLU()),
    "leaky-relu": Activation(lambda axis: nn.LeakyReLU(LEAK)),
    #: (Wx + b) · σ(Vx + c) (Dauphin et al. 2017; Tomczak & Welling 2018).
    "gated": Activation(lambda axis: nn.GLU(dim=axis), inputs=2),
}


def mlp(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Fully connected layers, each followed by its activation.

    ``widths`` are the sizes from the input to the last hidden layer, e.g. (784, 500, 500), and
    ``activation`` is a name in ``ACTIVATIONS``.
    """
    chosen = ACTIVATIONS[activation]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [Dense(fan_in, chosen.inputs * fan_out), chosen.module(-1)]
    return nn.Sequential(*layers)


class Rows(nn.Module):
    """Recurrent layers (GRU) over the rows of an image: (batch, rows, inputs) → (…, units)."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.GRU(inputs, units, batch_first=True) for inputs, units in pairwise(widths)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Return the units of each row, which depend on the rows above it."""
        for layer in self.layers:
            rows, _ = layer(rows)
        return rows


class LastRow(nn.Module):
    """Select the last row: (batch, rows, units) → (batch, units)."""

    def forward(self, rows: Tensor) -> Tensor:
        """Return the last row's units."""
        return rows[:, -1]


class EveryRow(nn.Module):
    """Repeat a code for each row: (batch, inputs) → (batch, rows, inputs)."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, code: Tensor) -> Tensor:
        """Return a view of the code for each row."""
        return code[:, None].expand(-1, self.rows, -1)


class MapHead(nn.Module):
    """Convolution from (batch, channels, h, w) to the values of each pixel; each has a bias."""

    def __init__(self, channels: int, image_shape: tuple[int, int, int], values: int) -> None:
        super().__init__()
        c, h, w = image_shape
        self.convolution = nn.Conv2d(channels, values * c, 3, padding=1, bias=False)
        self.bias = nn.Parameter(torch.zeros(values * c * h * w))

    def forward(self, maps: Tensor) -> Tensor:
        """Return (batch, values · c · h · w)."""
        values: Tensor = self.convolution(maps).flatten(1)
        return values + self.bias


class RowHead(nn.Module):
    """Linear layer from rows (batch, h, units) to the values of each pixel; each has a bias."""

    def __init__(self, units: int, image_shape: tuple[int, int, int], values: int) -> None:
        super().__init__()
        c, h, w = image_shape
        self.row_shape = (values * c, w)
        self.row = Dense(units, values * c * w, bias=False)
        self.bias = nn.Parameter(torch.zeros(values * c * h * w))

    def forward(self, rows: Tensor) -> Tensor:
        """Return (batch, values · c · h · w)."""
        values: Tensor = self.row(rows).unflatten(-1, self.row_shape)  # (batch, h, values · c, w)
        return values.transpose(1, 2).flatten(1) + self.bias


#: A decoder's last layer; each has a ``bias`` (values · c · h · w,).
Head = Dense | MapHead | RowHead


def join_flat(x: Tensor, label: Tensor | None) -> Tensor:
    """Append the label to the pixels: (batch, c · h · w [+ classes])."""
    flat = x.flatten(1)
    return flat if label is None else torch.cat([flat, label], dim=1)


def join_maps(x: Tensor, label: Tensor | None) -> Tensor:
    """Append the label as constant channels: (batch, c [+ classes], h, w)."""
    if label is None:
        return x
    maps = label[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, maps], dim=1)


def join_rows(x: Tensor, label: Tensor | None) -> Tensor:
    """Append the label to every row: (batch, h, c · w [+ classes])."""
    rows = x.transpose(1, 2).flatten(2)
    if label is None:
        return rows
    return torch.cat([rows, label[:, None].expand(-1, rows.shape[1], -1)], dim=2)


@dataclass(frozen=True)
class Family:
    """Functions that build the networks of one kind.

    Attributes
    ----------
    join
        Combines x (batch, c, h, w) and a one-hot label (batch, classes), or None, to the input
        of the encoder.
    encoder
        Builds, from a config, the network from that input to (batch, config.features).
    decoder
        Builds, from a config and the length of a code with its label, the network from (batch,
        length) to the input of the head.
    head
        Builds, from a config and the values per pixel, the last layer to (batch, values · c · h ·
        w). Its ``bias`` has this length.
    """

    join: Callable[[Tensor, Tensor | None], Tensor]
    encoder: Callable[[ModelConfig], nn.Sequential]
    decoder: Callable[[ModelConfig, int], nn.Sequential]
    head: Callable[[ModelConfig, int], Head]


def _mlp_encoder(config: ModelConfig) -> nn.Sequential:
    return mlp((config.pixels + _label_inputs(config), *config.hidden), config.activation)


def _mlp_decoder(config: ModelConfig, inputs: int) -> nn.Sequential:
    return mlp((inputs, *config.hidden[::-1]), _decoder_activation(config))


def _conv_encoder(config: ModelConfig) -> nn.Sequential:
    chosen = ACTIVATIONS[config.activation]
    channels = (config.image_shape[0] + _label_inputs(config), *config.hidden)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(channels):
        # Stride 2 with padding: a side of s becomes ⌈s / 2⌉, as in config.map_sizes.
        layers.append(nn.Conv2d(fan_in, chosen.inputs * fan_out, 3, stride=2, padding=1))
        layers.append(chosen.module(1))
    return nn.Sequential(*layers, nn.Flatten())


def _conv_decoder(config: ModelConfig, inputs: int) -> nn.Sequential:
    # Nearest-neighbour resizing before each convolution avoids checkerboard patterns (Odena et al.
    # 2016) and supports odd sizes such as 7 × 5.
    chosen = ACTIVATIONS[_decoder_activation(config)]
    channels, sizes = config.hidden[::-1], config.map_sizes[::-1]
    smallest = (chosen.inputs * channels[0], *sizes[0])
    layers: list[nn.Module] = [
        Dense(inputs, math.prod(smallest)),
        nn.Unflatten(1, smallest),
        chosen.module(1),
    ]
    for (fan_in, fan_out), size in zip(pairwise((*channels, channels[-1])), sizes[1:], strict=True):
        layers.append(nn.Upsample(size=size, mode="nearest"))
        layers.append(nn.Conv2d(fan_in, chosen.inputs * fan_out, 3, padding=1))
        layers.append(chosen.module(1))
    return nn.Sequential(*layers)


def _rows_encoder(config: ModelConfig) -> nn.Sequential:
    c, _, w = config.image_shape
    return nn.Sequential(Rows((c * w + _label_inputs(config), *config.hidden)), LastRow())


def _rows_decoder(config: ModelConfig, inputs: int) -> nn.Sequential:
    widths = config.hidden[::-1]
    first = mlp((inputs, widths[0]), _decoder_activation(config))
    return nn.Sequential(first, EveryRow(config.image_shape[1]), Rows((widths[0], *widths)))


def _label_inputs(config: ModelConfig) -> int:
    return config.classes if config.conditional else 0


def _decoder_activation(config: ModelConfig) -> str:
    return config.decoder_activation or config.activation


FAMILIES: dict[str, Family] = {
    "mlp": Family(
        join_flat,
        _mlp_encoder,
        _mlp_decoder,
        lambda config, values: Dense(config.hidden[0], values * config.pixels),
    ),
    "conv": Family(
        join_maps,
        _conv_encoder,
        _conv_decoder,
        lambda config, values: MapHead(config.hidden[0], config.image_shape, values),
    ),
    "rows": Family(
        join_rows,
        _rows_encoder,
        _rows_decoder,
        lambda config, values: RowHead(config.hidden[0], config.image_shape, values),
    ),
}
