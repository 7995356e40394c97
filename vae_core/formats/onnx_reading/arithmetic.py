"""Lower arithmetic, activations, products of matrices and reductions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vae_core.errors import OnnxError
from vae_core.formats.onnx_reading import folding
from vae_core.formats.onnx_reading.engine import Engine, axis_of, broadcast, tensor
from vae_core.formats.onnx_reading.files import DTYPES, Node
from vae_core.formats.onnx_reading.values import (
    Array,
    Flow,
    Known,
    Reshaped,
    Shape,
    Value,
    contiguous,
)

Inputs = Sequence[Value | None]
#: (engine, node, inputs) → outputs.
Lower = Callable[[Engine, Node, Inputs], Value | tuple[Value, ...]]

_OPERATIONS = {
    "Add": "sum",
    "Sub": "difference",
    "Mul": "product",
    "Div": "quotient",
    "Pow": "power",
    "Max": "maximum",
    "Min": "minimum",
    "Sum": "sum",
}
#: Operators that compute constants.
_FOLDED = {ours: name for name, ours in _OPERATIONS.items() if name != "Sum"}
#: What leaves the other operand as it is, on the right; the first two on the left too.
_NEUTRAL = {"sum": 0.0, "product": 1.0, "difference": 0.0, "quotient": 1.0, "power": 1.0}


def needed(node: Node, inputs: Inputs, index: int) -> Value:
    """Return an input that cannot be left out."""
    value = inputs[index] if index < len(inputs) else None
    if value is None:
        raise OnnxError(f"{node.op}: input {index} is missing")
    return value


def constant(node: Node, inputs: Inputs, index: int, what: str) -> Array:
    """Return the constant of an input that cannot be left out."""
    value = needed(node, inputs, index)
    if not isinstance(value, Known):
        raise OnnxError(f"{node.op}: {what} that depend on the input are not known")
    return value.array


def optional(node: Node, inputs: Inputs, index: int, what: str) -> Array | None:
    """Return the constant of an input, or None if it is left out."""
    given = index < len(inputs) and inputs[index] is not None
    return constant(node, inputs, index, what) if given else None


def arithmetic(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower an operator of two or more operands."""
    result = needed(node, inputs, 0)
    for index in range(1, len(inputs)):
        result = two(engine, node, _OPERATIONS[node.op], result, needed(node, inputs, index))
    return result


def mean(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower the mean of several values."""
    total = arithmetic(engine, replace(node, op="Sum"), inputs)
    share = Known(np.array(1 / len(inputs), np.float32))
    return two(engine, node, "product", total, share)


def two(engine: Engine, node: Node, op: str, a: Value, b: Value) -> Value:
    """Combine two operands, of which either may be a constant."""
    for one in (a, b):
        if isinstance(one, Known) and one.array.dtype == np.bool_:
            raise OnnxError(f"{node.op}: an operand is no number")
    if isinstance(a, Known) and isinstance(b, Known):
        return _known(node, op, a, b)
    if isinstance(a, Known):
        return _with_constant(engine, node, op, engine.flow(b), a, left=True)
    if isinstance(b, Known):
        return _with_constant(engine, node, op, engine.flow(a), b, left=False)
    return two_flows(engine, op, engine.flow(a), engine.flow(b))


def _known(node: Node, op: str, a: Known, b: Known) -> Known:
    (array,) = folding.fold(replace(node, op=_FOLDED[op]), [a.array, b.array])
    rank = array.ndim
    batches = {one.batch + rank - one.array.ndim for one in (a, b) if one.batch is not None}
    if len(batches) > 1:
        raise OnnxError(f"{node.op}: the batches of two values are different axes")
    batch = batches.pop() if batches else None
    return Known(array, batch, a.noise or b.noise)


def _with_constant(
    engine: Engine, node: Node, op: str, flow: Flow, known: Known, *, left: bool
) -> Value:
    values = _one_example(engine, flow, known)
    shape = broadcast([flow.shape, values.shape])
    batch = flow.batch + len(shape) - len(flow.shape)
    if op == "product" and not values.any():
        return Known(np.zeros(shape, np.float32), batch if batch >= 0 else None, known.noise)
    flow = engine.expanded(flow, shape, batch)
    if op in _NEUTRAL and (values == _NEUTRAL[op]).all() and not (left and op in _NOT_LEFT):
        if known.noise:
            engine.sampled.append(node.outputs[0])
        return flow
    if op == "power" and not left and values.size and (values == values.flat[0]).all():
        power = _POWERS.get(float(values.flat[0]))
        if power is not None:
            return engine.unary(flow, power)
    spread = np.broadcast_to(values, shape).transpose(flow.order).reshape(-1)
    width = _width(spread, [shape[axis] for axis in flow.order])
    layer = engine.emit(
        op,
        [flow.layer],
        size=flow.size,
        parts=flow.size // width if width > 1 else 1,
        weights={"values": tensor(spread[:width])},
        **({"reversed": True} if left and op not in ("sum", "product") else {}),
    )
    return replace(flow, layer=layer)


#: Most values along the axis of a cumulative sum.
MOST_SUMMED = 2048
_NOT_LEFT = {"difference", "quotient", "power"}
_POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}


def _one_example(engine: Engine, flow: Flow, known: Known) -> Array:
    """Return the part of a constant that is the same for each example of a batch."""
    array = known.array
    axis = flow.batch - len(flow.shape) + array.ndim
    if axis < 0 or known.batch == axis:
        return array
    side = array.shape[axis]
    if side > 1 and flow.outer > 1:
        raise OnnxError("a constant is different for each example of a batch")
    if side == engine.batch * flow.shape[axis] != flow.shape[axis]:
        split = array.reshape(*array.shape[:axis], engine.batch, -1, *array.shape[axis + 1 :])
        first = split.take(0, axis=axis)
        if (split == np.expand_dims(first, axis)).all():
            return np.asarray(first)
        raise OnnxError("a constant is different for each example of a batch")
    return array


def _width(values: Array, sides: Sequence[int]) -> int:
    """Return how many values, in memory's order, repeat over all axes outside of them."""
    if (values == values[0]).all():
        return 1
    for outer in range(len(sides), 0, -1):
        width = math.prod(sides[outer:])
        if (values.reshape(-1, width) == values[:width]).all():
            return width
    return len(values)


def two_flows(engine: Engine, op: str, a: Flow, b: Flow) -> Flow:
    """Combine two outputs, which are broadcast to each other."""
    shape = broadcast([a.shape, b.shape])
    batch = a.batch + len(shape) - len(a.shape)
    if a.outer != b.outer and min(a.shape[a.batch], b.shape[b.batch]) > 1:
        raise OnnxError("two values have merged the batch into different axes")
    if a.size < b.size:
        left, right = _beside(engine, a, b, shape), engine.expanded(b, shape, batch)
        model = right
    else:
        left, right = engine.expanded(a, shape, batch), _beside(engine, b, a, shape)
        model = left
    right = _like(engine, right, model)
    left = _like(engine, left, model)
    width = min(left.size, right.size)
    parts = model.size // width if width > 1 else 1
    layer = engine.emit(op, [left.layer, right.layer], size=model.size, parts=parts)
    return replace(model, layer=layer)


def _like(engine: Engine, flow: Flow, model: Flow) -> Flow:
    return engine.arranged(flow, model.order) if flow.shape == model.shape else flow


def _beside(engine: Engine, small: Flow, large: Flow, shape: Shape) -> Flow:
    """Prepare the smaller operand: unchanged where it is one value, or the same for each part."""
    rank = len(shape)
    padded = (1,) * (rank - len(small.shape)) + small.shape
    aligned = small.batch - len(small.shape) == large.batch - len(large.shape)
    if large.shape != shape or not (aligned or small.batch < 0):
        return engine.expanded(small, shape, large.batch + rank - len(large.shape))
    long = [axis for axis in large.order if padded[axis] > 1]
    inner = [axis for axis in large.order if shape[axis] > 1]
    if padded != shape and long == inner[len(inner) - len(long) :]:
        strides = (0,) * (rank - len(small.shape)) + small.strides
        flow = Flow(small.layer, padded, strides, large.batch, small.outer)
        return engine.arranged(flow, large.order)
    return engine.expanded(small, shape, large.batch)


def _alone(engine: Engine, value: Value, op: str, **attributes: float) -> Value:
    if isinstance(value, Reshaped):
        return replace(value, source=engine.unary(value.source, op, **attributes))
    return engine.unary(engine.flow(value), op, **attributes)


def unary(op: str, **attributes: float) -> Lower:
    """Return the lowering to an operation on each value alone."""

    def lower(engine: Engine, node: Node, inputs: Inputs) -> Value:
        return _alone(engine, needed(node, inputs, 0), op, **attributes)

    return lower


def attributed(op: str, **defaults: tuple[str, float]) -> Lower:
    """Return the lowering to an operation with numbers: ours by (ONNX's name, its default)."""

    def lower(engine: Engine, node: Node, inputs: Inputs) -> Value:
        numbers = {
            ours: float(node.attributes.get(name, default))
            for ours, (name, default) in defaults.items()
        }
        return _alone(engine, needed(node, inputs, 0), op, **numbers)

    return lower


def gelu(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Gelu, exact or by tanh."""
    approximate = node.attributes.get("approximate", "none")
    return engine.unary(engine.flow(needed(node, inputs, 0)), "gelu", approximate=approximate)


def selu(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a scaled exponential linear unit."""
    alpha = float(node.attributes.get("alpha", 1.67326319217681884765625))
    gamma = float(node.attributes.get("gamma", 1.05070102214813232421875))
    x = engine.unary(engine.flow(needed(node, inputs, 0)), "elu", alpha=alpha)
    return scaled(engine, x, gamma)


def scaled(engine: Engine, x: Flow, factor: float, op: str = "product") -> Flow:
    """Combine all values with one number."""
    layer = engine.emit(
        op,
        [x.layer],
        size=x.size,
        weights={"values": tensor(np.array([factor]))},
    )
    return replace(x, layer=layer)


def celu(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower max(0, x) + min(0, α (e^(x / α) − 1))."""
    alpha = float(node.attributes.get("alpha", 1.0))
    x = scaled(engine, engine.flow(needed(node, inputs, 0)), 1 / alpha)
    # elu with α of 1 on x / α is max(0, x / α) + min(0, e^(x / α) − 1).
    return scaled(engine, engine.unary(x, "elu", alpha=1.0), alpha)


def softsign(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower x / (1 + |x|)."""
    x = engine.flow(needed(node, inputs, 0))
    return two_flows(engine, "quotient", x, scaled(engine, engine.unary(x, "abs"), 1.0, "sum"))


def swish(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower x σ(α x)."""
    x = engine.flow(needed(node, inputs, 0))
    alpha = float(node.attributes.get("alpha", 1.0))
    if alpha == 1:
        return engine.unary(x, "silu")
    gate = engine.unary(scaled(engine, x, alpha), "sigmoid")
    return two_flows(engine, "product", x, gate)


def prelu(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a leaky ReLU with one slope, or one for each channel."""
    slope = constant(node, inputs, 1, "slopes")
    x = engine.flow(needed(node, inputs, 0))
    if slope.size == 1:
        return engine.unary(x, "leaky_relu", slope=float(slope.flat[0]))
    below = scaled(engine, x, 0.0, "minimum")
    sloped = two(engine, node, "product", below, Known(slope))
    return two_flows(engine, "sum", engine.unary(x, "relu"), engine.flow(sloped))


def clip(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Clip; limits that are not finite, or beyond float32, are none."""
    limits: dict[str, float] = {}
    for index, (ours, name) in enumerate((("low", "min"), ("high", "max")), 1):
        given = optional(node, inputs, index, "limits")
        value = node.attributes.get(name) if given is None else float(given.ravel()[0])
        if value is not None and abs(value) < 3e38:
            limits[ours] = float(value)
    return engine.unary(engine.flow(needed(node, inputs, 0)), "clip", **limits)


def identity(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Pass a value on."""
    return needed(node, inputs, 0)


def cast(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Pass numbers on as numbers, labels as labels; as booleans, whether numbers are not 0."""
    value = needed(node, inputs, 0)
    to = DTYPES.get(node.attributes.get("to", 0))
    if not isinstance(value, Flow | Reshaped) or to is np.float32:
        return value
    if to is not np.bool_:
        raise OnnxError("Cast: numbers are rounded to integers, which is not known")
    zero = Known(np.array(0, np.float32))
    return two(
        engine, node, "sum", _above(engine, node, value, zero), _above(engine, node, zero, value)
    )


def softmax(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Softmax and LogSoftmax."""
    x = engine.flow(needed(node, inputs, 0))
    rank = len(x.shape)
    old = engine.operator_set < 13
    axis = axis_of(node, node.attributes.get("axis", 1 if old else -1), rank)
    if old and axis != rank - 1 and math.prod(x.shape[axis + 1 :]) > 1:
        raise OnnxError("Softmax over several axes is not known")
    if axis == x.batch:
        raise OnnxError("Softmax over the batch is not known")
    x = engine.innermost(x, axis)
    layer = engine.emit("softmax", [x.layer], size=x.size, parts=x.size // x.shape[axis])
    x = replace(x, layer=layer)
    return engine.unary(x, "log") if node.op == "LogSoftmax" else x


def gemm(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower α A B + β C with constant B, or without transposes of two outputs."""
    a, b = needed(node, inputs, 0), needed(node, inputs, 1)
    attributes = node.attributes
    if attributes.get("transA", 0):
        a = transposed(a)
    if attributes.get("transB", 0):
        b = transposed(b)
    product = product_of(engine, node, a, b)
    alpha, beta = float(attributes.get("alpha", 1.0)), float(attributes.get("beta", 1.0))
    if alpha != 1:
        product = two(engine, node, "product", product, Known(np.array(alpha, np.float32)))
    shift = inputs[2] if len(inputs) > 2 else None
    if shift is None:
        return product
    if beta != 1:
        shift = two(
            engine, replace(node, op="Mul"), "product", shift, Known(np.array(beta, np.float32))
        )
    return two(engine, node, "sum", product, shift)


def transposed(value: Value) -> Value:
    """Swap the last two axes."""
    if len(value.shape) < 2:
        raise OnnxError("a vector is to be transposed")
    if isinstance(value, Known) and value.batch is None:
        return replace(value, array=value.array.swapaxes(-1, -2))
    if isinstance(value, Flow):
        rank = len(value.shape)
        return value.moved([*range(rank - 2), rank - 1, rank - 2])
    raise OnnxError("a transpose of a constant with a batch is not known")


def matmul(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a product of matrices."""
    return product_of(engine, node, needed(node, inputs, 0), needed(node, inputs, 1))


def product_of(engine: Engine, node: Node, a: Value, b: Value) -> Value:
    """Lower a product of matrices of which at most one is a constant."""
    if isinstance(b, Known) and b.batch is None:
        matrix = _matrix(node, b.array)
        flow = engine.flow(a)
        axis = len(flow.shape) - 1
        result = along(engine, node, flow, axis, matrix.T)
        if b.array.ndim == 1:
            return engine.reshaped(result, engine.logical(result)[:-1])
        return result
    if isinstance(a, Known) and a.batch is None:
        flow = engine.flow(b)
        if a.array.ndim < 2 or len(flow.shape) < 2:
            raise OnnxError(f"{node.op}: a product of a vector and a matrix is not known")
        return along(engine, node, flow, len(flow.shape) - 2, _matrix(node, a.array))
    return of_two_flows(engine, node, engine.flow(a), engine.flow(b))


def _matrix(node: Node, array: Array) -> Array:
    if array.ndim == 1:
        return array[:, None]
    if array.ndim < 2 or math.prod(array.shape[:-2]) != 1:
        raise OnnxError(f"{node.op}: a constant of shape {array.shape} is not known")
    return array.reshape(array.shape[-2:])


def cumulative_sum(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a cumulative sum: a product with a triangular matrix."""
    x = engine.flow(needed(node, inputs, 0))
    axis = axis_of(node, int(constant(node, inputs, 1, "axes").ravel()[0]), len(x.shape))
    side = x.shape[axis]
    if side > MOST_SUMMED:
        raise OnnxError(f"{node.op} along {side:,} values: up to {MOST_SUMMED:,} are known")
    matrix = np.tri(side, k=-1 if node.attributes.get("exclusive", 0) else 0)
    if node.attributes.get("reverse", 0):
        matrix = matrix[::-1, ::-1]
    return along(engine, node, x, axis, matrix)


def along(engine: Engine, node: Node, flow: Flow, axis: int, weight: Array) -> Flow:
    """Multiply the values along an axis by a matrix (outputs, inputs)."""
    outputs, inputs = weight.shape
    if flow.shape[axis] != inputs or axis == flow.batch:
        raise OnnxError(
            f"{node.op}: shapes {engine.shown(engine.logical(flow))} and {weight.shape} do not fit"
        )
    flow = engine.innermost(flow, axis)
    order = [*(one for one in flow.order if one != axis), axis]
    parts = flow.size // inputs
    weights = {"weight": tensor(weight), "bias": tensor(np.zeros(outputs))}
    layer = engine.emit("linear", [flow.layer], size=parts * outputs, parts=parts, weights=weights)
    shape = tuple(outputs if a == axis else n for a, n in enumerate(flow.shape))
    return contiguous(layer, shape, flow.batch, order, outer=flow.outer)


def of_two_flows(engine: Engine, node: Node, a: Flow, b: Flow) -> Flow:
    """Lower a product of matrices that both depend on the input."""
    rank = len(a.shape)
    same = a.batch == b.batch and a.outer == b.outer and 0 <= a.batch <= rank - 3
    if rank != len(b.shape) or rank < 2 or not (same or a.batch < 0):
        raise OnnxError(
            f"{node.op}: a product of values of shapes {engine.shown(engine.logical(a))} and "
            f"{engine.shown(engine.logical(b))} is not known"
        )
    if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise OnnxError(f"{node.op}: shapes {a.shape} and {b.shape} do not fit each other")
    heads, (rows, inner), columns = math.prod(a.shape[:-2]), a.shape[-2:], b.shape[-1]
    if heads > MAX_HEADS:
        raise OnnxError(f"{node.op}: more than {MAX_HEADS} products at once are not known")
    left, right = engine.arranged(a).layer, engine.arranged(b).layer
    size = rows * columns
    if heads == 1:
        layer = engine.emit("matmul", [left, right], size=size, parts=rows)
        return contiguous(layer, (*a.shape[:-1], columns), a.batch, outer=a.outer)
    products = []
    for head in range(heads):
        pair = [
            engine.emit(
                "slice",
                [one],
                size=length,
                axis="width",
                start=head * length,
                stop=(head + 1) * length,
                step=1,
            )
            for one, length in ((left, rows * inner), (right, inner * columns))
        ]
        products.append(engine.emit("matmul", pair, size=size, parts=rows))
    layer = engine.emit("concat", products, size=heads * size, axis="width")
    return contiguous(layer, (*a.shape[:-1], columns), a.batch, outer=a.outer)


MAX_HEADS = 64
#: What a difference is multiplied by so that it is above 1, or 0 and less.
_STEEP = 1e30


def compared(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a comparison to 1 where it holds and 0 elsewhere."""
    a, b = needed(node, inputs, 0), needed(node, inputs, 1)
    if node.op == "Equal":
        neither = two(engine, node, "sum", _above(engine, node, a, b), _above(engine, node, b, a))
        return _inverted(engine, node, neither)
    if node.op in ("Greater", "LessOrEqual"):
        a, b = b, a
    below = _above(engine, node, b, a)
    return _inverted(engine, node, below) if node.op.endswith("OrEqual") else below


def _above(engine: Engine, node: Node, a: Value, b: Value) -> Flow:
    difference = engine.flow(two(engine, node, "difference", a, b))
    return engine.unary(scaled(engine, difference, _STEEP), "clip", low=0.0, high=1.0)


def _inverted(engine: Engine, node: Node, mask: Value) -> Value:
    return two(engine, node, "difference", Known(np.array(1, np.float32)), mask)


def logical(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower And, Or and Not of comparisons."""
    masks = [_mask(one) for one in inputs if one is not None]
    if node.op == "Not":
        return _inverted(engine, node, masks[0])
    return two(engine, node, "product" if node.op == "And" else "maximum", *masks[:2])


def _mask(value: Value) -> Value:
    if isinstance(value, Known):
        return replace(value, array=value.array.astype(np.float32))
    return value


def where(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a choice by a comparison to a sum of two products; both values must be finite."""
    mask, a, b = (needed(node, inputs, k) for k in range(3))
    mask = _mask(mask)
    chosen = two(engine, node, "product", mask, a)
    others = two(engine, node, "product", _inverted(engine, node, mask), b)
    return two(engine, node, "sum", chosen, others)


def reduction(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a reduction over any axes but the batch."""
    x = engine.flow(needed(node, inputs, 0))
    given = optional(node, inputs, 1, "axes")
    axes = folding.axes_of(node, given, len(x.shape))
    if axes is None:
        if node.attributes.get("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(len(x.shape)))
    if x.batch in axes:
        raise OnnxError(f"{node.op} over the batch is not known")
    result = reduced(engine, x, axes, node.op)
    if node.attributes.get("keepdims", 1):
        return result
    kept = [n for a, n in enumerate(engine.logical(result)) if a not in axes]
    return engine.reshaped(result, kept)


def reduced(engine: Engine, x: Flow, axes: Sequence[int], op: str) -> Flow:
    """Reduce axes to length 1, by an operator of ONNX."""
    if op in ("ReduceL2", "ReduceSumSquare"):
        x = engine.unary(x, "square")
    if op == "ReduceMin":
        x = engine.unary(x, "negative")
    long = [axis for axis in x.order if x.shape[axis] > 1]
    within = [axis for axis in long if axis in axes]
    rest = [axis for axis in long if axis not in axes]
    if long not in ([*within, *rest], [*rest, *within]):
        others = [axis for axis in x.order if axis not in axes]
        x = engine.arranged(x, [*others, *axes])
        long = [*rest, *(axis for axis in axes if axis in within)]
    outer = long[: len(within)] == within and rest != []
    kept = math.prod(x.shape[axis] for axis in rest)
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    order = [axis for axis in x.order if axis not in axes] + list(axes)
    layer = x.layer
    if within:
        layer = _reduce(engine, x, kept, op, outer=outer)
    result = contiguous(layer, shape, x.batch, order, outer=x.outer)
    if op == "ReduceMin":
        return engine.unary(result, "negative")
    return engine.unary(result, "sqrt") if op == "ReduceL2" else result


def _reduce(engine: Engine, x: Flow, kept: int, op: str, *, outer: bool) -> int:
    terms = x.size // kept
    if op in ("ReduceMax", "ReduceMin"):
        sides = [terms, 1, kept] if outer else [kept, terms, 1]
        kernel = [terms, 1] if outer else [1, terms]
        to = [1, 1, kept] if outer else [kept, 1, 1]
        window: dict[str, Any] = {"from": sides, "to": to, "kernel": kernel, "stride": kernel}
        return engine.emit("max_pool", [x.layer], size=kept, pads=[0, 0, 0, 0], **window)
    ours = "mean" if op == "ReduceMean" else "reduce_sum"
    parts = 1 if outer else kept
    axis = "parts" if outer else "width"
    return engine.emit(ours, [x.layer], size=kept, parts=parts, axis=axis)
