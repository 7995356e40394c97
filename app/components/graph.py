"""Panel that draws a graph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.components import mounting
from app.components.contract import Scene


def graph(
    key: str,
    *,
    nodes: Sequence[tuple[float, float]],
    name: str,
    scene: Scene | None = None,
    adjacency: NDArray[np.uint8] | None = None,
    size: int = 336,
) -> None:
    """Draw the graph decoded at the current code, or a fixed graph.

    Parameters
    ----------
    nodes
        Positions of the nodes, from -1 to 1 both ways, y upwards.
    name
        Title of the drawing.
    scene
        For a graph that follows the code.
    adjacency
        For a fixed graph: (n, n), 255 for a certain edge.
    size
        Greatest width in CSS pixels.
    """
    mounting.show(
        "graph",
        key,
        {
            **({} if scene is None else scene.data()),
            "nodes": [list(node) for node in nodes],
            "adjacency": None if adjacency is None else adjacency.ravel().tolist(),
            "name": name,
            "size": size,
        },
    )
