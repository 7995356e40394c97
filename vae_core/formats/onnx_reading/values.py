"""Values of an ONNX graph while it is lowered: constants, outputs of layers, and labels.

Shapes are those of one example: the axis of the batch has the number of its values per example,
which is 1 unless a reshape has merged another axis into it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
#: Axis of the batch of a file that is for one example: none, so that nothing can mix examples.
NO_BATCH = -1000


@dataclass(frozen=True)
class Known:
    """Constant.

    Attributes
    ----------
    batch
        Its axis of the batch; None if it has none.
    noise
        Whether it stands for random numbers, which are replaced by their mean, 0.
    """

    array: Array
    batch: int | None = None
    noise: bool = False

    @property
    def shape(self) -> Shape:
        """Shape of one example."""
        return self.array.shape


@dataclass(frozen=True)
class Flow:
    """Output of a layer, seen as an array of any number of axes, in any order.

    Attributes
    ----------
    layer
        Index of the layer, -1 for the network's input.
    shape, strides
        Of one example. Every value of the layer is seen exactly once.
    batch
        Axis of the batch; below 0 in a file for one example.
    outer
        Values of that axis that a reshape has merged into it outside of the batch; the others are
        inside.
    """

    layer: int
    shape: Shape
    strides: Shape
    batch: int
    outer: int = 1

    @property
    def size(self) -> int:
        """Values of one example."""
        return math.prod(self.shape)

    @property
    def order(self) -> Shape:
        """Axes from the outermost in memory to the innermost; those of length 1 come first."""
        return tuple(sorted(range(len(self.shape)), key=self._place))

    def _place(self, axis: int) -> tuple[bool, int, int]:
        long = self.shape[axis] > 1
        return (long, -self.strides[axis] if long else 0, axis)

    def around(self, axis: int) -> tuple[int, int]:
        """Return the number of values outside and inside of an axis in memory."""
        order = self.order
        place = order.index(axis)
        outside = math.prod(self.shape[one] for one in order[:place])
        return outside, self.size // (outside * self.shape[axis])

    def moved(self, axes: Sequence[int]) -> Flow:
        """Transpose, without a layer."""
        return replace(
            self,
            shape=tuple(self.shape[one] for one in axes),
            strides=tuple(self.strides[one] for one in axes),
            batch=tuple(axes).index(self.batch) if self.batch >= 0 else NO_BATCH,
        )

    def reshaped(self, shape: Shape, batch: int, outer: int) -> Flow | None:
        """Reshape without a layer; None where the order in memory does not allow it."""
        # Views of one byte are never read: NumPy computes with their strides alone.
        view = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), self.shape, self.strides)
        try:
            strides = view.reshape(shape, copy=False).strides
        except ValueError:
            return None
        return Flow(self.layer, shape, strides, batch, outer)


@dataclass(frozen=True)
class Label:
    """Integer labels, which become a one-hot vector or a row of a table; all axes have length 1."""

    rank: int
    batch: int

    @property
    def shape(self) -> Shape:
        """Shape of one example."""
        return (1,) * self.rank


@dataclass(frozen=True)
class Reshaped:
    """Reshape of an output that needs a layer, which is left out if it is reshaped back."""

    source: Flow
    shape: Shape
    batch: int
    outer: int = 1


Value = Known | Flow | Label | Reshaped


def contiguous(
    layer: int, shape: Shape, batch: int, order: Sequence[int] | None = None, *, outer: int = 1
) -> Flow:
    """Return a layer's output as an array whose axes are in memory in an order."""
    order = range(len(shape)) if order is None else order
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(order):
        strides[axis] = step
        step *= shape[axis]
    return Flow(layer, tuple(shape), tuple(strides), batch, outer)
