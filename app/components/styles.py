"""One style under every label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.components import contract, mounting
from app.components.contract import Pin, Scene


def styles(
    key: str,
    *,
    scene: Scene,
    names: Sequence[str],
    draws: Sequence[Sequence[float]],
    priors: Sequence[tuple[Sequence[float], Sequence[float]]] | None = None,
    on_pin: Callable[[Pin], None] | None = None,
) -> None:
    """Show styles under every label: the code that is shown, and others, a row each.

    Parameters
    ----------
    names
        Of the labels 0, 1, …
    draws
        Further codes (n, latent_dim): those of the first label, where the prior has labels.
    priors
        Mean and standard deviation (latent_dim,) of p(z|y) for each label, where the prior
        differs by label: a style then is how far a code is from its label's mean, in standard
        deviations.
    on_pin
        Called with the code and the label of the cell that was chosen, before the script reruns.
    """
    latent_dim = len(scene.z)

    def pinned(value: Any) -> None:
        pin = contract.read_pin(value, latent_dim)
        if on_pin is not None and pin is not None:
            on_pin(pin)

    data = {
        "names": list(names),
        "draws": [list(z) for z in draws],
        "priors": None if priors is None else [list(map(list, prior)) for prior in priors],
    }
    mounting.show("styles", key, {**scene.data(), **data}, on_change={"pin": pinned})
