"""Graphs of operations as PyTorch modules."""

from __future__ import annotations

from torch import Tensor, nn

from vae_core.errors import ConfigError
from vae_core.graphs.graph import INPUT, Graph
from vae_core.graphs.operations import OPERATIONS, Operands


class GraphNetwork(nn.Module):
    """Network of a graph, from (n, size) to (n, output size); differentiable in its input.

    Weights are buffers, so that they move to a device with the module and are not trained.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self._buffer_of = {name: f"weight_{k}" for k, name in enumerate(graph.weights)}
        for name, values in graph.weights.items():
            self.register_buffer(self._buffer_of[name], values)
        reads = [graph.reads(index) for index in range(len(graph.layers))]
        last_read = {source: index for index, sources in enumerate(reads) for source in sources}
        self._reads = reads
        self._done = [[s for s in set(r) if last_read[s] == i] for i, r in enumerate(reads)]
        self._kinds = [
            {kind: self._buffer_of[layer[kind]] for kind in graph.weights_of(layer)}
            for layer in graph.layers
        ]

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Run the network.

        Parameters
        ----------
        x
            Float (n, ...) with ``graph.size`` values for each example.
        y
            Labels, int64 (n,), of a network that is conditioned on them.

        Returns
        -------
        Tensor
            (n, output size).

        Raises
        ------
        ConfigError
            If the number of values is another, or labels are missing or not allowed.
        """
        flat = x.flatten(1)
        if flat.shape[1] != self.graph.size:
            raise ConfigError(
                f"this network reads {self.graph.size} values for each example, not {flat.shape[1]}"
            )
        values = {INPUT: flat}
        for index, layer in enumerate(self.graph.layers):
            weights = {kind: self.get_buffer(name) for kind, name in self._kinds[index].items()}
            given = Operands([values[one] for one in self._reads[index]], weights, y)
            result = OPERATIONS[layer["op"]].run(layer, given)
            # What depends on no input is computed once for all examples.
            values[index] = result.expand(len(flat), -1)
            for done in self._done[index]:
                del values[done]
        return values[len(self.graph.layers) - 1]
