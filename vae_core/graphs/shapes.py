"""Rules of shapes: the size of an operation's output, and the shapes of its weights.

A rule reads the attributes of a layer and the sizes of its inputs, in values per example. It raises
ConfigError where an attribute is missing or not allowed, or does not fit the sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vae_core.errors import ConfigError

Layer = Mapping[str, Any]
#: Shapes of the arrays that a layer needs, by their names in the layer.
WeightShapes = dict[str, tuple[int, ...]]
Rule = Callable[[Layer, Sequence[int]], tuple[int, WeightShapes]]

#: The largest side, kernel, stride, number of parts and the like.
MAX_SIDE = 2**24

COORDINATES = (
    "half_pixel",
    "pytorch_half_pixel",
    "half_pixel_symmetric",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def need(condition: bool, message: str) -> None:
    """Raise ConfigError with a message unless the condition holds."""
    if not condition:
        raise ConfigError(message)


def integers(
    layer: Layer, name: str, count: int, *, low: int = 1, default: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Return an attribute of ``count`` integers of at least ``low``."""
    value = layer.get(name, default)
    good = (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) == count
        and all(type(one) is int and low <= one <= MAX_SIDE for one in value)
    )
    need(good, f"{name} {_short(value)}: {count} integers from {low} are allowed")
    assert value is not None
    return tuple(value)


def integer(
    layer: Layer, name: str, *, low: int = 1, high: int = MAX_SIDE, default: int | None = None
) -> int:
    """Return an attribute that is an integer from ``low`` to ``high``."""
    value = layer.get(name, default)
    good = type(value) is int and low <= value <= high
    need(good, f"{name} {_short(value)}: an integer from {low} to {high} is allowed")
    assert isinstance(value, int)
    return value


def number(layer: Layer, name: str, default: float | None = None) -> float:
    """Return an attribute that is a finite number."""
    value = layer.get(name, default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    need(good, f"{name} {_short(value)}: a finite number is needed")
    assert value is not None
    return float(value)


def choice(layer: Layer, name: str, allowed: Sequence[str], default: str | None = None) -> str:
    """Return an attribute that is one of some words."""
    value = layer.get(name, default)
    need(value in allowed, f"{name} {_short(value)}: allowed are {', '.join(allowed)}")
    return str(value)


def steps(layer: Layer) -> tuple[int, int]:
    """Return the stride of both axes."""
    stride = layer.get("stride", 1)
    return pair(integers({"stride": _twice(stride)}, "stride", 2))


def pair(values: Sequence[int]) -> tuple[int, int]:
    """Return two values as a pair."""
    first, second = values
    return first, second


def width_of(layer: Layer, size: int, what: str = "an input") -> int:
    """Return the values in one part of ``size`` values."""
    parts = int(layer.get("parts", 1))
    need(size % parts == 0, f"{what} of {size} values is not of {parts} equal parts")
    return size // parts


#: Attributes of a network with an input that is a label.
LABELLED = ("label", "one_hot", "classes")


def foreign(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a whole network that is not of our operations: its size is as it is stated."""
    for name in ("outputs", "operators"):
        names = layer.get(name)
        good = isinstance(names, Sequence) and all(isinstance(one, str) for one in names)
        need(good and not isinstance(names, str), f"{name} {_short(names)}: names are needed")
    for name in ("entry", *(("label",) if "label" in layer else ())):
        need(isinstance(layer.get(name), str), f"{name}: a name is needed")
    sides = layer.get("shape")
    need(isinstance(sides, Sequence) and len(sides) < 8, f"shape {_short(sides)}: sides are needed")
    assert sides is not None
    shape = integers(layer, "shape", len(sides))
    need(math.prod(shape) == sizes[0], f"shape {list(shape)} where {sizes[0]} values are read")
    if "label" in layer:
        integer(layer, "classes", low=2)
        need(type(layer.get("one_hot")) is bool, "one_hot: true or false is needed")
    integer(layer, "parameters", low=0, high=2**40)
    return int(layer["size"]), {"file": (integer(layer, "bytes", high=2**30),)}


def unary(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of an operation on each value alone."""
    return sizes[0], {}


def numbers(**defaults: float | None) -> Rule:
    """Return the rule of an operation on each value alone that has numbers as attributes."""

    def rule(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
        for name, default in defaults.items():
            number(layer, name, default)
        return unary(layer, sizes)

    return rule


def clip(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of an operation with optional limits."""
    for name in ("low", "high"):
        if name in layer:
            number(layer, name)
    return unary(layer, sizes)


def gelu(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of an activation with an exact and an approximate form."""
    choice(layer, "approximate", ("none", "tanh"), "none")
    return unary(layer, sizes)


def linear(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of W x + b for each part."""
    width = width_of(layer, layer["size"])
    return layer["size"], {"weight": (width, width_of(layer, sizes[0])), "bias": (width,)}


def affine(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a scale and a shift for each place of the width."""
    width = width_of(layer, sizes[0])
    return sizes[0], {"weight": (width,), "bias": (width,)}


def add(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a shift of each value."""
    return sizes[0], {"bias": (sizes[0],)}


def image_sides(layer: Layer, sizes: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return ``from`` and ``to``, each (h, w, channels); ``from`` fits the input."""
    source, target = integers(layer, "from", 3), integers(layer, "to", 3)
    need(math.prod(source) == sizes[0], f"from {list(source)} is not the input's {sizes[0]} values")
    return source, target


def _window(layer: Layer, *, kernel: Sequence[int] | None, pads: Sequence[int]) -> list[list[int]]:
    """Return kernel, stride, pads before, pads after and dilation of each axis."""
    k = integers(layer, "kernel", 2, default=kernel)
    p = integers(layer, "pads", 4, low=0, default=pads)
    d = integers(layer, "dilation", 2, default=(1, 1))
    s = steps(layer)
    return [[k[a], s[a], p[a], p[a + 2], d[a]] for a in range(2)]


def conv(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a convolution."""
    source, target = image_sides(layer, sizes)
    axes = _window(layer, kernel=(3, 3), pads=(1, 1, 1, 1))
    for side, result, (k, s, before, after, d) in zip(source, target, axes, strict=False):
        room = side + before + after - d * (k - 1) - 1
        need(
            room >= 0 and room // s + 1 == result,
            f"to {list(target)} is not what the kernel makes of {list(source)}",
        )
    return math.prod(target), _kernels(layer, axes, inputs=source[2], outputs=target[2])


def conv_transpose(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a transposed convolution."""
    source, target = image_sides(layer, sizes)
    axes = _window(layer, kernel=None, pads=(0, 0, 0, 0))
    for side, result, (k, s, before, after, d) in zip(source, target, axes, strict=False):
        extra = result - ((side - 1) * s + d * (k - 1) + 1 - before - after)
        need(
            0 <= extra < max(s, d),
            f"to {list(target)} is not what the kernel makes of {list(source)}",
        )
    weights = _kernels(layer, axes, inputs=target[2], outputs=source[2])
    return math.prod(target), {**weights, "bias": (target[2],)}


def _kernels(layer: Layer, axes: list[list[int]], *, inputs: int, outputs: int) -> WeightShapes:
    groups = integer(layer, "groups", default=1)
    need(
        inputs % groups == 0 and outputs % groups == 0,
        f"groups {groups} do not divide {inputs} and {outputs} channels",
    )
    return {"weight": (outputs, axes[0][0], axes[1][0], inputs // groups), "bias": (outputs,)}


def resize_conv(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a convolution of 3 × 3 over an image whose pixels are doubled."""
    source, target = image_sides(layer, sizes)
    for side, result in zip(source[:2], target[:2], strict=True):
        need(result in (2 * side - 1, 2 * side), f"to {list(target)} is not twice {list(source)}")
    return math.prod(target), {"weight": (target[2], 3, 3, source[2]), "bias": (target[2],)}


def pool(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of pooling; the last windows may reach beyond the padding."""
    source, target = image_sides(layer, sizes)
    need("dilation" not in layer, "dilation is not an attribute of pooling")
    need(
        isinstance(layer.get("count_include_pad", False), bool),
        "count_include_pad: true or false is allowed",
    )
    need(source[2] == target[2], f"to {list(target)} has not the channels of {list(source)}")
    axes = _window(layer, kernel=None, pads=(0, 0, 0, 0))
    for side, result, (k, s, before, after, _) in zip(source, target, axes, strict=False):
        room = side + before + after - k
        good = before < k and after < k and (result - 1) * s < side + before
        need(
            good and result in (room // s + 1, -(-room // s) + 1),
            f"to {list(target)} is not what the kernel makes of {list(source)}",
        )
    return math.prod(target), {}


def resize(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of resizing."""
    source, target = image_sides(layer, sizes)
    need(source[2] == target[2], f"to {list(target)} has not the channels of {list(source)}")
    choice(layer, "mode", ("nearest", "linear"))
    choice(layer, "coordinates", COORDINATES)
    choice(layer, "rounding", ROUNDINGS, ROUNDINGS[0])
    if "scales" in layer:
        scales = layer["scales"]
        need(
            isinstance(scales, Sequence)
            and len(scales) == 2
            and all(isinstance(s, int | float) and 0 < s < math.inf for s in scales),
            f"scales {_short(scales)}: two positive numbers are allowed",
        )
    return math.prod(target), {}


def normalize(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of normalization over groups of channels, channels, or trailing values."""
    kind = choice(layer, "kind", ("group", "instance", "layer"))
    need(number(layer, "epsilon") >= 0, "epsilon is below 0")
    scaled = width_of(layer, sizes[0])
    if kind == "group":
        groups = integer(layer, "groups")
        need(scaled % groups == 0, f"groups {groups} do not divide {scaled} channels")
    if kind == "layer":
        scaled = integer(layer, "over")
        need(sizes[0] % scaled == 0, f"over {scaled} does not divide {sizes[0]} values")
    return sizes[0], {"weight": (scaled,), "bias": (scaled,)}


def binary(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of arithmetic of two inputs, or of one and constant ``values``.

    An operand has as many values as the output, as many as its width, or one. The rule expects the
    shape of ``values`` to have been added to ``sizes``.
    """
    size = layer["size"]
    allowed = (size, width_of(layer, size), 1)
    need(
        all(one in allowed for one in sizes) and size in sizes,
        f"operands of {' and '.join(map(str, sizes))} values make none of {size}",
    )
    need(isinstance(layer.get("reversed", False), bool), "reversed: true or false is allowed")
    return size, {}


def concat(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of joining along the width or the parts."""
    if choice(layer, "axis", ("width", "parts")) == "width":
        for one in sizes:
            width_of(layer, one)
    else:
        width = width_of(layer, layer["size"])
        need(all(one % width == 0 for one in sizes), f"inputs are not of parts of {width} values")
    return sum(sizes), {}


def slice_(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of choosing places of the width or of the parts."""
    parts, size = layer.get("parts", 1), layer["size"]
    width = width_of(layer, size)
    if choice(layer, "axis", ("width", "parts")) == "width":
        places, chosen = width_of(layer, sizes[0]), width
    else:
        need(sizes[0] % width == 0, f"an input of {sizes[0]} values has no parts of {width}")
        places, chosen = sizes[0] // width, parts
    start = integer(layer, "start", low=0)
    step = integer(layer, "step", low=-MAX_SIDE, default=1)
    last = start + (chosen - 1) * step
    need(
        step != 0 and start < places and 0 <= last < places,
        f"{chosen} of {places} places from {start} by {step} do not exist",
    )
    return size, {}


def pad(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of adding places before and after along the width or the parts."""
    added = integer(layer, "before", low=0) + integer(layer, "after", low=0)
    number(layer, "value", 0)
    if choice(layer, "axis", ("width", "parts")) == "width":
        return sizes[0] + added * int(layer.get("parts", 1)), {}
    return sizes[0] + added * width_of(layer, layer["size"]), {}


def permute(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a transpose of any number of axes."""
    shape = layer.get("shape", ())
    need(isinstance(shape, Sequence) and len(shape) <= 8, f"shape {_short(shape)}: up to 8 axes")
    shape = integers(layer, "shape", len(shape))
    order = integers(layer, "order", len(shape), low=0)
    need(sorted(order) == list(range(len(shape))), f"order {list(order)} is no order of the axes")
    need(math.prod(shape) == sizes[0], f"shape {list(shape)} is not the input's {sizes[0]} values")
    return sizes[0], {}


def swap(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of the transpose of rows and columns of blocks."""
    sides = integers(layer, "sides", 3)
    need(math.prod(sides) == sizes[0], f"sides {list(sides)} are not the input's {sizes[0]} values")
    return sizes[0], {}


def matmul(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of the product of two inputs, (parts, k) and (k, width)."""
    k, width = width_of(layer, sizes[0]), width_of(layer, layer["size"])
    need(k * width == sizes[1], f"the second input has {sizes[1]} values where {k} × {width} fit")
    return layer["size"], {}


def reduction(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a mean or sum: one value for each part, or for each place of the width."""
    size = layer["size"]
    if choice(layer, "axis", ("width", "parts")) == "width":
        need(size == layer.get("parts", 1), f"{size} values are not one for each part")
    else:
        need(layer.get("parts", 1) == 1, "a reduction over the parts has one part")
    need(sizes[0] % size == 0, f"an input of {sizes[0]} values is not reduced to {size}")
    return size, {}


def softmax(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of an operation within each part."""
    width_of(layer, sizes[0])
    return sizes[0], {}


def constant(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of values that depend on no input."""
    return layer["size"], {"values": (layer["size"],)}


def label(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of appending the one-hot label to each part; without inputs, of the label alone."""
    classes = integer(layer, "classes")
    if not sizes:
        return classes, {}
    width = width_of(layer, sizes[0])
    return int(layer.get("parts", 1)) * (width + classes), {}


def recurrent(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of a gated recurrent unit over the parts."""
    width, units = width_of(layer, sizes[0]), width_of(layer, layer["size"])
    shapes: WeightShapes = {"weight_ih": (3 * units, width), "weight_hh": (3 * units, units)}
    return layer["size"], {**shapes, "bias_ih": (3 * units,), "bias_hh": (3 * units,)}


def repeat(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of repeating the input for each part."""
    return sizes[0] * int(layer.get("parts", 1)), {}


def last(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of the last of some rows."""
    rows = integer(layer, "rows")
    need(sizes[0] % rows == 0, f"an input of {sizes[0]} values is not of {rows} equal rows")
    return sizes[0] // rows, {}


def gated(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of the first half of each part times the sigmoid of the second half."""
    need(width_of(layer, sizes[0]) % 2 == 0, "the width of the input is odd")
    return sizes[0] // 2, {}


def symmetric(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of the mean of a square matrix and its transpose."""
    side = integer(layer, "side")
    need(sizes[0] % side**2 == 0, f"an input of {sizes[0]} values has no sides of {side}")
    return sizes[0], {}


def soft_clamp_logvar(layer: Layer, sizes: Sequence[int]) -> tuple[int, WeightShapes]:
    """Rule of limiting the second half of the values."""
    need(number(layer, "low") < number(layer, "high"), "low is not below high")
    need(sizes[0] % 2 == 0, "the number of values is odd")
    return sizes[0], {}


def _twice(value: Any) -> Any:
    return [value, value] if isinstance(value, int) else value


def _short(value: object) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) < 60 else text[:57] + "..."
