"""ONNX files with operators that cannot be lowered: graphs of one layer, which onnxruntime runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor

from vae_core.errors import OnnxError
from vae_core.formats.onnx_reading import files
from vae_core.formats.onnx_reading.engine import check_size
from vae_core.formats.onnx_reading.model import Port, likely_shapes, open_sizes, port_of
from vae_core.formats.onnx_reading.operators import KNOWN
from vae_core.formats.onnx_reading.values import Shape
from vae_core.graphs import Builder, Graph, foreign

#: Operators that a sentence names; examples that are tried.
NAMED, TRIED = 3, 3


@dataclass(frozen=True)
class ForeignModel:
    """Networks in an ONNX file, as :class:`OnnxModel` has them, of which onnxruntime runs all.

    Attributes
    ----------
    operators
        What cannot be lowered, by name.
    parameters
        Number of weights.
    classes
        Number of labels, for an input that is an integer.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...]
    operator_set: int
    producer: str
    operators: tuple[str, ...]
    parameters: int
    classes: int
    _nodes: Sequence[onnx.NodeProto]
    _file: Tensor

    @property
    def sampled(self) -> tuple[Port, ...]:
        """No values inside are known."""
        return ()

    def graph(
        self, outputs: Sequence[str], *, inputs: Sequence[str], label: str | None = None
    ) -> Graph:
        """Return the graph of one layer from an input to outputs, flattened and joined.

        Parameters
        ----------
        inputs
            Name of the only one.
        label
            Input that is a label: an integer, or a one-hot vector.

        Raises
        ------
        OnnxError
            If an output depends on another input, or the number of labels is not known.
        """
        ports = {one.name: one for one in (*self.inputs, *self.outputs)}
        (entry,) = inputs
        others = {one.name for one in self.inputs} - {entry, label}
        if used := others & self._needed(outputs):
            raise OnnxError(f"{outputs[0][:100]!r} needs the input {min(used)[:100]!r} too")
        builder = Builder(ports[entry].size)
        builder.add(
            foreign.OP,
            size=sum(ports[name].size for name in outputs),
            weights={"file": self._file},
            entry=entry,
            shape=list(ports[entry].shape),
            outputs=list(outputs),
            bytes=self._file.numel(),
            parameters=self.parameters,
            operators=list(self.operators),
            **({} if label is None else self._labelled(ports[label])),
        )
        return builder.build()

    def _labelled(self, port: Port) -> dict[str, Any]:
        one_hot = port.dtype == "float32"
        classes = port.size if one_hot else self.classes
        if classes < 2:
            raise OnnxError(f"input {port.name[:100]!r} is a label: state the number of classes")
        return {"label": port.name, "one_hot": one_hot, "classes": classes}

    def _needed(self, outputs: Sequence[str]) -> set[str]:
        """Return the names of all values that outputs depend on."""
        made_by = {name: node for node in self._nodes for name in node.output if name}
        found: set[str] = set()
        waiting = list(outputs)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(_names_in(made_by[name]) if name in made_by else ())
        return found


def read_foreign(
    source: str | Path | bytes,
    *,
    likely: Sequence[Shape] = (),
    classes: int = 0,
    reason: str = "",
) -> ForeignModel:
    """Read an ONNX file for onnxruntime, which runs it to find the shapes of its outputs.

    Parameters
    ----------
    likely
        Shapes for inputs whose sizes the file leaves open: the first that fits.
    classes
        Number of labels, for an input that is an integer.
    reason
        Why it cannot be lowered, of which the part before a semicolon becomes a note.

    Raises
    ------
    OnnxError
        If the file is damaged, onnxruntime is not installed, or it cannot run the file in time and
        memory (:mod:`vae_core.graphs.foreign`).
    """
    content = files.content_of(source)
    model = files.parsed(content)
    graph = model.graph
    constants = {one.name for one in graph.initializer}
    declared = [files.declared(one) for one in graph.input if one.name not in constants]
    ends = [one.name for one in graph.output]
    shapes = likely_shapes(declared, likely)
    inputs = tuple(port_of(one, shapes.get(one.name)) for one in declared)
    numbers = [one for one in inputs if one.dtype == "float32"]
    if not numbers or not ends:
        raise OnnxError("the ONNX graph has no input of numbers, or no output")
    file = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    found = _tried(file, numbers[0], ends)
    names = sorted({one.op_type[:30] for one in graph.node if one.op_type not in KNOWN})
    floats = [one for one in graph.initializer if files.DTYPES.get(one.data_type) is files.FLOATS]
    return ForeignModel(
        inputs=inputs,
        outputs=tuple(map(Port, ends, found)),
        notes=(
            f"onnxruntime runs it, on a server only ({reason.split(';')[0] or 'as requested'}).",
            *open_sizes(declared, inputs),
        ),
        operator_set=max((one.version for one in model.opset_import), default=0),
        producer=model.producer_name[:100],
        operators=tuple(names[:NAMED]),
        parameters=sum(math.prod(one.dims) for one in floats),
        classes=classes,
        _nodes=graph.node,
        _file=file,
    )


def _tried(file: Tensor, entry: Port, ends: Sequence[str]) -> list[Shape]:
    """Run a file on a few examples, together and alone; return the shapes of its outputs."""
    session = foreign.session_of(file)
    x = torch.randn(TRIED, entry.size, generator=torch.Generator().manual_seed(0))
    how: dict[str, Any] = {"entry": entry.name, "shape": entry.shape, "outputs": ends}
    together, shapes = session.run(x, **how)
    for shape in shapes:
        check_size(math.prod(shape))
    alone = [session.run(x[n : n + 1], **how)[0] for n in range(TRIED)]
    if not torch.allclose(together, torch.cat(alone), rtol=1e-3, atol=1e-4, equal_nan=True):
        raise OnnxError("the network mixes the examples of a batch")
    return shapes


def _names_in(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the names that a node reads, those in graphs within it included."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
            for inner in graph.node:
                yield from _names_in(inner)
