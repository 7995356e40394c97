"""The map of codes, with hover, pin, box and lasso."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.components import contract, mounting
from app.components.contract import Pin, Scene

Projection = Literal["raw", "pca", "tsne"]
PROJECTIONS: tuple[Projection, ...] = ("raw", "pca", "tsne")
Colouring = Literal["label", "rate", "distortion"]


@dataclass(frozen=True)
class Selection:
    """A closed outline drawn on the map, (n, 2) in the coordinates of ``projection``.

    Which examples lie inside is for Python to find out: by id, over all of them.
    """

    polygon: tuple[tuple[float, float], ...]
    projection: Projection
    dims: tuple[int, int]


@dataclass(frozen=True)
class Camera:
    """What part of the plane the map shows: its centre and its height, in data units."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class MapEvent:
    """What a person has done on the map so far; None where they have not."""

    pin: Pin | None
    selection: Selection | None
    camera: Camera | None
    hidden: tuple[int, ...]


def latent_map(
    key: str,
    *,
    scene: Scene,
    codes: str,
    classes: Sequence[str] = (),
    projection: Projection = "raw",
    colour: Colouring = "label",
    positions: str | None = None,
    sprite: str | None = None,
    manifold: float = 0.0,
    ellipses: bool = False,
    camera: Camera | None = None,
    camera_version: int = 0,
    selection: Selection | None = None,
    selection_version: int = 0,
    hidden: Collection[int] = (),
    height: int = 560,
    tools: bool = True,
    on_pin: Callable[[Pin], None] | None = None,
    on_selection: Callable[[Selection | None], None] | None = None,
    on_camera: Callable[[Camera], None] | None = None,
    on_hidden: Callable[[tuple[int, ...]], None] | None = None,
    on_manifold: Callable[[float], None] | None = None,
) -> MapEvent:
    """Show the map of an encoded set, decoding under the pointer in the browser.

    Parameters
    ----------
    codes
        Address of the published ``portable.codes_bundle``.
    classes
        Names of the labels 0, 1, …
    projection
        ``"raw"`` (the plane ``scene.dims``, the rest held at the pinned code), ``"pca"`` (the
        plane of the components, decoded by its inverse) or ``"tsne"`` (no inverse: empty space
        shows the nearest real code).
    positions
        Address of a published ``portable.positions_bundle`` that replaces the set's t-SNE map.
    sprite
        Address of the published ``portable.sprite_bundle`` of originals; without it cards show
        reconstructions and say so.
    manifold
        Opacity from 0 to 1 of the decoded pictures behind the points.
    ellipses
        Whether one-sigma outlines of q(z|x) are drawn around the pinned and hovered points.
    camera, camera_version, selection, selection_version
        Taken over only with a version that the panel has not seen, like ``scene.z``.
    hidden
        Labels that are switched off at first.
    height
        CSS pixels of the drawing.
    tools
        Whether the row of tools (box, lasso, zoom) is shown.
    on_pin, on_selection, on_camera, on_hidden, on_manifold
        Called with what changed, before the script reruns.
    """
    latent_dim = len(scene.z)

    def pinned(value: Any) -> None:
        pin = contract.read_pin(value, latent_dim)
        if on_pin is not None and pin is not None:
            on_pin(pin)

    def selected(value: Any) -> None:
        if on_selection is not None:
            on_selection(read_selection(value, latent_dim))

    def moved(value: Any) -> None:
        view = read_camera(value)
        if on_camera is not None and view is not None:
            on_camera(view)

    def toggled(value: Any) -> None:
        if on_hidden is not None:
            on_hidden(read_hidden(value, len(classes)))

    def faded(value: Any) -> None:
        opacity = contract.floats(value, ())
        if on_manifold is not None and opacity is not None and 0 <= opacity <= 1:
            on_manifold(float(opacity))

    sent = mounting.show(
        "latent_map",
        key,
        {
            **scene.data(outlines=True),
            "codes": codes,
            "positions": positions,
            "sprite": sprite,
            "classes": list(classes),
            "projection": projection,
            "colour": colour,
            "manifold": manifold,
            "ellipses": ellipses,
            "camera": None if camera is None else vars(camera),
            "camera_version": camera_version,
            "selection": None if selection is None else vars(selection),
            "selection_version": selection_version,
            "hidden": sorted(hidden),
            "height": height,
            "tools": tools,
        },
        on_change={
            "pin": pinned,
            "selection": selected,
            "camera": moved,
            "hidden": toggled,
            "manifold": faded,
        },
    )
    return MapEvent(
        pin=contract.read_pin(sent.get("pin"), latent_dim),
        selection=read_selection(sent.get("selection"), latent_dim),
        camera=read_camera(sent.get("camera")),
        hidden=read_hidden(sent.get("hidden"), len(classes)),
    )


def read_selection(value: Any, latent_dim: int) -> Selection | None:
    """Validate an outline that the map sent."""
    if not isinstance(value, Mapping):
        return None
    polygon = contract.floats(value.get("polygon"), (-1, 2))
    dims = contract.floats(value.get("dims"), (2,))
    projection = value.get("projection")
    if polygon is None or len(polygon) < 3 or dims is None or projection not in PROJECTIONS:
        return None
    i, j = int(dims[0]), int(dims[1])
    last = max(latent_dim, 2)  # a line is shown in a plane
    if not (0 <= i < last and 0 <= j < last):
        return None
    corners = tuple((float(x), float(y)) for x, y in polygon)
    return Selection(polygon=corners, projection=projection, dims=(i, j))


def read_camera(value: Any) -> Camera | None:
    """Validate a camera that the map sent."""
    if not isinstance(value, Mapping):
        return None
    numbers = contract.floats([value.get("x"), value.get("y"), value.get("height")], (3,))
    if numbers is None or numbers[2] <= 0:
        return None
    return Camera(*numbers.tolist())


def read_hidden(value: Any, classes: int) -> tuple[int, ...]:
    """Validate the labels that were switched off."""
    numbers = contract.floats(value, (-1,))
    if numbers is None:
        return ()
    return tuple(sorted({int(label) for label in numbers if 0 <= label < classes}))
