"""Networks as graphs of operations, which PyTorch and the browser run alike."""

from vae_core.graphs.graph import Builder, Graph, join
from vae_core.graphs.network import GraphNetwork
from vae_core.graphs.operations import OPERATIONS
from vae_core.graphs.shapes import Layer

__all__ = ["OPERATIONS", "Builder", "Graph", "GraphNetwork", "Layer", "join"]
