"""Plotly figures of codes and of decoded grids."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core import latents, projection
from vae_core.api import given, measures, pictures
from vae_core.api.given import Data, Model, Place, SplitName
from vae_core.errors import ConfigError
from vae_core.model_folder import Codes
from vae_core.models.vae import Labels

if TYPE_CHECKING:
    import plotly.graph_objects as go

ProjectionName = Literal["raw", "pca", "tsne"]
Colour = Literal["label", "rate", "distortion"]
#: Colours of classes, those of the app's map.
CLASS_COLOURS = (
    "#1e87ff", "#cb844b", "#be2042", "#1da19b", "#9933cb",
    "#875369", "#dc4b12", "#84836c", "#db61cd", "#35759a",
)  # fmt: skip
#: Width and height of a figure in pixels, and size of a point.
SIZE, POINT = 640, 5
#: Pixels of the pictures of a grid, at least.
CELL = 28


def plot_latent(
    codes: Codes | Model,
    data: Data | None = None,
    *,
    labels: Labels | None = None,
    split: SplitName = "test",
    colour: Colour = "label",
    projection: ProjectionName | None = None,
    dims: tuple[int, int] = (0, 1),
    classes: Sequence[str] = (),
) -> go.Figure:
    """Draw codes in the plane, as a Plotly figure.

    Parameters
    ----------
    codes
        What :func:`vae_core.encode` returns; or a model, whose codes are those of its folder, or
        of ``data``.
    data, labels, split
        As for :func:`vae_core.encode`.
    colour
        "label", "rate" or "distortion".
    projection
        "raw" for two latent dimensions, "pca" or "tsne"; by default "raw" up to two dimensions,
        else "pca". What the codes lack is computed; t-SNE takes long for many.
    dims
        The two latent dimensions of "raw", counted from 0.
    classes
        Names of the labels; those of the model or the dataset by default.

    Raises
    ------
    ConfigError
        If a setting is not allowed.
    """
    import plotly.graph_objects as go

    _check("colour", colour, get_args(Colour))
    _check("projection", projection, (None, *get_args(ProjectionName)))
    found, names = _codes(codes, data, labels, split)
    names = tuple(map(str, classes)) or names
    points, axes = _points(found, projection, dims)
    figure = go.Figure()
    layout: dict[str, Any] = {"width": SIZE, "height": SIZE, "template": "plotly_white"}
    if colour == "label" and found.labels is not None:
        _draw_classes(figure, points, found, names)
    elif colour == "label":
        figure.add_scattergl(**_trace(points, found, CLASS_COLOURS[0]))
    else:
        values = getattr(found, colour).numpy()
        low, high = np.nanpercentile(values, [1, 99])
        scale = {"cmin": float(low), "cmax": float(high), "colorscale": "Cividis"}
        marker = {"color": values, "colorbar": {"title": f"{colour}, nats"}, **scale}
        figure.add_scattergl(**_trace(points, found, **marker))
    figure.update_layout(**layout)
    figure.update_xaxes(title=axes[0])
    # Distances mean the same in both directions.
    figure.update_yaxes(title=axes[1], scaleanchor="x", scaleratio=1)
    return figure


def _check(name: str, value: str | None, allowed: Sequence[str | None]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} {value!r}: allowed are {', '.join(map(str, allowed))}")


def _codes(
    codes: Codes | Model, data: Data | None, labels: Labels | None, split: SplitName
) -> tuple[Codes, tuple[str, ...]]:
    if isinstance(codes, Codes):
        if data is not None:
            raise ConfigError("data go with a model: these codes are of their own images")
        return codes, ()
    found = given.model(codes)
    names = found.classes
    if data is None and found.saved is not None and split == "test":
        return found.saved.codes, names
    names = tuple(getattr(data, "classes", names))
    return measures.encode(codes, data, labels=labels, split=split), names


def _points(
    codes: Codes, name: ProjectionName | None, dims: tuple[int, int]
) -> tuple[NDArray[np.float32], tuple[str, str]]:
    mu = codes.mu.numpy()
    d = mu.shape[1]
    name = name or ("raw" if d <= 2 else "pca")
    if d == 1:
        rows = None if codes.labels is None else codes.labels.numpy()
        return latents.along_line(mu, codes.ids.numpy(), rows), ("z1", "")
    if name == "raw":
        latents.check_dims((dims[0], dims[1]), d)
        return mu[:, list(dims)], (f"z{dims[0] + 1}", f"z{dims[1] + 1}")
    axes = {"pca": ("1st component", "2nd component"), "tsne": ("", "")}[name]
    if name in codes.projections:
        return codes.projections[name].numpy(), axes
    if name == "pca":
        return projection.pca(mu).project(mu), axes
    return projection.tsne(mu, perplexity=min(30.0, (len(mu) - 1) / 3)), axes


def _draw_classes(
    figure: go.Figure, points: NDArray[np.float32], codes: Codes, names: tuple[str, ...]
) -> None:
    assert codes.labels is not None
    for label in np.unique(codes.labels.numpy()).tolist():
        rows = (codes.labels == label).numpy()
        named = names[label] if label < len(names) else str(label)
        colour = CLASS_COLOURS[label % len(CLASS_COLOURS)]
        figure.add_scattergl(**_trace(points[rows], codes, colour, rows=rows), name=named)


def _trace(
    points: NDArray[np.float32],
    codes: Codes,
    color: Any = None,
    *,
    rows: NDArray[np.bool_] | slice = slice(None),
    **marker: Any,
) -> dict[str, Any]:
    return {
        "x": points[:, 0],
        "y": points[:, 1],
        "mode": "markers",
        "marker": {"size": POINT, "color": color, **marker},
        "customdata": codes.ids.numpy()[rows],
        "hovertemplate": "example %{customdata}<br>(%{x:.2f}, %{y:.2f})",
    }


def plot_manifold(
    model: Model,
    n: int = 20,
    *,
    dims: tuple[int, int] = (0, 1),
    at: Place | None = None,
    label: int | str | None = None,
) -> go.Figure:
    """Draw a grid of decoded codes, as a Plotly figure with the codes on its axes.

    Parameters
    ----------
    model, n, dims, at, label
        As for :func:`vae_core.manifold_grid`.

    Raises
    ------
    ConfigError
        If a setting is not allowed.
    """
    import plotly.graph_objects as go

    grid = pictures.manifold_grid(model, n, dims=dims, at=at, label=label)
    height, width = grid.images.shape[-2:]
    scale = -(-CELL // max(height, width))
    png = base64.b64encode(grid.png(scale=scale, gap=0)).decode()
    figure = go.Figure(go.Image(source=f"data:image/png;base64,{png}", hoverinfo="skip"))
    figure.update_layout(width=SIZE, height=SIZE, template="plotly_white")
    if grid.codes.shape[-1] == 1:
        figure.update_xaxes(title="z1, line by line", showticklabels=False)
        figure.update_yaxes(showticklabels=False)
        return figure
    for axis, values, side, dim in (
        (figure.update_xaxes, grid.codes[0, :, dims[0]], width, dims[0]),
        (figure.update_yaxes, grid.codes[:, 0, dims[1]], height, dims[1]),
    ):
        ticks = _ticks(values, side * scale)
        axis(title=f"z{dim + 1}", tickvals=[at for at, _ in ticks], ticktext=[t for _, t in ticks])
    return figure


def _ticks(values: torch.Tensor, side: int) -> list[tuple[float, str]]:
    """Return the middle of every few cells in pixels, and its value."""
    every = max(1, len(values) // 7)
    return [
        (side * (cell + 0.5), f"{value:.2f}".replace("-", "−"))
        for cell, value in enumerate(values.tolist())
        if cell % every == 0
    ]
