"""Lower convolutions, pooling, resizing, normalization and recurrent units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vae_core.errors import OnnxError
from vae_core.formats.onnx_reading.arithmetic import (
    Inputs,
    along,
    constant,
    needed,
    optional,
    reduced,
)
from vae_core.formats.onnx_reading.engine import Engine, tensor
from vae_core.formats.onnx_reading.files import Node
from vae_core.formats.onnx_reading.values import NO_BATCH, Array, Flow, Reshaped, Value, contiguous
from vae_core.graphs.operations import places
from vae_core.graphs.shapes import COORDINATES, ROUNDINGS


@dataclass(frozen=True)
class Window:
    """Kernel, stride, padding and dilation over (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int]  # top, left, bottom, right
    dilation: tuple[int, int]

    def reach(self, axis: int) -> int:
        """Places from the first to the last that the kernel covers."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a layer."""
        return {
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "pads": list(self.pads),
        }


def _image(engine: Engine, node: Node, value: Value) -> Flow:
    """Return images (1, channels, h, w), channels last in memory; of signals, h is 1."""
    x = engine.flow(value)
    if len(x.shape) == 3 and x.batch <= 0:
        x = engine.flow(engine.reshaped(x, [*engine.logical(x)[:2], 1, x.shape[2]]))
    if len(x.shape) != 4 or x.batch > 0 or x.shape[0] != 1:
        raise OnnxError(
            f"{node.op}: images (batch, channels, height, width) or signals (batch, channels, "
            f"length) are needed, not {engine.shown(engine.logical(x))}"
        )
    return engine.arranged(x, [0, 2, 3, 1])


def _result(engine: Engine, layer: int, channels: int, sides: Sequence[int], rank: int) -> Value:
    flow = contiguous(layer, (1, channels, *sides), engine.first, [0, 2, 3, 1])
    if rank == 4:
        return flow
    return engine.reshaped(flow, [engine.batch, channels, sides[1]])


def _two(node: Node, name: str, default: int, rank: int, count: int = 1) -> list[int]:
    """Return an attribute of ``count`` numbers for each axis; those of signals for height too."""
    axes = rank - 2
    values = [int(n) for n in node.attributes.get(name, [default] * (axes * count))]
    if len(values) != axes * count or any(not 0 <= n <= 2**20 for n in values):
        raise OnnxError(f"{node.op}: {name} {values[:8]} are not {axes * count} sizes")
    if axes == 2:
        return values
    return [n for value in values for n in (default, value)]


def _window(node: Node, rank: int, kernel: Sequence[int] | None, sides: Sequence[int]) -> Window:
    if kernel is None:
        kernel = _two(node, "kernel_shape", 1, rank)
    stride = _two(node, "strides", 1, rank)
    dilation = _two(node, "dilations", 1, rank)
    pads = _two(node, "pads", 0, rank, 2)
    if min(*kernel, *stride, *dilation) < 1:
        raise OnnxError(f"{node.op}: kernel, strides and dilations are from 1")
    window = Window(
        (kernel[0], kernel[1]),
        (stride[0], stride[1]),
        (pads[0], pads[1], pads[2], pads[3]),
        (dilation[0], dilation[1]),
    )
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto == "VALID":
        return replace(window, pads=(0, 0, 0, 0))
    if auto in ("SAME_UPPER", "SAME_LOWER") and node.op != "ConvTranspose":
        before, after = [], []
        for axis in range(2):
            side, step = sides[axis], stride[axis]
            total = max(0, (-(-side // step) - 1) * step + window.reach(axis) - side)
            small, large = total // 2, total - total // 2
            before.append(small if auto == "SAME_UPPER" else large)
            after.append(large if auto == "SAME_UPPER" else small)
        return replace(window, pads=(before[0], before[1], after[0], after[1]))
    return window


def _kernels(node: Node, inputs: Inputs, rank: int) -> Array:
    """Return the weights (a, b, kh, kw)."""
    weight = constant(node, inputs, 1, "weights")
    if weight.ndim != rank or rank not in (3, 4):
        raise OnnxError(f"{node.op}: weights of shape {weight.shape} for a value of {rank} axes")
    return weight[:, :, None] if rank == 3 else weight


def conv(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Conv over images or signals."""
    given = needed(node, inputs, 0)
    rank = len(given.shape)
    x = _image(engine, node, given)
    weight = _kernels(node, inputs, rank)
    channels, height, width = x.shape[1:]
    outputs = len(weight)
    groups = int(node.attributes.get("group", 1))
    window = _window(node, rank, weight.shape[2:], (height, width))
    if groups < 1 or outputs % groups or weight.shape[1] * groups != channels:
        raise OnnxError(f"Conv: weights {weight.shape} do not fit {channels} channels")
    bias = optional(node, inputs, 2, "biases")
    sides = []
    for axis, side in enumerate((height, width)):
        room = side + window.pads[axis] + window.pads[axis + 2] - window.reach(axis)
        if room < 0:
            raise OnnxError(f"Conv: a kernel of {window.kernel} is larger than {(height, width)}")
        sides.append(room // window.stride[axis] + 1)
    layer = engine.emit(
        "conv",
        [x.layer],
        size=math.prod(sides) * outputs,
        parts=math.prod(sides),
        weights=_weights(weight.transpose(0, 2, 3, 1), bias, outputs),
        **{"from": [height, width, channels], "to": [*sides, outputs]},
        **window.attributes(),
        dilation=list(window.dilation),
        groups=groups,
    )
    return _result(engine, layer, outputs, sides, rank)


def _weights(weight: Array, bias: Array | None, outputs: int) -> dict[str, Any]:
    bias = np.zeros(outputs, np.float32) if bias is None else bias
    if bias.shape != (outputs,):
        raise OnnxError(f"a bias of shape {bias.shape} for {outputs} outputs")
    return {"weight": tensor(weight), "bias": tensor(bias)}


def conv_transpose(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower ConvTranspose over images or signals."""
    given = needed(node, inputs, 0)
    rank = len(given.shape)
    x = _image(engine, node, given)
    weight = _kernels(node, inputs, rank)  # (inputs, outputs / groups, kh, kw)
    channels, height, width = x.shape[1:]
    groups = int(node.attributes.get("group", 1))
    if groups < 1 or channels % groups or len(weight) != channels:
        raise OnnxError(f"ConvTranspose: weights {weight.shape} do not fit {channels} channels")
    outputs = weight.shape[1] * groups
    window = _window(node, rank, weight.shape[2:], (height, width))
    extra = _two(node, "output_padding", 0, rank)
    wanted = node.attributes.get("output_shape")
    auto = node.attributes.get("auto_pad", "NOTSET")
    pads, sides = list(window.pads), []
    for axis, side in enumerate((height, width)):
        whole = (side - 1) * window.stride[axis] + window.reach(axis) + extra[axis]
        result = whole - pads[axis] - pads[axis + 2]
        if wanted is not None or auto.startswith("SAME"):
            result = side * window.stride[axis]
            if wanted is not None:
                result = ([1, *wanted] if rank == 3 else list(wanted))[-2:][axis]
            total = max(0, whole - result)
            first = total // 2 if auto == "SAME_UPPER" else total - total // 2
            pads[axis], pads[axis + 2] = first, total - first
        sides.append(result)
    if min(sides) < 1:
        raise OnnxError("ConvTranspose: the padding leaves nothing")
    window = replace(window, pads=(pads[0], pads[1], pads[2], pads[3]))
    layer = engine.emit(
        "conv_transpose",
        [x.layer],
        size=math.prod(sides) * outputs,
        parts=math.prod(sides),
        weights=_weights(
            weight.transpose(0, 2, 3, 1), optional(node, inputs, 2, "biases"), outputs
        ),
        **{"from": [height, width, channels], "to": [*sides, outputs]},
        **window.attributes(),
        dilation=list(window.dilation),
        groups=groups,
    )
    return _result(engine, layer, outputs, sides, rank)


def pool(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower MaxPool and AveragePool."""
    given = needed(node, inputs, 0)
    rank = len(given.shape)
    x = _image(engine, node, given)
    channels, height, width = x.shape[1:]
    window = _window(node, rank, None, (height, width))
    if window.dilation != (1, 1):
        raise OnnxError(f"{node.op} with dilations is not known")
    if sum(1 for one in node.outputs if one) > 1:
        raise OnnxError(f"{node.op} with indices is not known")
    ceil = bool(node.attributes.get("ceil_mode", 0))
    sides = []
    for axis, side in enumerate((height, width)):
        before, after = window.pads[axis], window.pads[axis + 2]
        room = side + before + after - window.kernel[axis]
        if room < 0:
            raise OnnxError(f"{node.op}: a kernel of {window.kernel} is larger than the image")
        count = (-(-room // window.stride[axis]) if ceil else room // window.stride[axis]) + 1
        # A last window that would begin beyond the image is left out.
        beyond = ceil and (count - 1) * window.stride[axis] >= side + before
        sides.append(count - beyond)
    more: dict[str, Any] = {"from": [height, width, channels], "to": [*sides, channels]}
    op = "max_pool"
    if node.op == "AveragePool":
        op = "average_pool"
        more["count_include_pad"] = bool(node.attributes.get("count_include_pad", 0))
    layer = engine.emit(
        op,
        [x.layer],
        size=math.prod(sides) * channels,
        parts=math.prod(sides),
        **more,
        **window.attributes(),
    )
    return _result(engine, layer, channels, sides, rank)


def global_pool(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower GlobalAveragePool and GlobalMaxPool."""
    x = engine.flow(needed(node, inputs, 0))
    op = "ReduceMax" if node.op == "GlobalMaxPool" else "ReduceMean"
    if x.batch > 1:
        raise OnnxError(f"{node.op} over the batch is not known")
    return reduced(engine, x, range(2, len(x.shape)), op)


def resize(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Resize along one or two axes."""
    x = engine.flow(needed(node, inputs, 0))
    rank = len(x.shape)
    scales, sides = _resized(engine, node, inputs, x)
    axes = [axis for axis in range(rank) if sides[axis] != x.shape[axis] or scales[axis] != 1]
    if x.batch in axes or len(axes) > 2:
        raise OnnxError(f"{node.op} of the batch, or of more than two axes, is not known")
    if not axes:
        return x
    mode = node.attributes.get("mode", "nearest")
    coordinates = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    allowed = (
        mode in ("nearest", "linear", "cubic")
        and coordinates in COORDINATES
        and rounding in ROUNDINGS
        and not node.attributes.get("antialias", 0)
        and node.attributes.get("keep_aspect_ratio_policy", "stretch") == "stretch"
    )
    if not allowed:
        raise OnnxError(
            f"{node.op}: mode {mode} with {coordinates} and {rounding} is not known; known are "
            f"nearest, linear and cubic with {', '.join(COORDINATES)}, without antialias"
        )
    if mode == "cubic":
        for axis in axes:
            x = along(engine, node, x, axis, _cubic(node, x, sides[axis], scales[axis], axis))
        return x
    rest = [axis for axis in range(rank) if axis not in axes]
    x = engine.arranged(x, [*axes, *rest])
    channels = math.prod(x.shape[axis] for axis in rest)
    before, after = ([shape[axis] for axis in axes] for shape in (x.shape, sides))
    factors = [float(scales[axis]) for axis in axes]
    if len(axes) == 1:
        before, after, factors = [1, *before], [1, *after], [1.0, *factors]
    image: dict[str, Any] = {"from": [*before, channels], "to": [*after, channels]}
    layer = engine.emit(
        "resize",
        [x.layer],
        size=math.prod(after) * channels,
        parts=math.prod(after),
        **image,
        mode=mode,
        coordinates=coordinates,
        rounding=rounding,
        scales=factors,
    )
    return contiguous(layer, tuple(sides), x.batch, [*axes, *rest], outer=x.outer)


def _cubic(node: Node, x: Flow, side: int, scale: float, axis: int) -> Array:
    """Return the matrix (side, before) of a cubic interpolation along an axis (Keys 1981)."""
    before = x.shape[axis]
    coordinates = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    layer = {"from": [before], "to": [side], "scales": [scale], "coordinates": coordinates}
    at = places(layer, 0)
    a = float(node.attributes.get("cubic_coeff_a", -0.75))
    matrix: Array = np.zeros((side, before))
    for step in range(-1, 3):
        place = np.floor(at) + step
        d = np.abs(at - place)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        share = np.where(d <= 1, near, a * (((d - 5) * d + 8) * d - 4))
        inside = np.clip(place, 0, before - 1)
        if node.attributes.get("exclude_outside", 0):
            share = np.where(inside == place, share, 0)
        np.add.at(matrix, (np.arange(side), inside.astype(np.int64)), share)
    matrix /= matrix.sum(1, keepdims=True)
    return matrix


def _resized(engine: Engine, node: Node, inputs: Inputs, x: Flow) -> tuple[list[float], list[int]]:
    """Return the scale and the new side of each axis."""
    rank = len(x.shape)
    scales = optional(node, inputs, 2, "scales")
    sizes = optional(node, inputs, 3, "sizes")
    axes = [axis % rank for axis in node.attributes.get("axes", range(rank))]
    logical = engine.logical(x)
    factor, sides = [1.0] * rank, list(logical)
    if sizes is not None and sizes.size:
        if sizes.size != len(axes):
            raise OnnxError(f"{node.op}: {sizes.size} sizes for {len(axes)} axes")
        for axis, side in zip(axes, sizes.ravel().tolist(), strict=True):
            sides[axis], factor[axis] = int(side), side / logical[axis]
    elif scales is not None and scales.size:
        if scales.size != len(axes):
            raise OnnxError(f"{node.op}: {scales.size} scales for {len(axes)} axes")
        for axis, scale in zip(axes, scales.ravel().tolist(), strict=True):
            if not 0 < scale < 2**20:
                raise OnnxError(f"{node.op}: a scale of {scale}")
            sides[axis], factor[axis] = math.floor(logical[axis] * scale), scale
    else:
        raise OnnxError(f"{node.op}: scales or sizes are needed")
    if x.batch >= 0:
        sides[x.batch] //= engine.batch
    if min(sides) < 1:
        raise OnnxError(f"{node.op}: a side becomes 0")
    return factor, sides


def batch_normalization(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower BatchNormalization to a scale and a shift of each channel."""
    if node.attributes.get("training_mode", 0):
        raise OnnxError("BatchNormalization in training mode; export the network in eval mode")
    scale, shift, mean, variance = (
        constant(node, inputs, index, "statistics").astype(np.float64) for index in range(1, 5)
    )
    with np.errstate(all="ignore"):  # a graph of what is not finite is refused
        factor = scale / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    x = engine.flow(needed(node, inputs, 0))
    return _affine(engine, node, x, factor, shift - mean * factor)


def _affine(engine: Engine, node: Node, x: Flow, factor: Array, shift: Array) -> Flow:
    channels = x.shape[1] if len(x.shape) > 1 else 0
    if factor.shape != (channels,) or shift.shape != (channels,) or x.batch == 1:
        raise OnnxError(f"{node.op}: statistics of shape {factor.shape} for {channels} channels")
    x = engine.innermost(x, 1)
    weights = {"weight": tensor(factor), "bias": tensor(shift)}
    layer = engine.emit("affine", [x.layer], size=x.size, parts=x.size // channels, weights=weights)
    return replace(x, layer=layer)


def group_normalization(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower InstanceNormalization and GroupNormalization."""
    value = needed(node, inputs, 0)
    if isinstance(value, Reshaped):
        # PyTorch writes a GroupNorm as one of instances, between two reshapes.
        x, channels = value.source, value.source.shape[1]
        whole = x.batch <= 0 and x.shape[0] == 1 and len(x.shape) > 2
        if whole and len(value.shape) == 3 and channels % value.shape[1] == 0:
            done = _normalized(engine, node, inputs, x, value.shape[1])
            return replace(value, source=done)
    x = engine.flow(value)
    if len(x.shape) < 3 or x.batch > 0 or x.shape[0] != 1:
        raise OnnxError(f"{node.op}: (batch, channels, ...) is needed")
    return _normalized(engine, node, inputs, x, int(node.attributes.get("num_groups", x.shape[1])))


def _normalized(engine: Engine, node: Node, inputs: Inputs, x: Flow, groups: int) -> Flow:
    channels = x.shape[1]
    scale, shift = (constant(node, inputs, k, "scales").ravel() for k in (1, 2))
    if groups < 1 or channels % groups:
        raise OnnxError(f"{node.op}: {groups} groups of {channels} channels")
    if scale.size == groups:  # before operator set 21: one for each group
        scale, shift = (np.repeat(one, channels // groups) for one in (scale, shift))
    x = engine.innermost(x, 1)
    kind: dict[str, Any] = {"kind": "instance"}
    if groups != channels:
        kind = {"kind": "group", "groups": groups}
    layer = engine.emit(
        "normalize",
        [x.layer],
        size=x.size,
        parts=x.size // channels,
        weights={"weight": tensor(scale), "bias": tensor(shift)},
        epsilon=float(node.attributes.get("epsilon", 1e-5)),
        **kind,
    )
    return replace(x, layer=layer)


def layer_normalization(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower LayerNormalization over the last axes."""
    x = engine.flow(needed(node, inputs, 0))
    rank = len(x.shape)
    first = int(node.attributes.get("axis", -1)) % rank
    axes = list(range(first, rank))
    if x.batch in axes or sum(1 for one in node.outputs if one) > 1:
        raise OnnxError("LayerNormalization over the batch, or with its statistics, is not known")
    shape = x.shape[first:]
    inner = [axis for axis in x.order if x.shape[axis] > 1][-sum(n > 1 for n in shape) :]
    if set(inner) - set(axes):
        x = engine.arranged(x)
    order = [axis - first for axis in x.order if axis in axes]
    scale = constant(node, inputs, 1, "scales")
    shift = optional(node, inputs, 2, "shifts")
    shift = np.zeros(1, np.float32) if shift is None else shift
    weights = {
        kind: tensor(np.broadcast_to(one, shape).transpose(order).ravel())
        for kind, one in (("weight", scale), ("bias", shift))
    }
    layer = engine.emit(
        "normalize",
        [x.layer],
        size=x.size,
        weights=weights,
        kind="layer",
        over=math.prod(shape),
        epsilon=float(node.attributes.get("epsilon", 1e-5)),
    )
    return replace(x, layer=layer)


def gru(engine: Engine, node: Node, inputs: Inputs) -> tuple[Value, ...]:
    """Lower a gated recurrent unit that reads (steps, batch, inputs) forwards."""
    x = engine.flow(needed(node, inputs, 0))
    weight, state = (constant(node, inputs, k, "weights") for k in (1, 2))
    bias = optional(node, inputs, 3, "biases")
    units = int(node.attributes.get("hidden_size", 0))
    start = optional(node, inputs, 5, "first states")
    plain = (
        node.attributes.get("direction", "forward") == "forward"
        and node.attributes.get("linear_before_reset", 0) == 1
        and node.attributes.get("layout", 0) == 0
        and "activations" not in node.attributes
        and "clip" not in node.attributes
        and (start is None or not start.any())
        and optional(node, inputs, 4, "lengths") is None
    )
    if not plain or len(x.shape) != 3 or x.batch not in (1, NO_BATCH) or x.shape[1] != 1:
        raise OnnxError("GRU: only forward ones from 0 with linear_before_reset are known")
    steps, _, width = x.shape
    if weight.shape != (1, 3 * units, width) or state.shape != (1, 3 * units, units):
        raise OnnxError(f"GRU: weights {weight.shape} and {state.shape} for {units} units")
    bias = np.zeros((1, 6 * units), np.float32) if bias is None else bias
    first, second = np.split(bias.reshape(6 * units), 2)
    arrays = {"weight_ih": weight[0], "weight_hh": state[0], "bias_ih": first, "bias_hh": second}
    # ONNX has the gates update, reset, new; ours are reset, update, new.
    weights = {
        name: tensor(np.concatenate([(parts := np.split(one, 3))[1], parts[0], parts[2]]))
        for name, one in arrays.items()
    }
    layer = engine.emit(
        "recurrent",
        [engine.arranged(x).layer],
        size=steps * units,
        parts=steps,
        weights=weights,
    )
    every = contiguous(layer, (steps, 1, 1, units), 2 if x.batch >= 0 else NO_BATCH)
    if len(node.outputs) < 2 or not node.outputs[1]:
        return (every,)
    last = engine.emit("last", [layer], size=units, rows=steps)
    return every, contiguous(last, (1, 1, units), min(x.batch, 1))
