"""Face of the panel that holds two models against each other."""

from __future__ import annotations

from typing import Literal

from app.components import mounting
from app.components.contract import Scene

#: The side of the second of two models (`Scene.side`); the first has none.
OTHER = "other"
By = Literal["z", "example"]


def pair(
    key: str,
    *,
    scene: Scene,
    names: tuple[str, str],
    codes: tuple[str, str],
    linked: By | None,
    shared: bool,
) -> None:
    """Show the pictures of two models and their difference; link the models while it is shown.

    The second model's own panels (a map with the side `OTHER`) bring its decoder and its code.

    Parameters
    ----------
    scene
        Of the first model.
    names
        Of both models.
    codes
        Addresses of both encoded sets.
    linked
        Whether both decode the same code ("z", for latent spaces of one size), both show the same
        example, or neither.
    shared
        Whether both have encoded the same examples, so that a selection holds for both.
    """
    data = {"names": list(names), "codes": list(codes), "linked": linked, "shared": shared}
    mounting.show("pair", key, {**scene.data(), **data}, on_change={})
