"""Networks of a foreign model, as they are read: graphs with the names and shapes of their ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vae_core.graphs import Graph, foreign


@dataclass(frozen=True)
class Port:
    """Input or output of a network: its name, and its shape without the batch."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values of an example."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.name} ({' × '.join(map(str, self.shape)) or '1'})"


@dataclass(frozen=True)
class Network:
    """One network of a foreign model.

    Attributes
    ----------
    inputs, outputs
        Its ends, in order. Labels are no input here: ``classes`` of them are read by the graph.
    graph_of
        Returns the graph from the input to the outputs of these names, side by side.
    classes
        Number of labels that the graph reads as an input of its own; 0 without.
    facts
        Where it comes from: file, hash, what wrote it.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    graph_of: Callable[[Sequence[str]], Graph]
    classes: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)

    def output(self, name: str) -> Port:
        """Return the output of this name."""
        return next(port for port in self.outputs if port.name == name)


def describe(graph: Graph) -> str:
    """Describe a graph in a line: sizes of its input and of the layers that change it."""
    parts = [f"{graph.size:,}"]
    for layer in graph.layers:
        op, size = str(layer["op"]), int(layer["size"])
        if op == foreign.OP:
            parts.append(f"{op} ({', '.join(layer['operators']) or 'other operators'}) {size:,}")
        elif op in ("linear", "recurrent", "matmul"):
            parts.append(f"{op} {size:,}")
        elif "to" in layer:
            parts.append(f"{op.replace('_', ' ')} {' × '.join(map(str, layer['to']))}")
        elif op not in ("swap", "permute", "affine", "add", "slice", "concat", "constant"):
            parts.append(op.replace("_", " "))
    return " → ".join(parts)
