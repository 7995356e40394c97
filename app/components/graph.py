"""The graph decoded at the current code, beside its adjacency matrix."""

from __future__ import annotations

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
    """Show a network drawn: the decoded one of the code that is shown, or a fixed one.

    Parameters
    ----------
    nodes
        Where each lies, from -1 to 1 both ways, y upwards.
    name
        What is drawn.
    scene
        Of a network that follows the code; a fixed one needs none.
    adjacency
        (n, n), 255 for a certain edge, of a fixed network.
    size
        Greatest width in CSS pixels.
    """
    mounting.show(
        "graph",
        key,
        {
            **({} if scene is None else scene.data()),
            "nodes": [list(place) for place in nodes],
            "adjacency": None if adjacency is None else adjacency.ravel().tolist(),
            "name": name,
            "size": size,
        },
        on_change={},
    )
