"""Functions of elements: a GPU's kernel computes what PyTorch's operations do."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_core.learning.kernels import manual_backward
from vae_core.learning.kernels.elementwise import Elementwise

FUNCTIONS = [one for one in vars(manual_backward).values() if isinstance(one, Elementwise)]
COMPILER = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
names = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def inputs(function: Elementwise) -> tuple[list[Tensor], dict[str, float]]:
    """Draw numbers far into both bounds of whatever bends, and some for what is no tensor."""
    draw = torch.Generator().manual_seed(3)
    tensors = [8 * torch.randn(40, 25, generator=draw) for _ in function.inputs]
    return tensors, dict.fromkeys(function.numbers, 7.0)


def compiled(function: Elementwise, folder: Path) -> Callable[..., list[Tensor]]:
    """Compile a kernel's source for the processor, and apply it element by element."""
    assert COMPILER is not None
    counts = len(function.inputs), len(function.numbers), len(function.outputs)
    each = [f"in[{i}][at]" for i in range(counts[0])]
    each += [f"numbers[{i}]" for i in range(counts[1])]
    each += [f"out[{i}][at]" for i in range(counts[2])]
    name = function.plain.__name__.strip("_")
    source, library = folder / "kernel.cpp", folder / "kernel.so"
    source.write_text(
        f"#include <cmath>\nusing namespace std;\n{function.source}\n"
        'extern "C" void run(long n, float** in, float* numbers, float** out) {\n'
        f"  for (long at = 0; at < n; at++) {name}({', '.join(each)});\n}}\n"
    )
    subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    run = ctypes.CDLL(str(library)).run

    def places(tensors: Sequence[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
        return (ctypes.c_void_p * len(tensors))(*(one.data_ptr() for one in tensors))

    def apply(*tensors: Tensor, **numbers: float) -> list[Tensor]:
        found = [torch.full_like(tensors[0], float("nan")) for _ in function.outputs]
        given = torch.tensor([*numbers.values()])
        run(
            ctypes.c_long(tensors[0].numel()),
            places(tensors),
            ctypes.c_void_p(given.data_ptr()),
            places(found),
        )
        return found

    return apply


def test_there_are_some() -> None:
    """Each gives as many tensors as it names."""
    assert len(FUNCTIONS) == 3
    for function in FUNCTIONS:
        tensors, numbers = inputs(function)
        assert len(function(*tensors, **numbers)) == len(function.outputs)


@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler here")
@names
def test_a_kernel_in_c_computes_the_same(function: Elementwise, tmp_path: Path) -> None:
    """Compiled for this processor, output by output."""
    tensors, numbers = inputs(function)
    found = compiled(function, tmp_path)(*tensors, **numbers)
    for name, one, other in zip(
        function.outputs, found, function.plain(*tensors, **numbers), strict=True
    ):
        assert other.std() > 0
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@names
def test_a_kernel_on_a_card_computes_the_same(function: Elementwise) -> None:
    """A number in a tensor () is met by every element, and rows may be parts of longer ones."""
    tensors, numbers = inputs(function)
    tensors[-1] = tensors[-1] if numbers else tensors[-1][0, 0]
    expected = function.plain(*tensors, **numbers)
    wide = torch.cat([tensors[0], tensors[1]], dim=1).cuda().chunk(2, dim=1)
    found = function(*wide, *(one.cuda() for one in tensors[2:]), **numbers)
    for name, one, other in zip(function.outputs, found, expected, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=1e-5, atol=1e-5, msg=name)
