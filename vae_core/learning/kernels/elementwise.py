"""Functions of single elements: a row of operations on a processor, one kernel on a GPU.

On small tensors a GPU takes as long for each operation as for ten of them in one kernel. So such a
function is written twice, as PyTorch's operations and as the kernel's body in C++, which PyTorch's
jiterator compiles when it is first called. Both have the same names, and tests hold them together,
also without a GPU, by a C++ compiler.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property, update_wrapper
from typing import Any

import torch
from torch import Tensor

#: What bodies may call beside C++'s own functions.
HELPERS = """
template <typename T> T sigmoid(T a) { return T(1) / (T(1) + exp(-a)); }
template <typename T> T softplus(T a) { return a > T(20) ? a : log1p(exp(a)); }
"""


class Elementwise:
    """A function of tensors that broadcast, and perhaps numbers; returns one tensor an output."""

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
        """Apply the function in float32, where the tensors lie."""
        given = [one.float() for one in inputs]
        if given[0].is_cuda:
            return tuple(self._kernel(*given, **numbers))
        return self.plain(*given, **numbers)

    @property
    def source(self) -> str:
        """The kernel in C++: of one element of each input, each number, and each output."""
        taken = [f"T {name}" for name in (*self.inputs, *self.numbers)]
        given = [f"T& {name}" for name in self.outputs]
        parameters = ", ".join(taken + given)
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
    """Give a function of elements its kernel: ``body`` sets ``outputs`` from the parameters."""
    return lambda plain: Elementwise(plain, outputs, body)
