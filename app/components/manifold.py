"""Panel of the manifold: decoded images at quantiles of the prior."""

from collections.abc import Callable, Sequence
from typing import Any

from app.components import contract, mounting
from app.components.contract import Pin, Prior, Scene

FEWEST_PER_SIDE, MOST_PER_SIDE = 5, 30


def manifold(
    key: str,
    *,
    scene: Scene,
    n: int = 20,
    inverted: bool = False,
    close_up: bool = True,
    model_name: str = "model",
    priors: Sequence[Prior] | None = None,
    on_pin: Callable[[Pin], None] | None = None,
    on_n: Callable[[int], None] | None = None,
) -> None:
    """Show the images at n × n evenly spaced quantiles of the prior, decoded in the browser.

    The grid lies in the plane ``scene.dims``; other dimensions are fixed at ``scene.z``. A single
    dimension continues from row to row.

    Parameters
    ----------
    n
        Cells per side, 5 to 30. The panel follows later changes.
    inverted
        Whether ink is dark on light.
    close_up
        Whether the cell under the pointer is shown large beside the grid.
    model_name
        For the name of the saved file.
    priors
        The prior of each label, or one for all labels; None for a standard normal.
    on_pin, on_n
        Called with what changed, before the script reruns.

    Raises
    ------
    ValueError
        If ``n`` is out of range.
    """
    if not FEWEST_PER_SIDE <= n <= MOST_PER_SIDE:
        raise ValueError(f"n is {n}; allowed are {FEWEST_PER_SIDE} to {MOST_PER_SIDE}")
    mounting.show(
        "manifold",
        key,
        {
            **scene.data(),
            "n": n,
            "inverted": inverted,
            "close_up": close_up,
            "model_name": model_name,
            "priors": priors,
        },
        on_change={
            "pin": contract.pinned(len(scene.z), on_pin),
            "n": contract.when_valid(read_n, on_n),
            "inverted": None,
        },
    )


def read_n(value: Any) -> int | None:
    """Validate a number of cells per side that the panel sent."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and FEWEST_PER_SIDE <= value <= MOST_PER_SIDE else None
