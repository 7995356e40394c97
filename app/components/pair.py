"""Panel that compares two models."""

from typing import Literal

from app.components import mounting
from app.components.contract import Scene

#: `Scene.side` of the second of two models; the first has None.
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
    """Show the decoded images of two models and their difference, and link the models.

    Panels of the side `OTHER` supply the second model's decoder and code.

    Parameters
    ----------
    scene
        Scene of the first model.
    names
        Names of both models.
    codes
        Addresses of both encoded sets.
    linked
        "z" if both decode the same code, "example" if both show the same example, else None.
    shared
        Whether both have encoded the same examples, so that they share a selection.
    """
    data = {"names": list(names), "codes": list(codes), "linked": linked, "shared": shared}
    mounting.show("pair", key, {**scene.data(), **data})
