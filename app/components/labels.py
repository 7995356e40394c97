"""Panel that chooses the label of a conditional model."""

from collections.abc import Callable, Sequence
from typing import Any

from app.components import mounting
from app.components.contract import Scene


def labels(
    key: str,
    *,
    scene: Scene,
    names: Sequence[str],
    on_y: Callable[[int], None] | None = None,
) -> None:
    """Show the choice of the label; the page's images follow in the same frame.

    Parameters
    ----------
    names
        Names of the labels 0, 1, …
    on_y
        Called with the chosen label before the script reruns.
    """

    def chosen(value: Any) -> None:
        if on_y is not None and type(value) is int and 0 <= value < len(names):
            on_y(value)

    mounting.show("labels", key, {**scene.data(), "names": list(names)}, on_change={"y": chosen})
