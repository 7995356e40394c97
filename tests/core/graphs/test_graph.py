"""Graphs are valid when they are made, and whatever is valid runs."""

from __future__ import annotations

import copy
import json
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st

from vae_core.errors import ConfigError
from vae_core.graphs import (
    OPERATIONS,
    Builder,
    Graph,
    GraphNetwork,
    foreign,
    graph,
    join,
    simplify,
)


def image(height: int, width: int, channels: int) -> list[int]:
    """Return the sides of an image."""
    return [height, width, channels]


#: A layer of each operation: sizes of its inputs, its own, attributes, and shapes of its weights.
LAYERS: dict[str, tuple[list[int], int, dict[str, Any], dict[str, tuple[int, ...]]]] = {
    "linear": ([6], 8, {"parts": 2}, {"weight": (4, 3), "bias": (4,)}),
    "affine": ([6], 6, {"parts": 2}, {"weight": (3,), "bias": (3,)}),
    "add": ([6], 6, {}, {"bias": (6,)}),
    "conv": (
        [24], 12, {"from": image(3, 4, 2), "to": image(2, 2, 3), "stride": 2, "parts": 4},
        {"weight": (3, 3, 3, 2), "bias": (3,)},
    ),
    "conv_transpose": (
        [8], 48, {"from": image(2, 2, 2), "to": image(4, 4, 3), "stride": [2, 2],
                  "kernel": [3, 3], "pads": [1, 1, 1, 1], "parts": 16},
        {"weight": (2, 3, 3, 3), "bias": (3,)},
    ),
    "resize_conv": (
        [8], 45, {"from": image(2, 2, 2), "to": image(3, 3, 5), "parts": 9},
        {"weight": (5, 3, 3, 2), "bias": (5,)},
    ),
    "max_pool": (
        [24], 4, {"from": image(3, 4, 2), "to": image(1, 2, 2), "kernel": [2, 2],
                  "stride": [2, 2], "parts": 2}, {},
    ),
    "average_pool": (
        [24], 8, {"from": image(3, 4, 2), "to": image(2, 2, 2), "kernel": [2, 2],
                  "stride": [2, 2], "pads": [0, 0, 1, 0], "parts": 4,
                  "count_include_pad": True}, {},
    ),
    "resize": (
        [8], 24, {"from": image(2, 2, 2), "to": image(4, 3, 2), "mode": "linear", "parts": 12,
                  "coordinates": "half_pixel"}, {},
    ),
    "normalize": (
        [24], 24, {"parts": 4, "kind": "group", "groups": 2, "epsilon": 1e-5},
        {"weight": (6,), "bias": (6,)},
    ),
    "softmax": ([6], 6, {"parts": 2}, {}),
    "sum": ([6], 6, {"parts": 2}, {"values": (3,)}),
    "difference": ([6], 6, {"reversed": True}, {"values": (1,)}),
    "product": ([6, 3], 6, {"parts": 2}, {}),
    "quotient": ([1, 6], 6, {}, {}),
    "power": ([6, 6], 6, {}, {}),
    "maximum": ([6], 6, {}, {"values": (6,)}),
    "minimum": ([6, 6], 6, {"parts": 3}, {}),
    "matmul": ([6, 12], 8, {"parts": 2}, {}),
    "mean": ([6], 2, {"parts": 2, "axis": "width"}, {}),
    "reduce_sum": ([6], 3, {"axis": "parts"}, {}),
    "concat": ([6, 4], 10, {"parts": 2, "axis": "width"}, {}),
    "slice": ([8], 4, {"parts": 2, "axis": "width", "start": 3, "stop": 0, "step": -2}, {}),
    "pad": ([6], 12, {"parts": 4, "axis": "parts", "before": 1, "after": 1, "value": 0.5}, {}),
    "permute": ([24], 24, {"shape": [2, 3, 4], "order": [2, 0, 1]}, {}),
    "swap": ([24], 24, {"parts": 3, "sides": [2, 3, 4]}, {}),
    "repeat": ([3], 6, {"parts": 2}, {}),
    "last": ([6], 2, {"rows": 3}, {}),
    "constant": ([], 4, {}, {"values": (4,)}),
    "label": ([6], 14, {"parts": 2, "classes": 4}, {}),
    "recurrent": (
        [6], 10, {"parts": 2},
        {"weight_ih": (15, 3), "weight_hh": (15, 5), "bias_ih": (15,), "bias_hh": (15,)},
    ),
    "gated": ([8], 4, {"parts": 2}, {}),
    "symmetric": ([18], 18, {"side": 3}, {}),
    "soft_clamp_logvar": ([6], 6, {"low": -7.0, "high": 5.0}, {}),
    "leaky_relu": ([6], 6, {"slope": 0.2}, {}),
    "elu": ([6], 6, {"alpha": 0.7}, {}),
    "gelu": ([6], 6, {"approximate": "tanh"}, {}),
    "hard_sigmoid": ([6], 6, {"alpha": 0.2, "beta": 0.4}, {}),
    "clip": ([6], 6, {"low": -0.2, "high": 0.3}, {}),
    **{
        op: ([6], 6, {}, {})
        for op, operation in OPERATIONS.items()
        if not operation.attributes and operation.rule is OPERATIONS["relu"].rule
    },
}  # fmt: skip


def parts_of(op: str) -> tuple[int, list[dict[str, Any]], dict[str, torch.Tensor]]:
    """Return the input's size, layers and weights of a small graph with an operation."""
    sizes, size, attributes, shapes = LAYERS[op]
    builder = Builder(sum(sizes) or 1)
    first, inputs = 0, []
    for one in sizes:
        cut = {"axis": "width", "start": first, "stop": first + one, "step": 1}
        inputs.append(builder.add("slice", [-1], size=one, **cut))
        first += one
    generator = torch.Generator().manual_seed(5)
    weights = {kind: torch.rand(shape, generator=generator) + 0.1 for kind, shape in shapes.items()}
    more = copy.deepcopy(attributes)
    builder.add(op, inputs, size=size, parts=more.pop("parts", 1), weights=weights, **more)
    return builder.size, builder.layers, builder.weights


def run(made: Graph, n: int = 3) -> torch.Tensor:
    """Run a graph on positive numbers, with labels if it needs some."""
    generator = torch.Generator().manual_seed(6)
    x = torch.rand(n, made.size, generator=generator) + 0.1
    y = torch.arange(n) % made.classes if made.classes else None
    return GraphNetwork(made)(x, y)  # type: ignore[no-any-return]


def test_the_layers_of_this_file_are_of_every_operation() -> None:
    """None is forgotten but a whole ONNX file, of which tests/core/imports/test_served.py is."""
    assert set(LAYERS) == set(OPERATIONS) - {foreign.OP}


@pytest.mark.parametrize("op", LAYERS)
def test_operations_run_and_survive_their_files(op: str) -> None:
    """Each alone, for any number of examples, and the same from JSON and safetensors."""
    size, layers, weights = parts_of(op)
    made = Graph(size, tuple(layers), weights)
    found = run(made)
    assert found.shape == (3, made.output_size)
    assert torch.isfinite(found).all()
    assert run(made, 0).shape == (0, made.output_size)
    again = Graph.of(made.to_json(), made.to_safetensors())
    assert torch.equal(run(again), found)
    assert torch.allclose(run(simplify(made)), found, atol=1e-6)
    assert made.multiplications() > 0


@pytest.mark.parametrize("op", sorted(set(LAYERS) - {"constant"}))
def test_operations_are_differentiable(op: str) -> None:
    """In the network's input, by finite differences."""
    size, layers, weights = parts_of(op)
    network = GraphNetwork(Graph(size, tuple(layers), weights)).double()
    generator = torch.Generator().manual_seed(6)
    x = torch.rand(2, size, generator=generator, dtype=torch.float64) + 0.1
    y = torch.arange(2)
    assert torch.autograd.gradcheck(lambda one: network(one, y), x.requires_grad_())


VALUES = st.sampled_from(
    [
        *(0, 1, 2, 3, 7, -1, 2**31, 2**62, 0.5, float("nan"), True, None, "width", "no"),
        *([], [1], [0, 1], [2, 2], [1, 1, 1, 1], [9, 9, 9, 9], [3, 4, 2], [-1, 2, 3]),
        *([2**30] * 3, {"a": 1}),
    ]
)


@hypothesis.settings(max_examples=300, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(op=st.sampled_from(sorted(LAYERS)), data=st.data())
def test_spoilt_layers_are_refused_or_run(op: str, data: st.DataObject) -> None:
    """A graph that is made computes as many values as it says; others end in a sentence."""
    size, layers, weights = parts_of(op)
    names = sorted({*layers[-1], *OPERATIONS[op].attributes, "parts", "inputs"} - {"op"})
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2)):
        layers[-1][name] = data.draw(VALUES)
    try:
        made = Graph(size, tuple(layers), weights)
    except ConfigError:
        return
    assert run(made).shape == (3, made.output_size)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        ({"op": "sort"}, "layer 1 .sort.: unknown operation 'sort'; known are abs, add, .*"),
        ({"inputs": [1]}, "indices of earlier layers are allowed"),
        ({"inputs": [-2]}, "indices of earlier layers are allowed"),
        ({"inputs": [0, 0]}, "2 inputs; 1 are allowed"),
        ({"colour": 1}, "unknown attribute colour"),
        ({"size": 10}, "weight has shape"),
        ({"size": 2**40}, "size 1099511627776; an integer from 1 to 16,777,216 is allowed"),
        ({"parts": 5}, "parts 5 do not divide 8 values"),
        ({"weight": "none"}, "weight 'none' is not among the weights"),
        ({"weight": "1.bias"}, r"weight has shape \(4,\) where \(4, 3\) is needed"),
    ],
)
def test_what_is_wrong_with_a_layer_is_said(spoil: dict[str, Any], match: str) -> None:
    """With the layer's place and name."""
    size, layers, weights = parts_of("linear")
    layers[-1] |= spoil
    with pytest.raises(ConfigError, match=match):
        Graph(size, tuple(layers), weights)


def test_weights_and_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that are none, other types, and what is too large."""
    size, layers, weights = parts_of("linear")
    for spoilt, match in (
        (weights["1.bias"].double(), "1.bias is torch.float64; float32 is needed"),
        (weights["1.bias"] / 0, "1.bias has values that are not finite"),
    ):
        with pytest.raises(ConfigError, match=match):
            Graph(size, tuple(layers), {**weights, "1.bias": spoilt})
    for name, match in (
        ("MAX_LAYERS", "2 layers; from 1 to 1 are allowed"),
        ("MAX_WEIGHTS", "16 weights; up to 1 are allowed"),
        ("MAX_MULTIPLICATIONS", "multiplications an example; up to 1 are allowed"),
        ("MAX_VALUES", "an integer from 1 to 1 is allowed"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(graph, name, 1)
            with pytest.raises(ConfigError, match=match):
                Graph(size, tuple(layers), weights)
    with pytest.raises(ConfigError, match="0 layers"):
        Graph(3, (), {})


@pytest.mark.parametrize(
    ("description", "match"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "an object of format_version, size and layers is needed"),
        (json.dumps({"format_version": 2, "size": 1, "layers": []}), "format_version 2 is not 1"),
        (json.dumps({"format_version": 1, "size": 1, "layers": 3}), "layers are not a list"),
        (json.dumps({"format_version": 1, "size": 1, "layers": [3]}), "layer 0 .None.: not an"),
        (json.dumps({"format_version": 1, "size": None, "layers": [{}]}), "size None"),
        (" " * 2**23, "longer than"),
    ],
)
def test_damaged_files_are_refused(description: str, match: str) -> None:
    """JSON that is none, of another version, or of another shape."""
    _, _, weights = parts_of("linear")
    content = Graph(*(lambda a, b, c: (a, tuple(b), c))(*parts_of("linear"))).to_safetensors()
    assert weights
    with pytest.raises(ConfigError, match=match):
        Graph.of(description, content)
    with pytest.raises(ConfigError, match="not a safetensors file"):
        Graph.of(json.dumps({"format_version": 1, "size": 1, "layers": []}), b"no")


def test_graphs_join_one_after_the_other() -> None:
    """The second reads the output of the first, also where it reads its input twice."""
    first = Builder(2)
    first.add("linear", [-1], size=3, weights={"weight": torch.ones(3, 2), "bias": torch.ones(3)})
    second = Builder(3)
    second.add("relu", [-1])
    second.add("sum", [0, -1], size=3)
    both = join([first.build(), second.build()])
    x = torch.tensor([[-2.0, 0.5]])
    assert GraphNetwork(both)(x).tolist() == [[-0.5, -0.5, -0.5]]
    with pytest.raises(ConfigError, match="an output of 3 values is no input of 2"):
        join([first.build(), first.build()])


def test_layers_that_nothing_reads_are_dropped() -> None:
    """And a graph of no layers passes its input on."""
    builder = Builder(2)
    kept = builder.add("tanh", [-1])
    builder.add("relu", [-1])
    assert [one["op"] for one in builder.build(kept).layers] == ["tanh"]
    x = torch.rand(2, 2)
    assert torch.equal(GraphNetwork(Builder(2).build(-1))(x), x)


def test_a_network_says_what_it_reads() -> None:
    """Another number of values, missing labels, and labels that do not exist are refused."""
    size, layers, weights = parts_of("label")
    network = GraphNetwork(Graph(size, tuple(layers), weights))
    with pytest.raises(ConfigError, match="reads 6 values for each example, not 5"):
        network(torch.zeros(1, 5))
    with pytest.raises(ConfigError, match="labels: this network needs one for each example"):
        network(torch.zeros(1, 6))
    with pytest.raises(ConfigError, match="labels: integers from 0 to 3 are allowed"):
        network(torch.zeros(1, 6), torch.tensor([4]))
