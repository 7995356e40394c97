"""Simplify graphs: fewer layers that compute the same values.

Scales and shifts are folded into the weights before them, paddings and crops into convolutions,
transposes into the weights of linear layers; x σ(x) and the convolution of a doubled image become
operations of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_core.graphs.graph import INPUT, WEIGHTS, Builder, Graph
from vae_core.graphs.operations import OPERATIONS, Operands, places, rounded

#: Operations on each value alone, which commute with a transpose.
_ALONE = frozenset(
    {"relu", "tanh", "sigmoid", "silu", "mish", "softplus", "leaky_relu", "elu", "gelu", "clip"}
    | {"hard_sigmoid", "hard_swish", "exp", "log", "sqrt", "square", "abs", "negative", "erf"}
    | {"sin", "cos", "reciprocal"}
)
_WEIGHTED = frozenset({"linear", "conv", "resize_conv", "conv_transpose", "affine", "normalize"})
_MOVES = frozenset({"swap", "permute"})


class _Net:
    """Layers that are changed in place; what is no longer read is dropped at the end."""

    def __init__(self, graph: Graph) -> None:
        self.size = graph.size
        self.layers: list[dict[str, Any]] = [
            {**layer, "inputs": graph.reads(index)} for index, layer in enumerate(graph.layers)
        ]
        self.weights = dict(graph.weights)
        self.end = len(self.layers) - 1

    def users(self) -> list[list[int]]:
        """Return the layers that read each layer; the output is read by one that is not there."""
        found: list[list[int]] = [[] for _ in self.layers]
        for index in self.alive():
            for source in self.layers[index]["inputs"]:
                if source != INPUT:
                    found[source].append(index)
        found[self.end].append(len(self.layers))
        return found

    def alive(self) -> list[int]:
        """Return the layers that the output depends on, in order."""
        used = {self.end}
        for index in range(self.end, -1, -1):
            if index in used:
                used.update(self.layers[index]["inputs"])
        return sorted(used - {INPUT})

    def reroute(self, old: int, new: int) -> None:
        """Make all that reads one layer read another."""
        for layer in self.layers:
            layer["inputs"] = [new if one == old else one for one in layer["inputs"]]
        if self.end == old:
            self.end = new

    def of(self, index: int) -> dict[str, Tensor]:
        """Return the arrays of a layer by their kind."""
        layer = self.layers[index]
        return {kind: self.weights[layer[kind]] for kind in WEIGHTS if kind in layer}

    def keep(self, index: int, **weights: Tensor) -> None:
        """Replace arrays of a layer."""
        for kind, values in weights.items():
            name = f"{len(self.weights)}+{index}.{kind}"
            self.weights[name] = values.float().contiguous()
            self.layers[index][kind] = name

    def parts(self, index: int) -> int:
        """Return the parts of a layer's output."""
        return int(self.layers[index].get("parts", 1))

    def size_of(self, index: int) -> int:
        """Return the values of a layer's output, or of the input."""
        return self.size if index == INPUT else int(self.layers[index]["size"])

    def width(self, index: int) -> int:
        """Return the width of a layer's output."""
        return int(self.layers[index]["size"]) // self.parts(index)

    def graph(self) -> Graph:
        """Return the graph of what is left."""
        builder = Builder(self.size)
        builder.layers, builder.weights = self.layers, self.weights
        if self.end == INPUT:
            return builder.build(INPUT)
        return builder.build(self.end)


#: Larger graphs are left as they are: the time grows with the square of their size.
MAX_SIMPLIFIED = 1024

Rule = Callable[[_Net, int, list[list[int]]], bool]


def simplify(graph: Graph) -> Graph:
    """Return a graph of fewer or quicker layers that computes the same, up to rounding."""
    net = _Net(graph)
    if len(graph.layers) > MAX_SIMPLIFIED:
        return graph
    for _ in range(len(graph.layers)):
        changed = False
        users = net.users()
        for index in net.alive():
            for rule in RULES:
                if index <= net.end and rule(net, index, users):
                    users = net.users()
                    changed = True
                    break
        if not changed:
            break
    return net.graph()


def _source(net: _Net, index: int, users: list[list[int]]) -> int | None:
    """Return the layer that a layer reads, if it reads one that nothing else reads."""
    inputs = net.layers[index]["inputs"]
    if len(inputs) != 1 or inputs[0] == INPUT or len(users[inputs[0]]) != 1:
        return None
    return int(inputs[0])


def _scale_into_weights(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Fold a scale or a shift of each place of the width into the weights before it."""
    source = _source(net, index, users)
    if source is None or net.layers[source]["op"] not in _WEIGHTED:
        return False
    factor_shift = _factor_shift(net, index)
    if factor_shift is None:
        return False
    factor, shift = factor_shift
    weights = net.of(source)
    if any(len(one) not in (1, len(weights["bias"])) for one in factor_shift):
        return False
    bias = weights["bias"].double() * factor + shift
    if bool((factor == 1).all()):
        net.keep(source, bias=bias)
        net.reroute(index, source)
        return True
    weight = weights["weight"].double()
    op = net.layers[source]["op"]
    if op in ("affine", "normalize"):
        scaled = weight * factor
    elif op == "conv_transpose":
        scaled = _scaled_transpose(net, source, weight, factor)
    else:
        scaled = weight * factor.reshape(-1, *[1] * (weight.dim() - 1))
    net.keep(source, weight=scaled, bias=bias)
    net.reroute(index, source)
    return True


def _scaled_transpose(net: _Net, index: int, weight: Tensor, factor: Tensor) -> Tensor:
    """Scale the outputs of a weight (inputs, kh, kw, outputs / groups)."""
    groups = int(net.layers[index].get("groups", 1))
    if len(factor) == 1:
        return weight * factor
    each = factor.reshape(groups, 1, 1, 1, -1)
    return (weight.reshape(groups, -1, *weight.shape[1:]) * each).reshape(weight.shape)


def _factor_shift(net: _Net, index: int) -> tuple[Tensor, Tensor] | None:
    """Return a layer's scale and shift, one number or one for each place of its width."""
    layer, weights = net.layers[index], net.of(index)
    op = layer["op"]
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    if op == "affine":
        return weights["weight"].double(), weights["bias"].double()
    if op == "add" and net.parts(index) == 1:
        return one, weights["bias"].double()
    if op == "negative":
        return -one, none
    if "values" not in weights:
        return None
    values = weights["values"].double().flatten()
    if len(values) == int(layer["size"]) and net.parts(index) > 1:
        return None
    left = bool(layer.get("reversed", False))
    if op == "sum":
        return one, values
    if op == "product":
        return values, none
    if op == "difference":
        return (-one, values) if left else (one, -values)
    if op == "quotient" and not left and bool((values != 0).all()):
        return 1 / values, none
    return None


def _silu(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Replace x · σ(x)."""
    layer = net.layers[index]
    if layer["op"] != "product" or len(layer["inputs"]) != 2:
        return False
    for x, gate in (layer["inputs"], layer["inputs"][::-1]):
        if gate == INPUT or net.layers[gate]["op"] != "sigmoid":
            continue
        if net.layers[gate]["inputs"] == [x] and net.layers[gate]["size"] == layer["size"]:
            net.layers[index] = {"op": "silu", "size": layer["size"], "inputs": [x]}
            return True
    return False


def _undo(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Remove a transpose of a transpose back."""
    layer = net.layers[index]
    if layer["op"] not in _MOVES:
        return False
    (source,) = layer["inputs"]
    if source == INPUT or net.layers[source]["op"] not in _MOVES:
        return False
    size = int(layer["size"])
    both = _moved(layer, _moved(net.layers[source], torch.arange(size, dtype=torch.float64)))
    if not torch.equal(both, torch.arange(size, dtype=torch.float64)):
        return False
    net.reroute(index, net.layers[source]["inputs"][0])
    return True


def _moved(layer: dict[str, Any], values: Tensor) -> Tensor:
    return OPERATIONS[layer["op"]].run(layer, Operands([values[None]], {}, None))[0]


def _move_into_linear(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Fold a transpose before a linear layer into the columns of its weight."""
    layer = net.layers[index]
    if layer["op"] != "linear" or net.parts(index) != 1:
        return False
    (source,) = layer["inputs"]
    if source == INPUT or net.layers[source]["op"] not in _MOVES:
        return False
    order = _order(net.layers[source])
    weight = net.of(index)["weight"]
    moved = torch.empty_like(weight)
    moved[:, order] = weight
    net.keep(index, weight=moved)
    layer["inputs"] = list(net.layers[source]["inputs"])
    return True


def _order(layer: dict[str, Any]) -> Tensor:
    """Return, for each value of a transpose's output, its place in the input."""
    return _moved(layer, torch.arange(int(layer["size"]), dtype=torch.float64)).long()


def _move_into_linear_before(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Fold a transpose after a linear layer into the rows of its weight."""
    layer = net.layers[index]
    if layer["op"] not in _MOVES:
        return False
    source = _source(net, index, users)
    while source is not None and net.layers[source]["op"] in _ALONE:
        source = _source(net, source, users)
    if source is None or net.layers[source]["op"] != "linear" or net.parts(source) != 1:
        return False
    order = _order(layer)
    weights = net.of(source)
    net.keep(source, weight=weights["weight"][order], bias=weights["bias"][order])
    net.reroute(index, layer["inputs"][0])
    return True


def _pad_into_conv(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Fold zeros around an image into the padding of the convolution that reads it."""
    layer = net.layers[index]
    source = layer["inputs"][0] if layer["op"] == "conv" else INPUT
    if source == INPUT or net.layers[source]["op"] != "pad" or net.layers[source].get("value", 0):
        return False
    added = _rows_and_columns(net, source, layer["from"])
    if added is None:
        return False
    (top, bottom), (left, right) = added
    height, width, channels = layer["from"]
    pads = layer.get("pads", [1, 1, 1, 1])
    layer["from"] = [height - top - bottom, width - left - right, channels]
    layer["pads"] = [p + q for p, q in zip(pads, (top, left, bottom, right), strict=True)]
    layer["inputs"] = list(net.layers[source]["inputs"])
    return True


def _rows_and_columns(
    net: _Net, index: int, image: list[int]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return what a pad adds to an image (h, w, channels): rows and columns before and after."""
    layer = net.layers[index]
    if layer["axis"] != "width":
        return None
    height, width, channels = image
    before, after = int(layer["before"]), int(layer["after"])
    for parts, unit in ((1, width * channels), (height, channels)):
        if net.parts(index) == parts and before % unit == 0 and after % unit == 0:
            added = before // unit, after // unit
            return (added, (0, 0)) if parts == 1 else ((0, 0), added)
    return None


def _crop_into_transpose(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Fold the crop of a transposed convolution's image into its padding."""
    layer = net.layers[index]
    source = _source(net, index, users)
    if layer["op"] != "slice" or layer["axis"] != "width" or layer.get("step", 1) != 1:
        return False
    if source is None or net.layers[source]["op"] != "conv_transpose":
        return False
    convolution = net.layers[source]
    height, width, channels = convolution["to"]
    start, count, parts = int(layer["start"]), net.width(index), net.parts(index)
    pads = list(convolution.get("pads", [0, 0, 0, 0]))
    for axis, (rows, unit, side) in enumerate(
        ((1, width * channels, height), (height, channels, width))
    ):
        if parts != rows or start % unit or count % unit:
            continue
        first, kept = start // unit, count // unit
        pads[axis] += first
        pads[axis + 2] += side - first - kept
        to = list(convolution["to"])
        to[axis] = kept
        size = to[0] * to[1] * channels
        net.layers[source] = {**convolution, "to": to, "pads": pads, "size": size}
        net.layers[source]["parts"] = to[0] * to[1]
        net.reroute(index, source)
        return True
    return False


def _doubled(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Replace a convolution of 3 × 3 over an image of doubled pixels."""
    layer = net.layers[index]
    if layer["op"] != "conv" or layer["inputs"][0] == INPUT:
        return False
    source = net.layers[layer["inputs"][0]]
    if source["op"] != "resize" or source["mode"] != "nearest":
        return False
    height, width, channels = source["from"]
    whole = [2 * height, 2 * width, channels]
    stride = layer.get("stride", 1)
    plain = (
        list(layer.get("kernel", [3, 3])) == [3, 3]
        and list(layer.get("pads", [1] * 4)) == [1] * 4
        and list(layer.get("dilation", [1, 1])) == [1, 1]
        and layer.get("groups", 1) == 1
        and stride in (1, [1, 1])
        and list(source["to"]) == whole == list(layer["from"])
        and all(_is_doubled(source, axis) for axis in (0, 1))
    )
    if not plain:
        return False
    kept = ("size", "parts", "weight", "bias", "to")
    net.layers[index] = {name: layer[name] for name in kept if name in layer}
    net.layers[index] |= {
        "op": "resize_conv",
        "from": list(source["from"]),
        "inputs": list(source["inputs"]),
    }
    return True


def _is_doubled(layer: dict[str, Any], axis: int) -> bool:
    side = int(layer["from"][axis])
    at = rounded(places(layer, axis), layer.get("rounding", "round_prefer_floor"))
    return bool((np.clip(at, 0, side - 1) == np.arange(2 * side) // 2).all())


def _whole(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Remove slices that are joined again."""
    layer = net.layers[index]
    if layer["op"] != "concat" or net.parts(index) != 1:
        return False
    slices = [net.layers[one] for one in layer["inputs"] if one != INPUT]
    first = slices[0]["inputs"] if slices else []
    place = 0
    for one in slices:
        plain = one["op"] == "slice" and one["axis"] == "width" and one.get("step", 1) == 1
        if not plain or one.get("parts", 1) != 1 or one["inputs"] != first or one["start"] != place:
            return False
        place += int(one["size"])
    if len(slices) != len(layer["inputs"]) or place != net.size_of(first[0]):
        return False
    net.reroute(index, first[0])
    return True


def _heads(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Join linear layers that read the same and are joined."""
    layer = net.layers[index]
    if layer["op"] != "concat" or net.parts(index) != 1 or len(set(layer["inputs"])) < 2:
        return False
    if any(one == INPUT or len(users[one]) != 1 for one in layer["inputs"]):
        return False
    heads = [net.layers[one] for one in layer["inputs"]]
    if any(
        one["op"] != "linear" or one.get("parts", 1) != 1 or one["inputs"] != heads[0]["inputs"]
        for one in heads
    ):
        return False
    arrays = [net.of(one) for one in layer["inputs"]]
    net.layers[index] = {"op": "linear", "size": layer["size"], "inputs": heads[0]["inputs"]}
    joined = {kind: torch.cat([one[kind] for one in arrays]) for kind in ("weight", "bias")}
    net.keep(index, **joined)
    return True


def _gated(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Replace the first half of each part times the sigmoid of the second half."""
    layer = net.layers[index]
    if layer["op"] != "product" or len(layer["inputs"]) != 2 or INPUT in layer["inputs"]:
        return False
    for values, gate in (layer["inputs"], layer["inputs"][::-1]):
        if net.layers[gate]["op"] != "sigmoid" or net.layers[gate]["inputs"] == [INPUT]:
            continue
        halves = [net.layers[values], net.layers[net.layers[gate]["inputs"][0]]]
        width = int(layer["size"]) // int(halves[0].get("parts", 1))
        parts = int(layer["size"]) // width
        same = all(
            one["op"] == "slice"
            and one["axis"] == "width"
            and one.get("step", 1) == 1
            and one.get("parts", 1) == parts
            and one["inputs"] == halves[0]["inputs"]
            and one["start"] == k * width
            and one["size"] == layer["size"]
            for k, one in enumerate(halves)
        )
        if same and net.size_of(halves[0]["inputs"][0]) == 2 * int(layer["size"]):
            net.layers[index] = {
                "op": "gated",
                "size": layer["size"],
                "inputs": list(halves[0]["inputs"]),
                "parts": parts,
            }
            return True
    return False


def _factors(net: _Net, index: int) -> tuple[float, list[int]]:
    """Return the number and the layers whose product a layer is; sums are layers of their own."""
    layer = net.layers[index] if index != INPUT else {}
    value = _number(net, index)
    if layer.get("op") == "product" and value is not None:
        factor, found = _factors(net, layer["inputs"][0])
        return factor * value, found
    if layer.get("op") == "quotient" and value and not layer.get("reversed", False):
        factor, found = _factors(net, layer["inputs"][0])
        return factor / value, found
    if layer.get("op") == "product" and "values" not in layer:
        sizes = {net.size_of(one) for one in layer["inputs"]}
        if sizes == {layer["size"]}:
            left, right = (_factors(net, one) for one in layer["inputs"])
            return left[0] * right[0], left[1] + right[1]
    return 1.0, [index]


def _number(net: _Net, index: int) -> float | None:
    """Return the number that a layer combines its input with, if it is one."""
    if index == INPUT or "values" not in net.layers[index]:
        return None
    values = net.of(index)["values"]
    return float(values) if values.numel() == 1 else None


def _gelu(net: _Net, index: int, users: list[list[int]]) -> bool:
    """Replace ½ x (1 + erf(x / √2)), in whatever order it is multiplied."""
    if net.layers[index]["op"] != "product":
        return False
    factor, found = _factors(net, index)
    if len(found) != 2 or abs(factor - 0.5) > 1e-6:
        return False
    for x, gate in (found, found[::-1]):
        if gate == INPUT or net.layers[gate]["op"] != "sum" or _number(net, gate) != 1:
            continue
        inner = net.layers[gate]["inputs"][0]
        if inner == INPUT or net.layers[inner]["op"] != "erf":
            continue
        scale, of = _factors(net, net.layers[inner]["inputs"][0])
        if of == [x] and abs(scale * 2**0.5 - 1) < 1e-6:
            size = net.layers[index]["size"]
            net.layers[index] = {"op": "gelu", "size": size, "inputs": [x], "approximate": "none"}
            return True
    return False


RULES: tuple[Rule, ...] = (
    _gelu,
    _scale_into_weights,
    _silu,
    _undo,
    _move_into_linear,
    _move_into_linear_before,
    _pad_into_conv,
    _crop_into_transpose,
    _doubled,
    _whole,
    _heads,
    _gated,
)
