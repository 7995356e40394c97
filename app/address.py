"""The state that a link restores, and its URL parameters.

`FIELDS` declares for each field of `State` its parameter, how to read and write it, and which
values are allowed. `parse` checks each value by itself, `fit` checks the state against the open
model; both return a notice for each value that they ignored. Independent of Streamlit.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from app import conditions
from app.conditions import Filter, Filterable

DEFAULT_MODEL = "mnist-2d"
COLOURS = ("label", "rate", "distortion")
PROJECTIONS = ("axes", "pca", "tsne", "3d")
LINKS = ("z", "example")
SECTIONS = ("lessons", "method", "training")
MAX_STEPS = 99
GRID_SIDES = (5, 30)
MAX_Z = 50.0
MAX_LATENT_DIM = 512
MAX_VERTICES = 48
MAX_CLASSES = 4096

#: Words with _ between: data, settings, and changes on the way, such as digits_b4_500~nokl.
_TRAINING = re.compile(r"(digits|mnist|pictures)(_[a-z0-9.~-]{1,24}){0,60}")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Point = tuple[float, float]


@dataclass(frozen=True)
class Selection:
    """A polygon on the map, with the plane in which it was drawn.

    Attributes
    ----------
    plane : str
        "pca", "tsne" or "axes-i-j", with dimensions counted from 1.
    polygon : tuple of (x, y)
        3 to `MAX_VERTICES` vertices.
    """

    plane: str
    polygon: tuple[Point, ...]


@dataclass(frozen=True)
class State:
    """State shared by all pages, which a link restores.

    Attributes
    ----------
    model : str
        Name of a model folder, or the content hash of an uploaded one.
    z : tuple of float or None
        The pinned code; None for that of the pinned example, else the mean of the prior.
    pinned_id : int or None
        Id of the pinned example.
    y : int or None
        The label of a conditional model; None for that of the pinned example, else the first.
    projection : str or None
        One of `PROJECTIONS`; None for the model's default.
    axes : (int, int) or None
        The latent plane of map and manifold; None for the plane of the largest KL.
    colour : str
        One of `COLOURS`, or the name of another column of the model, "column.height".
    search : str
        What is looked for in the text that colours the map.
    filter : tuple of Condition or None
        Conditions on columns: other examples are not shown. None without any.
    selection : Selection or None
        The selection on the map.
    camera : (x, y, scale) or None
        Centre and zoom of the map; None shows all points.
    backdrop : float
        Opacity of the decoded images behind the map's points, 0 to 1.
    grid : int
        Cells per side of the manifold.
    seed : int
        Seed of all random samples.
    run : str or None
        The training on the Train page.
    study : str or None
        The study on the Compare page; None for the first.
    figure : (str, str, str) or None
        Dataset, kind of chart and metric of the study's figure; None for the study's default.
    other : str or None
        The second model on the Compare page.
    linked : str
        One of `LINKS`: what links the two models, if both are possible.
    other_selection : Selection or None
        The selection on the second model's map.
    training : str or None
        Data and settings of the training inside the page, as browser/training/settings.js writes
        them; None for the default.
    section : str
        One of `SECTIONS`: what the Learn page shows.
    lesson : str or None
        The open lesson, which any page shows beside itself.
    step : int
        The step of the open lesson, from 1.
    sheet : str or None
        The lesson that the Learn page shows as a worksheet.
    follow : str or None
        Code of the room that the page follows.
    present : bool
        Whether the page is shown to a room: large, without menus.
    """

    model: str = DEFAULT_MODEL
    z: tuple[float, ...] | None = None
    pinned_id: int | None = None
    y: int | None = None
    projection: str | None = None
    axes: tuple[int, int] | None = None
    colour: str = "label"
    search: str = ""
    filter: Filter | None = None
    selection: Selection | None = None
    camera: tuple[float, float, float] | None = None
    backdrop: float = 0.0
    grid: int = 20
    seed: int = 0
    run: str | None = None
    study: str | None = None
    figure: tuple[str, str, str] | None = None
    other: str | None = None
    linked: str = "z"
    other_selection: Selection | None = None
    training: str | None = None
    section: str = "lessons"
    lesson: str | None = None
    step: int = 1
    sheet: str | None = None
    follow: str | None = None
    present: bool = False


@dataclass(frozen=True)
class Facts:
    """Properties of a model that decide which states fit it.

    Attributes
    ----------
    latent_dim : int
    projections : tuple of str
        Those of `PROJECTIONS` that the model has; the first is the default.
    has_id : callable
        Whether an id is in the model's test set.
    has_labels : bool
    metrics : tuple of str
        Those of rate and distortion that examples have.
    classes : int
        Number of labels of a conditional model, else 0.
    columns : mapping of str to Filterable
        Columns that filter the examples, by their names; empty for a model with labels alone.
    """

    latent_dim: int
    projections: tuple[str, ...]
    has_id: Callable[[int], bool]
    has_labels: bool = True
    metrics: tuple[str, ...] = COLOURS[1:]
    classes: int = 0
    columns: Mapping[str, Filterable] = field(default_factory=dict)

    @property
    def colours(self) -> tuple[str, ...]:
        """What colours the examples, columns last; a map without any is of one colour."""
        own = (*(COLOURS[:1] if self.has_labels else ()), *self.metrics)
        return (*own, *(name for name in self.columns if name not in COLOURS))


@dataclass(frozen=True)
class Field:
    """A URL parameter: its name, reader, writer, and allowed values in words."""

    parameter: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    allowed: str


def plane_name(projection: str, axes: tuple[int, int]) -> str:
    """Return the name of a plane: "pca", "tsne" or "axes-i-j", with dimensions from 1."""
    return f"axes-{axes[0] + 1}-{axes[1] + 1}" if projection == "axes" else projection


def plane_axes(plane: str) -> tuple[int, int] | None:
    """Return the dimensions of a plane "axes-i-j", from 0, or None for another plane."""
    kind, *axes = plane.split("-")
    return _read_axes(",".join(axes)) if kind == "axes" else None


# Readers and writers of single values. A reader raises ValueError for a value that is not allowed.


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _shortest(value: float) -> str:
    # Four significant digits: far below a pixel, and links stay short.
    return f"{value:.4g}" if value else "0"


def _read_model(text: str) -> str:
    if not _MODEL_NAME.fullmatch(text):
        raise ValueError(text)
    return text


def _read_training(text: str) -> str:
    if not _TRAINING.fullmatch(text):
        raise ValueError(text)
    return text


def _read_z(text: str) -> tuple[float, ...]:
    z = tuple(_number(part) for part in text.split(","))
    if len(z) > MAX_LATENT_DIM or any(abs(value) > MAX_Z for value in z):
        raise ValueError(text)
    return z


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def _read_colour(text: str) -> str:
    return text if text in COLOURS else conditions.read_column(text)


def _read_axes(text: str) -> tuple[int, int]:
    # The pages count dimensions from 1.
    i, j = (_whole_number(1, MAX_LATENT_DIM)(part) for part in text.split(","))
    if i == j:
        raise ValueError(text)
    return i - 1, j - 1


def _write_axes(axes: tuple[int, int]) -> str:
    return f"{axes[0] + 1},{axes[1] + 1}"


def _read_camera(text: str) -> tuple[float, float, float]:
    x, y, scale = (_number(part) for part in text.split(","))
    if not 0 < scale <= 1e6 or max(abs(x), abs(y)) > 1e6:
        raise ValueError(text)
    return x, y, scale


def _read_selection(text: str) -> Selection:
    plane, _, vertices = text.partition(":")
    if plane not in ("pca", "tsne") and plane_axes(plane) is None:
        raise ValueError(text)
    polygon = []
    for vertex in vertices.split(";"):
        x, y = (_number(part) for part in vertex.split(","))
        polygon.append((x, y))
    if not 3 <= len(polygon) <= MAX_VERTICES:
        raise ValueError(text)
    return Selection(plane, tuple(polygon))


def _read_code(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{5}", text):
        raise ValueError(text)
    return text.upper()


def _read_yes(text: str) -> bool:
    if text != "1":
        raise ValueError(text)
    return True


def _read_figure(text: str) -> tuple[str, str, str]:
    data, chart, metric = (_read_model(part) for part in text.split(","))
    return data, chart, metric


def _read_share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _write_numbers(values: tuple[float, ...]) -> str:
    return ",".join(_shortest(value) for value in values)


def _write_selection(selection: Selection) -> str:
    return f"{selection.plane}:{';'.join(map(_write_numbers, selection.polygon))}"


FIELDS = {
    "model": Field("model", _read_model, str, "a model's name"),
    "z": Field(
        "z", _read_z, _write_numbers, f"numbers from −{MAX_Z:g} to {MAX_Z:g} with commas between"
    ),
    "pinned_id": Field("id", _whole_number(0, 10**12), str, "the id of an example"),
    "y": Field("y", _whole_number(0, MAX_CLASSES - 1), str, "the number of a label, from 0"),
    "projection": Field("map", _one_of(PROJECTIONS), str, "axes, pca, tsne or 3d"),
    "axes": Field(
        "axes", _read_axes, _write_axes, "two different dimensions, such as 1,2"
    ),
    "colour": Field("colour", _read_colour, str, "label, rate, distortion or column.NAME"),
    "search": Field(
        "search", conditions.read_search, str, f"a text of up to {conditions.MAX_TEXT} characters"
    ),
    "filter": Field(
        "filter",
        conditions.read,
        conditions.write,
        "conditions on columns, such as column.height:range:1.2,3",
    ),
    "selection": Field(
        "select",
        _read_selection,
        _write_selection,
        f"a plane and 3 to {MAX_VERTICES} corners, such as pca:0,0;1,0;1,1",
    ),
    "camera": Field("camera", _read_camera, _write_numbers, "x, y and a zoom above 0"),
    "backdrop": Field("behind", _read_share, _shortest, "a strength from 0 to 1"),
    "grid": Field(
        "n", _whole_number(*GRID_SIDES), str, f"a whole number from {GRID_SIDES[0]} to "
        f"{GRID_SIDES[1]}"
    ),
    "seed": Field("seed", _whole_number(0, 2**31 - 1), str, "a whole number from 0 to 2147483647"),
    "run": Field("run", _read_model, str, "a training's name"),
    "study": Field("study", _read_model, str, "a study's name"),
    "figure": Field(
        "figure", _read_figure, ",".join, "data set, figure and metric, such as mnist,cells,elbo"
    ),
    "other": Field("with", _read_model, str, "a model's name"),
    "linked": Field("linked", _one_of(LINKS), str, "z or example"),
    "other_selection": Field(
        "select-with",
        _read_selection,
        _write_selection,
        f"a plane and 3 to {MAX_VERTICES} corners, such as pca:0,0;1,0;1,1",
    ),
    "training": Field(
        "training", _read_training, str, "data and settings, such as digits_d1_b4_relu"
    ),
    "section": Field("section", _one_of(SECTIONS), str, "lessons, method or training"),
    "lesson": Field("lesson", _read_model, str, "a lesson's name"),
    "step": Field(
        "step", _whole_number(1, MAX_STEPS), str, f"a whole number from 1 to {MAX_STEPS}"
    ),
    "sheet": Field("sheet", _read_model, str, "a lesson's name"),
    "follow": Field("follow", _read_code, str, "a class's code of five letters"),
    "present": Field("present", _read_yes, lambda _: "1", "1"),
}  # fmt: skip

#: Fields that belong to a page itself: one that follows another keeps its own.
OWN = ("follow", "present")


def _notice(parameter: str, value: str, allowed: str) -> str:
    shown = value if len(value) <= 40 else value[:39] + "…"
    return f"{parameter} = {shown!r} in the address was ignored. Allowed: {allowed}."


def parse(parameters: Mapping[str, str]) -> tuple[State, list[str]]:
    """Read URL parameters; a value that is not allowed keeps its default, with a notice.

    Parameters
    ----------
    parameters : mapping of str to str
        Unknown parameters are ignored.

    Returns
    -------
    state : State
    notices : list of str
        One sentence for each ignored value.
    """
    values: dict[str, Any] = {}
    notices = []
    for name, entry in FIELDS.items():
        text = parameters.get(entry.parameter)
        if text is None:
            continue
        try:
            values[name] = entry.read(text)
        except ValueError:
            notices.append(_notice(entry.parameter, text, entry.allowed))
    return State(**values), notices


def to_parameters(state: State) -> dict[str, str]:
    """Return a state as URL parameters: the model, and all values that are not the default."""
    default = State()
    return {
        entry.parameter: entry.write(getattr(state, name))
        for name, entry in FIELDS.items()
        if name == "model" or getattr(state, name) != getattr(default, name)
    }


def fit(state: State, facts: Facts) -> tuple[State, list[str]]:
    """Reset the fields that do not fit the open model, with a notice for each.

    Returns
    -------
    state : State
        A state that fits the model.
    notices : list of str
        One sentence for each reset value.
    """
    dims = facts.latent_dim
    planes = [p for p in facts.projections if p not in ("axes", "3d")]
    problems = {
        "z": (
            state.z is not None and len(state.z) != dims,
            f"{dims} numbers with this model",
        ),
        "pinned_id": (
            state.pinned_id is not None and not facts.has_id(state.pinned_id),
            "the id of an example in this model's test set",
        ),
        "y": (
            state.y is not None and state.y >= facts.classes,
            f"a whole number from 0 to {facts.classes - 1} with this model"
            if facts.classes
            else "no label with this model, which takes none",
        ),
        "projection": (
            state.projection is not None and state.projection not in facts.projections,
            f"{', '.join(facts.projections)} with this model",
        ),
        "axes": (
            state.axes is not None and max(state.axes) >= dims,
            f"two different dimensions from 1 to {dims} with this model",
        ),
        "colour": (
            bool(facts.colours) and state.colour not in facts.colours,
            f"{_listed(facts.colours)} with this model",
        ),
        "search": (
            bool(state.search) and not any(c.kind == "text" for c in facts.columns.values()),
            "no search with this model, which has no column of text",
        ),
        "selection": (
            state.selection is not None and not _has_plane(state.selection.plane, planes, dims),
            f"a selection on {', '.join([*planes, 'axes-i-j'])} with this model",
        ),
    }
    notices = []
    for name, (wrong, allowed) in problems.items():
        if wrong:
            entry, value = FIELDS[name], getattr(state, name)
            default = getattr(State(), name)
            if name == "colour":
                if value != default:  # the default itself: no notice
                    notices.append(_notice(entry.parameter, value, allowed))
                state = replace(state, colour=facts.colours[0])
                continue
            notices.append(_notice(entry.parameter, entry.write(value), allowed))
            state = replace(state, **{name: default})
    kept, dropped = conditions.fitting(state.filter or (), facts.columns)
    for one in dropped:
        column = facts.columns.get(one.column)
        if not facts.columns:
            allowed = "no filter with this model, which has labels alone"
        elif column is None:
            allowed = f"conditions on {_listed(facts.columns)} with this model"
        elif one.test not in conditions.TESTS[column.kind]:
            allowed = f"{' or '.join(conditions.TESTS[column.kind])} for this column"
        else:
            allowed = "the categories of this column with this model"
        notices.append(_notice("filter", conditions.write((one,)), allowed))
    return replace(state, filter=kept or None), notices


def _listed(names: Collection[str], most: int = 6) -> str:
    """Return some names, and how many more there are."""
    some = list(names)[:most]
    if len(names) > most:
        return f"{', '.join(some)} or {len(names) - most} more"
    return " or ".join(some)


def _has_plane(plane: str, planes: list[str], dims: int) -> bool:
    axes = plane_axes(plane)
    # A single dimension is shown in a plane.
    return plane in planes if axes is None else max(axes) < max(dims, 2)


def simplify(polygon: list[Point], limit: int = MAX_VERTICES) -> tuple[Point, ...]:
    """Reduce a polygon to at most `limit` vertices, dropping those that change its area least.

    Coordinates are rounded as in the URL, so that a link selects the same examples. The method is
    that of Visvalingam & Whyatt (1993).
    """
    ring = [(float(_shortest(x)), float(_shortest(y))) for x, y in polygon]
    while len(ring) > limit:
        least = min(range(len(ring)), key=lambda i: _triangle(ring, i))
        del ring[least]
    return tuple(ring)


def _triangle(ring: list[Point], i: int) -> float:
    (ax, ay), (bx, by), (cx, cy) = ring[i - 1], ring[i], ring[(i + 1) % len(ring)]
    return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))


assert {entry.name for entry in fields(State)} == set(FIELDS)
