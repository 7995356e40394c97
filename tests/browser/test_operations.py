"""Each operation equals PyTorch's, in the browser and in graphs, over random shapes."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from vae_core.graphs import operations as graph_operations
from vae_core.graphs import shapes

NODE = shutil.which("node")
SCRIPT = Path(__file__).parent / "js" / "operations.mjs"

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

#: Largest difference from PyTorch, relative to 1 + the largest value: sums are in another order.
TOLERANCE = 3e-6
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Case:
    """A layer, what it reads, (n, parts, width) each, and what PyTorch makes of it."""

    layer: dict[str, Any]
    inputs: list[Tensor]
    expected: Tensor
    weights: dict[str, Tensor] = field(default_factory=dict)
    tolerance: float = TOLERANCE


class Operations:
    """The browser's operations in a process of node."""

    def __init__(self) -> None:
        assert NODE is not None
        pipe = subprocess.PIPE
        self.node = subprocess.Popen([NODE, str(SCRIPT)], stdin=pipe, stdout=pipe, text=True)

    def ask(self, question: str) -> Any:
        """Send a line and return the answer."""
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        self.node.stdin.write(question + "\n")
        self.node.stdin.flush()
        return json.loads(self.node.stdout.readline())

    def run(self, case: Case) -> tuple[list[Tensor], float]:
        """Return what the operation writes, (n, parts, width), and its work.

        By JavaScript, and, if it reads one input, by each kernel of WebAssembly.
        """
        n, parts, width = case.expected.shape
        layer = {"size": parts * width, **({} if parts == 1 else {"parts": parts}), **case.layer}
        packed = {name: pack(values) for name, values in case.weights.items()}
        inputs = [pack(one) for one in case.inputs]
        answer = self.ask(json.dumps({"layer": layer | packed, "inputs": inputs, "count": n}))
        texts = [answer["y"], *answer["compiled"]]
        written = (np.frombuffer(base64.b64decode(text), "<f4") for text in texts)
        shape = case.expected.shape
        return [torch.from_numpy(y.copy()).reshape(shape) for y in written], answer["work"]


def in_graph(case: Case) -> Tensor:
    """Run the operation of the same name of a graph, (n, parts, width)."""
    n, parts, width = case.expected.shape
    layer = {"size": parts * width, **({} if parts == 1 else {"parts": parts}), **case.layer}
    inputs = [one.flatten(1) for one in case.inputs]
    operands = graph_operations.Operands(inputs, case.weights, None)
    found = graph_operations.OPERATIONS[layer["op"]].run(layer, operands)
    return found.expand(n, -1).reshape(case.expected.shape)


def pack(values: Tensor) -> str:
    """Encode float32 values in base64."""
    return base64.b64encode(values.float().contiguous().numpy().astype("<f4").tobytes()).decode()


@pytest.fixture(scope="module")
def operations() -> Iterator[Operations]:
    """Start node once for all cases."""
    started = Operations()
    yield started
    assert started.node.stdin is not None
    started.node.stdin.close()
    assert started.node.wait(timeout=60) == 0
    assert started.node.stdout is not None
    started.node.stdout.close()


def numbers(draw: Draw, *shape: int, low: float | None = None) -> Tensor:
    """Draw normal numbers, or uniform ones from ``low`` to 3."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    if low is None:
        return torch.randn(shape, generator=generator)
    return low + (3 - low) * torch.rand(shape, generator=generator)


def small(draw: Draw, most: int = 5) -> int:
    """Draw a small number of at least 1."""
    return int(draw(st.integers(1, most)))


def pair(draw: Draw, low: int, high: int) -> list[int]:
    """Draw two numbers."""
    return [draw(st.integers(low, high)), draw(st.integers(low, high))]


def to_image(values: Tensor, side: list[int]) -> Tensor:
    """Turn (n, h * w, c) into (n, c, h, w)."""
    return values.reshape(len(values), *side, -1).permute(0, 3, 1, 2)


def to_values(image: Tensor) -> Tensor:
    """Turn (n, c, h, w) into (n, h * w, c)."""
    return image.flatten(2).transpose(1, 2)


def image(draw: Draw, channels: int, most: int = 7) -> tuple[Tensor, list[int]]:
    """Draw images, (n, h * w, c), and their sides."""
    side = pair(draw, 1, most)
    return numbers(draw, small(draw, 3), side[0] * side[1], channels), side


@st.composite
def convolutions(draw: Draw) -> Case:
    """Draw a convolution of any kernel, stride, padding, dilation and groups."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, outputs = groups * small(draw, 3), groups * small(draw, 6)
    x, side = image(draw, inputs)
    kernel, stride, dilation = pair(draw, 1, 4), pair(draw, 1, 3), pair(draw, 1, 2)
    pads = pair(draw, 0, 2) + pair(draw, 0, 2)
    top, left, bottom, right = pads
    # In float64: oneDNN's convolutions read beyond the end of single channels that are permuted.
    padded = F.pad(to_image(x, side).double(), (left, right, top, bottom))
    for axis in (0, 1):
        assume(padded.shape[2 + axis] >= dilation[axis] * (kernel[axis] - 1) + 1)
    weight, bias = numbers(draw, outputs, inputs // groups, *kernel), numbers(draw, outputs)
    y = F.conv2d(padded, weight.double(), bias.double(), stride, 0, dilation, groups).float()
    attributes = {"kernel": kernel, "pads": pads, "dilation": dilation, "groups": groups}
    return Case(
        {
            "op": "conv",
            "from": [*side, inputs],
            "to": [*y.shape[2:], outputs],
            "stride": stride if draw(st.booleans()) or stride[0] != stride[1] else stride[0],
            **attributes,
        },
        [x],
        to_values(y),
        {"weight": weight.permute(0, 2, 3, 1), "bias": bias},
    )


@st.composite
def transposed_convolutions(draw: Draw) -> Case:
    """Draw a transposed convolution, with more rows and columns at the end or without."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, outputs = groups * small(draw, 4), groups * small(draw, 6)
    x, side = image(draw, inputs, 5)
    kernel, stride, dilation = pair(draw, 1, 5), pair(draw, 1, 3), pair(draw, 1, 2)
    padding = pair(draw, 0, 2)
    more = [draw(st.integers(0, max(stride[i], dilation[i]) - 1)) for i in (0, 1)]
    weight, bias = numbers(draw, inputs, outputs // groups, *kernel), numbers(draw, outputs)
    sides = [
        (side[i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + more[i] + 1
        for i in (0, 1)
    ]
    assume(min(sides) > 0)
    y = F.conv_transpose2d(to_image(x, side), weight, bias, stride, padding, more, groups, dilation)
    return Case(
        {
            "op": "conv_transpose",
            "from": [*side, inputs],
            "to": [*y.shape[2:], outputs],
            "kernel": kernel,
            "stride": stride,
            "pads": [*padding, padding[0] - more[0], padding[1] - more[1]],
            "dilation": dilation,
            "groups": groups,
        },
        [x],
        to_values(y),
        {"weight": weight.permute(0, 2, 3, 1), "bias": bias},
    )


@st.composite
def poolings(draw: Draw) -> Case:
    """Draw the largest value or the mean of windows, up to the whole image."""
    x, side = image(draw, small(draw))
    kernel, stride = pair(draw, 1, 4), pair(draw, 1, 3)
    padding = [draw(st.integers(0, one // 2)) for one in kernel]
    if draw(st.booleans()):
        kernel, stride, padding = side, [1, 1], [0, 0]
    assume(all(side[i] + 2 * padding[i] >= kernel[i] for i in (0, 1)))
    op, counted = draw(st.sampled_from(["max_pool", "average_pool"])), draw(st.booleans())
    uneven = draw(st.booleans())  # the last window may reach beyond the padding
    if op == "max_pool":
        y = F.max_pool2d(to_image(x, side), kernel, stride, padding, ceil_mode=uneven)
    else:
        y = F.avg_pool2d(to_image(x, side), kernel, stride, padding, uneven, counted)
    attributes = {"kernel": kernel, "stride": stride, "pads": [*padding, *padding]}
    shapes = {"from": [*side, x.shape[2]], "to": [*y.shape[2:], x.shape[2]]}
    return Case({"op": op, "count_include_pad": counted, **attributes, **shapes}, [x], to_values(y))


@st.composite
def resizes(draw: Draw) -> Case:
    """Draw an image that is made larger or smaller."""
    x, side = image(draw, small(draw, 3))
    sides = pair(draw, 1, 12)
    mode, coordinates, rounding = draw(
        st.sampled_from(
            [
                ("nearest", "asymmetric", "floor"),
                ("nearest-exact", "half_pixel", "round_prefer_ceil"),
                ("bilinear", "half_pixel", None),
                ("bilinear", "align_corners", None),
            ]
        )
    )
    aligned = {"align_corners": coordinates == "align_corners"} if mode == "bilinear" else {}
    y = F.interpolate(to_image(x, side), size=sides, mode=mode, **aligned)
    layer = {
        "op": "resize",
        "from": [*side, x.shape[2]],
        "to": [*sides, x.shape[2]],
        "mode": "linear" if mode == "bilinear" else "nearest",
        "coordinates": coordinates,
        **({} if rounding is None else {"rounding": rounding}),
    }
    return Case(layer, [x], to_values(y))


@st.composite
def other_resizes(draw: Draw) -> Case:
    """Draw a resized image by any rule; those that PyTorch lacks are the graph's."""
    x, side = image(draw, small(draw, 3))
    sides = pair(draw, 1, 12)
    layer = {
        "op": "resize",
        "from": [*side, x.shape[2]],
        "to": [*sides, x.shape[2]],
        "mode": draw(st.sampled_from(["nearest", "linear"])),
        "coordinates": draw(st.sampled_from(shapes.COORDINATES)),
        "rounding": draw(st.sampled_from(shapes.ROUNDINGS)),
    }
    if draw(st.booleans()):
        layer["scales"] = [(sides[axis] + draw(st.floats(0, 0.9))) / side[axis] for axis in (0, 1)]
    return Case(
        layer, [x], in_graph(Case(layer, [x], x.new_zeros(len(x), math.prod(sides), x.shape[2])))
    )


@st.composite
def normalizations(draw: Draw) -> Case:
    """Draw a normalization over groups of channels, single channels or trailing values."""
    kind = draw(st.sampled_from(["group", "instance", "layer"]))
    groups = small(draw, 3)
    width = groups * small(draw, 4)
    x = numbers(draw, small(draw, 3), 1 + small(draw), width) * 2 + 1
    parts = x.shape[1]
    epsilon = draw(st.sampled_from([1e-5, 1e-3, 0.1]))
    over = draw(st.sampled_from([width, parts * width]))
    weight = numbers(draw, over if kind == "layer" else width)
    bias = numbers(draw, len(weight))
    if kind == "layer":
        rows = x.reshape(-1, over)
        y = F.layer_norm(rows, (over,), weight, bias, epsilon).reshape(x.shape)
    elif kind == "group":
        y = F.group_norm(x.transpose(1, 2), groups, weight, bias, epsilon).transpose(1, 2)
    else:
        y = F.instance_norm(x.transpose(1, 2), weight=weight, bias=bias, eps=epsilon)
        y = y.transpose(1, 2)
    more = {"layer": {"over": over}, "group": {"groups": groups}, "instance": {}}[kind]
    layer = {"op": "normalize", "kind": kind, "epsilon": epsilon, **more}
    return Case(layer, [x], y, {"weight": weight, "bias": bias}, tolerance=2e-5)


@st.composite
def channel_scales(draw: Draw) -> Case:
    """Draw a scale and a shift of each channel."""
    x = numbers(draw, small(draw, 3), small(draw), small(draw))
    weight, bias = numbers(draw, x.shape[2]), numbers(draw, x.shape[2])
    return Case({"op": "affine"}, [x], x * weight + bias, {"weight": weight, "bias": bias})


BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": torch.add,
    "difference": torch.sub,
    "product": torch.mul,
    "quotient": torch.div,
    "power": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


@st.composite
def binaries(draw: Draw) -> Case:
    """Draw two inputs, or one input and a constant on either side of it."""
    op = draw(st.sampled_from(sorted(BINARY)))
    n, parts, width = small(draw, 3), small(draw), small(draw)
    low = 0.3 if op in ("quotient", "power") else None
    x = numbers(draw, n, parts, width, low=low)
    of_other = {"size": (parts, width), "width": (1, width), "one": (1, 1)}
    shape = of_other[draw(st.sampled_from(sorted(of_other)))]
    if draw(st.booleans()):
        other = numbers(draw, n, *shape, low=low)
        return Case({"op": op}, [x, other], BINARY[op](x, other.expand(x.shape)))
    values = numbers(draw, *shape, low=low)
    reverse = draw(st.booleans())
    both = (values.expand(x.shape), x) if reverse else (x, values.expand(x.shape))
    return Case({"op": op, "reversed": reverse}, [x], BINARY[op](*both), {"values": values})


@st.composite
def reductions(draw: Draw) -> Case:
    """Draw a mean or a sum over the width or the parts."""
    x = numbers(draw, small(draw, 3), small(draw), small(draw))
    axis = draw(st.sampled_from(["width", "parts"]))
    op = draw(st.sampled_from(["mean", "reduce_sum"]))
    reduce = torch.mean if op == "mean" else torch.sum
    y = reduce(x, 2 if axis == "width" else 1, keepdim=True)
    return Case({"op": op, "axis": axis}, [x], y)


@st.composite
def products(draw: Draw) -> Case:
    """Draw two matrices for each example."""
    n, parts, terms, width = small(draw, 3), small(draw), small(draw), small(draw)
    a, b = numbers(draw, n, parts, terms), numbers(draw, n, terms, width)
    return Case({"op": "matmul"}, [a, b], a @ b)


@st.composite
def softmaxes(draw: Draw) -> Case:
    """Draw a softmax over the width, of small and of large values."""
    x = numbers(draw, small(draw, 3), small(draw), small(draw))
    x = x * draw(st.sampled_from([1.0, 40.0, 1000.0]))
    return Case({"op": "softmax"}, [x], torch.softmax(x, dim=2))


@st.composite
def concatenations(draw: Draw) -> Case:
    """Draw two to four inputs that are put together along an axis."""
    n, kept, axis = small(draw, 3), small(draw), draw(st.sampled_from(["width", "parts"]))
    lengths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    shapes = [(n, kept, one) if axis == "width" else (n, one, kept) for one in lengths]
    inputs = [numbers(draw, *shape) for shape in shapes]
    return Case(
        {"op": "concat", "axis": axis}, inputs, torch.cat(inputs, 2 if axis == "width" else 1)
    )


@st.composite
def slices(draw: Draw) -> Case:
    """Draw a part of an axis, every place of it or every second or third."""
    x = numbers(draw, small(draw, 3), small(draw, 8), small(draw, 8))
    axis = draw(st.sampled_from(["width", "parts"]))
    length = x.shape[2 if axis == "width" else 1]
    start = draw(st.integers(0, length - 1))
    stop, step = draw(st.integers(start + 1, length)), draw(st.integers(1, 3))
    y = x[:, :, start:stop:step] if axis == "width" else x[:, start:stop:step]
    return Case({"op": "slice", "axis": axis, "start": start, "stop": stop, "step": step}, [x], y)


@st.composite
def pads(draw: Draw) -> Case:
    """Draw an axis that is lengthened by a value."""
    x = numbers(draw, small(draw, 3), small(draw), small(draw))
    axis, (before, after) = draw(st.sampled_from(["width", "parts"])), pair(draw, 0, 3)
    value = draw(st.sampled_from([0.0, -1.5]))
    turned = x if axis == "width" else x.transpose(1, 2)
    y = F.pad(turned, (before, after), value=value)
    attributes = {"axis": axis, "before": before, "after": after, "value": value}
    return Case({"op": "pad", **attributes}, [x], y if axis == "width" else y.transpose(1, 2))


@st.composite
def permutations(draw: Draw) -> Case:
    """Draw a transpose of one to four axes of the flat values."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    order = draw(st.permutations(range(len(shape))))
    x = numbers(draw, small(draw, 3), 1, math.prod(shape))
    turned = x.reshape(len(x), *shape).permute(0, *(1 + axis for axis in order))
    layer = {"op": "permute", "shape": shape, "order": list(order)}
    return Case(layer, [x], turned.reshape(len(x), 1, -1))


@st.composite
def constants(draw: Draw) -> Case:
    """Draw values that depend on no input."""
    values = numbers(draw, small(draw), small(draw))
    n = small(draw, 3)
    return Case({"op": "constant"}, [], values.expand(n, *values.shape), {"values": values})


def _hard_sigmoid(x: Tensor, alpha: float = 1 / 6, beta: float = 0.5) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


UNARY: dict[str, Callable[..., Tensor]] = {
    "relu": F.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
    "softplus": F.softplus,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "negative": torch.neg,
    "elu": lambda x, alpha: F.elu(x, alpha),
    "gelu": lambda x, approximate: F.gelu(x, approximate=approximate),
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": F.hardswish,
    "clip": lambda x, low=None, high=None: torch.clamp(x, low, high),
    "erf": torch.erf,
    "sin": torch.sin,
    "cos": torch.cos,
    "reciprocal": torch.reciprocal,
    "square": torch.square,
    "mish": F.mish,
}
POSITIVE = ("log", "sqrt", "reciprocal")
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "leaky_relu": [{"slope": 0.01}, {"slope": 0.3}],
    "elu": [{"alpha": 1.0}, {"alpha": 0.5}],
    "gelu": [{"approximate": "none"}, {"approximate": "tanh"}],
    "hard_sigmoid": [{}, {"alpha": 0.2, "beta": 0.5}],
    "clip": [{"low": -0.5}, {"high": 0.5}, {"low": 0.0, "high": 1.0}],
}


@st.composite
def unaries(draw: Draw) -> Case:
    """Draw a function of each value alone, of small and of large values."""
    op = draw(st.sampled_from(sorted(UNARY)))
    low = 1e-3 if op in POSITIVE else None
    x = numbers(draw, small(draw, 3), small(draw), 8, low=low)
    if op not in POSITIVE:
        x = x * draw(st.sampled_from([0.01, 1.0, 5.0]))
    attributes = draw(st.sampled_from(ATTRIBUTES.get(op, [{}])))
    return Case({"op": op, **attributes}, [x], UNARY[op](x, **attributes))


CASES: dict[str, st.SearchStrategy[Case]] = {
    "conv": convolutions(),
    "conv_transpose": transposed_convolutions(),
    "pooling": poolings(),
    "resize": resizes(),
    "resize by any rule": other_resizes(),
    "normalize": normalizations(),
    "affine": channel_scales(),
    "binary": binaries(),
    "reduction": reductions(),
    "matmul": products(),
    "softmax": softmaxes(),
    "concat": concatenations(),
    "slice": slices(),
    "pad": pads(),
    "permute": permutations(),
    "constant": constants(),
    "unary": unaries(),
}


@pytest.mark.parametrize("kind", CASES)
def test_operation_equals_pytorch(kind: str, operations: Operations) -> None:
    """Whatever the shapes and the attributes, both sides compute the same."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CASES[kind])
    def equal(case: Case) -> None:
        found, work = operations.run(case)
        largest = 1 + case.expected.abs().max().item()
        for one in found:
            difference = (one - case.expected).abs().max().item()
            assert difference <= case.tolerance * largest, case.layer
        assert work >= 0

    equal()


#: Operations of our own networks, which test_bundles.py holds against PyTorch.
OWN = {
    *("linear", "resize_conv", "recurrent", "label", "swap", "repeat", "last", "gated", "add"),
    *("symmetric", "continuous_bernoulli_mean", "soft_clamp_logvar"),
}
#: Operations that have cases above.
FOREIGN = {
    *("conv", "conv_transpose", "max_pool", "average_pool", "resize", "normalize", "affine"),
    *("matmul", "mean", "reduce_sum", "softmax", "concat", "slice", "pad", "permute", "constant"),
    *BINARY,
    *UNARY,
}


def test_browser_and_graphs_know_the_same_operations(operations: Operations) -> None:
    """A graph that PyTorch runs also runs in the browser, and the other way round.

    What onnxruntime runs, the server alone runs.
    """
    of_both = set(graph_operations.OPERATIONS) - {"onnxruntime"}
    assert set(operations.ask("")) == OWN | FOREIGN == of_both
