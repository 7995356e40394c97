"""Walking through a latent space: grids, traversals, paths, neighbours, arithmetic."""

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
#: Of a line's rows of labels: their height together in units of z, and the share of it that codes
#: fill. Multiples of the golden section's fraction are spread evenly however many there are.
LINE_HEIGHT, ROW_FILLED, GOLDEN = 4.0, 0.75, 0.6180339887498949


def quantiles(n: int) -> Tensor:
    """Φ⁻¹ of the n evenly spaced probabilities (i + ½) / n: (n,), ascending."""
    probabilities = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    steps: Tensor = torch.special.ndtri(probabilities)
    return steps.float()


def grid(n: int, *, dims: tuple[int, int], at: Tensor) -> Tensor:
    """Codes of the inverse-CDF grid: the unit square through Φ⁻¹, the other dimensions held.

    Kingma & Welling (2014), appendix A.

    Parameters
    ----------
    n
        Cells a side, 5 to 30.
    dims
        The dimension that runs to the right and the one that runs upwards.
    at
        (latent_dim,): where the other dimensions stay.

    Returns
    -------
    Tensor
        (n, n, latent_dim); row 0 is the top one, so the second dimension falls along rows.
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
    """Refuse a plane that the latent space does not have."""
    if dims[0] == dims[1] or not all(0 <= d < latent_dim for d in dims):
        raise ConfigError(
            f"plane {dims}: two different dimensions from 0 to {latent_dim - 1} are needed"
        )


@torch.inference_mode()
def decode(model: VAE, codes: Tensor) -> Tensor:
    """Mean images of codes (..., latent_dim) → (..., c, h, w)."""
    return model.decode(codes).mean


def traverse(z: Tensor, dim: int, values: Sequence[float]) -> Tensor:
    """Codes that move one dimension of ``z`` (latent_dim,) through ``values``."""
    codes = z.repeat(len(values), 1)
    codes[:, dim] = torch.tensor(values, dtype=z.dtype)
    return codes


def interpolate(
    start: Tensor, end: Tensor, steps: int, *, path: Literal["linear", "spherical"] = "linear"
) -> Tensor:
    """Codes from ``start`` to ``end`` (latent_dim,), both included: (steps, latent_dim).

    A spherical path turns at an even pace along the great circle and changes its length
    linearly (Shoemake 1985); between parallel codes it is the linear one.
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
    """Rows of the ``k`` points nearest to ``query`` (d,), and their Euclidean distances."""
    # |a − b|² by differences: the expanded form loses small distances to rounding.
    squared = np.square(points - query).sum(axis=1)
    k = min(k, len(points))
    rows = np.argpartition(squared, k - 1)[:k]
    rows = rows[np.argsort(squared[rows], kind="stable")]
    return rows.astype(np.int64), np.sqrt(squared[rows])


def inside_polygon(points: NDArray[np.float32], polygon: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which points (n, 2) lie inside a polygon (m, 2), by the even-odd rule."""
    # Most points lie outside its box, and cost nothing more.
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
    """Lay codes of one dimension (n, 1) out in the plane, one row for each label: (n, 2).

    Heights within a row are spread evenly by the id and mean nothing.
    """
    row = np.zeros(len(ids)) if labels is None else labels.astype(np.float64)
    rows = 1.0 + (row.max() if len(row) else 0.0)
    spread = (ids * GOLDEN) % 1.0 - 0.5
    # the first label's row lies on top, as in a legend
    y = LINE_HEIGHT * (0.5 - (row + 0.5 + ROW_FILLED * spread) / rows)
    return np.column_stack([mu[:, 0], y]).astype(np.float32)
