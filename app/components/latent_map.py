"""Panel of the latent map: a scatter of codes with hover, pin, box and lasso."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from app import conditions
from app.components import contract, mounting
from app.components.contract import Pin, Scene
from app.conditions import Condition, Filter

Projection = Literal["raw", "pca", "tsne"]
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)


@dataclass(frozen=True)
class Selection:
    """A closed polygon drawn on the map, (n, 2) in the coordinates of ``projection``.

    Python finds the examples inside, by id and over all of them.
    """

    polygon: tuple[tuple[float, float], ...]
    projection: Projection
    dims: tuple[int, int]


@dataclass(frozen=True)
class Camera:
    """The visible part of the plane: its centre and its height, in data units."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Points:
    """The encoded examples on the map.

    Parameters
    ----------
    codes
        Address of the published ``bundles.codes_bundle``.
    classes
        Names of the labels 0, 1, …
    positions
        Address of a published ``bundles.positions_bundle`` that replaces the t-SNE map.
    sprite
        Address of the published ``bundles.sprite_bundle`` of originals. Without it cards show
        reconstructions and say so.
    columns
        Address of the published ``bundles.columns_bundle``, if there are columns beside labels.
    """

    codes: str
    classes: Sequence[str] = ()
    positions: str | None = None
    sprite: str | None = None
    columns: str | None = None


@dataclass(frozen=True)
class Look:
    """How the map is drawn.

    Parameters
    ----------
    projection
        ``"raw"`` (the plane ``scene.dims``, other dimensions fixed at the pinned code), ``"pca"``
        (the plane of the components, decoded by its inverse) or ``"tsne"`` (without an inverse:
        empty space shows the nearest example).
    colour
        What colours the points: "label", "rate", "distortion", or the name of a column.
    manifold
        Opacity from 0 to 1 of the decoded images behind the points.
    ellipses
        Whether one-sigma outlines of q(z|x) are drawn around the pinned and hovered points.
    height
        Height of the drawing in CSS pixels; None for a map that fills the first screen.
    tools
        Whether the row of tools (box, lasso, zoom) is shown.
    """

    projection: Projection = "raw"
    colour: str = "label"
    manifold: float = 0.0
    ellipses: bool = False
    height: int | None = None
    tools: bool = True


@dataclass(frozen=True)
class Restored:
    """What Python sets on the map: camera, selection and filter with their versions, hidden labels.

    A panel accepts a camera, a selection, or filter and search, only with a version that is new to
    it, like ``scene.z``; hidden labels only at first.
    """

    camera: Camera | None = None
    camera_version: int = 0
    selection: Selection | None = None
    selection_version: int = 0
    filter: Filter = ()
    search: str = ""
    filter_version: int = 0
    hidden: Collection[int] = ()

    def data(self) -> dict[str, Any]:
        """Return the part of the panel's data that restores its state."""
        return {
            **vars(self),
            "camera": None if self.camera is None else vars(self.camera),
            "selection": None if self.selection is None else vars(self.selection),
            "filter": [vars(one) for one in self.filter],
            "hidden": sorted(self.hidden),
        }


@dataclass(frozen=True)
class Callbacks:
    """Functions called with what changed on the map, before the script reruns."""

    pin: Callable[[Pin], None] | None = None
    selection: Callable[[Selection | None], None] | None = None
    camera: Callable[[Camera], None] | None = None
    hidden: Callable[[tuple[int, ...]], None] | None = None
    manifold: Callable[[float], None] | None = None
    filter: Callable[[Filter], None] | None = None
    search: Callable[[str], None] | None = None


DEFAULT_LOOK, NOTHING_RESTORED, NO_CALLBACKS = Look(), Restored(), Callbacks()


def latent_map(
    key: str,
    *,
    scene: Scene,
    points: Points,
    look: Look = DEFAULT_LOOK,
    restored: Restored = NOTHING_RESTORED,
    on: Callbacks = NO_CALLBACKS,
) -> None:
    """Show the map of an encoded set; the browser decodes under the pointer."""
    latent_dim, classes = len(scene.z), len(points.classes)

    def selected(value: Any) -> None:
        if on.selection is not None:
            on.selection(read_selection(value, latent_dim))

    mounting.show(
        "latent_map",
        key,
        {
            **scene.data(outlines=True),
            **vars(points),
            "classes": list(points.classes),
            **vars(look),
            **restored.data(),
            "filters": look.tools and on.filter is not None,
        },
        on_change={
            "pin": contract.pinned(latent_dim, on.pin),
            "selection": selected,
            "camera": contract.when_valid(read_camera, on.camera),
            "hidden": contract.when_valid(lambda value: read_hidden(value, classes), on.hidden),
            "manifold": contract.when_valid(read_opacity, on.manifold),
            "filter": contract.when_valid(read_filter, on.filter),
            "search": contract.when_valid(read_search, on.search),
        },
    )


def read_selection(value: Any, latent_dim: int) -> Selection | None:
    """Validate a polygon that the map sent."""
    if not isinstance(value, Mapping):
        return None
    polygon = contract.floats(value.get("polygon"), (-1, 2))
    dims = contract.floats(value.get("dims"), (2,))
    projection = value.get("projection")
    if polygon is None or len(polygon) < 3 or dims is None or projection not in PROJECTIONS:
        return None
    i, j = int(dims[0]), int(dims[1])
    last = max(latent_dim, 2)  # a single dimension is shown in a plane
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
    """Validate the hidden labels that the map sent."""
    numbers = contract.floats(value, (-1,))
    if numbers is None:
        return ()
    return tuple(sorted({int(label) for label in numbers if 0 <= label < classes}))


def read_filter(value: Any) -> Filter | None:
    """Validate the conditions that the map sent; None for others."""
    if not isinstance(value, Sequence) or len(value) > conditions.MAX_CONDITIONS:
        return None
    try:
        return tuple(_read_condition(one) for one in value)
    except (TypeError, ValueError, KeyError):
        return None


def _read_condition(value: Any) -> Condition:
    column, test, arguments = value["column"], value["test"], value["arguments"]
    if test == "range":
        arguments = [None if bound is None else float(bound) for bound in arguments]
    if column not in conditions.OWN:
        conditions.read_column(column)
    return conditions.checked(Condition(column, test, tuple(arguments)))


def read_search(value: Any) -> str | None:
    """Validate a text that the map sent; it may be empty."""
    try:
        return conditions.read_search(value) if value else ""
    except (AttributeError, ValueError):
        return None


def read_opacity(value: Any) -> float | None:
    """Validate an opacity that the map sent."""
    opacity = contract.floats(value, ())
    return float(opacity) if opacity is not None and 0 <= opacity <= 1 else None
