"""Graphs of operations: the layers of a network, its weights and their checks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from vae_core.errors import ConfigError
from vae_core.graphs import foreign
from vae_core.graphs.operations import OPERATIONS, Operation
from vae_core.graphs.shapes import Layer, need

FORMAT_VERSION = 1
#: The network's input, where a layer lists what it reads.
INPUT = -1
#: Entries of a layer that hold the name of an array: of float32, but for a file's bytes.
FILE = "file"
WEIGHTS = ("weight", "bias", "weight_ih", "bias_ih", "weight_hh", "bias_hh", "values", FILE)
#: What a graph may have at most: layers, values of one array, values of all weights, and
#: multiplications for one example.
MAX_LAYERS = 4096
MAX_VALUES = 2**24
MAX_WEIGHTS = 2**26
MAX_MULTIPLICATIONS = 2**36
_MAX_JSON = 2**22
_COMMON = ("op", "size", "parts", "inputs", *WEIGHTS)


@dataclass(frozen=True)
class Graph:
    """Network as a list of layers, each of which reads earlier ones.

    A layer is a mapping with ``op``, ``size`` (values of its output per example), ``parts`` (rows
    of its output, 1 by default), ``inputs`` (indices of the layers that it reads, -1 for the
    network's input; by default the layer before), attributes, and names of arrays in ``weights``.
    The last layer's output is the network's.

    Attributes
    ----------
    size
        Values of the network's input for each example.
    layers
        At least one.
    weights
        Finite float32 arrays by their names.

    Raises
    ------
    ConfigError
        If a layer is damaged, unknown, or inconsistent with what it reads, or the graph is too
        large. The sentence names the layer.
    """

    size: int
    layers: tuple[Layer, ...]
    weights: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        _check(self)

    @property
    def output_size(self) -> int:
        """Values of the network's output for each example."""
        return int(self.layers[-1]["size"])

    @property
    def classes(self) -> int:
        """Number of labels that the network is conditioned on, 0 without any."""
        return max((int(one.get("classes", 0)) for one in self.layers), default=0)

    def reads(self, index: int) -> list[int]:
        """Return the indices of the layers that a layer reads."""
        return reads(self.layers[index], index)

    def weights_of(self, layer: Layer) -> dict[str, Tensor]:
        """Return the arrays of a layer by their kind ("weight", "bias", ...)."""
        return {kind: self.weights[layer[kind]] for kind in WEIGHTS if kind in layer}

    @property
    def is_foreign(self) -> bool:
        """Whether a part of it is run by onnxruntime, as a browser cannot."""
        return any(layer["op"] == foreign.OP for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Number of weights, those in the file of a foreign network included."""
        inside = sum(int(layer.get("parameters", 0)) for layer in self.layers)
        return inside + sum(p.numel() for p in self.weights.values() if p.dtype == torch.float32)

    def multiplications(self) -> int:
        """Return the multiplications by weights, and other values, for one example."""
        return sum(_multiplications(one, self.weights_of(one)) for one in self.layers)

    def to_json(self) -> str:
        """Return layers and size as JSON; weights are in :meth:`to_safetensors`."""
        return json.dumps(
            {"format_version": FORMAT_VERSION, "size": self.size, "layers": list(self.layers)}
        )

    def to_safetensors(self) -> bytes:
        """Return the weights as a safetensors file."""
        return safetensors.torch.save(
            {name: one.detach().cpu().contiguous().clone() for name, one in self.weights.items()}
        )

    @classmethod
    def of(cls, description: str | bytes, content: bytes) -> Graph:
        """Read what :meth:`to_json` and :meth:`to_safetensors` wrote.

        Raises
        ------
        ConfigError
            If either is damaged, of a newer version, or the graph is not valid.
        """
        need(len(description) <= _MAX_JSON, f"graph: its JSON is longer than {_MAX_JSON:,} bytes")
        try:
            read = json.loads(description)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"graph: not JSON ({error})") from error
        need(
            isinstance(read, dict) and set(read) == {"format_version", "size", "layers"},
            "graph: an object of format_version, size and layers is needed",
        )
        version = read["format_version"]
        need(
            version == FORMAT_VERSION,
            f"graph: format_version {version!r} is not {FORMAT_VERSION}, which this version reads",
        )
        need(isinstance(read["layers"], list), "graph: layers are not a list")
        try:
            tensors = safetensors.torch.load(content)
        except (safetensors.SafetensorError, ValueError, KeyError) as error:
            raise ConfigError(f"graph: its weights are not a safetensors file ({error})") from error
        return cls(read["size"], tuple(read["layers"]), tensors)


def reads(layer: Layer, index: int) -> list[int]:
    """Return the indices of the layers that the layer at an index reads."""
    return list(layer.get("inputs", [index - 1]))


class Builder:
    """Writer of a graph, layer by layer.

    Parameters
    ----------
    size
        Values of the network's input for each example.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.layers: list[dict[str, Any]] = []
        self.weights: dict[str, Tensor] = {}

    @classmethod
    def of(cls, graph: Graph) -> Builder:
        """Start from the layers of a graph."""
        builder = cls(graph.size)
        builder.layers = [dict(one) for one in graph.layers]
        builder.weights = dict(graph.weights)
        return builder

    def size_of(self, index: int) -> int:
        """Return the values per example of a layer's output, or of the input (-1)."""
        return self.size if index == INPUT else int(self.layers[index]["size"])

    def add(
        self,
        op: str,
        inputs: Sequence[int] | None = None,
        *,
        size: int | None = None,
        parts: int = 1,
        weights: Mapping[str, Tensor] | None = None,
        **attributes: Any,
    ) -> int:
        """Append a layer and return its index.

        Parameters
        ----------
        inputs
            Indices of what it reads; by default the layer before.
        size
            Values of its output; by default those of its first input.
        weights
            Arrays by kind: "weight", "bias", ...
        """
        here = len(self.layers)
        inputs = [here - 1] if inputs is None else list(inputs)
        size = self.size_of(inputs[0]) if size is None else size
        layer: dict[str, Any] = {"op": op, "size": size, **attributes}
        if parts != 1:
            layer["parts"] = parts
        if inputs != [here - 1]:
            layer["inputs"] = inputs
        for kind, values in (weights or {}).items():
            layer[kind] = f"{here}.{kind}"
            values = values.detach() if kind == FILE else values.detach().float()
            self.weights[layer[kind]] = values.contiguous()
        self.layers.append(layer)
        return here

    def build(self, output: int | None = None) -> Graph:
        """Return the graph that ends in a layer (by default the last); unread layers are dropped.

        Raises
        ------
        ConfigError
            As :class:`Graph`.
        """
        end = len(self.layers) - 1 if output is None else output
        if end == INPUT:
            end = self.add("clip", [INPUT])  # a network has at least one layer
        used = {end}
        for index in range(end, -1, -1):
            if index in used:
                used.update(reads(self.layers[index], index))
        kept = sorted(used - {INPUT})
        place = {INPUT: INPUT, **{index: new for new, index in enumerate(kept)}}
        layers, weights = [], {}
        for new, index in enumerate(kept):
            layer = {name: one for name, one in self.layers[index].items() if name != "inputs"}
            inputs = [place[one] for one in reads(self.layers[index], index)]
            if inputs != [new - 1]:
                layer["inputs"] = inputs
            for kind in WEIGHTS:
                if kind in layer:
                    weights[f"{new}.{kind}"] = self.weights[layer[kind]]
                    layer[kind] = f"{new}.{kind}"
            layers.append(layer)
        return Graph(self.size, tuple(layers), weights)


def _check(graph: Graph) -> None:
    _check_size("input", graph.size)
    count = len(graph.layers)
    need(1 <= count <= MAX_LAYERS, f"graph: {count:,} layers; from 1 to {MAX_LAYERS:,} are allowed")
    total = sum(one.numel() for one in graph.weights.values())
    need(
        total <= MAX_WEIGHTS,
        f"graph: {total:,} weights; up to {MAX_WEIGHTS:,} are allowed",
    )
    for name, values in graph.weights.items():
        good = values.dtype in (torch.float32, torch.uint8)
        need(good, f"graph: {name} is {values.dtype}; float32 is needed")
        need(_is_finite(values), f"graph: {name} has values that are not finite")
    sizes = [graph.size]  # of the input, and of each layer
    for index, layer in enumerate(graph.layers):
        try:
            sizes.append(_check_layer(graph, layer, index, sizes))
        except ConfigError as error:
            op = layer.get("op") if isinstance(layer, Mapping) else None
            raise ConfigError(f"graph: layer {index} ({op}): {error}") from error
    work = graph.multiplications()
    need(
        work <= MAX_MULTIPLICATIONS,
        f"graph: {work:,} multiplications an example; up to {MAX_MULTIPLICATIONS:,} are allowed",
    )


def _is_finite(values: Tensor) -> bool:
    """Return whether all values are finite; unlike `torch.isfinite`, without a copy."""
    return values.numel() == 0 or all(bool(one.isfinite()) for one in values.aminmax())


def _check_size(name: str, size: object) -> int:
    good = type(size) is int and 1 <= size <= MAX_VALUES
    need(good, f"{name}: size {size!r}; an integer from 1 to {MAX_VALUES:,} is allowed")
    assert isinstance(size, int)
    return size


def _check_layer(graph: Graph, layer: Layer, index: int, sizes: list[int]) -> int:
    need(isinstance(layer, Mapping), "not an object")
    operation = known(layer.get("op"))
    unknown = set(layer) - {*_COMMON, *operation.attributes}
    need(not unknown, f"unknown attribute {', '.join(sorted(map(str, unknown)))}")
    size = _check_size("output", layer.get("size"))
    parts = layer.get("parts", 1)
    need(
        type(parts) is int and parts >= 1 and size % parts == 0,
        f"parts {parts!r} do not divide {size} values",
    )
    inputs = layer.get("inputs", [index - 1])
    need(
        isinstance(inputs, Sequence)
        and all(type(one) is int and INPUT <= one < index for one in inputs),
        f"inputs {inputs!r}: indices of earlier layers are allowed",
    )
    found: dict[str, Tensor] = {}
    for kind in WEIGHTS:
        if kind in layer:
            need(
                isinstance(layer[kind], str) and layer[kind] in graph.weights,
                f"{kind} {layer[kind]!r} is not among the weights",
            )
            found[kind] = graph.weights[layer[kind]]
            needed = torch.uint8 if kind == FILE else torch.float32
            need(found[kind].dtype == needed, f"{kind} is {found[kind].dtype}; not {needed}")
    _check_count(operation, layer, len(inputs))
    read = [sizes[one + 1] for one in inputs]
    if operation.inputs == (1, 2) and "values" in found:
        read.append(found["values"].numel())
    result, shapes = operation.rule(layer, read)
    need(result == size, f"size {size} where {result} is needed")
    if operation.inputs == (1, 2) and "values" in found:
        shapes = {"values": tuple(found["values"].shape)}
    need(
        set(found) == set(shapes),
        f"weights {sorted(found)} where {sorted(shapes)} are needed",
    )
    for kind, values in found.items():
        need(
            tuple(values.shape) == shapes[kind],
            f"{kind} has shape {tuple(values.shape)} where {shapes[kind]} is needed",
        )
    return size


def _check_count(operation: Operation, layer: Layer, count: int) -> None:
    low, high = operation.inputs
    if (low, high) == (1, 2):  # of two operands one may be a constant
        low = high = 1 if "values" in layer else 2
    allowed = str(low) if low == high else f"{low} to {high}"
    need(low <= count <= high, f"{count} inputs; {allowed} are allowed")


def known(op: object) -> Operation:
    """Return an operation by its name.

    Raises
    ------
    ConfigError
        If there is none of this name; those that exist are listed.
    """
    if not isinstance(op, str) or op not in OPERATIONS:
        raise ConfigError(f"unknown operation {op!r}; known are {', '.join(sorted(OPERATIONS))}")
    return OPERATIONS[op]


def _multiplications(layer: Layer, weights: Mapping[str, Tensor]) -> int:
    size, parts = int(layer["size"]), int(layer.get("parts", 1))
    if layer["op"] == "linear":
        return weights["weight"].numel() * parts
    if layer["op"] in ("conv", "resize_conv"):
        return weights["weight"].numel() * int(math.prod(layer["to"][:2]))
    if layer["op"] == "conv_transpose":
        return weights["weight"].numel() * int(math.prod(layer["from"][:2]))
    if layer["op"] == "recurrent":
        return (weights["weight_ih"].numel() + weights["weight_hh"].numel()) * parts
    if layer["op"] in ("max_pool", "average_pool"):
        return size * int(math.prod(layer["kernel"]))
    return size


def join(graphs: Iterable[Graph]) -> Graph:
    """Return the graph that runs several graphs one after the other."""
    first, *others = graphs
    builder = Builder.of(first)
    for other in others:
        need(
            builder.size_of(len(builder.layers) - 1) == other.size,
            f"graph: an output of {builder.layers[-1]['size']} values is no input of {other.size}",
        )
        start = len(builder.layers)
        for index, layer in enumerate(other.layers):
            inputs = [one + start if one >= 0 else start - 1 for one in other.reads(index)]
            builder.layers.append({**layer, "inputs": inputs})
            for kind in WEIGHTS:
                if kind in layer:
                    name = f"{start + index}.{kind}"
                    builder.layers[-1][kind] = name
                    builder.weights[name] = other.weights[layer[kind]]
    return builder.build()
