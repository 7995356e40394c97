"""Matrix products of dense layers, by the faster of the two libraries that PyTorch brings.

PyTorch asks one library (MKL, say) for products in float32 and oneDNN for others. oneDNN multiplies
large matrices of a dense layer's shapes in float32 by up to a fifth faster, and can finish each
tile of the result with an activation while it is at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Multiplications of a product from which oneDNN is worth its call.
LARGE = 10_000_000
_onednn_is_there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Finish:
    """An activation at the end of a product: oneDNN's name for it, with constants, and itself."""

    name: str
    constants: tuple[float, ...]
    apply: Callable[[Tensor], Tensor]


def dense(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, finish: Finish | None = None
) -> Tensor:
    """f(W x + b) of ``x`` (..., inputs) and ``weight`` (outputs, inputs); keeps no gradient."""
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
    """As :func:`dense`, by the operation that PyTorch's compiler chooses."""
    name, constants = ("none", ()) if finish is None else (finish.name, finish.constants)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, name, constants, "")
    return product


class Dense(nn.Linear):
    """A dense layer that is :func:`dense` where nobody asks for a gradient."""

    def forward(self, x: Tensor) -> Tensor:
        """W x + b of ``x`` (..., inputs)."""
        if torch.is_grad_enabled() or torch.is_autocast_enabled(x.device.type):
            return super().forward(x)
        return dense(x, self.weight, self.bias)
