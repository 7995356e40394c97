"""Panel of sliders, one for each latent dimension."""

from collections.abc import Callable, Sequence

from app.components import contract, mounting
from app.components.contract import Pin, Scene
from vae_core import evaluation


def sliders(
    key: str,
    *,
    scene: Scene,
    kl: Sequence[float] | None,
    ranges: Sequence[tuple[float, float]] | None = None,
    unused_below: float = evaluation.COLLAPSED_KL,
    on_pin: Callable[[Pin], None] | None = None,
) -> None:
    """Show a slider for each latent dimension; decoded images follow while one moves.

    Parameters
    ----------
    kl
        Mean KL of each dimension over a dataset, in nats, (latent_dim,); orders the sliders. None
        for a model without a rate.
    ranges
        Lowest and highest value of the traversal of each dimension, (latent_dim, 2); −3 to 3 by
        default. Sliders go a sixth beyond.
    unused_below
        Dimensions with less KL are folded away as unused.
    on_pin
        Called with the code on release, before the script reruns.

    Raises
    ------
    ValueError
        If ``kl`` has another length than the code.
    """
    latent_dim = len(scene.z)
    if kl is not None and len(kl) != latent_dim:
        raise ValueError(f"kl has {len(kl)} numbers; this model has {latent_dim} dimensions")
    mounting.show(
        "sliders",
        key,
        {
            **scene.data(),
            "kl": None if kl is None else [float(nats) for nats in kl],
            "ranges": None if ranges is None else [[float(end) for end in one] for one in ranges],
            "unused_below": unused_below,
        },
        on_change={"pin": contract.pinned(latent_dim, on_pin)},
    )
