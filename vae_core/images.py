"""Any picture → the tensor that a model expects.

A model sees the world as its training data were made. MNIST's digits are light on dark, free of
noise, fitted in a box of 20 × 20 and centred by mass in 28 × 28 (LeCun et al., 1998); a photograph
of a note is none of that. :func:`prepare` repeats what was done to the data and keeps each step,
so that a person can be shown what the model actually sees.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vae_core.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"
)  # fmt: skip
"""Endings of the names of files in these formats."""
MAX_BYTES = 20 * 2**20
MAX_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "WEBP": 24_000_000}
"""By format; decoding takes less than 400 MB. A JPEG is reduced while it is decoded."""
MAX_PIXELS_ELSE = 40_000_000
MAX_SIDE = 1_024  # larger pictures are reduced on reading: no model here sees as many pixels

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue appear


# Reading -----------------------------------------------------------------------------------------


def read_picture(source: bytes | Path) -> Bytes:
    """Decode a picture file: upright, opaque, 8 bits, at most 1,024 pixels a side.

    Transparent parts become white, or black where the visible paint is itself nearly white and
    would vanish. Of an animation the first frame is read. 16 bits are reduced to 8.

    Parameters
    ----------
    source
        The file's bytes, or its path.

    Returns
    -------
    ndarray
        uint8, (h, w) for grey and (h, w, 3) for colour pictures.

    Raises
    ------
    ImageError
        If the file is missing, empty, larger than 20 MB, no picture or a damaged one, or has
        too many pixels (more than 64 million for JPEG, 24 for WebP, 40 for others).
    """
    name, content = _content(source)
    with _damage_explained(name), _open(content, name) as image:
        pixels: Bytes = np.asarray(_opaque(_upright(_reduced(image))))
        return pixels


def picture_size(source: bytes | Path) -> tuple[int, int]:
    """Return a picture's (height, width) as it will be shown, from its header alone.

    Raises
    ------
    ImageError
        As :func:`read_picture`, except for damage that shows only on decoding.
    """
    name, content = _content(source)
    with _damage_explained(name), _open(content, name) as image:
        # EXIF orientations 5 to 8 exchange the sides; Pillow turns a TIFF's size by itself.
        sideways = image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5
        return (image.width, image.height) if sideways else (image.height, image.width)


@contextmanager
def _damage_explained(name: str) -> Iterator[None]:
    """Turn what a decoder raises into one sentence: that is whatever a broken byte leads it to."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name} is damaged and cannot be read ({error}).") from error


def _content(source: bytes | Path) -> tuple[str, bytes]:
    """Return what to call a source in a sentence, and its bytes."""
    if isinstance(source, bytes):
        name, size, content = "The picture", len(source), source
    else:
        name = source.name
        try:
            size = source.stat().st_size
            content = source.read_bytes() if size <= MAX_BYTES else b""
        except OSError as error:
            raise ImageError(f"{source} cannot be read: {error.strerror}.") from error
    if size > MAX_BYTES:
        raise ImageError(
            f"{name} has {size / 2**20:.0f} MB; pictures of at most "
            f"{MAX_BYTES // 2**20} MB are read."
        )
    if size == 0:
        raise ImageError(f"{name} is empty: it has 0 bytes.")
    return name, content


def _open(content: bytes, name: str) -> "Image":
    """Open a picture without decoding it, and refuse one that is too large to decode."""
    import PIL.Image

    try:
        image = PIL.Image.open(io.BytesIO(content), formats=FORMATS)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        most = max(MAX_PIXELS.values()) // 10**6
        raise ImageError(
            f"{name} has far too many pixels; at most {most} million are read, so reduce it first."
        ) from error
    except PIL.UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a picture that can be read: "
            "PNG, JPEG, GIF, BMP, WebP, TIFF and PPM files are."
        ) from error
    most = MAX_PIXELS.get(image.format or "", MAX_PIXELS_ELSE)
    if image.width * image.height > most:
        raise ImageError(
            f"{name} has {image.width:,} × {image.height:,} pixels; {image.format} pictures of "
            f"at most {most // 10**6} million pixels are read, so reduce it first."
        )
    return image


def _reduced(image: "Image") -> "Image":
    """Decode, in a mode of 8 bits a channel, and reduce to at most MAX_SIDE."""
    import PIL.Image

    size = (MAX_SIDE, MAX_SIDE)
    image.draft(image.mode, size)  # lets a JPEG be decoded at a half, a quarter or an eighth
    if image.mode.startswith(("I", "F")):
        image = PIL.Image.fromarray(_eight_bits(np.asarray(image)))
    else:
        opaque = "L" if image.mode in {"1", "L"} else "RGB"
        mode = "RGBA" if image.has_transparency_data else opaque
        if image.mode != mode:  # converting always copies
            image = image.convert(mode)
    image.thumbnail(size, reducing_gap=2.0)
    return image


def _eight_bits(values: npt.NDArray[Any]) -> Bytes:
    """Bring 16- and 32-bit grey values to 0–255 by the range that their kind is used with."""
    if values.dtype == np.uint16:
        return np.asarray(values // 257, dtype=np.uint8)
    finite = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    usual = 1.0 if values.dtype.kind == "f" else 255.0 if high <= 255 else 65_535.0
    if low < 0 or high > usual:
        finite, usual = finite - low, high - low
    return to_bytes(finite / usual)


def _upright(image: "Image") -> "Image":
    """Turn a photograph as the camera was held."""
    import PIL.ImageOps

    return PIL.ImageOps.exif_transpose(image)


def _opaque(image: "Image") -> "Image":
    """Put a picture with transparency on the ground that shows its paint."""
    import PIL.Image

    if image.mode != "RGBA":
        return image
    pixels = np.asarray(image, dtype=np.float64)
    alpha = pixels[..., 3]
    brightness = pixels[..., :3] @ LUMA
    nearly_white = (alpha * brightness).sum() > 0.75 * 255 * alpha.sum()
    ground = PIL.Image.new("RGBA", image.size, "black" if nearly_white else "white")
    return PIL.Image.alpha_composite(ground, image).convert("RGB")


# Preparing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """How a dataset of light ink on a dark ground places it.

    Attributes
    ----------
    box
        The longer side of the ink, in pixels.
    by_mass
        Whether the centre of mass is put in the middle, or else the middle of the box.
    """

    box: int
    by_mass: bool


FRAMES: dict[str, Frame] = {
    "mnist": Frame(box=20, by_mass=True),
    "fashion-mnist": Frame(box=28, by_mass=False),
    "digits": Frame(box=8, by_mass=False),
}
"""The datasets whose pictures are ink on a ground; all others are photographs."""

USUAL_DATASET = {(1, 28, 28): "mnist", (1, 8, 8): "digits"}
INK_SIDE = 512
"""Larger pictures are reduced before their ink is looked for: this still resolves thin strokes."""
INK_LEVEL = 0.3
"""In a noisy picture, the ink's box holds what is at least this strong: fainter edges are blur."""
FAINTEST = 0.5 / 255
"""In a picture without noise, such as a drawing, all ink is meant."""


@dataclass(frozen=True)
class Step:
    """One thing that was done to a picture: its name, and the result as uint8 to show."""

    name: str
    picture: Bytes


@dataclass(frozen=True)
class Prepared:
    """What a model sees of a picture.

    Attributes
    ----------
    image
        float32, (c, h, w), in [0, 1].
    steps
        What was done, in order; the first is the picture itself, the last is ``image``.
    inverted
        Whether light and dark were exchanged.
    """

    image: Tensor
    steps: tuple[Step, ...]
    inverted: bool


def prepare(
    picture: Bytes,
    image_shape: tuple[int, int, int],
    *,
    dataset: str | None = None,
    invert: bool | None = None,
    clean: bool = True,
    crop: bool = True,
    centre: bool = True,
) -> Prepared:
    """Make a picture like those a model was trained on.

    Ink on a ground (MNIST and its like, see ``FRAMES``) is made grey, light on dark, free of
    uneven lighting and noise, cropped, fitted into the dataset's box with its proportions kept,
    and centred. A photograph is cropped to the model's proportions around its middle and reduced.

    Parameters
    ----------
    picture
        uint8, (h, w) or (h, w, 3), as from :func:`read_picture`.
    image_shape
        (c, h, w) of the model.
    dataset
        What the model was trained on; without it the shape decides.
    invert
        Whether to exchange light and dark; None looks whether ink is darker than the border, and
        leaves photographs as they are.
    clean
        Whether to remove uneven lighting and noise around ink.
    crop
        Whether to crop to the ink, or a photograph to the model's proportions. Else all of the
        picture is fitted into the shape, with a margin where the proportions differ.
    centre
        Whether to centre by mass where the dataset was; else by the ink's box.

    Raises
    ------
    ImageError
        If the array is no picture, or holds no ink where ink is expected.
    """
    if (
        picture.dtype != np.uint8
        or picture.size == 0
        or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3))
    ):
        raise ImageError(
            f"The picture is an array of {picture.dtype} of shape {picture.shape}: "
            "expected uint8 of shape (h, w) or (h, w, 3)."
        )
    frame = FRAMES.get(dataset or USUAL_DATASET.get(image_shape, ""))
    if frame is None:
        return photograph(picture, image_shape, invert=bool(invert), crop=crop)
    return _prepare_ink(
        picture, image_shape, frame, invert=invert, clean=clean, crop=crop, centre=centre
    )


def _prepare_ink(
    picture: Bytes,
    image_shape: tuple[int, int, int],
    frame: Frame,
    *,
    invert: bool | None,
    clean: bool,
    crop: bool,
    centre: bool,
) -> Prepared:
    shape = image_shape[1:]
    ink = grey(picture)
    steps = [Step("The picture", picture)]
    if picture.ndim == 3:
        steps.append(Step("Grey", to_bytes(ink)))

    if max(ink.shape) > INK_SIDE:
        ink = fitted(ink, INK_SIDE, INK_SIDE)
    ground = background(ink)
    contrast = ink - ground
    inverted = ink_is_dark(contrast) if invert is None else invert
    if inverted:
        # Dark ink swallows a share of the light that falls on it, so uneven light is divided out.
        ink, contrast = 1 - ink, -contrast / np.maximum(ground, 1 / 255)
        steps.append(Step("Light on dark", to_bytes(ink)))
    noise = noise_level(contrast)
    if clean:
        ink = cleaned(contrast, noise)
        steps.append(Step("Lighting and noise removed", to_bytes(ink)))
    if ink.max() < MIN_CONTRAST:
        raise ImageError(NO_INK)

    if crop:
        ink = cropped(ink, INK_LEVEL if noise > FAINTEST else FAINTEST)
        steps.append(Step("Cropped to the ink", to_bytes(ink)))
        ink = fitted(ink, frame.box, frame.box)
        steps.append(Step(f"Fitted in {frame.box} × {frame.box}", to_bytes(ink)))
    else:
        ink = fitted(ink, *shape)
        steps.append(Step(f"Fitted in {shape[0]} × {shape[1]}", to_bytes(ink)))
    by_mass = centre and frame.by_mass
    ink = placed(ink, *shape, by_mass=by_mass)
    steps.append(Step("Centred by mass" if by_mass else "Centred", to_bytes(ink)))
    return Prepared(_tensor(ink, image_shape[0]), tuple(steps), inverted)


def photograph(
    picture: Bytes,
    image_shape: tuple[int, int, int],
    *,
    invert: bool = False,
    crop: bool = True,
) -> Prepared:
    """Crop a picture to a shape's proportions and reduce it: :func:`prepare` without ink."""
    channels, height, width = image_shape
    steps = [Step("The picture", picture)]
    values: Floats = picture / 255.0
    if channels == 1 and picture.ndim == 3:
        values = grey(picture)
        steps.append(Step("Grey", to_bytes(values)))
    if invert:
        values = 1 - values
        steps.append(Step("Light and dark exchanged", to_bytes(values)))
    if crop:
        values = centre_crop(values, height, width)
        steps.append(Step(f"Cropped to {height} : {width}", to_bytes(values)))
        values = resample(values, height, width)
    else:
        margin = np.median(_border(values), axis=0)
        values = placed(fitted(values, height, width), height, width, margin=margin)
    steps.append(Step(f"Fitted in {height} × {width}", to_bytes(values)))
    return Prepared(_tensor(values, channels), tuple(steps), invert)


# Steps: float64 pictures (h, w) or (h, w, 3) in [0, 1] --------------------------------------------

MIN_CONTRAST = 0.06  # of full range: the faintest pencil
MAD_TO_SD = 1.4826  # median absolute deviation → standard deviation, for Gaussian noise
NO_INK = "The picture is blank: no ink stands out from its ground."


def grey(picture: Bytes) -> Floats:
    """Return the brightness of a uint8 picture as float64, (h, w), in [0, 1]."""
    brightness: Floats = (picture if picture.ndim == 2 else picture @ np.array(LUMA)) / 255.0
    return brightness


def background(values: Floats) -> Floats:
    """Estimate the ground that ink lies on: a quadratic surface, as light falls on paper.

    The border's median is the first guess; then least squares on all that lies near the last
    guess, until the ink is left out.

    Parameters
    ----------
    values
        (h, w).

    Returns
    -------
    ndarray
        (h, w).
    """
    height, width = values.shape
    coarse = resample(values, min(height, 64), min(width, 64))
    terms = _quadratic_terms(*coarse.shape)
    keep = _border_mask(*coarse.shape)
    coefficients: Floats = np.zeros(terms.shape[-1])
    coefficients[0] = np.median(coarse[keep])
    for _ in range(10):
        distance = np.abs(coarse - terms @ coefficients)
        keep = distance <= max(2.5 * MAD_TO_SD * float(np.median(distance[keep])), 1 / 255)
        coefficients = np.linalg.lstsq(terms[keep], coarse[keep], rcond=None)[0].astype(float)
    ground: Floats = _quadratic_terms(height, width) @ coefficients
    return ground


def ink_is_dark(contrast: Floats) -> bool:
    """Whether the strongest deviation from the ground is towards the dark."""
    smooth = _blur(contrast)
    return bool(-smooth.min() > smooth.max())


def noise_level(contrast: Floats) -> float:
    """Estimate the standard deviation of the noise, after fine noise was smoothed away.

    Ink only adds to the ground, so what lies below it is noise.
    """
    smooth = _blur(contrast)
    return MAD_TO_SD * float(np.median(-smooth[smooth <= 0])) if smooth.min() <= 0 else 0.0


def cleaned(contrast: Floats, noise: float) -> Floats:
    """Keep the ink and nothing else, scaled to full strength.

    Ink is what Otsu's threshold tells apart, together with the fainter edges that touch it. On a
    ground without any noise, such as a drawing's, all of it is kept.

    Parameters
    ----------
    contrast
        (h, w): how much more ink each pixel holds than the ground.
    noise
        Its standard deviation, see :func:`noise_level`.

    Raises
    ------
    ImageError
        If nothing stands out from the noise.
    """
    from scipy import ndimage

    smooth = _blur(contrast)
    peak = float(smooth.max())
    if peak < max(MIN_CONTRAST, 6 * noise):
        raise ImageError(NO_INK)
    if noise <= FAINTEST:
        return np.asarray(np.clip(contrast / contrast.max(), 0, 1))
    certain = smooth > max(otsu(np.clip(smooth, 0, None)), 5 * noise)
    possible = smooth > max(0.1 * peak, 3 * noise)
    neighbours = np.ones((3, 3), dtype=bool)
    kept = ndimage.binary_propagation(certain, structure=neighbours, mask=possible)
    pieces, count = ndimage.label(kept, structure=neighbours)
    masses = ndimage.sum_labels(smooth, pieces, np.arange(1, count + 1))
    kept = np.isin(pieces, 1 + np.flatnonzero(masses >= 0.02 * masses.max()))  # dust is less
    strength = np.percentile(smooth[certain], 90)  # the middle of a stroke
    ink: Floats = np.where(kept, np.clip(contrast / strength, 0, 1), 0.0)
    return ink


def otsu(values: Floats) -> float:
    """Return the threshold that splits values into the two most distinct classes (Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        between = np.nan_to_num(below * above * gap**2)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))  # many, where a gap is empty
    return float(edges[1:][best].mean())


def cropped(ink: Floats, level: float) -> Floats:
    """Cut out the smallest rectangle that holds every pixel above a level."""
    visible = ink > level
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fitted(values: Floats, height: int, width: int) -> Floats:
    """Resample to the largest size that fits, with the proportions kept: (≤ height, ≤ width)."""
    scale = min(height / values.shape[0], width / values.shape[1])
    new_height, new_width = (max(1, math.floor(side * scale + 0.5)) for side in values.shape[:2])
    return resample(values, min(new_height, height), min(new_width, width))


def placed(
    values: Floats,
    height: int,
    width: int,
    *,
    by_mass: bool = False,
    margin: npt.ArrayLike = 0.0,
) -> Floats:
    """Lay a picture on a larger ground, centred by its box or by its mass.

    Mass is centred as in MNIST: moved by whole pixels so that the mean row and column, rounded,
    are ``height // 2`` and ``width // 2``; but never so far that anything is cut off.
    """
    ground = np.empty((height, width, *values.shape[2:]))
    ground[...] = margin
    room = (height - values.shape[0], width - values.shape[1])
    top, left = room[0] // 2, room[1] // 2
    if by_mass:
        rows, columns = np.indices(values.shape)
        mean_row, mean_column = (np.average(axis, weights=values) for axis in (rows, columns))
        top = min(max(height // 2 - math.floor(mean_row + 0.5), 0), room[0])
        left = min(max(width // 2 - math.floor(mean_column + 0.5), 0), room[1])
    ground[top : top + values.shape[0], left : left + values.shape[1]] = values
    return ground


def centre_crop(values: Floats, height: int, width: int) -> Floats:
    """Cut the largest rectangle of proportions height : width out of the middle."""
    scale = min(values.shape[0] / height, values.shape[1] / width)
    rows, columns = (max(1, math.floor(side * scale + 0.5)) for side in (height, width))
    top, left = (values.shape[0] - rows) // 2, (values.shape[1] - columns) // 2
    return values[top : top + rows, left : left + columns]


def resample(values: Floats, height: int, width: int) -> Floats:
    """Resize by area: each new pixel is the mean of the area of the old ones that it covers.

    Antialiased when reducing, exact when enlarging by whole numbers, and nothing when the size is
    the same.

    Parameters
    ----------
    values
        (h, w) or (h, w, c).
    height, width
        The new size.

    Returns
    -------
    ndarray
        (height, width) or (height, width, c).
    """
    rows, columns = _area_weights(values.shape[0], height), _area_weights(values.shape[1], width)
    resized: Floats = np.einsum("yh,hw...,xw->yx...", rows, values, columns, optimize=True)
    return resized


def to_bytes(values: npt.NDArray[np.floating[Any]]) -> Bytes:
    """Turn values in [0, 1] into uint8."""
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), dtype=np.uint8)


def _area_weights(old: int, new: int) -> Floats:
    """Return each old pixel's share in each new one: (new, old), rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    starts = np.arange(old)
    overlap: Floats = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.maximum(overlap, 0) * (new / old)


def _blur(values: Floats) -> Floats:
    """Smooth by half a hundredth of the longer side: noise goes, a stroke stays."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(values, max(values.shape) / 200))


def _quadratic_terms(height: int, width: int) -> Floats:
    """(h, w, 6): 1, x, y, x², xy, y² over a picture from −1 to 1."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _border_mask(height: int, width: int) -> Mask:
    """(h, w): true on a frame of a twelfth of each side, at least one pixel."""
    mask = np.ones((height, width), dtype=bool)
    rows, columns = max(1, height // 12), max(1, width // 12)
    mask[rows : height - rows, columns : width - columns] = False
    return mask


def _border(values: Floats) -> Floats:
    """(n,) or (n, 3): the pixels on the frame."""
    return values[_border_mask(*values.shape[:2])]


def _tensor(values: Floats, channels: int) -> Tensor:
    """(h, w) or (h, w, 3) → float32 (channels, h, w) in [0, 1]; grey fills every channel."""
    planes = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    planes = np.broadcast_to(planes, (channels, *planes.shape[1:]))
    return torch.from_numpy(np.clip(planes, 0, 1).astype(np.float32))
