"""An ONNX file as its inputs, its outputs, and graphs from some to others."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vae_core.errors import ConfigError, OnnxError, OnnxSizeError, OperatorError
from vae_core.formats.onnx_reading import files, folding
from vae_core.formats.onnx_reading.engine import OPEN_BATCH, Engine, check_size
from vae_core.formats.onnx_reading.files import Declared, Node, Source
from vae_core.formats.onnx_reading.operators import KNOWN, LAZY, LOWERED
from vae_core.formats.onnx_reading.values import (
    NO_BATCH,
    Known,
    Label,
    Reshaped,
    Shape,
    Value,
    contiguous,
)
from vae_core.graphs import Graph, simplify


@dataclass(frozen=True)
class Port:
    """Input or output of a network.

    Attributes
    ----------
    shape
        Of one example, without the axis of the batch.
    dtype
        "float32", "int64" (labels) or "bool".
    """

    name: str
    shape: Shape
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """Values of one example."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class OnnxModel:
    """Networks in an ONNX file.

    Attributes
    ----------
    inputs, outputs
        As the file declares them.
    sampled
        Values inside that are a mean plus noise: where a whole autoencoder's encoder ends.
    notes
        What was left out or assumed, a sentence each.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    sampled: tuple[Port, ...]
    notes: tuple[str, ...]
    operator_set: int
    producer: str
    _source: Source
    _batch: int
    _first: int
    _shapes: Mapping[str, Shape]

    @np.errstate(all="ignore")  # weights that are not finite are refused when the graph is built
    def graph(
        self,
        outputs: Sequence[str] | None = None,
        *,
        inputs: Sequence[str] | None = None,
        label: str | None = None,
        zeros: Collection[str] = (),
        channels_last: Collection[str] = (),
    ) -> Graph:
        """Lower the network from some values to others.

        Parameters
        ----------
        outputs
            Names of outputs, or of values in ``sampled``; by default all outputs. Several are
            flattened and joined in this order.
        inputs
            Names of inputs, or of values in ``sampled``; by default those that are needed and not
            named otherwise. The graph's input is their values, flattened and joined.
        label
            Input that is a label: an integer, or a one-hot vector.
        zeros
            Inputs that are 0, such as noise.
        channels_last
            Inputs and outputs of shape (h, w, c) whose values the graph has as (c, h, w).

        Raises
        ------
        OnnxError
            If a name is unknown, or an operator cannot be lowered.
        """
        outputs = [one.name for one in self.outputs] if outputs is None else list(outputs)
        made = {name for node in self._source.nodes for name in node.outputs}
        absent = [name for name in outputs if name not in made | set(self._shapes)]
        if absent:
            raise OnnxError(
                f"the ONNX graph has no value {absent[0][:100]!r}; its outputs are "
                f"{', '.join(one.name for one in self.outputs)}"
            )
        given = {label} - {None} | set(zeros)
        if inputs is None:
            needed = _needed(self._source, outputs, given)
            inputs = [one.name for one in self.inputs if one.name in needed - given]
        unknown = ({*inputs, *zeros} | given) - set(self._shapes)
        if unknown or not inputs or not outputs:
            raise OnnxError(
                f"inputs {', '.join(sorted(map(str, unknown))) or 'without a name'}: known are "
                f"{', '.join(self._shapes)}"
            )
        lowering = _Lowering(self._source, self._batch, self._first, self._shapes)
        for name in zeros:
            lowering.zero(name)
        if label is not None:
            lowering.label(label)
        lowering.start(inputs, frozenset(channels_last))
        return lowering.graph(outputs, frozenset(channels_last))


@np.errstate(all="ignore")
def read(
    source: str | Path | bytes,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    likely: Sequence[Shape] = (),
) -> OnnxModel:
    """Read the networks of an ONNX file.

    Parameters
    ----------
    source
        Path of the file, or its bytes.
    shapes
        Shape of one example of inputs whose sizes the file leaves open.
    likely
        Shapes for inputs that are not in ``shapes``: the first that fits what the file fixes.

    Returns
    -------
    OnnxModel
        Inputs and outputs, from which graphs are made.

    Raises
    ------
    OnnxError
        If the file is damaged or too large, or has something that is not known; the sentence names
        it. It is an OperatorError if the file is sound as far as it was read.
    """
    content = files.read(source, known=KNOWN)
    batch = _batch_of(content)
    shapes = {**likely_shapes(content.inputs, likely), **(shapes or {})}
    try:
        return _described(content, batch, NO_BATCH if batch == 1 else 0, shapes)
    except OnnxError as error:
        # Files exported for one example may have its size in their constants.
        if batch != OPEN_BATCH:
            raise
        try:
            return _described(content, 1, 0, shapes)
        except OnnxError:
            raise error from None


def likely_shapes(inputs: Sequence[Declared], likely: Sequence[Shape]) -> dict[str, Shape]:
    """Return the first likely shape that fits each input of open sizes, by their names."""
    found: dict[str, Shape] = {}
    for one in inputs:
        sides = (None,) if one.shape is None else one.shape[1:]
        if all(isinstance(side, int) for side in sides):
            continue
        for shape in likely:
            fits = len(shape) == len(sides) and all(
                not isinstance(side, int) or side == wanted
                for side, wanted in zip(sides, shape, strict=True)
            )
            if fits or one.shape is None:
                found[one.name] = tuple(shape)
                break
    return found


def _batch_of(source: Source) -> int:
    """Return the size of the batch: open, or as the inputs fix it."""
    sides = [one.shape[0] for one in source.inputs if one.shape]
    fixed = {one for one in sides if isinstance(one, int)}
    if len(fixed) == 1 and len(sides) == len([one for one in sides if isinstance(one, int)]):
        size = fixed.pop()
        if 1 <= size <= 2**20:
            return size
    return OPEN_BATCH


def _described(
    source: Source, batch: int, first: int, shapes: Mapping[str, Sequence[int]]
) -> OnnxModel:
    ports = tuple(port_of(one, shapes.get(one.name)) for one in source.inputs)
    if not ports or not source.outputs:
        raise OnnxError("the ONNX graph has no input or no output")
    each: dict[str, Shape] = {one.name: (1, *one.shape) for one in ports}
    lowering = _Lowering(source, batch, first, each)
    lowering.engine.is_rehearsal = True
    numbers = [one.name for one in ports if one.dtype == "float32"]
    for one in ports:
        if one.dtype != "float32":
            lowering.label(one.name)
    if not numbers:
        raise OnnxError("the ONNX graph has no input of numbers")
    lowering.start(numbers, frozenset())
    names = [one.name for one in source.outputs]
    try:
        lowering.run(names)
    except OnnxSizeError:
        raise
    except OnnxError as error:
        raise OperatorError(str(error)) from error
    outputs = [Port(name, lowering.shape_of(name)) for name in names]
    sampled = [Port(name, lowering.shape_of(name)) for name in lowering.engine.sampled]
    each |= {one.name: (1, *one.shape) for one in sampled}
    return OnnxModel(
        inputs=ports,
        outputs=tuple(outputs),
        sampled=tuple(sampled),
        notes=tuple(dict.fromkeys([*open_sizes(source.inputs, ports), *lowering.engine.notes])),
        operator_set=source.operator_set,
        producer=source.producer,
        _source=source,
        _batch=batch,
        _first=first,
        _shapes=each,
    )


def open_sizes(declared: Sequence[Declared], ports: Sequence[Port]) -> list[str]:
    """Say as what inputs of open sizes are read."""
    return [
        f"Input {port.name[:100]!r} has open sizes, and is read as "
        f"{' × '.join(map(str, port.shape))}."
        for one, port in zip(declared, ports, strict=True)
        if one.shape is None or any(not isinstance(side, int) for side in one.shape[1:])
    ]


def port_of(declared: Declared, given: Sequence[int] | None) -> Port:
    """Return an input with the shape that is given, or else declared.

    Raises
    ------
    OnnxError
        If its sizes are open, or not allowed.
    """
    sides: Sequence[int | str | None] | None = given
    if given is None:
        sides = None if declared.shape is None else declared.shape[1:]
    if sides is None or any(not isinstance(n, int) for n in sides):
        shown = "" if sides is None else f" but ({', '.join(map(str, ('batch', *sides)))})"
        raise OnnxError(
            f"input {declared.name[:100]!r} has no fixed shape{shown}; the sizes of one example "
            "must be told or exported"
        )
    shape = tuple(int(n) for n in sides if n is not None)
    if any(n < 1 for n in shape):
        raise OnnxError(f"input {declared.name[:100]!r} has a side below 1: {list(shape)[:8]}")
    check_size(math.prod(shape))
    return Port(declared.name, shape, np.dtype(declared.dtype).name)


def _needed(source: Source, outputs: Sequence[str], stop: Collection[str | None]) -> set[str]:
    """Return the names of all values that outputs depend on."""
    made_by = {name: node for node in source.nodes for name in node.outputs if name}
    found: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in found or not name:
            continue
        found.add(name)
        if name in made_by and name not in stop:
            waiting.extend(made_by[name].inputs)
    return found


class _Lowering:
    """One pass over the nodes of a file."""

    def __init__(self, source: Source, batch: int, first: int, shapes: Mapping[str, Shape]) -> None:
        self._source = source
        self._shapes = shapes
        self._batch = batch
        self.values: dict[str, Value] = {}
        self._folded = 0
        self.engine = Engine(1, batch=batch, first=first, operator_set=source.operator_set)

    def zero(self, name: str) -> None:
        """Replace an input by zeros."""
        shape = self._shapes[name]
        self.values[name] = Known(
            np.zeros(shape, np.float32), 0 if self._batch > 1 else None, noise=True
        )

    def label(self, name: str) -> None:
        """Make an input the label, as an integer or a one-hot vector."""
        declared = next((one for one in self._source.inputs if one.name == name), None)
        shape = self._shapes[name]
        if declared is not None and declared.dtype is not np.float32:
            if math.prod(shape) != 1:
                raise OnnxError(f"input {name[:100]!r} has {math.prod(shape)} integers, not one")
            self.values[name] = Label(len(shape), self.engine.first)
            return
        classes = math.prod(shape)
        layer = self.engine.emit("label", [], size=classes, classes=classes)
        self.engine.classes = classes
        self.values[name] = contiguous(layer, shape, self.engine.first)

    def start(self, names: Sequence[str], channels_last: frozenset[str]) -> None:
        """Make inputs parts of the network's input."""
        sizes = [math.prod(self._shapes[name]) for name in names]
        builder = self.engine.builder
        builder.size = sum(sizes)
        check_size(builder.size)
        first = 0
        for name, size in zip(names, sizes, strict=True):
            layer = -1
            if len(names) > 1:
                layer = self.engine.emit(
                    "slice", [-1], size=size, axis="width", start=first, stop=first + size, step=1
                )
            first += size
            shape = self._shapes[name]
            order = _channels_first(name, shape) if name in channels_last else None
            self.values[name] = contiguous(layer, shape, self.engine.first, order)

    def run(self, outputs: Sequence[str]) -> None:
        """Lower the nodes that outputs depend on."""
        constants = {name: Known(array) for name, array in self._source.constants.items()}
        self.values = {**constants, **self.values}
        needed = _needed(self._source, outputs, self.values.keys())
        for node in self._source.nodes:
            if any(name in needed and name not in self.values for name in node.outputs):
                self._lower(node)
        missing = [name for name in outputs if name not in self.values]
        if missing:
            raise OnnxError(f"the ONNX graph has no value {missing[0][:100]!r}")

    def _lower(self, node: Node) -> None:
        for name in node.inputs:
            if name and name not in self.values:
                raise OnnxError(f"{node.op} needs the input {name[:100]!r}, which is not given")
        inputs = [self.values[name] if name else None for name in node.inputs]
        if node.op not in LAZY:
            inputs = [self.engine.flow(v) if isinstance(v, Reshaped) else v for v in inputs]
        constants = [one for one in inputs if one is not None]
        foldable = all(isinstance(one, Known) and one.batch is None for one in constants)
        try:
            if foldable and node.op in folding.FOLDS and not _has_batch(node, inputs, self._batch):
                arrays = [one.array if isinstance(one, Known) else None for one in inputs]
                found: tuple[Value, ...] = tuple(map(Known, folding.fold(node, arrays)))
                self._count(found)
            elif node.op in LOWERED:
                lowered = LOWERED[node.op](self.engine, node, inputs)
                found = lowered if isinstance(lowered, tuple) else (lowered,)
            else:
                raise OnnxError(f"{node.op} of values that depend on the input is not known")
        except (
            ConfigError,
            ValueError,
            TypeError,
            LookupError,
            ArithmeticError,
            RuntimeError,
        ) as error:
            if isinstance(error, OnnxError):
                raise
            raise OnnxError(f"{node.op} cannot be lowered: {str(error)[:200]}") from error
        for name, value in zip(node.outputs, found, strict=False):
            if name:
                self.values[name] = value

    def _count(self, values: Sequence[Value]) -> None:
        self._folded += sum(one.array.size for one in values if isinstance(one, Known))
        if self._folded > MAX_FOLDED:
            raise OnnxSizeError("the constants of the ONNX graph are too large")

    def shape_of(self, name: str) -> Shape:
        """Return the shape of one example of a value."""
        value = self.values[name]
        batch = value.batch
        if batch is None or batch < 0:
            return value.shape[value.shape[:1] == (1,) :]
        rest = tuple(n for axis, n in enumerate(value.shape) if axis != batch)
        return rest if value.shape[batch] == 1 else (value.shape[batch], *rest)

    def graph(self, outputs: Sequence[str], channels_last: frozenset[str]) -> Graph:
        """Return the graph of outputs, flattened and joined."""
        self.run(outputs)
        engine = self.engine
        layers = []
        for name in outputs:
            flow = engine.flow(self.values[name])
            order = _channels_first(name, flow.shape) if name in channels_last else None
            layers.append(engine.arranged(flow, order))
        end = layers[0].layer
        if len(layers) > 1:
            total = sum(one.size for one in layers)
            end = engine.emit("concat", [one.layer for one in layers], size=total, axis="width")
        try:
            return simplify(engine.builder.build(end))
        except ConfigError as error:
            raise OnnxError(f"the ONNX graph cannot be run: {error}") from error


#: Numbers in all constants that are computed.
MAX_FOLDED = 2**26


def _has_batch(node: Node, inputs: Sequence[Value | None], batch: int) -> bool:
    """Return whether a constant shape has the batch, so that its array stands for one example."""
    if node.op not in ("Expand", "ConstantOfShape") or batch == 1:
        return False
    shape = inputs[-1]
    return isinstance(shape, Known) and bool((shape.array % batch == 0).any())


def _channels_first(name: str, shape: Shape) -> list[int]:
    if len(shape) != 4:
        raise OnnxError(f"{name[:100]!r} is no image (height, width, channels)")
    return [0, 3, 1, 2]
