"""Find ink on photographed paper.

A photograph of a note holds more than the note: a desk around the page, light and shadow on it,
printed lines, noise. Each function here takes one of these away, and each looks for a shape and
not for a colour: a page has four straight sides, a shadow is broader than a stroke, a printed line
runs from edge to edge, noise is what lies on the wrong side of the ground. OpenCV does the work;
it is loaded on the first call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cv2.typing import MatLike

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

MIN_CONTRAST = 0.06  # of full range: the faintest pencil


def brightness(picture: Bytes) -> Floats:
    """Return how bright a picture is, (h, w) or (h, w, 3), in [0, 1]: (h, w)."""
    import cv2

    values = picture.astype(np.float32) / 255
    grey = values if picture.ndim == 2 else cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.float32)


def brightness_levels(picture: Bytes) -> Bytes:
    """Return :func:`brightness` as uint8."""
    import cv2

    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.uint8)


# The page ----------------------------------------------------------------------------------------

PAGE_SIDE = 256
"""A page is looked for in a picture reduced to this size."""
PAGE_AREA = 0.08
"""A page takes at least this share of the picture."""
PAGE_FIT = 0.94
"""The overlap of a page's convex hull with four straight sides, as intersection over union."""
PAGE_FILL = 0.8
"""The least share of a page between its sides that is paper: ink may run over its edge."""
PAGE_EDGE = 0.07
"""How much brighter or darker a page is than what lies around it, at each side."""


def page_corners(values: Floats) -> Floats | None:
    """Find the corners of a page that lies on something.

    Regions above and below several levels of brightness are tried; a page is one whose outline
    has four straight sides with a step in brightness across each. At most one side may leave the
    picture: an area with fewer sides of its own may as well be a shadow.

    Parameters
    ----------
    values
        (h, w), brightness in [0, 1].

    Returns
    -------
    ndarray or None
        (4, 2), x and y: left upper, right upper, right lower and left lower corner.
    """
    import cv2

    height, width = values.shape
    scale = min(1.0, PAGE_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    smooth = np.asarray(np.clip(cv2.GaussianBlur(small, (0, 0), 1.5) * 255, 0, 255), dtype=np.uint8)
    low, high = (float(level) for level in np.percentile(smooth, (2, 98)))
    if high - low < 255 * PAGE_EDGE:
        return None
    best: Floats | None = None
    best_score = 0.0
    for level in np.linspace(low, high, 14)[1:-1]:
        for mask in (smooth > level, smooth <= level):
            found = _quadrilateral(mask.astype(np.uint8))
            if found is None:
                continue
            corners, fit = found
            score = fit + min(0.1, _least_step(smooth, corners))
            if _least_step(smooth, corners) > PAGE_EDGE and score > best_score:
                best, best_score = corners, score
    if best is None:
        return None
    return np.asarray((best + 0.5) * (width / size[0], height / size[1]) - 0.5, dtype=np.float32)


def _quadrilateral(mask: Bytes) -> tuple[Floats, float] | None:
    """Return the corners of the largest region of a mask, and how well they outline it."""
    import cv2

    height, width = mask.shape
    cleaned = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(cleaned, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    area = cv2.contourArea(hull)
    if not PAGE_AREA * height * width <= area <= 0.97 * height * width:
        return None
    corners = _four_corners(hull)
    if corners is None:
        return None
    box, whole = np.zeros_like(mask), np.zeros_like(mask)
    cv2.fillConvexPoly(box, np.rint(corners).astype(np.int32), 1)
    cv2.fillConvexPoly(whole, hull, 1)
    fit = int((box & whole).sum()) / max(int((box | whole).sum()), 1)
    filled = cv2.contourArea(outline) / area
    sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    if fit < PAGE_FIT or filled < PAGE_FILL or sides.min() < 0.25 * min(height, width):
        return None
    middles = (corners + np.roll(corners, -1, 0)) / 2
    margin = 0.015 * max(height, width)
    limits = np.array((width - 1, height - 1)) - margin
    outside = ((middles < margin) | (middles > limits)).any(axis=1).sum()
    return None if outside > 1 else (_ordered(corners), fit * filled)


def _four_corners(hull: MatLike) -> Floats | None:
    """Simplify a convex outline until four corners are left."""
    import cv2

    length = cv2.arcLength(hull, True)
    for share in (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08):
        points = cv2.approxPolyDP(hull, share * length, True)
        if len(points) == 4:
            return np.asarray(points[:, 0], dtype=np.float32)
        if len(points) < 4:
            return None
    return None


def _ordered(corners: Floats) -> Floats:
    """Order corners clockwise as they are seen, from the one nearest to the left upper corner."""
    middle = corners.mean(0)
    angles = np.arctan2(*(corners - middle).T[::-1])
    turned = corners[np.argsort(angles)]
    return np.asarray(np.roll(turned, -int(turned.sum(1).argmin()), axis=0))


def _least_step(smooth: Bytes, corners: Floats) -> float:
    """Return the least step in brightness across the sides of a quadrilateral, as a share."""
    middle = corners.mean(0)
    steps = []
    height, width = smooth.shape
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        along = start + (end - start) * np.linspace(0.1, 0.9, 25)[:, None]
        normal = np.array([(end - start)[1], -(end - start)[0]])
        normal = normal / max(float(np.linalg.norm(normal)), 1e-6)
        if normal @ (along.mean(0) - middle) < 0:
            normal = -normal
        levels = []
        for shift in (-5.0, 5.0):
            x, y = np.rint(along + shift * normal).astype(int).T
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            levels.append(np.median(smooth[y[seen], x[seen]]) if seen.sum() > 8 else np.nan)
        steps.append((levels[0] - levels[1]) / 255)
    known = np.array([step for step in steps if not math.isnan(step)])
    if len(known) < 3:
        return 0.0
    return float(np.abs(known).min()) if (known > 0).all() or (known < 0).all() else 0.0


def straightened(picture: Bytes, corners: AnyFloats) -> Bytes:
    """Cut out a page and make it a rectangle, its edges left out.

    Parameters
    ----------
    picture
        (h, w) or (h, w, 3).
    corners
        See :func:`page_corners`.
    """
    import cv2

    sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    width, height = (max(8, round(float(sides[i] + sides[i + 2]) / 2)) for i in (0, 1))
    # A page's edge is never quite straight.
    inset = 0.015 * min(width, height)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    target += inset * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    flat = cv2.warpPerspective(
        picture, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, dtype=np.uint8)


# The ground --------------------------------------------------------------------------------------

GROUND_SIDE = 128
WIDEST_STROKE = 0.25
"""Of the picture's longer side: what is broader than this is light, shadow or paper."""


def is_dark(values: Floats) -> bool:
    """Whether ink is darker than its ground.

    Ink is narrower than the ground around it, so that the differences from a local mean are skewed
    to its side; at the edge of a shadow they are even. Differences are of the logarithm, in which
    a shadow is as deep on dark paper as on light.

    Parameters
    ----------
    values
        (h, w), brightness in [0, 1].
    """
    import cv2

    scale = min(1.0, GROUND_SIDE / max(values.shape))
    size = (max(3, round(values.shape[1] * scale)), max(3, round(values.shape[0] * scale)))
    small = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    levels = np.log(small + 0.05)
    local = cv2.GaussianBlur(levels, (0, 0), max(size) / 8, borderType=cv2.BORDER_REFLECT)
    return bool(np.mean((levels - local) ** 3) <= 0)


def contrast_of(values: Floats, dark: bool) -> Floats:
    """Return how much more ink each pixel holds than its ground: 0 on it, at most 1.

    The ground under dark ink is a grey closing (Serra, 1982): it fills what is narrower than its
    window, and keeps a shadow's straight edge where it is. Dark ink swallows a share of the light
    that falls on it, so uneven light is divided out; light ink adds to a dark ground.

    Parameters
    ----------
    values
        (h, w), brightness in [0, 1].
    dark
        See :func:`is_dark`.
    """
    import cv2

    height, width = values.shape
    window = max(3, int(WIDEST_STROKE * max(height, width)) | 1)
    smooth = cv2.GaussianBlur(values, (0, 0), max(0.5, max(height, width) / 400))
    kernel = np.ones((window, window), np.uint8)
    kind = cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN
    padded = cv2.copyMakeBorder(smooth, *(window,) * 4, cv2.BORDER_REFLECT)
    # In 16 bits this takes half the time that it takes in floating point.
    steps = np.rint(np.clip(padded, 0, 1) * 65_535).astype(np.uint16)
    closed = cv2.morphologyEx(steps, kind, kernel)[window:-window, window:-window]
    level = np.asarray(closed / np.float32(65_535), dtype=np.float32)
    level = _broad_ink_filled(level if dark else 1 - level)
    level = level if dark else 1 - level
    ground = cv2.GaussianBlur(level, (0, 0), max(0.5, max(height, width) / 400))
    if dark:
        contrast = 1 - values / np.maximum(ground, 1 / 255)
    else:
        contrast = (values - ground) / np.maximum(1 - ground, 0.1)
    # The window's brightest pixel is brighter than the ground by its noise.
    contrast = contrast - _median(contrast)
    ground_alone = (contrast < 3 * _median(noise_of(contrast[::2, ::2]))).astype(np.float32)
    share = _local_mean(ground_alone)
    offset = _local_mean(contrast * ground_alone) / np.maximum(share, 1e-6)
    return np.asarray(contrast - np.where(share > 0.2, offset, 0), dtype=np.float32)


def _broad_ink_filled(ground: Floats) -> Floats:
    """Raise the ground where strokes broader than the window show through it.

    They are basins with steep sides; a shadow runs out of the picture, and a stain is soft.
    """
    import cv2

    scale = min(1.0, GROUND_SIDE / max(ground.shape))
    size = (max(3, round(ground.shape[1] * scale)), max(3, round(ground.shape[0] * scale)))
    small = cv2.resize(ground, size, interpolation=cv2.INTER_AREA)
    depth = _depth_of_basins(np.asarray(small, dtype=np.float32))
    deep = (depth > MIN_CONTRAST).astype(np.uint8)
    if not deep.any():
        return ground
    square = np.ones((3, 3), np.uint8)
    step = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    rim = cv2.morphologyEx(deep, cv2.MORPH_GRADIENT, square) > 0
    _, labels = cv2.connectedComponents(cv2.dilate(deep, square), connectivity=8)
    steep = [
        label
        for label in range(1, int(labels.max()) + 1)
        if np.median(step[rim & (labels == label)]) > 0.5 * depth[labels == label].max()
    ]
    added = np.where(np.isin(labels, steep), depth, 0).astype(np.float32)
    full = cv2.resize(cv2.dilate(added, square), ground.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(ground + full, dtype=np.float32)


def _depth_of_basins(values: Floats) -> Floats:
    """Return how deep each pixel lies below the brightest level that closes it in: (h, w).

    Grey reconstruction from the edge (Vincent, 1993), in ``DRAIN_LEVELS`` steps.
    """
    import cv2

    depth = np.zeros(values.shape, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    for level in np.linspace(low, high, DRAIN_LEVELS + 2)[1:-1]:
        _, labels = cv2.connectedComponents((values <= level).astype(np.uint8), connectivity=4)
        basin = (labels > 0) & ~np.isin(labels, _edge_labels(labels))
        depth[basin] = level - values[basin]
    return depth


DRAIN_SIDE, DRAIN_LEVELS = 256, 24


def undrained(values: Floats, contrast: Floats, dark: bool) -> Floats:
    """Take away what is broad and reaches the picture's edge: shadows, and all that is no ink.

    Ink is a basin, closed all around by brighter paper; a shadow runs out of the picture, and a
    path leads from it to the edge that is nowhere brighter. Where something of weight reaches the
    edge, only basins are kept.

    Parameters
    ----------
    values
        (h, w), brightness in [0, 1].
    contrast
        (h, w), see :func:`contrast_of`.
    dark
        See :func:`is_dark`.
    """
    import cv2

    scale = min(1.0, DRAIN_SIDE / max(values.shape))
    size = (max(3, round(values.shape[1] * scale)), max(3, round(values.shape[0] * scale)))
    small = cv2.resize(values if dark else 1 - values, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.8)
    heavy = cv2.resize(contrast, size, interpolation=cv2.INTER_AREA)
    mask = heavy > 0.3 * float(heavy.max())
    _, pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    at_edge = np.isin(pieces, _edge_labels(pieces)) & mask
    if heavy[at_edge].sum() < 0.05 * heavy[mask].sum():
        return contrast
    depth = _depth_of_basins(np.asarray(small, dtype=np.float32))
    span = float(small.max() - small.min())
    least = max(MIN_CONTRAST / 2, 2 * span / DRAIN_LEVELS, 0.35 * float(depth.max()))
    basins = depth > least
    if heavy[basins].sum() < 0.03 * heavy[mask].sum():
        return contrast
    # Ink in the light is hardly darker than the shadow that it runs into, but as strong as ink.
    strong = heavy > 0.75 * float(np.percentile(heavy[basins], 75))
    _, labels = cv2.connectedComponents((strong | basins).astype(np.uint8), connectivity=8)
    grown = np.isin(labels, np.unique(labels[basins])) & (labels > 0)
    # A piece that does not reach the edge stays whole, if any of it is a basin.
    whole = np.isin(pieces, np.unique(pieces[basins & ~at_edge])) & mask & ~at_edge
    kept = cv2.dilate((grown | whole).astype(np.uint8), np.ones((5, 5), np.uint8))
    kept = cv2.resize(kept, contrast.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.where(kept > 0, contrast, np.minimum(contrast, 0)), dtype=np.float32)


def _edge_labels(labels: MatLike) -> npt.NDArray[np.int32]:
    """Return the labels on the picture's edge, 0 left out."""
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.asarray(edge[edge > 0], dtype=np.int32)


def noise_of(contrast: AnyFloats) -> Floats:
    """Return the noise's standard deviation around each pixel, (h, w).

    Ink only adds, so what lies below 0 is noise.
    """
    below = (contrast < 0).astype(np.float32)
    share = _local_mean(below)
    squares = _local_mean(np.square(contrast) * below) / np.maximum(share, 1e-6)
    usual = _median(squares)
    # A running sum may come out a little below 0.
    found = np.clip(np.where(share > 0.05, squares, usual), 0, None)
    return np.asarray(np.sqrt(found), dtype=np.float32)


def _median(values: AnyFloats) -> float:
    """Return the median of one pixel in nine, which is as good and takes a tenth of the time."""
    return float(np.median(values[::3, ::3] if min(values.shape) > 90 else values))


def _local_mean(values: AnyFloats) -> Floats:
    """Average over an eighth of the longer side."""
    import cv2

    window = max(3, int(max(values.shape) / 8) | 1)
    size = (window, window)
    mean = cv2.boxFilter(values.astype(np.float32), -1, size, borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, dtype=np.float32)


# Printed lines -----------------------------------------------------------------------------------

STRIPS = 12
"""A line is followed from strip to strip across the page."""
LINE_WIDTH = 0.016
"""Of the longer side: what is broader is no printed line."""
MOST_TURNED = 12.0  # degrees, as a hand-held camera is
LINE_SUPPORT = 0.6
"""A line shows in this share of the strips, the first and the last among them."""


def without_lines(contrast: Floats, noise: Floats) -> tuple[Floats, int]:
    """Take printed lines away, by their shape: thin, straight, from edge to edge.

    Each line's own profile is divided out, as if it were ground, so that ink which crosses or
    touches it stays; where a line hid ink, what lies above and below it is joined.

    Parameters
    ----------
    contrast
        (h, w), see :func:`contrast_of`.
    noise
        (h, w), see :func:`noise_of`.

    Returns
    -------
    contrast, count
        (h, w) without the lines, and how many there were.
    """
    usual = _median(noise)
    flat, across = _without_level_lines(contrast, usual)
    turned, upright = _without_level_lines(np.ascontiguousarray(flat.T), usual)
    return np.ascontiguousarray(turned.T), across + upright


def _without_level_lines(contrast: Floats, noise: float) -> tuple[Floats, int]:
    import cv2

    height, width = contrast.shape
    thickest = max(3, int(LINE_WIDTH * max(height, width)))
    if min(height, width) < 8 * thickest:
        return contrast, 0
    upright = np.ones((thickest + 2, 1), np.uint8)
    ridge = contrast - cv2.morphologyEx(contrast, cv2.MORPH_OPEN, upright)
    ridge = np.asarray(np.clip(ridge - _median(ridge), 0, 0.5), dtype=np.float32)
    slope = _slope(ridge)
    matrix = np.array([[1, 0, 0], [slope, 1, -slope * width / 2]], dtype=np.float64)
    level = cv2.warpAffine(
        ridge, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    edges = np.linspace(0, width, STRIPS + 1).astype(int)
    strips = np.stack([level[:, a:b].mean(1) for a, b in pairwise(edges)])
    strips = strips - np.median(strips, axis=1, keepdims=True)
    least = max(0.012, 3.5 * noise / math.sqrt(width / STRIPS))
    middles = (edges[1:] + edges[:-1]) / 2
    found = contrast
    lines = list(_tracks(strips, least, reach=max(2, round(height / 170))))
    columns = np.arange(width)
    for track in lines:
        y = np.interp(columns, middles, track) + slope * (columns - width / 2)
        # beyond the outer strips' middles the line goes straight on
        for outer, inner, side in ((0, 1, columns < middles[0]), (-1, -2, columns > middles[-1])):
            fall = (track[outer] - track[inner]) / (middles[outer] - middles[inner])
            y[side] += fall * (columns[side] - middles[outer])
        found = _erased(found, y, thickest)
    return found, len(lines)


def _slope(ridge: Floats) -> float:
    """Return the slope along which thin things line up best, in rows a column."""
    import cv2

    size = (min(64, ridge.shape[1]), min(256, ridge.shape[0]))
    small = cv2.resize(np.minimum(ridge, 0.2), size, interpolation=cv2.INTER_AREA)
    # In 8 bits this takes half the time that it takes in floating point.
    steps = np.rint(small * (255 / 0.2)).astype(np.uint8)
    squeezed = ridge.shape[1] / size[0] * size[1] / ridge.shape[0]

    def sharpness(slope: float) -> float:
        fall = slope * squeezed
        matrix = np.array([[1, 0, 0], [fall, 1, -fall * size[0] / 2]])
        turned = cv2.warpAffine(steps, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return float(cv2.norm(cv2.reduce(turned, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)))

    most = math.tan(math.radians(MOST_TURNED))
    best = max(np.linspace(-most, most, 33), key=sharpness)
    step = 2 * most / 32
    return float(max(np.linspace(best - step, best + step, 9), key=sharpness))


def _tracks(strips: Floats, least: float, reach: int) -> Iterator[Floats]:
    """Follow ridges from strip to strip: yields the row of each line in every strip."""
    taken: list[Floats] = []
    peaks = [_peaks(strip, least) for strip in strips]
    for start in (0, 1, len(strips) // 2):
        for seed in peaks[start]:
            track = _followed(peaks, start, seed, reach)
            if track is None:
                continue
            if all(np.abs(track - other).mean() > reach for other in taken):
                taken.append(track)
                yield track


def _peaks(strip: Floats, least: float) -> Floats:
    """Rows where a strip's profile has a maximum above a level."""
    inner = strip[1:-1]
    rows = 1 + np.flatnonzero((inner > least) & (inner >= strip[:-2]) & (inner > strip[2:]))
    return rows.astype(np.float32)


def _followed(peaks: list[Floats], start: int, seed: float, reach: int) -> Floats | None:
    """Follow one line both ways; None where too little of it is seen."""
    track = np.full(len(peaks), np.nan, dtype=np.float32)
    track[start] = seed
    for step in (1, -1):
        row, fall = seed, 0.0
        last = start
        stop = len(peaks) if step == 1 else -1
        for strip in range(start + step, stop, step):
            expected = row + fall * abs(strip - last)
            near = peaks[strip]
            if len(near):
                nearest = float(near[np.abs(near - expected).argmin()])
                if abs(nearest - expected) <= reach:
                    fall = 0.5 * fall + 0.5 * (nearest - row) / abs(strip - last)
                    row, last = nearest, strip
                    track[strip] = nearest
    seen = ~np.isnan(track)
    if seen.mean() < LINE_SUPPORT or not (seen[:2].any() and seen[-2:].any()):
        return None
    places = np.arange(len(track))
    return np.interp(places, places[seen], track[seen]).astype(np.float32)


def _erased(contrast: Floats, y: Floats, thickest: int) -> Floats:
    """Divide a line's own profile out of a picture."""
    import cv2

    height, width = contrast.shape
    reach = thickest
    columns = np.arange(width, dtype=np.float32)
    offsets = np.arange(-2 * reach, 2 * reach + 1, dtype=np.float32)
    rows = (y[None, :] + offsets[:, None]).astype(np.float32)
    across = np.broadcast_to(columns, rows.shape).astype(np.float32)
    band = cv2.remap(contrast, across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profile = np.median(band, axis=1)
    profile = np.clip(profile - min(0.0, float(np.median(profile))), 0, 0.9)
    middle = len(offsets) // 2
    ends = np.flatnonzero(profile < 0.25 * profile[middle - 2 : middle + 3].max())
    above = ends[ends < middle].max(initial=middle - reach)
    below = ends[ends > middle].min(initial=middle + reach)
    profile[: above + 1], profile[below:] = 0, 0
    # The line wavers by a pixel: what it takes away is as wide as it ever is.
    wide = cv2.dilate(profile[:, None].astype(np.float32), np.ones((3, 1), np.uint8))[:, 0]
    rest = (band - wide[:, None]) / (1 - wide[:, None])
    gap = int(below - above) + 3
    joined = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((gap, 1), np.uint8))
    inside = wide > 0
    rest[inside] = np.maximum(rest, np.minimum(joined, band))[inside]
    result = contrast.copy()
    first = np.floor(y).astype(int) - 2 * reach
    places = first[None, :] + np.arange(4 * reach + 2)[:, None]
    from_band = (places - rows[0]).astype(np.float32)
    values = cv2.remap(
        rest, np.broadcast_to(columns, places.shape).astype(np.float32), from_band, cv2.INTER_LINEAR
    )
    touched = cv2.dilate(wide[:, None], np.ones((3, 1), np.uint8))[:, 0] > 0
    weights = np.interp(from_band, np.arange(len(touched)), touched.astype(np.float64))
    valid = (places >= 0) & (places < height) & (weights > 0.5)
    at = np.broadcast_to(np.arange(width), places.shape)
    result[places[valid], at[valid]] = values[valid]
    return result


# Glyphs ------------------------------------------------------------------------------------------

NEAR = 0.1
"""Pieces nearer to each other than this share of the tallest belong to one glyph."""
SIGNIFICANT = 12.0
"""How many standard deviations of its noise a piece of ink is at least."""
DUST = 0.02
"""A piece of less than this share of the largest one's ink is dust."""


@dataclass(frozen=True)
class Glyphs:
    """Ink told apart.

    Attributes
    ----------
    labels
        (h, w): 0 where there is no ink, else the glyph that it belongs to, from 1 on, from left
        to right.
    count
        How many glyphs there are.
    """

    labels: Labels
    count: int

    def of(self, glyph: int) -> Mask:
        """Return where a glyph lies, with its soft edges: (h, w), counted from 0."""
        import cv2

        own = (self.labels == glyph + 1).astype(np.uint8)
        around = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
        return np.asarray(around & ((self.labels == 0) | (own > 0)))


@dataclass(frozen=True)
class Found:
    """Ink that was found.

    Attributes
    ----------
    ink
        (h, w) in [0, 1]; 1 in the middle of a stroke, 0 where there is no ink.
    glyphs
        Its glyphs.
    clutter
        The share of the rest of the picture that stands out as ink does.
    """

    ink: Floats
    glyphs: Glyphs
    clutter: float


def found(contrast: Floats, noise: Floats) -> Found | None:
    """Tell ink from its ground and glyphs from each other.

    Ink is what is certainly there, together with the fainter edges that touch it (hysteresis:
    Canny, 1986). Pieces that reach the picture's edge are dropped when there are others.

    Parameters
    ----------
    contrast
        (h, w), see :func:`contrast_of`.
    noise
        (h, w), see :func:`noise_of`.

    Returns
    -------
    Found or None
        None where nothing stands out.
    """
    import cv2

    side = max(contrast.shape)
    smooth = cv2.GaussianBlur(contrast, (0, 0), side / 500) if side > 60 else contrast
    smooth = np.asarray(smooth, dtype=np.float32)
    calm = noise_of(smooth)
    candidates = _pieces(smooth, smooth > np.maximum(MIN_CONTRAST, 5 * calm), noise)
    if not candidates.any():
        return None
    strength = float(np.percentile(smooth[candidates], 90))  # the middle of a stroke
    certain = smooth > np.maximum(max(0.5 * strength, MIN_CONTRAST), 5 * calm)
    possible = smooth > np.maximum(0.1 * strength, 3 * calm)
    # Soft edges are narrow: what is faint and far is a shadow.
    reach = 2 * max(2, side // 40) + 1
    near = cv2.dilate(certain.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    mask = _pieces(smooth, possible & near, noise, certain)
    if not mask.any():
        return None
    glyphs = _grouped(mask, smooth)
    inked = glyphs.labels > 0
    # Noise alone lifts the 90th percentile by 1.28 standard deviations.
    at = inked & certain
    lifted = np.maximum(smooth[at] - 1.28 * calm[at], 0.3 * smooth[at])
    strength = float(np.percentile(lifted, 90))
    around = cv2.dilate(inked.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    ink = np.where(around, np.clip(contrast / strength, 0, 1), 0)
    rest = cv2.dilate(inked.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    clutter = float(((smooth > 0.3 * strength) & rest).sum() / max(int(rest.sum()), 1))
    return Found(np.asarray(ink, dtype=np.float32), glyphs, clutter)


def _pieces(smooth: Floats, possible: Mask, noise: Floats, certain: Mask | None = None) -> Mask:
    """Keep the pieces of a mask that are ink: no dust, no noise, nothing at the edge."""
    import cv2

    count, labels = cv2.connectedComponents(possible.astype(np.uint8), connectivity=8)
    at = np.flatnonzero(possible)
    flat = np.asarray(labels).ravel()[at]
    masses = np.bincount(flat, np.clip(smooth.ravel()[at], 0, None), count)
    areas = np.bincount(flat, minlength=count)
    # The sum over n pixels of noise alone has a standard deviation of sqrt(n) times a pixel's.
    noises = np.bincount(flat, noise.ravel()[at], count) / np.maximum(areas, 1)
    masses[masses < SIGNIFICANT * noises * np.sqrt(areas)] = 0
    if certain is not None:
        masses[np.bincount(flat, certain.ravel()[at], count) == 0] = 0
    inner = masses.copy()
    inner[_edge_labels(labels)] = 0
    if inner.max(initial=0) > 0.05 * masses.max(initial=0):
        masses = inner
    kept = (masses > 0) & (masses >= DUST * masses.max(initial=0))
    return np.asarray(kept[labels])


def _grouped(mask: Mask, smooth: Floats) -> Glyphs:
    """Join pieces that lie near each other to glyphs, and leave out what is far and small."""
    import cv2

    _, _, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    tallest = int(boxes[1:, 2:4].max())
    reach = max(1, round(NEAR * tallest)) | 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, groups = cv2.connectedComponents(near, connectivity=8)
    at = np.flatnonzero(mask)
    group = np.asarray(groups).ravel()[at]
    masses = np.bincount(group, np.clip(smooth.ravel()[at], 0, None), count)
    kept = np.flatnonzero((masses > 0) & (masses >= 0.2 * masses.max()))
    lefts = [(at[group == one] % mask.shape[1]).min() for one in kept]
    places = np.zeros(count, dtype=np.int32)
    places[kept[np.argsort(lefts)]] = np.arange(1, len(kept) + 1)
    result = np.zeros(mask.shape, dtype=np.int32)
    result.ravel()[at] = places[group]
    return Glyphs(result, len(kept))


def separated(ink: Floats) -> Glyphs:
    """Tell the glyphs of clean ink apart.

    Parameters
    ----------
    ink
        (h, w), 0 where there is none.
    """
    mask = ink > 0.3 * float(ink.max(initial=0))
    if not mask.any():
        return Glyphs(np.zeros(ink.shape, dtype=np.int32), 0)
    return _grouped(np.asarray(mask), ink)


# Strokes -----------------------------------------------------------------------------------------

FINE = 12
"""Strokes are measured and changed at this many pixels for each one of the result."""


def stroke_width(ink: Floats) -> float:
    """Return how wide strokes are on average, in pixels.

    The distance to the edge, averaged over a stripe, is a quarter of its width.

    Parameters
    ----------
    ink
        (h, w) in [0, 1], a good many pixels a stroke.
    """
    import cv2

    mask = (ink >= 0.5).astype(np.uint8)
    if not mask.any():
        return 0.0
    bordered = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(bordered, cv2.DIST_L2, 5)
    # Distances are to the middle of the nearest pixel outside, half a pixel beyond the edge.
    return max(1.0, 4 * (float(distance[distance > 0].mean()) - 0.5))


def widened(ink: Floats, by: float) -> Floats:
    """Make strokes wider, or narrower where ``by`` is negative: (h + 2m, w + 2m).

    Parameters
    ----------
    ink
        (h, w) in [0, 1].
    by
        Pixels.
    """
    import cv2

    margin = max(2, math.ceil(abs(by) / 2) + 2)
    padded = cv2.copyMakeBorder(ink, *(margin,) * 4, cv2.BORDER_CONSTANT, value=0)
    mask = (padded >= 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    signed = inside - outside - mask + 0.5  # from the edge, which lies between two pixels
    return np.asarray(np.clip(signed + by / 2 + 0.5, 0, 1), dtype=np.float32)


def resized(values: Floats, side: int) -> Floats:
    """Resize to a longer side, smoothly: by area where reduced, cubic where enlarged."""
    import cv2

    scale = side / max(values.shape)
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    found = cv2.resize(values, size, interpolation=how)
    return np.asarray(np.clip(found, 0, 1), dtype=np.float32)


def reduced(picture: Bytes, side: int) -> Bytes:
    """Reduce a picture, (h, w) or (h, w, 3), to a longer side; a smaller one stays as it is."""
    import cv2

    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
