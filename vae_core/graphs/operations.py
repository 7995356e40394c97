"""The operations that networks are made of, in PyTorch.

An operation reads and writes a fixed number of values for each example, in ``parts`` rows of equal
width: one row, the rows of an image, or its pixels with their channels side by side. The browser's
operations of the same names are in ``browser/model``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import ConfigError
from vae_core.graphs import foreign, shapes
from vae_core.graphs.shapes import Layer, Rule

#: Below this logit the mean of the continuous Bernoulli is computed by its series.
SMALL_LOGIT = 0.05

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Operands:
    """What an operation reads: inputs (n, size) each, weights by kind, labels (n,) or None."""

    inputs: Sequence[Tensor]
    weights: Weights
    label: Tensor | None

    @property
    def x(self) -> Tensor:
        """The first input, (n, size)."""
        return self.inputs[0]


#: From a layer and what it reads to its output (n, size).
Run = Callable[[Layer, Operands], Tensor]


@dataclass(frozen=True)
class Operation:
    """Operation with the rule of its shapes.

    Attributes
    ----------
    inputs
        Fewest and most inputs.
    attributes
        Names of what a layer of this operation may have besides ``op``, ``size``, ``parts``,
        ``inputs`` and its weights.
    """

    run: Run
    rule: Rule
    attributes: tuple[str, ...] = ()
    inputs: tuple[int, int] = (1, 1)


def shaped(x: Tensor, *sides: int) -> Tensor:
    """View (n, size) as (n, *sides); one side may be -1."""
    view: Tensor = x.unflatten(1, sides)  # type: ignore[no-untyped-call]
    return view


def rows(layer: Layer, x: Tensor) -> Tensor:
    """View (n, size) as (n, parts, width)."""
    return shaped(x, layer.get("parts", 1), -1)


def _image(sides: Sequence[int], x: Tensor) -> Tensor:
    """View (n, h · w · channels) as maps (n, channels, h, w), channels last in memory."""
    return shaped(x, *sides).permute(0, 3, 1, 2)


def _flat(maps: Tensor) -> Tensor:
    """Flatten maps (n, channels, h, w) to (n, h · w · channels)."""
    return maps.permute(0, 2, 3, 1).flatten(1)


def _elementwise(function: Callable[[Tensor], Tensor]) -> Run:
    return lambda layer, given: function(given.x)


def _unary(function: Callable[[Tensor], Tensor]) -> Operation:
    return Operation(_elementwise(function), shapes.unary)


def _linear(layer: Layer, given: Operands) -> Tensor:
    return F.linear(rows(layer, given.x), given.weights["weight"], given.weights["bias"]).flatten(1)


def _affine(layer: Layer, given: Operands) -> Tensor:
    return (rows(layer, given.x) * given.weights["weight"] + given.weights["bias"]).flatten(1)


def _conv(layer: Layer, given: Operands) -> Tensor:
    maps = _image(layer["from"], given.x)
    top, left, bottom, right = layer.get("pads", (1, 1, 1, 1))
    if (top, left) != (bottom, right):
        maps = F.pad(maps, (left, right, top, bottom))
        top = left = 0
    weight = given.weights["weight"].permute(0, 3, 1, 2)
    convolved = F.conv2d(
        maps,
        weight,
        given.weights["bias"],
        stride=shapes.steps(layer),
        padding=(top, left),
        dilation=shapes.pair(layer.get("dilation", (1, 1))),
        groups=layer.get("groups", 1),
    )
    return _flat(convolved)


def _conv_transpose(layer: Layer, given: Operands) -> Tensor:
    maps = _image(layer["from"], given.x)
    target, (top, left, _, _) = layer["to"], layer.get("pads", (0, 0, 0, 0))
    # The weight (inputs, kh, kw, outputs / groups) has the outputs last.
    whole = F.conv_transpose2d(
        maps,
        given.weights["weight"].permute(0, 3, 1, 2),
        stride=shapes.steps(layer),
        dilation=shapes.pair(layer.get("dilation", (1, 1))),
        groups=layer.get("groups", 1),
    )
    cut = whole[:, :, top : top + target[0], left : left + target[1]]
    missing = (0, target[1] - cut.shape[3], 0, target[0] - cut.shape[2])
    filled = F.pad(cut, missing) if any(missing) else cut
    return _flat(filled + given.weights["bias"][:, None, None])


def _resize_conv(layer: Layer, given: Operands) -> Tensor:
    maps = _image(layer["from"], given.x)
    height, width, _ = layer["to"]
    doubled = maps.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :height, :width]
    weight = given.weights["weight"].permute(0, 3, 1, 2)
    return _flat(F.conv2d(doubled, weight, given.weights["bias"], padding=1))


def _windows(layer: Layer, maps: Tensor, value: float) -> Tensor:
    """Pad maps so that exactly the windows of a pooling layer fit."""
    height, width, _ = layer["to"]
    (tall, wide), (down, across) = layer["kernel"], shapes.steps(layer)
    top, left, _, _ = layer.get("pads", (0, 0, 0, 0))
    bottom = (height - 1) * down + tall - top - maps.shape[2]
    right = (width - 1) * across + wide - left - maps.shape[3]
    return F.pad(maps, (left, right, top, bottom), value=value)


def _max_pool(layer: Layer, given: Operands) -> Tensor:
    maps = _windows(layer, _image(layer["from"], given.x), -math.inf)
    return _flat(F.max_pool2d(maps, tuple(layer["kernel"]), shapes.steps(layer)))


def _average_pool(layer: Layer, given: Operands) -> Tensor:
    maps = _image(layer["from"], given.x)
    kernel, stride = shapes.pair(layer["kernel"]), shapes.steps(layer)
    top, left, bottom, right = layer.get("pads", (0, 0, 0, 0))
    counted = torch.ones_like(maps[:1, :1])
    if layer.get("count_include_pad", False):
        counted = F.pad(counted, (left, right, top, bottom), value=1.0)
        bordered = {**layer, "pads": (0, 0, 0, 0)}
        counts = _windows(bordered, counted, 0.0)
    else:
        counts = _windows(layer, counted, 0.0)
    means = F.avg_pool2d(_windows(layer, maps, 0.0), kernel, stride)
    return _flat(means / F.avg_pool2d(counts, kernel, stride))


def places(layer: Layer, axis: int) -> NDArray[np.float64]:
    """Return the place in the input of each place of one axis of a resized image.

    The formulas are those of ``coordinate_transformation_mode`` in the ONNX specification.
    """
    before, after = int(layer["from"][axis]), int(layer["to"][axis])
    scale = float(layer["scales"][axis]) if "scales" in layer else after / before
    at: NDArray[np.float64] = np.arange(after, dtype=np.float64)
    half: NDArray[np.float64] = (at + 0.5) / scale - 0.5
    coordinates = layer["coordinates"]
    if coordinates == "asymmetric":
        return at / scale
    if coordinates == "tf_half_pixel_for_nn":
        return half + 0.5
    if coordinates == "align_corners":
        return at * ((before - 1) / (after - 1)) if after > 1 else at
    if coordinates == "pytorch_half_pixel" and after == 1:
        return np.zeros(1)
    if coordinates == "half_pixel_symmetric":
        return half + before / 2 * (1 - after / (scale * before))
    return half


def rounded(places: NDArray[np.float64], rounding: str) -> NDArray[np.float64]:
    """Round places as ``nearest_mode`` of the ONNX specification says."""
    if rounding == "round_prefer_floor":
        return np.ceil(places - 0.5)
    if rounding == "round_prefer_ceil":
        return np.floor(places + 0.5)
    return np.floor(places) if rounding == "floor" else np.ceil(places)


def _resize(layer: Layer, given: Operands) -> Tensor:
    image = shaped(given.x, *layer["from"])
    for axis in (0, 1):
        at, last = places(layer, axis), layer["from"][axis] - 1

        def chosen(
            index: NDArray[np.float64], image: Tensor = image, axis: int = axis, last: int = last
        ) -> Tensor:
            places = np.clip(index, 0, last).astype(np.int64)
            return image.index_select(axis + 1, torch.from_numpy(places).to(image.device))

        if layer["mode"] == "nearest":
            image = chosen(rounded(at, layer.get("rounding", "round_prefer_floor")))
            continue
        low = np.floor(at)
        share = torch.from_numpy(at - low).to(image).reshape(-1, *[1] * (2 - axis))
        image = chosen(low) * (1 - share) + chosen(low + 1) * share
    return image.flatten(1)


def _normalize(layer: Layer, given: Operands) -> Tensor:
    x, epsilon = given.x, layer["epsilon"]
    if layer["kind"] == "layer":
        over = [layer["over"]]
        grouped = shaped(x, -1, layer["over"])
        return F.layer_norm(
            grouped, over, given.weights["weight"], given.weights["bias"], epsilon
        ).flatten(1)
    each = rows(layer, x)
    groups = each.shape[2] if layer["kind"] == "instance" else layer["groups"]
    channels = each.transpose(1, 2)
    scaled = F.group_norm(channels, groups, given.weights["weight"], given.weights["bias"], epsilon)
    return scaled.transpose(1, 2).flatten(1)


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def run(layer: Layer, given: Operands) -> Tensor:
        operands = list(given.inputs)
        if "values" in given.weights:
            values = given.weights["values"].reshape(1, -1)
            operands = (
                [values, *given.inputs] if layer.get("reversed", False) else [*given.inputs, values]
            )
        left, right = (_spread(layer, one) for one in operands)
        return function(left, right).flatten(1)

    return Operation(run, shapes.binary, ("reversed",), (1, 2))


def _spread(layer: Layer, operand: Tensor) -> Tensor:
    """View an operand of all values, of a width or of one value as (n, parts, width)."""
    whole = operand.shape[1] == layer["size"]
    return rows(layer, operand) if whole else operand[:, None]


def _concat(layer: Layer, given: Operands) -> Tensor:
    if layer["axis"] == "parts":
        return torch.cat(list(given.inputs), dim=1)
    return torch.cat([rows(layer, one) for one in given.inputs], dim=2).flatten(1)


def _slice(layer: Layer, given: Operands) -> Tensor:
    parts, size = layer.get("parts", 1), layer["size"]
    start, step = layer["start"], layer.get("step", 1)
    if layer["axis"] == "width":
        x, axis, count = rows(layer, given.x), 2, size // parts
    else:
        x, axis, count = shaped(given.x, -1, size // parts), 1, parts
    if step < 0:
        chosen = torch.arange(start, start + count * step, step, device=x.device)
        return x.index_select(axis, chosen).flatten(1)
    length = (count - 1) * step + 1
    cut = x.narrow(axis, start, length)
    return (cut[:, :, ::step] if axis == 2 else cut[:, ::step]).flatten(1)


def _pad(layer: Layer, given: Operands) -> Tensor:
    before, after, value = layer["before"], layer["after"], layer.get("value", 0.0)
    if layer["axis"] == "width":
        return F.pad(rows(layer, given.x), (before, after), value=value).flatten(1)
    width = layer["size"] // layer.get("parts", 1)
    return F.pad(given.x, (before * width, after * width), value=value)


def _permute(layer: Layer, given: Operands) -> Tensor:
    array = shaped(given.x, *layer["shape"])
    return array.permute(0, *(axis + 1 for axis in layer["order"])).flatten(1)


def _swap(layer: Layer, given: Operands) -> Tensor:
    return shaped(given.x, *layer["sides"]).transpose(1, 2).flatten(1)


def _matmul(layer: Layer, given: Operands) -> Tensor:
    left = rows(layer, given.x)
    right = shaped(given.inputs[1], left.shape[2], -1)
    return (left @ right).flatten(1)


def _reduction(function: Callable[[Tensor, int], Tensor]) -> Operation:
    def run(layer: Layer, given: Operands) -> Tensor:
        if layer["axis"] == "width":
            return function(shaped(given.x, layer["size"], -1), 2)
        return function(shaped(given.x, -1, layer["size"]), 1)

    return Operation(run, shapes.reduction, ("axis",))


def _constant(layer: Layer, given: Operands) -> Tensor:
    return given.weights["values"].reshape(1, -1)


def _labels(layer: Layer, given: Operands) -> Tensor:
    """Return the labels, int64 (n,), checked."""
    label, classes = given.label, layer["classes"]
    if label is None:
        raise ConfigError("labels: this network needs one for each example")
    if len(label) and not 0 <= int(label.min()) <= int(label.max()) < classes:
        raise ConfigError(f"labels: integers from 0 to {classes - 1} are allowed")
    return label


def _foreign(layer: Layer, given: Operands) -> Tensor:
    labels = _labels(layer, given) if "label" in layer else None
    return foreign.run(layer, given.x, given.weights["file"], labels)


def _label(layer: Layer, given: Operands) -> Tensor:
    classes = layer["classes"]
    one_hot = F.one_hot(_labels(layer, given), classes)
    if not given.inputs:
        return one_hot.float()
    each = rows(layer, given.x)
    repeated = one_hot[:, None].expand(-1, each.shape[1], -1).to(each.dtype)
    return torch.cat([each, repeated], dim=2).flatten(1)


def _recurrent(layer: Layer, given: Operands) -> Tensor:
    x = rows(layer, given.x)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    start = x.new_zeros(1, len(x), given.weights["weight_hh"].shape[1])
    h, _ = torch.gru(
        x,
        start,
        [given.weights[name] for name in names],
        has_biases=True,
        num_layers=1,
        dropout=0.0,
        train=False,
        bidirectional=False,
        batch_first=True,
    )
    return h.flatten(1)


def _repeat(layer: Layer, given: Operands) -> Tensor:
    return given.x.repeat(1, layer.get("parts", 1))


def _last(layer: Layer, given: Operands) -> Tensor:
    return given.x[:, -layer["size"] :]


def _symmetric(layer: Layer, given: Operands) -> Tensor:
    matrices = shaped(given.x, -1, layer["side"], layer["side"])
    return (0.5 * (matrices + matrices.transpose(2, 3))).flatten(1)


def continuous_bernoulli_mean(logits: Tensor) -> Tensor:
    """Return 1 / (1 − e^−l) − 1 / l; near 0 its series, where both terms are large."""
    near = logits.abs() < SMALL_LOGIT
    safe = torch.where(near, 1.0, logits)
    exact = -1 / torch.expm1(-safe) - 1 / safe
    return torch.where(near, 0.5 + logits / 12 - logits**3 / 720, exact)


def _soft_clamp_logvar(layer: Layer, given: Operands) -> Tensor:
    mu, logvar = given.x.chunk(2, dim=1)
    capped = layer["high"] - F.softplus(layer["high"] - logvar)
    return torch.cat([mu, layer["low"] + F.softplus(capped - layer["low"])], dim=1)


_WINDOW = ("from", "to", "kernel", "stride", "pads")

#: Every operation by its name in a layer.
OPERATIONS: dict[str, Operation] = {
    "linear": Operation(_linear, shapes.linear),
    "affine": Operation(_affine, shapes.affine),
    "add": Operation(lambda layer, given: given.x + given.weights["bias"], shapes.add),
    "conv": Operation(_conv, shapes.conv, (*_WINDOW, "dilation", "groups")),
    "conv_transpose": Operation(
        _conv_transpose, shapes.conv_transpose, (*_WINDOW, "dilation", "groups")
    ),
    "resize_conv": Operation(_resize_conv, shapes.resize_conv, ("from", "to")),
    "max_pool": Operation(_max_pool, shapes.pool, _WINDOW),
    "average_pool": Operation(_average_pool, shapes.pool, (*_WINDOW, "count_include_pad")),
    "resize": Operation(
        _resize, shapes.resize, ("from", "to", "mode", "coordinates", "rounding", "scales")
    ),
    "normalize": Operation(_normalize, shapes.normalize, ("kind", "groups", "over", "epsilon")),
    "softmax": Operation(
        lambda layer, given: rows(layer, given.x).softmax(2).flatten(1),
        shapes.softmax,
    ),
    "sum": _binary(torch.add),
    "difference": _binary(torch.sub),
    "product": _binary(torch.mul),
    "quotient": _binary(torch.div),
    "power": _binary(torch.pow),
    "maximum": _binary(torch.maximum),
    "minimum": _binary(torch.minimum),
    "matmul": Operation(_matmul, shapes.matmul, (), (2, 2)),
    "mean": _reduction(lambda x, axis: x.mean(axis)),
    "reduce_sum": _reduction(lambda x, axis: x.sum(axis)),
    "concat": Operation(_concat, shapes.concat, ("axis",), (1, 256)),
    "slice": Operation(_slice, shapes.slice_, ("axis", "start", "stop", "step")),
    "pad": Operation(_pad, shapes.pad, ("axis", "before", "after", "value")),
    "permute": Operation(_permute, shapes.permute, ("shape", "order")),
    "swap": Operation(_swap, shapes.swap, ("sides",)),
    "repeat": Operation(_repeat, shapes.repeat),
    "last": Operation(_last, shapes.last, ("rows",)),
    "constant": Operation(_constant, shapes.constant, (), (0, 0)),
    "label": Operation(_label, shapes.label, ("classes",), (0, 1)),
    "recurrent": Operation(_recurrent, shapes.recurrent),
    # An ONNX file, which only a server can run.
    foreign.OP: Operation(
        _foreign,
        shapes.foreign,
        ("entry", "shape", "outputs", "bytes", "parameters", "operators", *shapes.LABELLED),
    ),
    "gated": Operation(
        lambda layer, given: F.glu(rows(layer, given.x)).flatten(1),
        shapes.gated,
    ),
    "symmetric": Operation(_symmetric, shapes.symmetric, ("side",)),
    "continuous_bernoulli_mean": _unary(continuous_bernoulli_mean),
    "soft_clamp_logvar": Operation(_soft_clamp_logvar, shapes.soft_clamp_logvar, ("low", "high")),
    "relu": _unary(F.relu),
    "tanh": _unary(torch.tanh),
    "sigmoid": _unary(torch.sigmoid),
    "silu": _unary(F.silu),
    "mish": _unary(F.mish),
    "softplus": _unary(F.softplus),
    "exp": _unary(torch.exp),
    "log": _unary(torch.log),
    "sqrt": _unary(torch.sqrt),
    "square": _unary(torch.square),
    "abs": _unary(torch.abs),
    "negative": _unary(torch.neg),
    "reciprocal": _unary(torch.reciprocal),
    "erf": _unary(torch.erf),
    "sin": _unary(torch.sin),
    "cos": _unary(torch.cos),
    "hard_swish": _unary(F.hardswish),
    "leaky_relu": Operation(
        lambda layer, given: F.leaky_relu(given.x, layer["slope"]),
        shapes.numbers(slope=None),
        ("slope",),
    ),
    "elu": Operation(
        lambda layer, given: F.elu(given.x, layer.get("alpha", 1.0)),
        shapes.numbers(alpha=1.0),
        ("alpha",),
    ),
    "gelu": Operation(
        lambda layer, given: F.gelu(given.x, approximate=layer.get("approximate", "none")),
        shapes.gelu,
        ("approximate",),
    ),
    "hard_sigmoid": Operation(
        lambda layer, given: torch.clamp(
            given.x * layer.get("alpha", 1 / 6) + layer.get("beta", 0.5), 0.0, 1.0
        ),
        shapes.numbers(alpha=1 / 6, beta=0.5),
        ("alpha", "beta"),
    ),
    "clip": Operation(
        lambda layer, given: given.x.clamp(
            layer.get("low", -math.inf), layer.get("high", math.inf)
        ),
        shapes.clip,
        ("low", "high"),
    ),
}
