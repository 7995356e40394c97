"""Lower operators that move, choose, repeat and join values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vae_core.errors import OnnxError, OnnxSizeError
from vae_core.formats.onnx_reading import folding
from vae_core.formats.onnx_reading.arithmetic import Inputs, constant, needed, optional
from vae_core.formats.onnx_reading.engine import Engine, axis_of, tensor
from vae_core.formats.onnx_reading.files import Node
from vae_core.formats.onnx_reading.values import (
    NO_BATCH,
    Array,
    Flow,
    Known,
    Label,
    Value,
    contiguous,
)
from vae_core.graphs import MAX_VALUES

#: Neighbouring runs that a Gather or a reflecting Pad may consist of.
MAX_RUNS = 256


def shape(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Shape to a constant."""
    sides = engine.logical(needed(node, inputs, 0))
    first, last = node.attributes.get("start", 0), node.attributes.get("end", len(sides))
    return Known(np.array(sides[slice(first, last)], dtype=np.int64))


def size(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Size to a constant."""
    return Known(np.array(math.prod(engine.logical(needed(node, inputs, 0))), dtype=np.int64))


def constant_of_shape(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower ConstantOfShape to a constant, of one example where the shape has the batch."""
    value = node.attributes.get("value", np.zeros(1, np.float32))
    wanted = constant(node, inputs, 0, "shapes")
    return _filled(engine, [int(n) for n in wanted.ravel()], value.ravel()[0])


def _filled(engine: Engine, sides: list[int], value: np.generic) -> Known:
    batch = None
    if engine.batch > 1:
        batch = next((a for a, n in enumerate(sides) if n > 0 and n % engine.batch == 0), None)
    if batch is not None:
        sides = [n // engine.batch if a == batch else n for a, n in enumerate(sides)]
    if any(n < 0 for n in sides) or math.prod(sides) > MAX_VALUES:
        raise OnnxSizeError(f"a constant of shape {sides[:8]} is too large")
    return Known(np.full(sides, value), batch)


def noise(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower random numbers to their mean, which is 0 for those that are known."""
    if float(node.attributes.get("mean", 0.0)) != 0:
        raise OnnxError(f"{node.op}: random numbers with a mean other than 0 are not known")
    engine.notes.append(
        f"{node.op}: random numbers are left out, so that a sampled code is its mean"
    )
    if node.op == "RandomNormalLike":
        like = needed(node, inputs, 0)
        return Known(np.zeros(like.shape, np.float32), like.batch, noise=True)
    filled = _filled(engine, list(node.attributes.get("shape", ())), np.float32(0))
    return replace(filled, noise=True)


def transpose(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Transpose, mostly without a layer."""
    x = engine.flow(needed(node, inputs, 0))
    rank = len(x.shape)
    order = node.attributes.get("perm", list(range(rank))[::-1])
    if sorted(order) != list(range(rank)):
        raise OnnxError(f"Transpose: {order[:8]} is no order of {rank} axes")
    return x.moved(order)


def reshape(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Reshape."""
    value = needed(node, inputs, 0)
    wanted = constant(node, inputs, 1, "shapes")
    return engine.reshaped(value, folding.target_shape(node, wanted, engine.logical(value)))


def flatten(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Flatten to two axes."""
    value = needed(node, inputs, 0)
    sides = engine.logical(value)
    axis = node.attributes.get("axis", 1)
    if not -len(sides) <= axis <= len(sides):
        raise OnnxError(f"Flatten: axis {axis} where the value has {len(sides)} axes")
    return engine.reshaped(value, [math.prod(sides[:axis]), math.prod(sides[axis:])])


def squeeze(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Squeeze."""
    value = needed(node, inputs, 0)
    sides = engine.logical(value)
    axes = folding.axes_of(node, optional(node, inputs, 1, "axes"), len(sides))
    if axes is None:
        axes = tuple(a for a, n in enumerate(sides) if n == 1)
    if value.batch in axes:
        raise OnnxError("Squeeze removes the batch")
    if any(sides[axis] != 1 for axis in axes):
        raise OnnxError(
            f"Squeeze: axes {list(axes)[:8]} of {engine.shown(sides)} are longer than 1"
        )
    return engine.reshaped(value, [n for a, n in enumerate(sides) if a not in axes])


def unsqueeze(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Unsqueeze."""
    value = needed(node, inputs, 0)
    given = optional(node, inputs, 1, "axes")
    count = len(node.attributes.get("axes", ())) if given is None else given.size
    axes = folding.axes_of(node, given, len(value.shape) + count) or ()
    sides = list(engine.logical(value))
    for axis in sorted(axes):
        sides.insert(axis, 1)
    if isinstance(value, Flow):
        kept = [a for a in range(len(sides)) if a not in axes]
        full = [0] * len(sides)
        for place, stride in zip(kept, value.strides, strict=True):
            full[place] = stride
        each = [1] * len(sides)
        for place, side in zip(kept, value.shape, strict=True):
            each[place] = side
        batch = kept[value.batch] if value.batch >= 0 else NO_BATCH
        return Flow(value.layer, tuple(each), tuple(full), batch, value.outer)
    return engine.reshaped(value, sides)


def expand(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Expand."""
    wanted = [int(n) for n in constant(node, inputs, 1, "shapes").ravel()]
    value = needed(node, inputs, 0)
    if isinstance(value, Known) and value.batch is None:
        # The shape has the batch where this is not folded.
        whole = _filled(engine, wanted, np.float32(0))
        array = np.broadcast_to(value.array, np.broadcast_shapes(value.shape, whole.shape))
        return Known(np.array(array), whole.batch)
    flow = engine.flow(value)
    sides = np.broadcast_shapes(engine.logical(flow), tuple(wanted))
    batch = flow.batch + len(sides) - len(flow.shape)
    each = tuple(n // engine.batch if a == batch else n for a, n in enumerate(sides))
    return engine.expanded(flow, each, batch if flow.batch >= 0 else NO_BATCH)


def tile(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Tile."""
    flow = engine.flow(needed(node, inputs, 0))
    repeats = [int(n) for n in constant(node, inputs, 1, "repeats").ravel()]
    if len(repeats) != len(flow.shape) or any(not 1 <= n <= MAX_RUNS for n in repeats):
        raise OnnxError(f"Tile: repeats {repeats[:8]} are not known")
    for axis, count in enumerate(repeats):
        if count > 1:
            if axis == flow.batch:
                raise OnnxError("Tile over the batch is not known")
            flow = joined(engine, [flow] * count, axis)
    return flow


def concat(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Concat."""
    values = [one for one in inputs if one is not None]
    flows = [one for one in values if isinstance(one, Flow)]
    if not flows:
        flows = [engine.flow(values[0])]
    rank = len(flows[0].shape)
    axis = axis_of(node, node.attributes["axis"], rank)
    whole = [_beside(engine, one, flows[0], axis) for one in values]
    for one in whole:
        same = [n for a, n in enumerate(one.shape) if a != axis]
        if (
            one.batch != flows[0].batch
            or one.outer != flows[0].outer
            or same != [n for a, n in enumerate(flows[0].shape) if a != axis]
        ):
            raise OnnxError("Concat: shapes do not fit each other")
    if axis == flows[0].batch:
        raise OnnxError("Concat of examples of the batch is not known")
    return joined(engine, whole, axis)


def _beside(engine: Engine, value: Value, model: Flow, axis: int) -> Flow:
    if isinstance(value, Known) and value.batch is None and model.batch >= 0:
        array = value.array
        if array.ndim != len(model.shape) or array.shape[model.batch] not in (1, engine.batch):
            raise OnnxError("Concat: shapes do not fit each other")
        first = array.take([0], axis=model.batch)
        if not (array == first).all():
            raise OnnxError("a constant is different for each example of a batch")
        return engine.flow(Known(first, model.batch))
    return engine.flow(value)


def joined(engine: Engine, flows: Sequence[Flow], axis: int) -> Flow:
    """Join values along an axis."""
    order = max(flows, key=lambda one: one.shape[axis]).order
    flows = [engine.arranged(one, order) for one in flows]
    length = sum(one.shape[axis] for one in flows)
    first = flows[0]
    # Axes of length 1 take the place in memory that the joined axis has among the others.
    place = order.index(axis)
    outside = math.prod(first.shape[one] for one in order[:place])
    layer = engine.emit(
        "concat",
        [one.layer for one in flows],
        size=sum(one.size for one in flows),
        parts=outside,
        axis="width",
    )
    shape = tuple(length if a == axis else n for a, n in enumerate(first.shape))
    return contiguous(layer, shape, first.batch, order, outer=first.outer)


def split(engine: Engine, node: Node, inputs: Inputs) -> tuple[Value, ...]:
    """Lower Split."""
    x = engine.flow(needed(node, inputs, 0))
    axis = axis_of(node, node.attributes.get("axis", 0), len(x.shape))
    lengths = folding.lengths_of(node, optional(node, inputs, 1, "lengths"), x.shape[axis])
    if axis == x.batch:
        raise OnnxError("Split of the batch is not known")
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    return tuple(
        chosen(engine, x, axis, start, length, 1)
        for start, length in zip(starts, lengths, strict=True)
    )


def slice_(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Slice."""
    x = engine.flow(needed(node, inputs, 0))
    given = [optional(node, inputs, index, "places") for index in range(1, 5)]
    places = folding.slices_of(node, engine.logical(x), given)
    for axis, (start, count, step) in places.items():
        if axis == x.batch:
            if (start, count, step) != (0, engine.logical(x)[axis], 1):
                raise OnnxError("Slice of the batch is not known")
            continue
        x = chosen(engine, x, axis, start, count, step)
    return x


def chosen(engine: Engine, x: Flow, axis: int, start: int, count: int, step: int) -> Flow:
    """Choose ``count`` places of an axis, from ``start`` by ``step``."""
    if (start, count, step) == (0, x.shape[axis], 1):
        return x
    if count < 1:
        raise OnnxError("a value without any numbers is not known")
    outside, inside = x.around(axis)
    if step != 1 and outside > 1 and inside > 1:
        x = engine.innermost(x, axis)
        outside, inside = x.around(axis)
    kept = outside * count * inside
    if step != 1 and inside > 1:
        along, parts, unit = "parts", count, 1
    else:
        along, parts, unit = "width", outside, inside if step == 1 else 1
    layer = engine.emit(
        "slice",
        [x.layer],
        size=kept,
        parts=parts,
        axis=along,
        start=start * unit,
        stop=max(0, start * unit + (count * unit - 1) * step + (1 if step > 0 else -1)),
        step=step,
    )
    return engine.resized(x, axis, count, layer)


def gather(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Gather of constant places, or of labels from a table."""
    value = needed(node, inputs, 0)
    axis = node.attributes.get("axis", 0)
    index = needed(node, inputs, 1)
    if isinstance(index, Label) and isinstance(value, Known) and axis == 0:
        return _embedded(engine, node, value.array, index)
    places = constant(node, inputs, 1, "places")
    x = engine.flow(value)
    axis = axis_of(node, axis, len(x.shape))
    if axis == x.batch:
        raise OnnxError("Gather of examples of the batch is not known")
    side = x.shape[axis]
    if places.size and not -side <= places.min() <= places.max() < side:
        raise OnnxError(f"Gather: an index is beyond the {side} that exist")
    if places.ndim > 1:
        raise OnnxError("Gather with more than one axis of places is not known")
    x = taken(engine, x, axis, (places.ravel() % side).tolist())
    if places.ndim == 1:
        return x
    return engine.reshaped(x, [n for a, n in enumerate(engine.logical(x)) if a != axis])


def taken(engine: Engine, x: Flow, axis: int, places: Sequence[int]) -> Flow:
    """Choose places of an axis in any order: neighbouring ones together."""
    runs: list[list[int]] = []  # start, count, step
    for place in places:
        run = runs[-1] if runs else None
        if run is not None and run[1] == 1:
            run[1:] = [2, place - run[0]] if place != run[0] else run[1:]
            if place != run[0]:
                continue
        elif run is not None and place == run[0] + run[1] * run[2]:
            run[1] += 1
            continue
        runs.append([place, 1, 1])
    if not 1 <= len(runs) <= MAX_RUNS:
        raise OnnxError(f"a choice of {len(runs)} runs of places is not known")
    flows = [chosen(engine, x, axis, *run) for run in runs]
    return flows[0] if len(flows) == 1 else joined(engine, flows, axis)


def _embedded(engine: Engine, node: Node, table: Array, label: Label) -> Flow:
    if table.ndim != 2:
        raise OnnxError(f"{node.op}: labels choose from a table of {table.ndim} axes")
    one_hot = _one_hot_layer(engine, len(table))
    width = table.shape[1]
    weights = {"weight": tensor(table.T), "bias": tensor(np.zeros(width))}
    layer = engine.emit("linear", [one_hot], size=width, weights=weights)
    return contiguous(layer, (*label.shape, width), label.batch)


def _one_hot_layer(engine: Engine, classes: int) -> int:
    if engine.classes not in (0, classes):
        raise OnnxError(f"labels are of {engine.classes} classes and of {classes}")
    engine.classes = classes
    return engine.emit("label", [], size=classes, classes=classes)


def one_hot(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower OneHot of labels."""
    label = needed(node, inputs, 0)
    if not isinstance(label, Label):
        raise OnnxError("OneHot of anything but labels is not known")
    classes = int(constant(node, inputs, 1, "depths").ravel()[0])
    off, on = (float(one) for one in constant(node, inputs, 2, "values").ravel())
    if not 1 <= classes <= MAX_CLASSES:
        raise OnnxError(f"OneHot: {classes} classes; from 1 to {MAX_CLASSES:,} are allowed")
    axis = axis_of(node, node.attributes.get("axis", -1), label.rank + 1)
    layer = _one_hot_layer(engine, classes)
    if (off, on) != (0.0, 1.0):
        weights = {
            "weight": tensor(np.full(classes, on - off)),
            "bias": tensor(np.full(classes, off)),
        }
        layer = engine.emit("affine", [layer], size=classes, weights=weights)
    sides = list(label.shape)
    sides.insert(axis, classes)
    return contiguous(layer, tuple(sides), label.batch + (axis <= label.batch <= label.rank))


MAX_CLASSES = 10_000


def pad(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower Pad with a constant, the border or a reflection."""
    x = engine.flow(needed(node, inputs, 0))
    rank = len(x.shape)
    pads = [int(n) for n in constant(node, inputs, 1, "pads").ravel()]
    axes = folding.axes_of(node, optional(node, inputs, 3, "axes"), rank) or tuple(range(rank))
    if len(pads) != 2 * len(axes):
        raise OnnxError(f"Pad: {len(pads)} numbers for {len(axes)} axes")
    value = optional(node, inputs, 2, "values")
    mode = node.attributes.get("mode", "constant")
    for k, axis in enumerate(axes):
        before, after = pads[k], pads[k + len(axes)]
        if (before, after) == (0, 0):
            continue
        if axis == x.batch:
            raise OnnxError("Pad of the batch is not known")
        # Negative numbers cut.
        start, end = max(0, -before), x.shape[axis] - max(0, -after)
        x = chosen(engine, x, axis, start, end - start, 1)
        before, after = max(0, before), max(0, after)
        number = 0.0 if value is None else float(value.ravel()[0])
        x = _padded(engine, x, axis, before, after, mode, number)
    return x


def _padded(
    engine: Engine, x: Flow, axis: int, before: int, after: int, mode: str, value: float
) -> Flow:
    side = x.shape[axis]
    if before + after == 0:
        return x
    if mode != "constant":
        places = np.arange(-before, side + after)
        if mode == "reflect" and max(before, after) < side:
            places = (side - 1) - np.abs((side - 1) - np.abs(places))
        elif mode == "edge":
            places = np.clip(places, 0, side - 1)
        elif mode == "wrap" and max(before, after) <= side:
            places %= side
        else:
            raise OnnxError(f"Pad: mode {mode!r} with {before} and {after} of {side} is not known")
        return taken(engine, x, axis, places.tolist())
    outside, inside = x.around(axis)
    layer = engine.emit(
        "pad",
        [x.layer],
        size=x.size + outside * (before + after) * inside,
        parts=outside,
        axis="width",
        before=before * inside,
        after=after * inside,
        value=value,
    )
    return engine.resized(x, axis, side + before + after, layer)


def depth_to_space(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower DepthToSpace and SpaceToDepth to reshapes and a transpose."""
    x = engine.flow(needed(node, inputs, 0))
    b = int(node.attributes["blocksize"])
    if len(x.shape) != 4 or b < 1:
        raise OnnxError(f"{node.op}: images (batch, channels, height, width) are needed")
    n, c, h, w = engine.logical(x)
    if node.op == "SpaceToDepth":
        apart = engine.flow(engine.reshaped(x, [n, c, h // b, b, w // b, b]))
        return engine.reshaped(apart.moved([0, 3, 5, 1, 2, 4]), [n, c * b * b, h // b, w // b])
    if node.attributes.get("mode", "DCR") == "DCR":
        apart = engine.flow(engine.reshaped(x, [n, b, b, c // (b * b), h, w]))
        moved = apart.moved([0, 3, 4, 1, 5, 2])
    else:
        apart = engine.flow(engine.reshaped(x, [n, c // (b * b), b, b, h, w]))
        moved = apart.moved([0, 1, 4, 2, 5, 3])
    return engine.reshaped(moved, [n, c // (b * b), h * b, w * b])
