"""The inverse-CDF grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.components import contract, mounting
from app.components.contract import Pin, Scene

FEWEST_PER_SIDE, MOST_PER_SIDE = 5, 30


@dataclass(frozen=True)
class ManifoldEvent:
    """What a person has done on the grid so far; None where they have not."""

    pin: Pin | None
    n: int | None
    inverted: bool | None


def manifold(
    key: str,
    *,
    scene: Scene,
    n: int = 20,
    inverted: bool = False,
    close_up: bool = True,
    model_name: str = "model",
    priors: Sequence[tuple[Sequence[float], Sequence[float]]] | None = None,
    on_pin: Callable[[Pin], None] | None = None,
    on_n: Callable[[int], None] | None = None,
) -> ManifoldEvent:
    """Show the pictures at n × n evenly spaced quantiles of the prior, drawn in the browser.

    The grid lies in the plane ``scene.dims``; the other dimensions are held at ``scene.z``. A
    single dimension goes on from row to row.

    Parameters
    ----------
    n
        Pictures a side, 5 to 30; a later change of it is taken over.
    inverted
        Ink on paper instead of light on dark.
    close_up
        Whether the cell that is looked at is shown large beside the grid.
    model_name
        For the name of the saved file.
    priors
        Mean and standard deviation (latent_dim,) of every label's prior, or of the one of all
        labels; None for a standard normal.
    on_pin, on_n
        Called with what changed, before the script reruns.
    """
    if not FEWEST_PER_SIDE <= n <= MOST_PER_SIDE:
        raise ValueError(f"n is {n}; allowed are {FEWEST_PER_SIDE} to {MOST_PER_SIDE}")
    latent_dim = len(scene.z)
    sent = mounting.show(
        "manifold",
        key,
        {
            **scene.data(),
            "n": n,
            "inverted": inverted,
            "close_up": close_up,
            "model_name": model_name,
            "priors": None if priors is None else [list(map(list, prior)) for prior in priors],
        },
        on_change={
            "pin": contract.when_valid(lambda value: contract.read_pin(value, latent_dim), on_pin),
            "n": contract.when_valid(read_n, on_n),
            "inverted": None,
        },
    )
    turned = sent.get("inverted")
    return ManifoldEvent(
        pin=contract.read_pin(sent.get("pin"), latent_dim),
        n=read_n(sent.get("n")),
        inverted=turned if isinstance(turned, bool) else None,
    )


def read_n(value: Any) -> int | None:
    """Validate a number of pictures a side that the grid sent."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and FEWEST_PER_SIDE <= value <= MOST_PER_SIDE else None
