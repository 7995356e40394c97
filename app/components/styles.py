"""Panel that decodes styles under every label."""

from collections.abc import Callable, Sequence

from app.components import contract, mounting
from app.components.contract import Pin, Prior, Scene


def styles(
    key: str,
    *,
    scene: Scene,
    names: Sequence[str],
    draws: Sequence[Sequence[float]],
    priors: Sequence[Prior] | None = None,
    on_pin: Callable[[Pin], None] | None = None,
) -> None:
    """Show the current code and others under every label, one row for each code.

    Parameters
    ----------
    names
        Names of the labels 0, 1, …
    draws
        Further codes (n, latent_dim), of the first label if the prior depends on the label.
    priors
        p(z|y) of each label if the prior depends on it. A style is then the distance of a code
        from its label's mean, in standard deviations.
    on_pin
        Called with the code and the label of the chosen cell, before the script reruns.
    """
    data = {"names": list(names), "draws": [list(z) for z in draws], "priors": priors}
    on_change = {"pin": contract.pinned(len(scene.z), on_pin)}
    mounting.show("styles", key, {**scene.data(), **data}, on_change=on_change)
