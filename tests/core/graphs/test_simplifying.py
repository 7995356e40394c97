"""Simplified graphs have fewer layers, and compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st

from vae_core.graphs import Builder, Graph, GraphNetwork, simplify


def values(*shape: int, seed: int = 1) -> torch.Tensor:
    """Return random numbers that are not near 0."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) + 0.5


def check(builder: Builder, expected: list[str]) -> Graph:
    """Compare a graph with its simplified form, whose operations are given."""
    graph = builder.build()
    simple = simplify(graph)
    x = torch.randn(3, graph.size, generator=torch.Generator().manual_seed(2))
    found, wanted = GraphNetwork(simple)(x), GraphNetwork(graph)(x)
    assert torch.allclose(found, wanted, atol=1e-5, rtol=1e-5)
    assert [layer["op"] for layer in simple.layers] == expected
    return simple


def linear(builder: Builder, width: int, inputs: list[int] | None = None) -> int:
    """Append a linear layer with one part."""
    source = len(builder.layers) - 1 if inputs is None else inputs[0]
    weights = {"weight": values(width, builder.size_of(source)), "bias": values(width)}
    return builder.add("linear", inputs, size=width, weights=weights)


CONV = {"from": [4, 4, 2], "to": [4, 4, 3], "stride": 1}


def conv(builder: Builder) -> None:
    """Append a convolution from 4 × 4 × 2 to 4 × 4 × 3."""
    weights = {"weight": values(3, 3, 3, 2), "bias": values(3)}
    builder.add("conv", size=48, parts=16, weights=weights, **CONV)


def transposed(builder: Builder, groups: int = 1) -> None:
    """Append a transposed convolution from 2 × 2 × 4 to 4 × 4 × 6."""
    weights = {"weight": values(4, 3, 3, 6 // groups), "bias": values(6)}
    builder.add(
        "conv_transpose", size=96, parts=16, weights=weights, groups=groups, kernel=[3, 3],
        stride=[2, 2], pads=[1, 1, 1, 1], **{"from": [2, 2, 4], "to": [4, 4, 6]},
    )  # fmt: skip


AFTER: dict[str, Callable[[Builder, int], Any]] = {
    "affine": lambda b, w: b.add(
        "affine", parts=16, weights={"weight": values(w), "bias": values(w)}
    ),
    "sum": lambda b, w: b.add("sum", parts=16, weights={"values": values(w)}),
    "difference": lambda b, w: b.add("difference", parts=16, weights={"values": values(w)}),
    "left": lambda b, w: b.add("difference", weights={"values": values(1)}, reversed=True),
    "product": lambda b, w: b.add("product", parts=16, weights={"values": values(w)}),
    "quotient": lambda b, w: b.add("quotient", weights={"values": values(1)}),
    "negative": lambda b, w: b.add("negative"),
}


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("before", ["conv", "conv_transpose", "groups", "normalize", "affine"])
def test_scales_and_shifts_go_into_weights(before: str, after: str) -> None:
    """Of whatever has weights for each place of its width."""
    builder = Builder(
        32 if before == "conv" else 16 if before in ("conv_transpose", "groups") else 48
    )
    width = 6 if before in ("conv_transpose", "groups") else 3
    if before == "conv":
        conv(builder)
    elif width == 6:
        transposed(builder, groups=2 if before == "groups" else 1)
    else:
        weights = {"weight": values(3), "bias": values(3)}
        kind = {"kind": "instance", "epsilon": 1e-3} if before == "normalize" else {}
        builder.add(before, size=48, parts=16, weights=weights, **kind)
    AFTER[after](builder, width)
    check(builder, ["conv_transpose" if before == "groups" else before])


def test_what_two_layers_read_stays() -> None:
    """A scale of one of them is no scale of the other."""
    builder = Builder(2)
    first = linear(builder, 3, [-1])
    doubled = builder.add("product", [first], weights={"values": values(1)})
    builder.add("maximum", [first, doubled], size=3)
    check(builder, ["linear", "product", "maximum"])


def test_a_shift_of_each_value_of_an_image_stays() -> None:
    """The convolution has a bias for each channel only."""
    builder = Builder(32)
    conv(builder)
    builder.add("add", weights={"bias": values(48)})
    check(builder, ["conv", "add"])


def test_transposes_go_into_linear_layers() -> None:
    """Before and after them, through activations."""
    builder = Builder(6)
    builder.add("swap", [-1], size=6, parts=3, sides=[2, 3, 1])
    linear(builder, 8)
    builder.add("tanh")
    builder.add("permute", size=8, shape=[2, 2, 2], order=[2, 0, 1])
    check(builder, ["linear", "tanh"])


def test_a_transpose_and_its_inverse_vanish() -> None:
    """Whatever they are called."""
    builder = Builder(24)
    builder.add("swap", [-1], parts=3, sides=[2, 3, 4])
    builder.add("permute", shape=[3, 2, 4], order=[1, 0, 2])
    builder.add("relu")
    check(builder, ["relu"])


def test_paddings_and_crops_go_into_convolutions() -> None:
    """Rows and columns, before a convolution and after a transposed one."""
    builder = Builder(16)
    transposed(builder)
    builder.add("slice", size=72, parts=1, axis="width", start=24, stop=96, step=1)
    builder.add("slice", size=54, parts=3, axis="width", start=0, stop=18, step=1)
    builder.add("pad", size=72, parts=1, axis="width", before=18, after=0, value=0.0)
    builder.add("pad", size=120, parts=4, axis="width", before=6, after=6, value=0.0)
    builder.add(
        "conv", size=6, parts=6, kernel=[3, 3], pads=[0, 0, 0, 0], stride=1,
        weights={"weight": values(1, 3, 3, 6), "bias": values(1)},
        **{"from": [4, 5, 6], "to": [2, 3, 1]},
    )  # fmt: skip
    simple = check(builder, ["conv_transpose", "conv"])
    assert simple.layers[0]["to"] == [3, 3, 6]
    assert simple.layers[1]["pads"] == [1, 1, 0, 1]


@pytest.mark.parametrize("number", [0.5, 2.0])
def test_paddings_with_other_numbers_stay(number: float) -> None:
    """A convolution pads with zeros."""
    builder = Builder(16)
    builder.add("pad", [-1], size=32, parts=1, axis="width", before=8, after=8, value=number)
    conv(builder)
    check(builder, ["pad", "conv"])


@pytest.mark.parametrize(
    ("coordinates", "rounding", "op"),
    [
        ("asymmetric", "floor", "resize_conv"),
        ("half_pixel", "round_prefer_floor", "resize_conv"),
        ("asymmetric", "ceil", "resize conv"),
    ],
)
def test_doubled_images_are_convolved_at_once(coordinates: str, rounding: str, op: str) -> None:
    """If each pixel is repeated twice."""
    builder = Builder(8)
    builder.add(
        "resize", [-1], size=32, parts=16, mode="nearest", coordinates=coordinates,
        rounding=rounding, **{"from": [2, 2, 2], "to": [4, 4, 2]},
    )  # fmt: skip
    conv(builder)
    check(builder, op.split())


@pytest.mark.parametrize("order", range(4))
def test_gelu_is_found(order: int) -> None:
    """½ x (1 + erf(x / √2)) in the orders that exporters write."""
    builder = Builder(3)
    x = linear(builder, 3, [-1])
    if order % 2:
        inner = builder.add("quotient", [x], weights={"values": torch.tensor([2.0]).sqrt()})
    else:
        inner = builder.add("product", [x], weights={"values": torch.tensor([0.5]).sqrt()})
    gate = builder.add("sum", [builder.add("erf", [inner])], weights={"values": torch.ones(1)})
    half = {"values": torch.tensor([0.5])}
    if order < 2:
        builder.add("product", [builder.add("product", [x, gate], size=3)], weights=half)
    else:
        builder.add("product", [gate, builder.add("product", [x], weights=half)], size=3)
    check(builder, ["linear", "gelu"])


def test_slices_that_are_joined_again_vanish() -> None:
    """In their order; in another they stay."""
    for first, second, expected in ((0, 2, ["relu"]), (2, 0, ["slice", "slice", "concat", "relu"])):
        builder = Builder(4)
        cut = [
            builder.add("slice", [-1], size=2, axis="width", start=at, stop=at + 2, step=1)
            for at in (first, second)
        ]
        builder.add("concat", cut, size=4, axis="width")
        builder.add("relu")
        check(builder, expected)


ALONE = ["relu", "tanh", "negative", "softplus", "square", "abs"]
NUMBERS = ["sum", "product", "difference", "quotient"]


@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(data=st.data())
def test_random_graphs_compute_the_same(data: st.DataObject) -> None:
    """Chains with branches, of operations that rules look at."""
    builder = Builder(12)
    for number in range(data.draw(st.integers(1, 12))):
        source = data.draw(st.integers(max(-1, number - 3), number - 1))
        op = data.draw(st.sampled_from([*ALONE, *NUMBERS, "linear", "swap", "both", "affine"]))
        parts = data.draw(st.sampled_from([1, 3, 4]))
        width = 12 // parts
        if op in ALONE:
            builder.add(op, [source])
        elif op in NUMBERS:
            length = data.draw(st.sampled_from([1, width, 12]))
            left = {"reversed": True} if data.draw(st.booleans()) else {}
            weights = {"values": values(length, seed=number)}
            builder.add(op, [source], parts=parts, weights=weights, **left)
        elif op == "linear":
            weights = {"weight": values(width, width) / 9, "bias": values(width)}
            builder.add(op, [source], parts=parts, weights=weights)
        elif op == "affine":
            weights = {"weight": values(width), "bias": values(width)}
            builder.add(op, [source], parts=parts, weights=weights)
        elif op == "swap":
            sides = data.draw(st.sampled_from([[2, 6, 1], [6, 2, 1], [3, 4, 1], [2, 3, 2]]))
            builder.add(op, [source], parts=sides[1], sides=sides)
        else:
            other = data.draw(st.integers(-1, number - 1))
            builder.add(data.draw(st.sampled_from(["product", "sum"])), [source, other])
    graph = builder.build()
    x = torch.rand(3, 12, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = GraphNetwork(simplify(graph)).double()(x)
    expected = GraphNetwork(graph).double()(x)
    ordinary = expected.isfinite() & (expected.abs() < 1e6)
    assert torch.allclose(found[ordinary], expected[ordinary], rtol=1e-4, atol=1e-3)
