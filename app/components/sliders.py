"""Panel of sliders, one for each latent dimension."""

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
) -> None:
    """Show a slider for each latent dimension; decoded images follow while one moves.

    Parameters
    ----------
    kl
        Mean KL of each dimension over a dataset, in nats, (latent_dim,); orders the sliders.
    dead_below
        Dimensions with less KL are collapsed as inactive.
    on_pin
        Called with the code on release, before the script reruns.

    Raises
    ------
    ValueError
        If ``kl`` has another length than the code.
    """
    latent_dim = len(scene.z)
    if len(kl) != latent_dim:
        raise ValueError(f"kl has {len(kl)} numbers; this model has {latent_dim} dimensions")
    mounting.show(
        "sliders",
        key,
        {**scene.data(), "kl": [float(nats) for nats in kl], "dead_below": dead_below},
        on_change={"pin": contract.pinned(latent_dim, on_pin)},
    )
