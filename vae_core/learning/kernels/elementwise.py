"""Define elementwise functions that run as one fused kernel on a GPU.

On small tensors a GPU takes as long for one operation as for ten of them in one kernel. So such a
function is written twice: as PyTorch operations, for the CPU, and as the body of a C++ kernel that
PyTorch's jiterator compiles at its first call. Tests compare both, also without a GPU, by a C++
compiler.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property, update_wrapper
from typing import Any

import torch
from torch import Tensor

#: C++ functions that bodies may call besides the standard ones.
HELPERS = """
template <typename T> T sigmoid(T a) { return T(1) / (T(1) + exp(-a)); }
template <typename T> T softplus(T a) { return a > T(20) ? a : log1p(exp(a)); }
"""


class Elementwise:
    """Elementwise function of broadcast tensors and keyword numbers, with one tensor per output."""

    def __init__(
        self, plain: Callable[..., tuple[Tensor, ...]], outputs: Sequence[str], body: str
    ) -> None:
        self.plain, self.outputs, self.body = plain, tuple(outputs), body
        self.numbers = {
            name: 0.0
            for name, parameter in inspect.signature(plain).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        self.inputs = tuple(inspect.signature(plain).parameters)[: -len(self.numbers) or None]
        update_wrapper(self, plain)

    def __call__(self, *inputs: Tensor, **numbers: float) -> tuple[Tensor, ...]:
        """Apply the function in float32, on the device of the tensors."""
        floats = [one.float() for one in inputs]
        if floats[0].is_cuda:
            return tuple(self._kernel(*floats, **numbers))
        return self.plain(*floats, **numbers)

    @property
    def source(self) -> str:
        """Kernel in C++, with an argument for each input, number and output of one element."""
        inputs = [f"T {name}" for name in (*self.inputs, *self.numbers)]
        parameters = ", ".join(inputs + [f"T& {name}" for name in self.outputs])
        name = self.plain.__name__.strip("_")
        return f"{HELPERS}template <typename T> void {name}({parameters}) {{{self.body}}}"

    @cached_property
    def _kernel(self) -> Callable[..., Any]:
        return torch.cuda.jiterator._create_multi_output_jit_fn(
            self.source, num_outputs=len(self.outputs), **self.numbers
        )


def elementwise(
    outputs: Sequence[str], body: str
) -> Callable[[Callable[..., tuple[Tensor, ...]]], Elementwise]:
    """Add a kernel to an elementwise function; its ``body`` sets ``outputs``."""
    return lambda plain: Elementwise(plain, outputs, body)
