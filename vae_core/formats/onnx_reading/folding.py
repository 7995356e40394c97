"""Compute nodes whose inputs are constants, mostly the arithmetic of shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vae_core.errors import OnnxError, OnnxSizeError
from vae_core.formats.onnx_reading.files import DTYPES, Node
from vae_core.formats.onnx_reading.values import Array
from vae_core.graphs import MAX_VALUES

#: (node, inputs (None for those left out)) → output or outputs.
Fold = Callable[[Node, list[Any]], Any]


def axes_of(node: Node, given: Array | None, rank: int) -> tuple[int, ...] | None:
    """Return the axes of an attribute or an input, counted from 0; None for all."""
    axes = node.attributes.get("axes") if given is None else given.ravel().tolist()
    if axes is None:
        return None
    if any(not -rank <= axis < rank for axis in axes):
        raise OnnxError(f"{node.op}: axes {list(axes)[:8]} where the value has {rank} axes")
    return tuple(axis % rank for axis in axes)


def slices_of(
    node: Node, shape: Sequence[int], inputs: Sequence[Array | None]
) -> dict[int, tuple[int, int, int]]:
    """Return start, count and step for each axis of a Slice.

    ``inputs`` are starts, ends, axes, steps.
    """
    starts, ends, axes, steps = [*inputs, None, None][:4]
    if starts is None or ends is None:
        raise OnnxError("Slice: starts and ends are needed")
    firsts, lasts = starts.ravel().tolist(), ends.ravel().tolist()
    chosen = axes_of(node, axes, len(shape)) or tuple(range(len(firsts)))
    strides = [1] * len(firsts) if steps is None else steps.ravel().tolist()
    if not len(firsts) == len(lasts) == len(chosen) == len(strides) <= len(shape):
        raise OnnxError("Slice: starts, ends, axes and steps are of different lengths")
    found = {}
    for first, end, axis, step in zip(firsts, lasts, chosen, strides, strict=True):
        if step == 0:
            raise OnnxError("Slice: a step of 0")
        indices = range(*slice(first, end, step).indices(shape[axis]))
        if step < 0 and end < -shape[axis]:
            indices = range(indices.start, -1, step)
        found[axis] = (indices.start, len(indices), step)
    return found


def lengths_of(node: Node, given: Array | None, side: int) -> list[int]:
    """Return the lengths that a Split makes of an axis of ``side``."""
    count = len(node.outputs)
    split = node.attributes.get("split") if given is None else given.ravel().tolist()
    if split is None:
        each = -(-side // count)
        split = [min(each, side - each * k) for k in range(count)]
    if sum(split) != side or len(split) != count or min(split) < 0:
        raise OnnxError(f"Split: lengths {split[:8]} where the axis has {side}")
    return [int(one) for one in split]


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    if any(n < 0 for n in shape) or math.prod(shape) > MAX_VALUES:
        raise OnnxSizeError(f"a constant of shape {list(shape)[:8]} is too large")
    return tuple(int(n) for n in shape)


def _binary(function: Callable[[Array, Array], Array]) -> Fold:
    def fold(node: Node, inputs: list[Any]) -> Array:
        result: Array = inputs[0]
        for other in inputs[1:]:
            _bounded(np.broadcast_shapes(result.shape, other.shape))
            result = function(result, other)
        return result

    return fold


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind != "i":
        return np.divide(a, b)
    if not b.all():
        raise OnnxError("Div: an integer is divided by 0")
    return np.asarray(np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b))


def _gather(node: Node, inputs: list[Any]) -> Array:
    data, indices = inputs
    axis = node.attributes.get("axis", 0)
    if not -data.ndim <= axis < data.ndim:
        raise OnnxError(f"Gather: axis {axis} where the value has {data.ndim} axes")
    side = data.shape[axis]
    if indices.size and not -side <= indices.min() <= indices.max() < side:
        raise OnnxError(f"Gather: an index is beyond the {side} that exist")
    _bounded((indices.size, data.size // max(side, 1)))
    taken: Array = np.take(data, indices, axis=axis)
    return taken


def _concat(node: Node, inputs: list[Any]) -> Array:
    _bounded((sum(one.size for one in inputs),))
    return np.concatenate(inputs, axis=node.attributes["axis"])


def _slice(node: Node, inputs: list[Any]) -> Array:
    data: Array = inputs[0]
    for axis, (start, count, step) in slices_of(node, data.shape, inputs[1:]).items():
        data = np.take(data, np.arange(count) * step + start, axis=axis)
    return data


def _squeeze(node: Node, inputs: list[Any]) -> Array:
    given = inputs[1] if len(inputs) > 1 else None
    squeezed: Array = np.squeeze(inputs[0], axis=axes_of(node, given, inputs[0].ndim))
    return squeezed


def _unsqueeze(node: Node, inputs: list[Any]) -> Array:
    given = inputs[1] if len(inputs) > 1 else None
    count = len(node.attributes.get("axes", ())) if given is None else given.size
    axes = axes_of(node, given, inputs[0].ndim + count)
    return np.expand_dims(inputs[0], axes or ())


def target_shape(node: Node, wanted: Array, shape: Sequence[int]) -> list[int]:
    """Return the shape of a Reshape, in which 0 stands for the input's own side."""
    keep = not node.attributes.get("allowzero", 0)
    sides = [int(n) for n in wanted.ravel().tolist()]
    if any(n == 0 and keep and k >= len(shape) for k, n in enumerate(sides)):
        raise OnnxError(f"Reshape to {sides[:8]}: a value of {len(shape)} axes has no such side")
    return [shape[k] if n == 0 and keep else n for k, n in enumerate(sides)]


def _expand(node: Node, inputs: list[Any]) -> Array:
    shape = np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].ravel().tolist()))
    return np.broadcast_to(inputs[0], _bounded(shape)).copy()


def _tile(node: Node, inputs: list[Any]) -> Array:
    repeats = inputs[1].ravel().tolist()
    _bounded([n * r for n, r in zip(inputs[0].shape, repeats, strict=True)])
    tiled: Array = np.tile(inputs[0], repeats)
    return tiled


def _range(node: Node, inputs: list[Any]) -> Array:
    start, limit, step = (one.ravel()[0] for one in inputs)
    _bounded((math.ceil(abs((limit - start) / step)),))
    return np.arange(start, limit, step, dtype=inputs[0].dtype)


def _where(node: Node, inputs: list[Any]) -> Array:
    _bounded(np.broadcast_shapes(*(one.shape for one in inputs)))
    chosen: Array = np.where(*inputs)
    return chosen


def _reduce(function: Callable[..., Any]) -> Fold:
    def fold(node: Node, inputs: list[Any]) -> Array:
        given = inputs[1] if len(inputs) > 1 else None
        axes = axes_of(node, given, inputs[0].ndim)
        if axes is None and node.attributes.get("noop_with_empty_axes", 0):
            return np.asarray(inputs[0])
        keep = bool(node.attributes.get("keepdims", 1))
        return np.asarray(function(inputs[0], axis=axes, keepdims=keep), dtype=inputs[0].dtype)

    return fold


def _split(node: Node, inputs: list[Any]) -> list[Array]:
    axis = node.attributes.get("axis", 0)
    given = inputs[1] if len(inputs) > 1 else None
    lengths = lengths_of(node, given, inputs[0].shape[axis])
    return np.split(inputs[0], np.cumsum(lengths)[:-1], axis=axis)


def _constant(node: Node, inputs: list[Any]) -> Array:
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        if name in node.attributes:
            return np.array(node.attributes[name], dtype=dtype)
        if f"{name}s" in node.attributes:
            return np.array(node.attributes[f"{name}s"], dtype=dtype)
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise OnnxError("Constant: a value of numbers is needed")
    return value


def _matmul(node: Node, inputs: list[Any]) -> Array:
    a, b = inputs
    if a.ndim == 2 and b.ndim == 2:
        _bounded((a.shape[0], b.shape[1]))
        if a.size * b.shape[1] <= 2**32:
            return np.asarray(a @ b)
    raise OnnxError("MatMul: a product of two constants of these shapes is not known")


def cast(node: Node, inputs: list[Any]) -> Array:
    """Convert to a type."""
    to = node.attributes["to"]
    if to not in DTYPES:
        raise OnnxError(f"Cast: type {to} is not known")
    return np.asarray(inputs[0]).astype(DTYPES[to])


def _unary(function: Callable[[Array], Array]) -> Fold:
    return lambda node, inputs: function(inputs[0])


FOLDS: dict[str, Fold] = {
    "Identity": _unary(lambda a: a),
    "Constant": _constant,
    "Cast": cast,
    "Size": _unary(lambda a: np.array(a.size, dtype=np.int64)),
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": lambda node, inputs: inputs[0].reshape(
        target_shape(node, inputs[1], inputs[0].shape)
    ),
    "Flatten": lambda node, inputs: inputs[0].reshape(
        math.prod(inputs[0].shape[: node.attributes.get("axis", 1)]), -1
    ),
    "Transpose": lambda node, inputs: inputs[0].transpose(node.attributes.get("perm")),
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Where": _where,
    "Equal": _binary(np.equal),
    "Less": _binary(np.less),
    "LessOrEqual": _binary(np.less_equal),
    "Greater": _binary(np.greater),
    "GreaterOrEqual": _binary(np.greater_equal),
    "And": _binary(np.logical_and),
    "Or": _binary(np.logical_or),
    "Not": _unary(np.logical_not),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divide),
    "Mod": _binary(np.mod),
    "Pow": _binary(np.power),
    "Min": _binary(np.minimum),
    "Max": _binary(np.maximum),
    "Neg": _unary(np.negative),
    "Abs": _unary(np.abs),
    "Sqrt": _unary(np.sqrt),
    "Exp": _unary(np.exp),
    "Log": _unary(np.log),
    "Reciprocal": _unary(np.reciprocal),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Round": _unary(np.round),
    "Sigmoid": _unary(lambda a: 1 / (1 + np.exp(-a))),
    "Tanh": _unary(np.tanh),
    "Sin": _unary(np.sin),
    "Cos": _unary(np.cos),
    "Softplus": _unary(lambda a: np.logaddexp(a, 0)),
    "MatMul": _matmul,
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMean": _reduce(np.mean),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceSumSquare": _reduce(lambda a, **how: np.sum(a * a, **how)),
    "ReduceL2": _reduce(lambda a, **how: np.sqrt(np.sum(a * a, **how))),
}


def fold(node: Node, inputs: list[Array | None]) -> list[Array]:
    """Compute a node of constants; the results are float32, int64 or bool.

    Raises
    ------
    OnnxError
        If the inputs do not fit, or the result is too large.
    """
    try:
        with np.errstate(all="ignore"):
            found = FOLDS[node.op](node, list(inputs))
    except OnnxError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise OnnxError(f"{node.op} of constants: its inputs do not fit") from error
    results = found if isinstance(found, list) else [found]
    return [_plain(np.asarray(one)) for one in results]


def _plain(array: Array) -> Array:
    _bounded(array.shape)
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    return array if array.dtype == np.bool_ else array.astype(np.int64, copy=False)
