"""Operators of ONNX compute by our operations what onnxruntime computes, over random shapes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import onnx
import pytest
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx_models import compare, model

from vae_core.formats import bundles, onnx_reading
from vae_core.formats.onnx_reading import KNOWN
from vae_core.graphs import GraphNetwork

node = helper.make_node
NODE = shutil.which("node")
Array = NDArray[Any]


class Draw:
    """Random sizes, choices and weights."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._random = np.random.default_rng(data.draw(st.integers(0, 2**16), label="seed"))

    def size(self, low: int = 1, high: int = 5) -> int:
        """Draw an integer."""
        return self._data.draw(st.integers(low, high))

    def pick(self, choices: Sequence[Any]) -> Any:
        """Draw one of some choices."""
        return self._data.draw(st.sampled_from(list(choices)))

    def weights(self, *shape: int) -> Array:
        """Return random numbers of a third."""
        return (self._random.normal(size=shape) / 3).astype(np.float32)

    def image(self, low: int = 3) -> list[int | str]:
        """Draw the shape of images."""
        return ["n", self.size(1, 4), self.size(low, 8), self.size(low, 8)]


class Seeded(Draw):
    """Random sizes, choices and weights of a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def size(self, low: int = 1, high: int = 5) -> int:
        """Draw an integer."""
        return int(self._random.integers(low, high + 1))

    def pick(self, choices: Sequence[Any]) -> Any:
        """Draw one of some choices."""
        every = list(choices)
        return every[self.size(0, len(every) - 1)]


Case = Callable[[Draw], bytes]
CASES: dict[str, Case] = {}


def case(*names: str) -> Callable[[Callable[[Draw, str], bytes]], Callable[[Draw, str], bytes]]:
    """Register what makes a model of each of some operators."""

    def register(make: Callable[[Draw, str], bytes]) -> Callable[[Draw, str], bytes]:
        for name in names:
            CASES[name] = lambda draw, name=name: make(draw, name)  # type: ignore[misc]
        return make

    return register


def after_conv(
    draw: Draw, nodes: list[onnx.NodeProto], constants: dict[str, Any], **options: Any
) -> bytes:
    """Put a convolution before nodes, or none, so that channels are last in memory or first."""
    shape = draw.image()
    channels = int(shape[1])
    name = nodes[0].input[0]
    if draw.pick([True, False]):
        first = node("Conv", ["x", "conv"], [name], kernel_shape=[1, 1])
        constants = {**constants, "conv": draw.weights(channels, channels, 1, 1)}
    else:
        first = node("Identity", ["x"], [name])
    return model([first, *nodes], [("x", shape)], constants, **options)


def shaped(draw: Draw) -> list[int | str]:
    """Draw the shape of values of two to four axes."""
    return ["n", *(draw.size() for _ in range(draw.size(1, 3)))]


ALONE = [
    "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Exp", "Abs", "Neg", "Identity",
    "Sin", "Cos",
]  # fmt: skip
MORE = {
    "LeakyRelu": {"alpha": 0.3},
    "Elu": {"alpha": 1.3},
    "Selu": {},
    "Celu": {"alpha": 0.7},
    "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
    "HardSwish": {},
}


@case(*ALONE, *MORE, "Log", "Sqrt", "Reciprocal", "Mish", "Gelu")
def one_operand(draw: Draw, name: str) -> bytes:
    """Write an operation on each value alone."""
    first = "Abs" if name in ("Log", "Sqrt", "Reciprocal") else "Identity"
    more: dict[str, Any] = dict(MORE.get(name, {}))
    if name == "Gelu":
        more["approximate"] = draw.pick(["none", "tanh"])
    nodes = [
        node(first, ["x"], ["a"]),
        node("Add", ["a", "c"], ["b"]),
        node(name, ["b"], ["out"], **more),
    ]
    constants = {"c": np.float32(0.3 if first == "Abs" else 0)}
    return model(nodes, [("x", shaped(draw))], constants, operator_set=20)


@case("Clip", "Clip below", "Clip above")
def clipped(draw: Draw, name: str) -> bytes:
    """Write limits."""
    low, high = ("" if "above" in name else "low"), ("" if "below" in name else "high")
    nodes = [node("Clip", ["x", low, high], ["out"])]
    return model(nodes, [("x", shaped(draw))], {"low": np.float32(-0.5), "high": np.float32(0.4)})


@case("PRelu", "PRelu of channels")
def sloped(draw: Draw, name: str) -> bytes:
    """Write slopes below zero."""
    shape = draw.image()
    slope = draw.weights(int(shape[1]) if "channels" in name else 1, 1, 1)
    return model([node("PRelu", ["x", "s"], ["out"])], [("x", shape)], {"s": slope})


@case("Swish")
def gated_by_itself(draw: Draw, name: str) -> bytes:
    """Write x σ(x)."""
    nodes = [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["out"])]
    return model(nodes, [("x", shaped(draw))])


TWO = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"]


@case(*TWO, "Pow")
def constant_operand(draw: Draw, name: str) -> bytes:
    """Write arithmetic with a constant of a shape that broadcasts, on either side."""
    shape = draw.image()
    kind = draw.pick([(1,), (1, 1, 1), tuple(shape[1:]), (shape[1], 1, 1), (1, shape[2], 1)])
    kind = draw.pick([kind, (1, *kind) if len(kind) == 3 else kind])
    constant = 0.5 + np.abs(draw.weights(*kind))
    if name == "Pow":
        constant = draw.pick(
            [np.float32(2), np.float32(0.5), np.float32(-1), np.float32(1), constant]
        )
    operands = ["b", "c"] if name == "Pow" or draw.pick([True, False]) else ["c", "b"]
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Abs", ["a"], ["a2"]),
        node("Add", ["a2", "half"], ["b"]),
        node(name, operands, ["out"]),
    ]
    weight = draw.weights(int(shape[1]), int(shape[1]), 1, 1)
    return model(nodes, [("x", shape)], {"c": constant, "w": weight, "half": np.float32(0.5)})


@case(*(f"{name} of two" for name in ["Add", "Sub", "Mul", "Div", "Max", "Min"]))
def two_operands(draw: Draw, name: str) -> bytes:
    """Write arithmetic of two values that depend on the input, of which one is broadcast."""
    op = name.split()[0]
    axes = draw.pick([[], [1], [2, 3], [1, 2, 3], [3], [2]])
    reduce = (
        node("ReduceMean", ["e", "axes"], ["r"], keepdims=1) if axes else node("Exp", ["e"], ["r"])
    )
    operands = draw.pick([["e", "r"], ["r", "e"]])
    nodes = [node("Exp", ["a"], ["e"]), reduce, node(op, operands, ["out"])]
    return after_conv(draw, nodes, {"axes": np.array(axes or [1], np.int64)})


@case("Gemm", "Gemm, transposed")
def dense(draw: Draw, name: str) -> bytes:
    """Write a matrix product with a shift."""
    inputs, outputs = draw.size(), draw.size()
    turned = "transposed" in name
    weight = draw.weights(outputs, inputs) if turned else draw.weights(inputs, outputs)
    scales = {"alpha": draw.pick([1.0, 0.5]), "beta": draw.pick([1.0, 2.0])}
    nodes = [node("Gemm", ["x", "w", "b"], ["out"], transB=int(turned), **scales)]
    shift = draw.weights(*draw.pick([(outputs,), (1, outputs), (1,)]))
    return model(nodes, [("x", ["n", inputs])], {"w": weight, "b": shift})


@case("MatMul", "MatMul on the left", "MatMul by a vector")
def matrices(draw: Draw, name: str) -> bytes:
    """Write a product with a constant matrix."""
    rows, inner, columns = draw.size(), draw.size(), draw.size()
    if "left" in name:
        nodes = [node("MatMul", ["w", "x"], ["out"])]
        return model(nodes, [("x", ["n", inner, columns])], {"w": draw.weights(rows, inner)})
    shape = draw.pick([["n", inner], ["n", rows, inner], ["n", 2, rows, inner]])
    weight = draw.weights(inner) if "vector" in name else draw.weights(inner, columns)
    return model([node("MatMul", ["x", "w"], ["out"])], [("x", shape)], {"w": weight})


@case("MatMul of two", "MatMul of heads")
def attention(draw: Draw, name: str) -> bytes:
    """Write the products of an attention."""
    heads = [draw.size(2, 3)] if "heads" in name else []
    shape = ["n", *heads, draw.size(), draw.size()]
    turn = [0, 2, 1] if not heads else [0, 1, 3, 2]
    nodes = [
        node("Transpose", ["x"], ["t"], perm=turn),
        node("MatMul", ["x", "t"], ["p"]),
        node("Softmax", ["p"], ["s"], axis=-1),
        node("MatMul", ["s", "x"], ["out"]),
    ]
    return model(nodes, [("x", shape)])


@case("MatMul of merged heads")
def many_heads(draw: Draw, name: str) -> bytes:
    """Write what PyTorch exports for its MultiheadAttention, which merges the batch with steps."""
    steps, width = draw.size(2, 4), 4
    batch = draw.pick(["n", 3])
    count = 3 if batch == 3 else -1
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("Reshape", ["t", "merged"], ["m"]),
        node("Gemm", ["m", "w", "b"], ["g"]),
        node("Reshape", ["g", "heads"], ["h"]),
        node("Transpose", ["h"], ["q"], perm=[1, 0, 2]),
        node("Transpose", ["h"], ["k"], perm=[1, 2, 0]),
        node("MatMul", ["q", "k"], ["p"]),
        node("Softmax", ["p"], ["s"], axis=-1),
        node("MatMul", ["s", "q"], ["a"]),
        node("Transpose", ["a"], ["u"], perm=[1, 0, 2]),
        node("Reshape", ["u", "merged"], ["v"]),
        node("Gemm", ["v", "w"], ["o"]),
        node("Reshape", ["o", "apart"], ["r"]),
        node("Transpose", ["r"], ["out"], perm=[1, 0, 2]),
    ]
    constants = {
        "w": draw.weights(width, width),
        "b": draw.weights(width),
        "merged": np.array([-1, width]),
        "heads": np.array([steps, 2 * count if count > 0 else -1, 2]),
        "apart": np.array([steps, count, width]),
    }
    return model(nodes, [("x", [batch, steps, width])], constants)


EQUATIONS = ["bij,jk->bik", "bij,kj->bki", "jk,bij->bik", "bij,j->bij", "bij,ijk->bk", "bij,j->bi"]
OF_TWO = [
    "bij,bkj->bik",
    "bij,bkj->bki",
    "bij,bkl->bik",
    "bij,bij->bij",
    "bij,bij->b",
    "bij,bkl->bijkl",
]


@case("Einsum", "Einsum of two", "Einsum of one")
def summed(draw: Draw, name: str) -> bytes:
    """Write sums of products over named axes."""
    sizes = {"b": "n", "i": draw.size(), "j": draw.size(), "k": draw.size(), "l": 3}
    equation = draw.pick(EQUATIONS)
    if name != "Einsum":
        equation = draw.pick(OF_TWO if "two" in name else ["bij->bji", "bij->bi", "bij->jb"])
    terms = equation.split("->")[0].split(",")
    out = equation.split("->")[1]
    nodes, inputs, constants, names = [], [], {}, []
    for number, term in enumerate(terms):
        shape = [sizes[one] for one in term]
        names.append(f"x{number}")
        if "n" in shape:
            inputs.append((names[-1], shape))
        else:
            constants[names[-1]] = draw.weights(*shape)
    back = [out.index("b"), *(k for k, one in enumerate(out) if one != "b")]
    nodes = [
        node("Einsum", names, ["e"], equation=equation),
        node("Transpose", ["e"], ["out"], perm=back),
    ]
    return model(nodes, inputs, constants)


@case(
    *(f"{name} of inputs" for name in ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
)
def compared(draw: Draw, name: str) -> bytes:
    """Write a choice by a comparison with a constant or another value."""
    nodes = [
        node("Relu", ["a"], ["r"]),
        node(name.split()[0], draw.pick([["a", "zero"], ["zero", "a"], ["a", "r"]]), ["c"]),
        node("Less", ["a", "one"], ["d"]),
        node("And", ["c", "d"], ["e"]),
        node("Not", ["e"], ["f"]),
        node("Or", ["f", "d"], ["g"]),
        node("Cast", [draw.pick("cefgr")], ["i"], to=TensorProto.BOOL),
        node("Where", ["i", "r", "a"], ["h"]),
        node("Where", ["mask", "h", "r"], ["out"]),
    ]
    constants = {"zero": np.float32(0), "one": np.float32(1), "mask": np.array([True])}
    return after_conv(draw, nodes, constants)


@case("Softmax", "LogSoftmax")
def normalized(draw: Draw, name: str) -> bytes:
    """Write shares along any axis."""
    return after_conv(draw, [node(name, ["a"], ["out"], axis=draw.pick([1, 2, 3, -1]))], {})


@case("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare")
def reduced(draw: Draw, name: str) -> bytes:
    """Write a reduction of any axes."""
    axes = draw.pick([[1], [2], [3], [2, 3], [1, 2], [1, 3], [1, 2, 3], [-1]])
    keep = draw.size(0, 1)
    nodes = [node(name, ["a", "axes"], ["out"], keepdims=keep)]
    return after_conv(draw, nodes, {"axes": np.array(axes, np.int64)})


def window(draw: Draw, *, dilated: bool = True) -> dict[str, Any]:
    """Draw a kernel with its stride, padding and dilation."""
    kernel = [draw.size(1, 3), draw.size(1, 3)]
    found: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": [draw.size(1, 3), draw.size(1, 2)],
    }
    if dilated and draw.pick([True, False]):
        found["dilations"] = [draw.size(1, 2), draw.size(1, 2)]
    same = all(k >= s for k, s in zip(kernel, found["strides"], strict=True))
    how = draw.pick(["pads", "VALID", *(["SAME_UPPER", "SAME_LOWER"] if same else [])])
    if how == "pads":
        found["pads"] = [draw.size(0, max(0, k - 1)) for k in [*kernel, *kernel]]
    elif "dilations" not in found:
        found["auto_pad"] = how
    return found


@case("Conv", "Conv, groups", "Conv, 1-D")
def convolution(draw: Draw, name: str) -> bytes:
    """Write a convolution of any kernel, stride, padding, dilation and groups."""
    groups = draw.size(2, 3) if "groups" in name else 1
    inputs, outputs = groups * draw.size(1, 3), groups * draw.size(1, 3)
    how = window(draw)
    sides = [draw.size(6, 9), draw.size(6, 9)]
    if "1-D" in name:
        sides = sides[:1]
        how = {
            key: value if isinstance(value, str) else value[::2] if key == "pads" else value[:1]
            for key, value in how.items()
        }
    weight = draw.weights(outputs, inputs // groups, *how["kernel_shape"])
    nodes = [node("Conv", ["x", "w", "b"], ["out"], group=groups, **how)]
    constants = {"w": weight, "b": draw.weights(outputs)}
    return model(nodes, [("x", ["n", inputs, *sides])], constants)


@case("ConvTranspose", "ConvTranspose, groups", "ConvTranspose, shape", "ConvTranspose, 1-D")
def transposed(draw: Draw, name: str) -> bytes:
    """Write a transposed convolution with what it pads and crops."""
    groups = draw.size(2, 3) if "groups" in name else 1
    inputs, outputs = groups * draw.size(1, 3), groups * draw.size(1, 3)
    kernel, stride = [draw.size(1, 4), draw.size(1, 4)], [draw.size(1, 3), draw.size(1, 3)]
    sides = [draw.size(2, 5), draw.size(2, 5)]
    how: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
    if "shape" in name:
        how["output_shape"] = [
            (side - 1) * s + draw.size(1, k)
            for side, s, k in zip(sides, stride, kernel, strict=True)
        ]
        how["auto_pad"] = draw.pick(["NOTSET", "SAME_UPPER"])
    else:
        how["pads"] = [draw.size(0, (k - 1) // 2) for k in [*kernel, *kernel]]
        how["output_padding"] = [draw.size(0, s - 1) for s in stride]
        if "groups" not in name:
            how["dilations"] = [draw.size(1, 2), draw.size(1, 2)]
    if "1-D" in name:
        sides = sides[:1]
        how = {key: value[::2] if key == "pads" else value[:1] for key, value in how.items()}
    weight = draw.weights(inputs, outputs // groups, *how["kernel_shape"])
    nodes = [node("ConvTranspose", ["x", "w", "b"], ["out"], group=groups, **how)]
    constants = {"w": weight, "b": draw.weights(outputs)}
    return model(nodes, [("x", ["n", inputs, *sides])], constants)


@case("MaxPool", "AveragePool", "AveragePool, padding counted")
def pooled(draw: Draw, name: str) -> bytes:
    """Write pooling with padding, and windows that reach beyond it."""
    op = name.split(",")[0]
    how = window(draw, dilated=False)
    if "auto_pad" not in how:
        how["ceil_mode"] = draw.size(0, 1)
    if "counted" in name:
        how["count_include_pad"] = 1
    return model([node(op, ["x"], ["out"], **how)], [("x", draw.image(5))], operator_set=19)


@case("GlobalAveragePool", "GlobalMaxPool")
def pooled_whole(draw: Draw, name: str) -> bytes:
    """Write a pooling of the whole image."""
    return after_conv(draw, [node(name, ["a"], ["out"])], {})


COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@case("Resize", "Resize by sizes", "Resize, channels last", "Resize, linear")
def enlarged(draw: Draw, name: str) -> bytes:
    """Write resizing by scales or to sizes."""
    mode = "linear" if "linear" in name else "nearest"
    how = {"mode": mode, "coordinate_transformation_mode": draw.pick(COORDINATES)}
    if mode == "nearest":
        how["nearest_mode"] = draw.pick(ROUNDINGS)
    shape = draw.image()
    scales = [1.0, 1.0, draw.pick([2.0, 1.5, 0.5, 3.0]), draw.pick([2.0, 1.0, 2.5])]
    if "last" in name:
        shape, scales = ([one[k] for k in (0, 2, 3, 1)] for one in (shape, scales))
    if "sizes" in name:
        # Of other nearest places some are ties, which a float32 decides by its rounding.
        sides = [int(side) * draw.size(1, 3) for side in shape[2:]]
        if draw.pick([True, False]):
            how = {"mode": "linear", "coordinate_transformation_mode": draw.pick(COORDINATES)}
            sides = [draw.size(1, 12), draw.size(1, 12)]
        sizes = np.array([3, shape[1], *sides], np.int64)
        nodes = [node("Resize", ["x", "", "", "s"], ["out"], **how)]
        return model(nodes, [("x", [3, *shape[1:]])], {"s": sizes})
    nodes = [node("Resize", ["x", "", "s"], ["out"], **how)]
    return model(nodes, [("x", shape)], {"s": np.array(scales, np.float32)})


@case("Resize, cubic")
def enlarged_smoothly(draw: Draw, name: str) -> bytes:
    """Write cubic interpolation, by scales."""
    how: dict[str, Any] = {"coordinate_transformation_mode": draw.pick(COORDINATES)}
    how |= draw.pick([{}, {"cubic_coeff_a": -0.5}, {"exclude_outside": 1}])
    scales = [1.0, 1.0, draw.pick([2.0, 1.5, 0.5]), draw.pick([2.0, 1.0, 2.5])]
    nodes = [node("Resize", ["a", "", "s"], ["out"], mode="cubic", **how)]
    return after_conv(draw, nodes, {"s": np.array(scales, np.float32)})


@case("CumSum")
def summed_up(draw: Draw, name: str) -> bytes:
    """Write sums along an axis, of what comes before or after."""
    how = {"exclusive": draw.pick([0, 1]), "reverse": draw.pick([0, 1])}
    axis = np.array(draw.pick([1, 2, -1]))
    return after_conv(draw, [node("CumSum", ["a", "k"], ["out"], **how)], {"k": axis})


@case("BatchNormalization", "BatchNormalization of vectors")
def batch_normalized(draw: Draw, name: str) -> bytes:
    """Write a scale and shift by statistics, folded into a convolution before it or not."""
    if "vectors" in name:
        shape, width = (["n", 4], 4)
        nodes = [node("Identity", ["x"], ["a"])]
        constants: dict[str, Any] = {}
    else:
        shape = draw.image()
        width = draw.size(1, 4)
        nodes = [node("Conv", ["x", "w"], ["a"])]
        constants = {"w": draw.weights(width, int(shape[1]), 2, 2)}
    nodes.append(node("BatchNormalization", ["a", "s", "b", "m", "v"], ["out"], epsilon=1e-3))
    constants |= {k: draw.weights(width) for k in "sbm"} | {"v": draw.weights(width) ** 2 + 0.1}
    return model(nodes, [("x", shape)], constants)


@case("InstanceNormalization", "GroupNormalization, 18", "GroupNormalization, 21")
def grouped(draw: Draw, name: str) -> bytes:
    """Write normalization of channels and of groups of them."""
    op, _, version = name.partition(", ")
    groups, each = draw.size(1, 3), draw.size(1, 3)
    channels = groups * each
    shape = ["n", channels, draw.size(2, 4), draw.size(2, 4)]
    scales = groups if version == "18" else channels
    more = {"num_groups": groups} if op == "GroupNormalization" else {}
    nodes = [node(op, ["x", "s", "b"], ["out"], epsilon=1e-3, **more)]
    constants = {"s": draw.weights(scales), "b": draw.weights(scales)}
    return model(nodes, [("x", shape)], constants, operator_set=int(version or 18))


@case("GroupNormalization of PyTorch")
def group_norm(draw: Draw, name: str) -> bytes:
    """Write what PyTorch exports for a GroupNorm: instances between two reshapes."""
    groups, each, side = draw.size(1, 3), draw.size(1, 3), draw.size(2, 4)
    channels = groups * each
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Shape", ["a"], ["shape"]),
        node("Reshape", ["a", "apart"], ["r"]),
        node("InstanceNormalization", ["r", "one", "zero"], ["i"]),
        node("Reshape", ["i", "shape"], ["t"]),
        node("Mul", ["t", "s"], ["m"]),
        node("Add", ["m", "b"], ["out"]),
    ]
    constants = {
        "w": draw.weights(channels, 2, 1, 1),
        "apart": np.array([0, groups, -1]),
        "one": np.ones(groups, np.float32),
        "zero": np.zeros(groups, np.float32),
        "s": draw.weights(channels, 1, 1),
        "b": draw.weights(channels, 1, 1),
    }
    return model(nodes, [("x", ["n", 2, side, side])], constants)


@case("LayerNormalization")
def layer_normalized(draw: Draw, name: str) -> bytes:
    """Write normalization over the last axes, in either order of memory."""
    shape = ["n", draw.size(2, 4), draw.size(2, 4), draw.size(2, 4)]
    axis = draw.pick([1, 2, 3, -1, -2])
    over = [int(n) for n in shape[axis:]]
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("LayerNormalization", ["a", "s", "b"], ["out"], axis=axis, epsilon=1e-3),
    ]
    constants = {
        "w": draw.weights(int(shape[1]), int(shape[1]), 1, 1),
        "s": draw.weights(*over),
        "b": draw.weights(*over),
    }
    return model(nodes, [("x", shape)], constants)


@case("GRU")
def recurrent(draw: Draw, name: str) -> bytes:
    """Write a recurrent unit whose steps are the first axis."""
    steps, width, units = draw.size(), draw.size(), draw.size()
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("GRU", ["t", "w", "r", "b"], ["y", "h"], hidden_size=units, linear_before_reset=1),
        node("Squeeze", ["y", "one"], ["s"]),
        node("Transpose", ["s"], ["u"], perm=[1, 0, 2]),
        node("Flatten", ["u"], ["f"]),
        node("Squeeze", ["h", "zero"], ["last"]),
        node("Concat", ["f", "last"], ["out"], axis=1),
    ]
    constants = {
        "w": draw.weights(1, 3 * units, width),
        "r": draw.weights(1, 3 * units, units),
        "b": draw.weights(1, 6 * units),
        "one": np.array([1]),
        "zero": np.array([0]),
    }
    return model(nodes, [("x", ["n", steps, width])], constants)


@case("Transpose", "Flatten", "DepthToSpace", "SpaceToDepth")
def moved(draw: Draw, name: str) -> bytes:
    """Write what moves values, in either order of memory."""
    if name in ("DepthToSpace", "SpaceToDepth"):
        shape: list[int | str] = ["n", 4, 4, 2]
        more = {"mode": draw.pick(["DCR", "CRD"])} if name == "DepthToSpace" else {}
        nodes = [
            node("Conv", ["x", "w"], ["a"]),
            node(name, ["a"], ["out"], blocksize=2, **more),
        ]
        return model(nodes, [("x", shape)], {"w": draw.weights(4, 4, 1, 1)})
    if name == "Flatten":
        return after_conv(draw, [node("Flatten", ["a"], ["out"], axis=1)], {})
    order = draw.pick([[0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2], [0, 3, 2, 1]])
    return after_conv(draw, [node("Transpose", ["a"], ["out"], perm=order)], {})


@case("Reshape", "Reshape of a dynamic shape", "Squeeze", "Unsqueeze")
def reshaped(draw: Draw, name: str) -> bytes:
    """Write reshapes that split and merge axes, by constants and by the shape itself."""
    if name == "Squeeze":
        nodes = [
            node("ReduceMean", ["a", "axes"], ["m"], keepdims=1),
            node("Squeeze", ["m", "axes"], ["out"]),
        ]
        return after_conv(draw, nodes, {"axes": np.array(draw.pick([[1], [2, 3], [-1]]))})
    if name == "Unsqueeze":
        axes = np.array(draw.pick([[1], [2, 4], [-1], [5, 1]]))
        return after_conv(draw, [node("Unsqueeze", ["a", "axes"], ["out"])], {"axes": axes})
    if name == "Reshape":
        shape = draw.pick([[-1, 4, 6], [0, 24], [0, 2, -1], [-1, 2, 3, 2, 2], [0, 0, 2, 6]])
        nodes = [
            node("Conv", ["x", "w"], ["a"]),
            node("Reshape", ["a", "shape"], ["out"]),
        ]
        constants = {"w": draw.weights(2, 2, 1, 1), "shape": np.array(shape)}
        return model(nodes, [("x", ["n", 2, 4, 3])], constants)
    nodes = [
        node("Shape", ["a"], ["s"]),
        node("Gather", ["s", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "axes"], ["b"]),
        node("Concat", ["b", "rest"], ["shape"], axis=0),
        node("Reshape", ["a", "shape"], ["out"]),
    ]
    constants = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}
    return after_conv(draw, nodes, constants)


@case("Split", "Slice", "Slice by steps", "Gather", "Concat", "Tile", "Expand")
def chosen(draw: Draw, name: str) -> bytes:
    """Write what chooses, joins and repeats along any axis."""
    axis = draw.size(1, 3)
    shape: list[int | str] = ["n", 4, 6, 5]
    side = int(shape[axis])
    constants: dict[str, Any] = {"w": draw.weights(4, 4, 1, 1)}
    nodes = [node("Conv", ["x", "w"], ["a"])]
    if name == "Split":
        first = draw.size(1, side - 1)
        constants["lengths"] = np.array([first, side - first])
        nodes += [
            node("Split", ["a", "lengths"], ["p", "q"], axis=axis),
            node("Concat", ["q", "p"], ["out"], axis=axis),
        ]
    elif name.startswith("Slice"):
        step = draw.pick([2, -1, -2, 3]) if "steps" in name else 1
        start, end = draw.size(0, 1), draw.pick([side - 1, side, -1, 2**40])
        if step < 0:
            start, end = draw.pick([side - 1, side - 2]), draw.pick([-(2**40), 0])
        constants |= {
            "from": np.array([start]),
            "to": np.array([end]),
            "axes": np.array([axis]),
            "steps": np.array([step]),
        }
        nodes.append(node("Slice", ["a", "from", "to", "axes", "steps"], ["out"]))
    elif name == "Gather":
        places = draw.pick([np.array(1), np.array([0, 1, 3]), np.array([2, 0]), np.array([-1])])
        constants["places"] = places
        nodes.append(node("Gather", ["a", "places"], ["out"], axis=axis))
    elif name == "Concat":
        nodes += [
            node("Tanh", ["a"], ["t"]),
            node(
                "Concat", draw.pick([["a", "t"], ["x", "a"], ["a", "x", "t"]]), ["out"], axis=axis
            ),
        ]
    elif name == "Tile":
        repeats = [1, 1, 1, 1]
        repeats[axis] = draw.size(2, 3)
        constants["repeats"] = np.array(repeats)
        nodes.append(node("Tile", ["a", "repeats"], ["out"]))
    else:
        constants |= {"axes": np.array(draw.pick([[1], [2, 3], [3]]))}
        nodes += [
            node("ReduceMean", ["a", "axes"], ["m"], keepdims=1),
            node("Shape", ["a"], ["s"]),
            node("Expand", ["m", "s"], ["out"]),
        ]
    return model(nodes, [("x", shape)], constants)


@case("Pad", "Pad by reflection", "Pad by the border")
def padded(draw: Draw, name: str) -> bytes:
    """Write what adds, and cuts, along all axes but the batch."""
    mode = "reflect" if "reflection" in name else "edge" if "border" in name else "constant"
    low = 0 if mode != "constant" else -1
    pads = np.array(
        [0, *(draw.size(low, 2) for _ in range(3)), 0, *(draw.size(low, 2) for _ in range(3))]
    )
    if mode == "reflect":
        pads[[1, 5]] = 0
    nodes = [node("Conv", ["x", "w"], ["a"]), node("Pad", ["a", "pads", "v"], ["out"], mode=mode)]
    constants = {"w": draw.weights(3, 3, 1, 1), "pads": pads, "v": np.float32(0.3)}
    return model(nodes, [("x", ["n", 3, 4, 5])], constants)


@case("ConstantOfShape", "Cast", "Dropout", "Where", "Range", "Size")
def folded(draw: Draw, name: str) -> bytes:
    """Write what depends on the shape alone."""
    shape: list[int | str] = ["n", draw.size(), 3]
    if name == "ConstantOfShape":
        value = helper.make_tensor("v", 1, [1], [0.5])
        nodes = [
            node("Shape", ["x"], ["s"]),
            node("ConstantOfShape", ["s"], ["c"], value=value),
            node("Exp", ["c"], ["e"]),
            node("Mul", ["x", "e"], ["out"]),
        ]
        return model(nodes, [("x", shape)])
    if name == "Cast":
        nodes = [node("Cast", ["x"], ["c"], to=1), node("Neg", ["c"], ["out"])]
        return model(nodes, [("x", shape)])
    if name == "Dropout":
        return model([node("Dropout", ["x"], ["out"])], [("x", shape)])
    if name == "Size":
        nodes = [
            node("Shape", ["x"], ["s"], start=1),
            node("Size", ["s"], ["k"]),
            node("Cast", ["k"], ["f"], to=1),
            node("Mul", ["x", "f"], ["out"]),
        ]
        return model(nodes, [("x", shape)])
    if name == "Range":
        nodes = [
            node("Range", ["a", "b", "c"], ["r"]),
            node("Cast", ["r"], ["f"], to=1),
            node("Mul", ["x", "f"], ["out"]),
        ]
        ends = {"a": np.array(1), "b": np.array(4), "c": np.array(1)}
        return model(nodes, [("x", shape)], ends)
    nodes = [
        node("Equal", ["two", "k"], ["e"]),
        node("Where", ["e", "p", "q"], ["c"]),
        node("Mul", ["x", "c"], ["out"]),
    ]
    constants = {
        "two": np.array([1, 2, 3]),
        "k": np.array(2),
        "p": np.float32(3),
        "q": draw.weights(3),
    }
    return model(nodes, [("x", shape)], constants)


@pytest.mark.parametrize("name", CASES)
@hypothesis.settings(max_examples=6, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(data=st.data())
def test_operator_equals_onnxruntime(name: str, data: st.DataObject) -> None:
    """Over random shapes, attributes and orders in memory."""
    compare(CASES[name](Draw(data)))


@pytest.mark.skipif(NODE is None, reason="node is not on this host")
def test_the_browser_computes_the_same(tmp_path: Path) -> None:
    """The graph of each operator, in WebAssembly where the kernel has its operations."""
    expected: dict[str, Array] = {}
    for number, (name, make) in enumerate(CASES.items()):
        graph = onnx_reading.read(make(Seeded(number))).graph()
        x = np.random.default_rng(number).normal(size=(3, graph.size)).astype(np.float32)
        with torch.inference_mode():
            expected[name] = GraphNetwork(graph)(torch.from_numpy(x)).numpy()
        meta = {
            "latent_dim": graph.size,
            "image_shape": [1, 1, graph.output_size],
            "classes": 0,
            "decoder": list(graph.layers),
        }
        arrays = {key: values.numpy() for key, values in graph.weights.items()}
        (tmp_path / f"{name}.network").write_bytes(bundles.bundle(meta, arrays))
        (tmp_path / f"{name}.inputs").write_bytes(x.astype("<f4").tobytes())
    script = Path(__file__).with_name("run_graphs.mjs")
    assert NODE is not None
    subprocess.run([NODE, str(script), str(tmp_path)], check=True)
    for name, outputs in expected.items():
        found = np.fromfile(tmp_path / f"{name}.outputs", dtype="<f4").reshape(outputs.shape)
        assert np.abs(found - outputs).max() <= 2e-5 * (1 + np.abs(outputs).max()), name


#: Constants by name, nodes that compute another from them, and its name.
COMPUTED: dict[str, tuple[dict[str, Any], list[onnx.NodeProto]]] = {
    "Gather": ({"a": np.arange(12.0).reshape(3, 4), "k": np.array([2, -1])},
               [node("Gather", ["a", "k"], ["c"], axis=1)]),
    "Concat": ({"a": np.arange(6.0).reshape(2, 3)}, [node("Concat", ["a", "a"], ["c"], axis=0)]),
    "Slice": ({"a": np.arange(24.0).reshape(4, 6), "s": np.array([5]), "e": np.array([-(2**40)]),
               "k": np.array([1]), "t": np.array([-2])},
              [node("Slice", ["a", "s", "e", "k", "t"], ["c"])]),
    "Split": ({"a": np.arange(5.0), "k": np.array([2, 3])},
              [node("Split", ["a", "k"], ["b", "c"])]),
    "Squeeze": ({"a": np.ones((1, 3, 1))}, [node("Squeeze", ["a"], ["c"])]),
    "Unsqueeze": ({"a": np.ones(3), "k": np.array([0, -1])},
                  [node("Unsqueeze", ["a", "k"], ["c"])]),
    "Reshape": ({"a": np.arange(6.0).reshape(2, 3), "k": np.array([0, -1, 1])},
                [node("Reshape", ["a", "k"], ["c"])]),
    "Flatten": ({"a": np.arange(12.0).reshape(2, 3, 2)}, [node("Flatten", ["a"], ["c"], axis=2)]),
    "Transpose": ({"a": np.arange(6.0).reshape(2, 3)}, [node("Transpose", ["a"], ["c"])]),
    "Expand": ({"a": np.arange(3.0), "k": np.array([2, 1])},
               [node("Expand", ["a", "k"], ["c"])]),
    "Tile": ({"a": np.arange(3.0), "k": np.array([2])}, [node("Tile", ["a", "k"], ["c"])]),
    "Size": ({"a": np.ones((2, 3))},
             [node("Size", ["a"], ["b"]), node("Cast", ["b"], ["c"], to=1)]),
    "MatMul": ({"a": np.arange(6.0).reshape(2, 3), "k": np.arange(3.0).reshape(3, 1)},
               [node("MatMul", ["a", "k"], ["c"])]),
    "Constant": ({}, [node("Constant", [], ["a"], value_floats=[1.0, 2.0]),
                      node("Constant", [], ["b"], value_float=3.0),
                      node("Add", ["a", "b"], ["c"])]),
    "integers": ({}, [node("Constant", [], ["a"], value_ints=[7, -7]),
                      node("Constant", [], ["b"], value_int=2),
                      node("Div", ["a", "b"], ["d"]), node("Mod", ["a", "b"], ["m"]),
                      node("Max", ["d", "m"], ["e"]), node("Cast", ["e"], ["c"], to=1)]),
    "comparisons": ({"a": np.arange(5.0), "b": np.full(5, 2.0), "p": np.ones(5)},
                    [node("Less", ["a", "b"], ["d"]), node("LessOrEqual", ["a", "b"], ["e"]),
                     node("Greater", ["a", "b"], ["f"]), node("GreaterOrEqual", ["a", "b"], ["g"]),
                     node("Not", ["d"], ["n"]), node("And", ["e", "n"], ["h"]),
                     node("Or", ["h", "f"], ["i"]), node("And", ["i", "g"], ["j"]),
                     node("Where", ["j", "a", "p"], ["c"])]),
    "functions": ({"a": np.linspace(0.2, 1.7, 4)},
                  [node(op, [before], [after]) for op, before, after in zip(
                      ["Sqrt", "Exp", "Log", "Reciprocal", "Neg", "Abs", "Sigmoid", "Tanh",
                       "Softplus", "Identity"], "abcdefghij", "bcdefghijk", strict=True)]
                  + [node("Floor", ["a"], ["l"]), node("Ceil", ["a"], ["m"]),
                     node("Round", ["a"], ["o"]), node("Sum", ["k", "l", "m", "o"], ["q"]),
                     node("Pow", ["q", "a"], ["r"]), node("Min", ["r", "q"], ["s"])]),
    "reductions": ({"a": np.arange(1.0, 7).reshape(2, 3), "k": np.array([1])},
                   [node("ReduceProd", ["a"], ["b"], axes=[0]),
                    node("ReduceSum", ["a", "k"], ["d"]),
                    node("ReduceMean", ["a"], ["e"]), node("ReduceMax", ["a"], ["f"], axes=[1]),
                    node("ReduceMin", ["a"], ["g"], keepdims=0), node("ReduceL2", ["a"], ["h"]),
                    node("ReduceSumSquare", ["a"], ["i"]),
                    node("Sum", ["b", "d", "e", "f", "g", "h", "i"], ["c"])]),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_constants_are_computed_as_onnxruntime_does(name: str) -> None:
    """Before anything runs: no layer is left of them."""
    constants, nodes = COMPUTED[name]
    end = nodes[-1].output[-1]
    flat = [
        node("Constant", [], ["minus"], value_ints=[1, -1]),
        node("Reshape", [end, "minus"], ["flat"]),
        node("ReduceSum", ["x"], ["one"], keepdims=1),
        node("Mul", ["one", "flat"], ["out"]),
    ]
    flat[2] = node("Identity", ["x"], ["one"])
    content = model([*nodes, *flat], [("x", ["n", 1])], constants, operator_set=17)
    _, graph = compare(content)
    assert len(graph.layers) <= 3


#: Operators that are tested elsewhere, or by the constants of others.
ELSEWHERE = {"OneHot", "RandomNormal", "RandomNormalLike", "Constant", "Shape"}
#: Operators of constants alone.
OF_CONSTANTS = {
    *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Mod"),
    *("Floor", "Ceil", "Round", "ReduceProd"),
}


def test_every_known_operator_has_a_test() -> None:
    """The table of operators names no other."""
    tested = {name.split(",")[0].split()[0] for name in CASES}
    assert tested | ELSEWHERE | OF_CONSTANTS == set(KNOWN)
