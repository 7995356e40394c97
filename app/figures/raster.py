"""Turn arrays into pictures: thumbnails, mosaics, differences, PNG files."""

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

BRIGHTER, DARKER = (230, 97, 1), (33, 102, 172)

Image8 = NDArray[np.uint8]
Floats = NDArray[np.float32]


def rgba(images: Image8) -> Image8:
    """Convert images uint8 (..., c, h, w), grey or colour, to opaque (..., h, w, 4)."""
    *many, _, height, width = images.shape
    found = np.full((*many, height, width, 4), 255, dtype=np.uint8)
    found[..., :3] = np.moveaxis(images, -3, -1)
    return found


def to_levels(image: Floats) -> Image8:
    """Convert values in [0, 1] to uint8."""
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def from_levels(levels: Image8) -> Floats:
    """Convert uint8 values to float32 in [0, 1]."""
    return levels.astype(np.float32) / np.float32(255)


def thumbnail(picture: Image8, side: int) -> Image8:
    """Resize a picture, uint8 (h, w) or (h, w, 3), to at most `side` pixels."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return enlarge(picture, factor_for(side, longer))
    size = (picture.shape[1] * side // longer or 1, picture.shape[0] * side // longer or 1)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def enlarge(picture: Image8, factor: int) -> Image8:
    """Repeat every pixel of a picture (h, w, ...) `factor` times in both directions."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def factor_for(side: int, pixels: int) -> int:
    """Return the largest whole factor that keeps `pixels` within `side`, at least 1."""
    return max(1, side // pixels)


def picture(image: Image8, side: int = 280) -> Image8:
    """Enlarge one image uint8 (c, h, w) to about `side` pixels."""
    return enlarge(rgba(image), factor_for(side, max(image.shape[1:])))


def mosaic(images: Image8, columns: int, *, side: int = 56) -> Image8:
    """Arrange images uint8 (n, c, h, w) in rows of `columns`, each about `side` pixels.

    Gaps are transparent.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not len(images):
        raise ValueError("a mosaic needs at least one image")
    factor = factor_for(side, max(images.shape[2:]))
    tiles = rgba(images).repeat(factor, axis=1).repeat(factor, axis=2)
    n, height, width, _ = tiles.shape
    gap = max(2, side // 16)
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    cells = np.zeros((rows * columns, height + gap, width + gap, 4), np.uint8)
    cells[:n, :height, :width] = tiles
    sheet = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    return sheet.reshape(rows * (height + gap), columns * (width + gap), 4)[:-gap, :-gap]


def difference(before: Floats, after: Floats, side: int = 280) -> Image8:
    """Show where `after` is brighter (orange) or darker (blue) than `before`, (c, h, w) in [0, 1].

    Equal pixels are transparent, so that the picture suits both themes.
    """
    signed = np.clip((after - before).mean(axis=0), -1, 1)
    colour = np.where(signed[..., None] > 0, BRIGHTER, DARKER).astype(np.uint8)
    opacity = np.round(255 * np.sqrt(np.abs(signed))).astype(np.uint8)
    return enlarge(np.dstack([colour, opacity]), factor_for(side, max(signed.shape)))


def to_png(pixels: Image8, dpi: int = 300) -> bytes:
    """Encode a picture (height, width, 4) as PNG, in grey if it has no colour."""
    if (pixels[..., :1] == pixels[..., 1:3]).all():
        pixels = pixels[..., ::3]
    file = io.BytesIO()
    # The fastest level: pictures are encoded at each rerun, and only a few per cent larger.
    Image.fromarray(pixels).save(file, "PNG", dpi=(dpi, dpi), compress_level=1)
    return file.getvalue()


def scatter(places: Floats, labels: NDArray[np.int64], classes: Sequence[str], side: int) -> Image8:
    """Draw points (n, 2) on white paper, each class in its grey and named at its middle.

    A class is told by its name, which a printer without colours shows too.
    """
    low, high = np.percentile(places, 0.5, axis=0), np.percentile(places, 99.5, axis=0)
    at = (places - low) / (high - low) * (0.92, -0.92) + (0.04, 0.96)
    sheet = Image.new("RGBA", (side, side), "white")
    pen = ImageDraw.Draw(sheet)
    dot = max(1, side // 400)
    for label in range(len(classes)):
        grey = 120 + 100 * label // max(1, len(classes) - 1)
        for x, y in side * at[labels == label]:
            pen.ellipse((x - dot, y - dot, x + dot, y + dot), fill=(grey, grey, grey))
    font = ImageFont.load_default(size=side // 16)
    for label, name in enumerate(classes):
        if (labels == label).any():
            x, y = side * np.median(at[labels == label], axis=0)
            pen.text(
                (x, y),
                name,
                fill="black",
                font=font,
                anchor="mm",
                stroke_width=side // 150,
                stroke_fill="white",
            )
    return np.asarray(sheet)
