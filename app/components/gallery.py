"""Panel of the selected examples, page by page."""

from collections.abc import Callable, Sequence

from app.components import contract, mounting
from app.components.contract import Pin, Scene
from app.components.latent_map import Points


def gallery(
    key: str,
    *,
    scene: Scene,
    points: Points,
    first: Sequence[str] = (),
    on_pin: Callable[[Pin], None] | None = None,
) -> None:
    """Show the examples that are selected on the map of the page, else those that it filters.

    Resting on one shows where it is on the map; a click pins it, and `on_pin` is called before the
    script reruns. Captions name the columns ``first`` before others.
    """
    data = {
        "codes": points.codes,
        "sprite": points.sprite,
        "columns": points.columns,
        "first": list(first),
        "classes": list(points.classes),
    }
    on_change = {"pin": contract.pinned(len(scene.z), on_pin)}
    mounting.show("gallery", key, {**scene.data(), **data}, on_change=on_change)
