"""Networks as graphs of operations, which PyTorch and the browser run alike."""

from vae_core.graphs.graph import MAX_LAYERS, MAX_VALUES, Builder, Graph, join
from vae_core.graphs.network import GraphNetwork
from vae_core.graphs.operations import OPERATIONS
from vae_core.graphs.shapes import Layer
from vae_core.graphs.simplifying import simplify

__all__ = [
    "MAX_LAYERS",
    "MAX_VALUES",
    "OPERATIONS",
    "Builder",
    "Graph",
    "GraphNetwork",
    "Layer",
    "join",
    "simplify",
]
