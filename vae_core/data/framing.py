"""Measure how own pictures of ink place it, so that other pictures can be placed alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import ink
from vae_core.data.dataset import ImageDataset, Split
from vae_core.images import Frame

#: Pictures that are measured, evenly spread, and of these, those whose strokes are.
MEASURED, STROKES_MEASURED = 1_000, 200
#: Levels by which a ground may differ from its own median, and the shares of the border and of the
#: whole that it takes at least in a picture of ink.
GROUND_LEVELS, BORDER_SHARE, GROUND_SHARE = 12, 0.85, 0.4
#: Levels of the ground at most, or at least, and by how many the ink differs from it.
BLACK, WHITE, CONTRAST = 60, 195, 100
#: Share of pictures that are ink in a dataset of ink.
MOST = 0.5
#: Longer side, in pixels, at which strokes are measured at most.
FINE_SIDE = 240


def measure(dataset: ImageDataset) -> Frame | None:
    """Return how a dataset places ink: :func:`frame_of` its training images, else the test images.

    None for a dataset of colours or of photographs.
    """
    split: Split = dataset.train if len(dataset.train) else dataset.test
    return frame_of(split.spread(MEASURED).images)


def frame_of(pictures: Tensor) -> Frame | None:
    """Measure the frame of pictures of ink.

    Size and middle are those of most pictures; strokes lie between the 5th and the 95th percentile
    of their mean widths.

    Parameters
    ----------
    pictures
        uint8, (n, c, h, w).

    Returns
    -------
    Frame or None
        None if they have colours, or no more than half of them are strokes on an even ground that
        is nearly black or white.
    """
    if pictures.shape[1] != 1 or len(pictures) == 0:
        return None
    levels = pictures[:, 0].to(torch.int16)
    ground = _border(levels).median(dim=1).values
    contrast = levels - ground[:, None, None]
    is_ink = _is_ink(levels, ground, contrast)
    if float(is_ink.float().mean()) <= MOST:
        return None
    dark = bool((ground[is_ink] > BLACK).float().mean() > MOST)
    found = (contrast[is_ink] * (-1 if dark else 1)).clamp(min=0).numpy()
    found = found[(found > GROUND_LEVELS).any(axis=(1, 2))]
    if len(found) == 0:
        return None
    tops, heights = _extent(found.max(axis=2) > GROUND_LEVELS)
    lefts, widths = _extent(found.max(axis=1) > GROUND_LEVELS)
    box = int(np.median(np.maximum(heights, widths)))
    side = np.array(found.shape[1:])
    corners, sizes = np.stack([tops, lefts], 1), np.stack([heights, widths], 1)
    off_box = corners - (side - sizes) // 2
    off_mass = np.floor(_middles(found) + 0.5) - side // 2
    by_mass = bool(np.mean(off_mass**2) < np.mean(off_box**2))
    return Frame(box, by_mass, _strokes(found, corners, sizes, box), dark)


def _border(levels: Tensor) -> Tensor:
    """Return the outermost pixels of pictures (n, h, w): (n, pixels)."""
    return torch.cat([levels[:, 0], levels[:, -1], levels[:, 1:-1, 0], levels[:, 1:-1, -1]], dim=1)


def _is_ink(levels: Tensor, ground: Tensor, contrast: Tensor) -> Tensor:
    """Return which pictures have an even dark or light ground and ink on it, bool (n,)."""
    border = _border(levels)
    even = ((border - ground[:, None]).abs() <= GROUND_LEVELS).float().mean(1) >= BORDER_SHARE
    distance = contrast.abs().flatten(1)
    wide = (distance <= GROUND_LEVELS).float().mean(1) >= GROUND_SHARE
    strong = distance.max(1).values > CONTRAST
    return even & wide & strong & ((ground < BLACK) | (ground > WHITE))


def _extent(visible: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first visible row of each picture (n, side), and how many rows it spans."""
    first = visible.argmax(axis=1)
    last = visible.shape[1] - visible[:, ::-1].argmax(axis=1)
    return first, last - first


def _middles(found: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the centre of mass of each picture (n, h, w), as (n, 2) rows and columns."""
    mass = found.sum(axis=(1, 2), dtype=np.float64)
    rows = found.sum(axis=2, dtype=np.float64) @ np.arange(found.shape[1])
    columns = found.sum(axis=1, dtype=np.float64) @ np.arange(found.shape[2])
    return np.stack([rows / mass, columns / mass], axis=1)


def _strokes(
    found: NDArray[np.int16], corners: NDArray[np.int64], sizes: NDArray[np.int64], box: int
) -> tuple[float, float] | None:
    """Return between which widths strokes usually lie, in pixels; None where ink is no strokes."""
    widths = []
    for row in range(0, len(found), max(1, len(found) // STROKES_MEASURED)):
        (top, left), (height, width) = corners[row], sizes[row]
        cut = found[row, top : top + height, left : left + width] / float(found[row].max())
        side = max(max(cut.shape), min(FINE_SIDE, box * ink.FINE))
        fine = ink.resized(cut.astype(np.float32), side)
        widths.append(ink.stroke_width(fine) * max(cut.shape) / side)
    if np.median(widths) > ink.WIDEST_STROKE * box:
        return None
    low, high = np.percentile(widths, [5, 95])
    return round(float(low), 2), round(float(high), 2)
