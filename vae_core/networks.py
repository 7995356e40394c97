"""Trunks: the hidden layers of encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


def mlp(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Fully connected layers, each followed by its activation.

    Parameters
    ----------
    widths
        Sizes from input to last hidden layer, e.g. (784, 500, 500).
    activation
        A name in ``ACTIVATIONS``.
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)
