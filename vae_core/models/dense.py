"""Compute dense layers with the faster of the two matrix libraries of PyTorch.

PyTorch uses one library (such as MKL) for products in float32 and oneDNN for other types. For large
matrices oneDNN is up to a fifth faster in float32 too, and applies an activation to each tile of
the result while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Multiplications of a product from which oneDNN is faster.
LARGE = 10_000_000
_onednn_is_there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Finish:
    """Activation after a product: its name and constants in oneDNN, and its function."""

    name: str
    constants: tuple[float, ...]
    apply: Callable[[Tensor], Tensor]


def dense(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, finish: Finish | None = None
) -> Tensor:
    """Compute f(W x + b) of ``x`` (..., inputs), ``weight`` (outputs, inputs); has no gradient."""
    is_large = x.numel() // weight.shape[1] * weight.numel() >= LARGE
    if (is_large or finish is not None) and has_onednn(x.device):
        return by_onednn(x, weight, bias, finish)
    a = F.linear(x, weight, bias)
    return a if finish is None else finish.apply(a)


def has_onednn(device: torch.device) -> bool:
    """Whether oneDNN multiplies matrices on a device."""
    return device.type == "cpu" and _onednn_is_there


def by_onednn(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, finish: Finish | None = None
) -> Tensor:
    """Compute :func:`dense` with oneDNN, by the operation that PyTorch's compiler uses."""
    name, constants = ("none", ()) if finish is None else (finish.name, finish.constants)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, name, constants, "")
    return product


class Dense(nn.Linear):
    """Linear layer that uses :func:`dense` if no gradient is needed."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute W x + b of ``x`` (..., inputs)."""
        if torch.is_grad_enabled() or torch.is_autocast_enabled(x.device.type):
            return super().forward(x)
        return dense(x, self.weight, self.bias)
