"""Positions in latent space: grids, traversals, interpolation, neighbours, selections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import ConfigError
from vae_core.models import VAE

GRID_SIDE = (5, 30)
#: Layout of one-dimensional codes: height of all rows in units of z, share of a row that is filled,
#: and the golden ratio's fraction, whose multiples modulo 1 are evenly spread.
LINE_HEIGHT, ROW_FILLED, GOLDEN = 4.0, 0.75, 0.6180339887498949


def quantiles(n: int) -> Tensor:
    """Return Φ⁻¹ of the n evenly spaced probabilities (i + ½) / n: (n,), ascending."""
    probabilities = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    steps: Tensor = torch.special.ndtri(probabilities)
    return steps.float()


def grid(n: int, *, dims: tuple[int, int], at: Tensor) -> Tensor:
    """Return a grid of codes at quantiles of N(0, 1) in two dimensions.

    Kingma & Welling (2014), appendix A.

    Parameters
    ----------
    n
        Cells per side, 5 to 30.
    dims
        Dimension that increases to the right, and the one that increases upwards.
    at
        Code (latent_dim,) that has the values of the other dimensions.

    Returns
    -------
    Tensor
        (n, n, latent_dim); row 0 is at the top, so that the second dimension decreases with rows.

    Raises
    ------
    ConfigError
        If ``n`` or ``dims`` is not allowed.
    """
    if not GRID_SIDE[0] <= n <= GRID_SIDE[1]:
        raise ConfigError(f"grid side {n}: allowed are {GRID_SIDE[0]} to {GRID_SIDE[1]}")
    check_dims(dims, len(at))
    steps = quantiles(n)
    codes = at.repeat(n, n, 1)
    codes[..., dims[0]] = steps[None, :]
    codes[..., dims[1]] = steps.flip(0)[:, None]
    return codes


def check_dims(dims: tuple[int, int], latent_dim: int) -> None:
    """Raise ConfigError unless ``dims`` are two different latent dimensions."""
    if dims[0] == dims[1] or not all(0 <= d < latent_dim for d in dims):
        raise ConfigError(
            f"plane {dims}: two different dimensions from 0 to {latent_dim - 1} are needed"
        )


@torch.inference_mode()
def decode(model: VAE, codes: Tensor) -> Tensor:
    """Return the mean images of codes (..., latent_dim) → (..., c, h, w)."""
    return model.decode(codes).mean


def traverse(z: Tensor, dim: int, values: Sequence[float]) -> Tensor:
    """Return copies of ``z`` (latent_dim,), with ``values`` in one dimension: (n, latent_dim)."""
    codes = z.repeat(len(values), 1)
    codes[:, dim] = torch.tensor(values, dtype=z.dtype)
    return codes


def interpolate(
    start: Tensor, end: Tensor, steps: int, *, path: Literal["linear", "spherical"] = "linear"
) -> Tensor:
    """Return codes from ``start`` to ``end`` (latent_dim,), both included: (steps, latent_dim).

    A spherical path has a constant angular velocity along the great circle (Shoemake 1985) and a
    linear change of length; between parallel codes it is the linear path.
    """
    t = torch.linspace(0, 1, steps)[:, None]
    linear = start + t * (end - start)
    if path == "linear":
        return linear
    lengths = start.norm(), end.norm()
    if min(lengths) == 0:
        return linear
    cosine = torch.dot(start, end) / (lengths[0] * lengths[1])
    angle = torch.arccos(cosine.clamp(-1, 1))
    if torch.sin(angle) < 1e-6:
        return linear
    direction = (
        torch.sin((1 - t) * angle) * start / lengths[0] + torch.sin(t * angle) * end / lengths[1]
    ) / torch.sin(angle)
    codes: Tensor = direction * (lengths[0] + t * (lengths[1] - lengths[0]))
    return codes


def nearest(
    query: NDArray[np.float32], points: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows of the ``k`` points nearest to ``query`` (d,), and their Euclidean distances."""
    # The expanded form of |a − b|² has rounding errors for small distances.
    squared = np.square(points - query).sum(axis=1)
    k = min(k, len(points))
    rows = np.argpartition(squared, k - 1)[:k]
    rows = rows[np.argsort(squared[rows], kind="stable")]
    return rows.astype(np.int64), np.sqrt(squared[rows])


def inside_polygon(points: NDArray[np.float32], polygon: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points (n, 2) are inside a polygon (m, 2), by the even-odd rule: bool (n,)."""
    # Most points are outside the bounding box and need no further test.
    found: NDArray[np.bool_] = ((points >= polygon.min(0)) & (points <= polygon.max(0))).all(1)
    x, y = points[found].T
    inside = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        rise = 1.0 if y1 == y0 else y1 - y0
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / rise + x0)
    found[found] = inside
    return found


def along_line(
    mu: NDArray[np.float32], ids: NDArray[np.int64], labels: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """Place codes of one dimension (n, 1) in the plane, with a row for each label: (n, 2).

    The height within a row depends on the id and has no meaning.
    """
    row = np.zeros(len(ids)) if labels is None else labels.astype(np.float64)
    rows = 1.0 + (row.max() if len(row) else 0.0)
    spread = (ids * GOLDEN) % 1.0 - 0.5
    # The first label's row is at the top, as in a legend.
    y = LINE_HEIGHT * (0.5 - (row + 0.5 + ROW_FILLED * spread) / rows)
    return np.column_stack([mu[:, 0], y]).astype(np.float32)
