"""A slider for each latent dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.components import contract, mounting
from app.components.contract import Pin, Scene


def sliders(
    key: str,
    *,
    scene: Scene,
    kl: Sequence[float],
    dead_below: float = 0.01,
    on_pin: Callable[[Pin], None] | None = None,
) -> Pin | None:
    """Show a slider for each latent dimension, the picture following while one moves.

    Parameters
    ----------
    kl
        Nats that each dimension carries on average over a data set (latent_dim,): the order of
        the rows.
    dead_below
        Dimensions with less are folded away as inactive.
    on_pin
        Called with a code on release, before the script reruns.

    Returns
    -------
    Pin or None
        The code that was last let go here.
    """
    latent_dim = len(scene.z)
    if len(kl) != latent_dim:
        raise ValueError(f"kl has {len(kl)} numbers; this model has {latent_dim} dimensions")
    sent = mounting.show(
        "sliders",
        key,
        {**scene.data(), "kl": [float(nats) for nats in kl], "dead_below": dead_below},
        on_change={
            "pin": contract.when_valid(lambda value: contract.read_pin(value, latent_dim), on_pin)
        },
    )
    return contract.read_pin(sent.get("pin"), latent_dim)
