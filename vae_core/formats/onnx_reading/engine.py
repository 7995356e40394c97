"""Lower the nodes of an ONNX graph to layers, one after the other.

The layout in memory of each value is tracked, so that transposes and most reshapes need no layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_core.errors import OnnxError, OnnxSizeError
from vae_core.formats.onnx_reading.files import Node
from vae_core.formats.onnx_reading.values import (
    NO_BATCH,
    Array,
    Flow,
    Known,
    Label,
    Reshaped,
    Shape,
    Value,
    contiguous,
)
from vae_core.graphs import MAX_LAYERS, MAX_VALUES, Builder

#: Size of the batch where a graph leaves it open: a prime that no other size is a multiple of.
OPEN_BATCH = 1_000_003


class Engine:
    """Builder of layers that knows the layout of each value.

    Parameters
    ----------
    size
        Values of the network's input.
    batch
        Size of the batch: `OPEN_BATCH`, or what the file fixes it to.
    first
        Axis of the batch of inputs: 0, or `NO_BATCH` in a file for one example.
    operator_set
        Version of the operators.
    """

    def __init__(self, size: int, *, batch: int, first: int, operator_set: int) -> None:
        self.builder = Builder(size)
        self.batch = batch
        self.first = first
        self.operator_set = operator_set
        self.classes = 0
        #: Whether only shapes are found out, so that no weight is kept.
        self.is_rehearsal = False
        self.notes: list[str] = []
        self.sampled: list[str] = []
        self._arranged: dict[tuple[int, Shape, Shape], int] = {}

    # Values

    def logical(self, value: Value) -> Shape:
        """Return the shape of a value as the file sees it, with the size of the batch."""
        batch = value.batch
        if batch is None:
            return value.shape
        return tuple(n * (self.batch if a == batch else 1) for a, n in enumerate(value.shape))

    def flow(self, value: Value) -> Flow:
        """Return a value as the output of a layer."""
        if isinstance(value, Flow):
            return value
        if isinstance(value, Reshaped):
            layer = self.arranged(value.source).layer
            return contiguous(layer, value.shape, value.batch, outer=value.outer)
        if isinstance(value, Label):
            raise OnnxError("labels are used as numbers; only OneHot and Gather of them are known")
        layer = self.builder.add(
            "constant", [], size=value.array.size, weights={"values": tensor(value.array.ravel())}
        )
        return contiguous(layer, value.shape, self.first if value.batch is None else value.batch)

    def emit(
        self,
        op: str,
        inputs: Sequence[int],
        *,
        size: int,
        parts: int = 1,
        weights: Mapping[str, Tensor] | None = None,
        **attributes: Any,
    ) -> int:
        """Append a layer and return its index; the graph's bounds hold."""
        if len(self.builder.layers) >= MAX_LAYERS:
            raise OnnxError(f"the graph needs more than {MAX_LAYERS:,} layers")
        check_size(size)
        kept = None if self.is_rehearsal else weights
        return self.builder.add(op, inputs, size=size, parts=parts, weights=kept, **attributes)

    def unary(self, flow: Flow, op: str, **attributes: Any) -> Flow:
        """Append an operation on each value alone."""
        layer = self.emit(op, [flow.layer], size=flow.size, **attributes)
        return replace(flow, layer=layer)

    # Layouts

    def arranged(self, flow: Flow, order: Sequence[int] | None = None) -> Flow:
        """Bring the axes into an order in memory, by default their own; no layer if they are."""
        order = tuple(range(len(flow.shape)) if order is None else order)
        target = contiguous(flow.layer, flow.shape, flow.batch, order, outer=flow.outer)
        long = [axis for axis in flow.order if flow.shape[axis] > 1]
        wanted = [axis for axis in order if flow.shape[axis] > 1]
        if long == wanted:
            return target
        shape, permutation = merged(
            [flow.shape[axis] for axis in long], [long.index(a) for a in wanted]
        )
        key = (flow.layer, shape, permutation)
        if key not in self._arranged:
            self._arranged[key] = self._permute(flow, shape, permutation)
        return replace(target, layer=self._arranged[key])

    def _permute(self, flow: Flow, shape: Shape, order: Shape) -> int:
        if order in ((1, 0), (1, 0, 2)):
            rows, columns, block = (*shape, 1)[:3]
            return self.emit(
                "swap", [flow.layer], size=flow.size, parts=columns, sides=[rows, columns, block]
            )
        return self.emit(
            "permute", [flow.layer], size=flow.size, shape=list(shape), order=list(order)
        )

    def innermost(self, flow: Flow, axis: int) -> Flow:
        """Bring one axis to the inside in memory."""
        if flow.shape[axis] == 1 or flow.order[-1] == axis:
            return flow
        return self.arranged(flow, [one for one in flow.order if one != axis] + [axis])

    def resized(self, flow: Flow, axis: int, length: int, layer: int) -> Flow:
        """Return a layer's output that has ``flow``'s layout but for the length of one axis."""
        shape = tuple(length if a == axis else n for a, n in enumerate(flow.shape))
        return contiguous(layer, shape, flow.batch, flow.order, outer=flow.outer)

    def reshaped(self, value: Value, logical: Sequence[int]) -> Value:
        """Reshape to a shape that includes the batch; one side may be -1."""
        shape = _complete(logical, math.prod(self.logical(value)))
        if isinstance(value, Known) and value.batch is None:
            return replace(value, array=value.array.reshape(shape))
        batch, outer = self._batch_axis(value, shape)
        each = tuple(n // self.batch if a == batch else n for a, n in enumerate(shape))
        if isinstance(value, Label):
            return Label(len(each), batch)
        flow = value.source if isinstance(value, Reshaped) else self.flow(value)
        view = flow.reshaped(each, batch, outer)
        return Reshaped(flow, each, batch, outer) if view is None else view

    def _batch_axis(self, value: Value, shape: Shape) -> tuple[int, int]:
        """Return the axis of the batch after a reshape, and the values merged outside of it."""
        if value.batch is not None and value.batch < 0:
            return NO_BATCH, 1
        merged_outside = 1 if isinstance(value, Known | Label) else value.outer
        outside = math.prod(value.shape[: value.batch]) * merged_outside
        for axis, side in enumerate(shape):
            before = math.prod(shape[:axis])
            whole = side > 0 and side % self.batch == 0 and before > 0 and outside % before == 0
            if whole and side // self.batch % (outside // before) == 0:
                return axis, outside // before
        raise OnnxError(
            f"Reshape to {self.shown(shape)} mixes the examples of a batch, or works for one size "
            "of batch only; export with a batch of any size"
        )

    def shown(self, shape: Sequence[int]) -> str:
        """Return a shape for a sentence."""
        sides = (str(n) if n % OPEN_BATCH or n == 0 else "batch" for n in shape)
        return f"({', '.join(sides)})"

    # Broadcasting

    def expanded(self, flow: Flow, shape: Shape, batch: int) -> Flow:
        """Repeat axes of length 1 to those of ``shape``; leading axes may be missing."""
        missing = len(shape) - len(flow.shape)
        if flow.batch >= 0 and missing + flow.batch != batch:
            raise OnnxError("a value is broadcast over the batch, which is not known")
        padded = (1,) * missing + flow.shape
        flow = Flow(flow.layer, padded, (0,) * missing + flow.strides, batch, flow.outer)
        new = [a for a, n in enumerate(shape) if n != flow.shape[a]]
        if not new:
            return flow
        if any(flow.shape[axis] != 1 for axis in new):
            raise OnnxError(f"shapes {flow.shape} and {shape} do not fit each other")
        copies = math.prod(shape[axis] for axis in new)
        layer = self.emit("repeat", [flow.layer], size=copies * flow.size, parts=copies)
        rest = [axis for axis in flow.order if axis not in new]
        return contiguous(layer, shape, batch, [*new, *rest], outer=flow.outer)


def merged(shape: Sequence[int], order: Sequence[int]) -> tuple[Shape, Shape]:
    """Merge axes that stay neighbours in a transpose."""
    runs: list[list[int]] = []
    for axis in order:
        if runs and runs[-1][-1] == axis - 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    firsts = sorted(run[0] for run in runs)
    sides = {run[0]: math.prod(shape[axis] for axis in run) for run in runs}
    return (
        tuple(sides[first] for first in firsts),
        tuple(firsts.index(run[0]) for run in runs),
    )


def broadcast(shapes: Iterable[Shape]) -> Shape:
    """Return the shape that several shapes broadcast to.

    Raises
    ------
    OnnxError
        If they do not fit each other.
    """
    shapes = list(shapes)
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        listed = " and ".join(map(str, shapes))
        raise OnnxError(f"shapes {listed} do not fit each other") from error


def tensor(array: Array) -> Tensor:
    """Return an array as a float32 tensor, which may share its memory."""
    return torch.from_numpy(np.require(array, np.float32, ["C", "W"]))


def check_size(size: int) -> None:
    """Raise OnnxSizeError if a value is too large."""
    if not 1 <= size <= MAX_VALUES:
        raise OnnxSizeError(f"a value has {size:,} numbers; from 1 to {MAX_VALUES:,} are allowed")


def axis_of(node: Node, axis: int, rank: int) -> int:
    """Return an axis counted from 0.

    Raises
    ------
    OnnxError
        If there is none.
    """
    if not -rank <= axis < rank:
        raise OnnxError(f"{node.op}: axis {axis} where the value has {rank} axes")
    return axis % rank


def _complete(shape: Sequence[int], total: int) -> Shape:
    known = math.prod(n for n in shape if n != -1)
    sides = tuple(total // known if n == -1 and known > 0 else n for n in shape)
    if any(n < 0 for n in sides) or math.prod(sides) != total:
        raise OnnxError(f"Reshape to {list(shape)} does not fit {total} values")
    return sides
