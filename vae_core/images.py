"""Any picture → the tensor that a model expects.

A model sees the world as its training data were made. MNIST's digits are light on dark, free of
noise, fitted in a box of 20 × 20 and centred by mass in 28 × 28 (LeCun et al., 1998); a photograph
of a note is none of that. :func:`prepare` repeats what was done to the data and keeps each step,
so that a person can be shown what the model actually sees.
"""

import functools
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vae_core.errors import ImageError
from vae_core.value_range import Extremes, Range

if TYPE_CHECKING:
    from PIL.Image import Image

    from vae_core.ink import Glyphs

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm",
)  # fmt: skip
"""Endings of the names of files in these formats."""
HEIC_SUFFIXES = (".heic", ".heif")
"""Endings of the names of files that need the package pillow-heif."""
MAX_BYTES = 20 * 2**20
MAX_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "WEBP": 24_000_000}
"""By format; decoding takes less than 400 MB. A JPEG is reduced while it is decoded."""
MAX_PIXELS_ELSE = 40_000_000
MAX_SIDE = 1_024  # larger pictures are reduced on reading: no model here sees as many pixels

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue appear


# Reading -----------------------------------------------------------------------------------------


@functools.cache
def readable() -> tuple[str, ...]:
    """Return the endings of names of picture files that are read here, HEIC where it can be."""
    try:
        import pillow_heif
    except ImportError:
        return SUFFIXES
    pillow_heif.register_heif_opener()
    return SUFFIXES + HEIC_SUFFIXES


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
        pixels: Bytes = np.asarray(_opaque(_upright(_reduced(image, _eight_bits))))
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
        return _upright_size(image)


@dataclass(frozen=True)
class Header:
    """What the header of a picture file says.

    ``channels`` is 1 for grey, else 3; ``deep`` pictures have more than 8 bits a channel.
    """

    channels: int
    height: int
    width: int
    deep: bool


def picture_header(content: bytes) -> Header:
    """Read a picture's size and kind from its header alone; errors as of :func:`picture_size`."""
    with _damage_explained("The picture"), _open(content, "The picture") as image:
        height, width = _upright_size(image)
        deep = image.mode.startswith(("I", "F"))
        grey_only = (deep or image.mode in {"1", "L", "LA"}) and "transparency" not in image.info
        return Header(1 if grey_only else 3, height, width, deep)


def deep_values(content: bytes) -> npt.NDArray[Any]:
    """Decode a picture in its own type, (h, w) or (h, w, c); errors as of :func:`read_picture`."""
    with _damage_explained("The picture"), _open(content, "The picture") as image:
        return np.asarray(image)


def decoded(
    content: bytes,
    image_shape: tuple[int, int, int],
    *,
    deep: Callable[[npt.NDArray[Any]], Bytes],
) -> Bytes:
    """Decode one picture of a dataset as uint8 (c, h, w).

    As :func:`read_picture` and then :func:`photograph`, with one range of values for a whole
    dataset, and quicker where a picture has the size already.

    Parameters
    ----------
    content, image_shape
        The file, and the (c, h, w) of the result.
    deep
        Brings values of more than 8 bits to 0–255.

    Raises
    ------
    ImageError
        As :func:`read_picture`.
    """
    with _damage_explained("The picture"), _open(content, "The picture") as image:
        pixels = np.asarray(_opaque(_upright(_reduced(image, deep))))
    return fitted_bytes(pixels, image_shape)


def fitted_bytes(picture: Bytes, image_shape: tuple[int, int, int]) -> Bytes:
    """Crop uint8 (h, w) or (h, w, 3) around its middle to a shape's proportions, and resize it."""
    channels, height, width = image_shape
    if picture.shape[:2] != (height, width):
        return to_bytes(photograph(picture, image_shape).image.numpy())
    if picture.ndim == 2:
        return np.broadcast_to(picture, image_shape)
    if channels == 3:
        return picture.transpose(2, 0, 1)
    return to_bytes(grey(picture))[None]


def _upright_size(image: "Image") -> tuple[int, int]:
    """Return (height, width) as a picture will be shown."""
    # EXIF orientations 5 to 8 exchange the sides; Pillow turns a TIFF's size by itself.
    may_turn = image.format != "TIFF" and _has_exif(image)
    sideways = may_turn and image.getexif().get(0x0112, 1) >= 5
    return (image.width, image.height) if sideways else (image.height, image.width)


def _has_exif(image: "Image") -> bool:
    """Return whether there is anything to read: Pillow builds its reader for each picture."""
    return (
        "exif" in image.info or image.format in {"TIFF", "MPO"} or "XML:com.adobe.xmp" in image.info
    )


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
    return name, content


def _open(content: bytes, name: str) -> "Image":
    """Open a picture without decoding it, and refuse one that is too large to decode."""
    import PIL.Image

    if not content:
        raise ImageError(f"{name} is empty: it has 0 bytes.")
    try:
        image = PIL.Image.open(io.BytesIO(content), formats=_formats())
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


def _formats() -> tuple[str, ...]:
    return FORMATS if readable() is SUFFIXES else (*FORMATS, "HEIF")


def _reduced(image: "Image", deep: Callable[[npt.NDArray[Any]], Bytes]) -> "Image":
    """Decode, in a mode of 8 bits a channel, and reduce to at most MAX_SIDE."""
    import PIL.Image

    size = (MAX_SIDE, MAX_SIDE)
    image.draft(image.mode, size)  # lets a JPEG be decoded at a half, a quarter or an eighth
    if image.mode.startswith(("I", "F")):
        image = PIL.Image.fromarray(deep(np.asarray(image)))
    else:
        opaque = "L" if image.mode in {"1", "L"} else "RGB"
        mode = "RGBA" if image.has_transparency_data else opaque
        if image.mode != mode:  # converting always copies
            image = image.convert(mode)
    image.thumbnail(size, reducing_gap=2.0)
    return image


def _eight_bits(values: npt.NDArray[Any]) -> Bytes:
    """Bring the values of one picture of more than 8 bits to 0–255."""
    return Range.of(Extremes.of(values)).to_bytes(values)


def _upright(image: "Image") -> "Image":
    """Turn a photograph as the camera was held."""
    import PIL.ImageOps

    return PIL.ImageOps.exif_transpose(image) if _has_exif(image) else image


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
    """How a dataset of ink on a ground places it.

    Attributes
    ----------
    box
        The longer side of the ink, in pixels.
    by_mass
        Whether the centre of mass is put in the middle, or else the middle of the box.
    strokes
        Between which widths strokes usually lie, in pixels; None where ink is no strokes.
    dark
        Whether ink is dark on a light ground; else it is light on a dark one.
    """

    box: int
    by_mass: bool
    strokes: tuple[float, float] | None = None
    dark: bool = False


FRAMES: dict[str, Frame] = {
    # From the 5th to the 95th percentile of the training digits' mean widths.
    "mnist": Frame(box=20, by_mass=True, strokes=(1.67, 4.06)),
    "fashion-mnist": Frame(box=28, by_mass=False),
    "digits": Frame(box=8, by_mass=False, strokes=(1.07, 2.18)),
}
"""The known datasets whose pictures are ink on a ground; all others are photographs."""

USUAL_DATASET = {(1, 28, 28): "mnist", (1, 8, 8): "digits"}
INK_SIDE = 512
"""Larger pictures are reduced before their ink is looked for: this still resolves thin strokes."""
INK_LEVEL = 0.3
"""In a photograph, the ink's box holds what is at least this strong: fainter edges are blur."""
FAINTEST = 0.5 / 255
"""In a drawing, all ink is meant."""
STROKE_TOLERANCE = 0.85
"""Strokes that are thinner or thicker than usual by less than this factor stay as they are."""
RIPPLE = 8
"""Levels of 255 by which the ground of a compressed picture ripples."""

COLOURS_LEFT_OUT = "The model sees no colours: brightness alone was kept."
EXCHANGED = "Light and dark were exchanged: ink is light on a dark ground."
EXCHANGED_BACK = "The model knows dark ink on a light ground, as its training data has it."
INK_ALONE = "The ground was set to black, and the middle of strokes to white."


def frame_of(dataset: str | Frame | None, image_shape: tuple[int, int, int]) -> Frame | None:
    """Return the frame that pictures for a model are brought into; None for photographs.

    Parameters
    ----------
    dataset
        What the model was trained on: a name, or the frame that was measured in its own data. None
        decides by the shape.
    image_shape
        (c, h, w) of the model.
    """
    if isinstance(dataset, Frame):
        return dataset
    return FRAMES.get(dataset or USUAL_DATASET.get(image_shape, ""))


@dataclass(frozen=True)
class Step:
    """One thing that was done to a picture.

    Attributes
    ----------
    name
        What was done, in a few words.
    picture
        The result as uint8, to show.
    sentence
        What was found and done, in plain words.
    """

    name: str
    picture: Bytes
    sentence: str = ""


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
    glyphs
        How many separate glyphs the picture holds; 1 for a photograph that is not of ink.
    clutter
        The share of a photographed note that stands out as its ink does, and is none.
    """

    image: Tensor
    steps: tuple[Step, ...]
    inverted: bool
    glyphs: int = 1
    clutter: float = 0.0


def prepare(
    picture: Bytes,
    image_shape: tuple[int, int, int],
    *,
    dataset: str | Frame | None = None,
    invert: bool | None = None,
    clean: bool = True,
    crop: bool = True,
    centre: bool = True,
    page: bool = True,
    lines: bool = True,
    strokes: bool = True,
    glyph: int | None = None,
) -> Prepared:
    """Make a picture like those a model was trained on.

    Ink on a ground (MNIST and its like, see ``FRAMES``) is made grey, light on dark, free of
    uneven lighting, printed lines and noise, cropped, brought to the strokes' usual width, fitted
    into the dataset's box with its proportions kept, and centred. A drawing, whose ground is one
    exact value, is only cropped, fitted and centred. A photograph of anything else is cropped to
    the model's proportions around its middle and reduced.

    Parameters
    ----------
    picture
        uint8, (h, w) or (h, w, 3), as from :func:`read_picture`.
    image_shape
        (c, h, w) of the model.
    dataset
        What the model was trained on: a name, or how its own data places ink; see
        :func:`frame_of`. Without it the shape decides.
    invert
        Whether to exchange light and dark; None looks whether ink is darker than its ground, and
        leaves photographs as they are.
    clean
        Whether to remove uneven lighting and noise around ink.
    crop
        Whether to crop to the ink, or a photograph to the model's proportions. Else all of the
        picture is fitted into the shape, with a margin where the proportions differ.
    centre
        Whether to centre by mass where the dataset was; else by the ink's box.
    page
        Whether to cut out and straighten a page that lies on something.
    lines
        Whether to remove printed lines, where ``clean`` is on.
    strokes
        Whether to bring strokes that are unusually thin or thick to a usual width, where
        ``clean`` and ``crop`` are on.
    glyph
        The glyph to keep, counted from 0, from left to right; None keeps all. ``Prepared.glyphs``
        says how many there are.

    Raises
    ------
    ImageError
        If the array is no picture, holds no ink where ink is expected, or has no such glyph.
    """
    _check_array(picture)
    frame = frame_of(dataset, image_shape)
    if frame is None:
        return photograph(picture, image_shape, invert=bool(invert), crop=crop)

    steps = [Step("The picture", picture)]
    if is_drawing(picture):
        found = _drawn(picture, steps, invert=invert, clean=clean, glyph=glyph)
    else:
        found = _photographed(
            picture, steps, invert=invert, clean=clean, page=page, lines=lines, glyph=glyph
        )
    values = _framed(
        found, frame, image_shape, steps, crop=crop, centre=centre, strokes=strokes and clean
    )
    glyphs = 1 if glyph is not None else found.glyphs
    image = _tensor(values, image_shape[0])
    return Prepared(image, tuple(steps), found.inverted, glyphs, found.clutter)


def _check_array(picture: Bytes) -> None:
    if (
        picture.dtype != np.uint8
        or picture.size == 0
        or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3))
    ):
        raise ImageError(
            f"The picture is an array of {picture.dtype} of shape {picture.shape}: "
            "expected uint8 of shape (h, w) or (h, w, 3)."
        )


def _framed(
    found: "_Ink",
    frame: Frame,
    image_shape: tuple[int, int, int],
    steps: list[Step],
    *,
    crop: bool,
    centre: bool,
    strokes: bool,
) -> Floats:
    """Crop to the ink, give strokes their usual width, fit into the box, and centre."""
    height, width = image_shape[1:]
    values, box = found.ink, (min(frame.box, height), min(frame.box, width))
    if values.max() < MIN_CONTRAST:
        raise ImageError(NO_INK)
    if crop:
        values = cropped(values, found.level)
        sentence = "The smallest box that holds all ink was cut out."
        steps.append(Step("Cropped to the ink", to_bytes(values), sentence))
        if strokes and frame.strokes is not None and not found.exact:
            values = _usual_strokes(values, frame.box, frame.strokes, steps)
        values = fitted(values, *box)
        sentence = f"The longer side has {frame.box} pixels, as in the training data."
        steps.append(Step(f"Fitted in {box[0]} × {box[1]}", to_bytes(values), sentence))
    else:
        values = fitted(values, height, width)
        steps.append(Step(f"Fitted in {height} × {width}", to_bytes(values)))
    by_mass = centre and frame.by_mass
    values = placed(values, height, width, by_mass=by_mass)
    middle = "The ink's centre of mass" if by_mass else "The middle of its box"
    name, sentence = "Centred by mass" if by_mass else "Centred", f"{middle} was put in the middle."
    steps.append(Step(name, to_bytes(values), sentence))
    if frame.dark:
        values = 1 - values
        steps.append(Step("Dark on light", to_bytes(values), EXCHANGED_BACK))
    return values


def prepare_each(
    picture: Bytes, image_shape: tuple[int, int, int], **switches: Any
) -> tuple[Prepared, ...]:
    """Prepare each glyph of a picture by itself, from left to right: see :func:`prepare`.

    A picture with one glyph, or of no ink, gives what :func:`prepare` gives.
    """
    whole = prepare(picture, image_shape, **switches)
    if whole.glyphs < 2:
        return (whole,)
    return tuple(
        prepare(picture, image_shape, **switches, glyph=glyph) for glyph in range(whole.glyphs)
    )


@dataclass(frozen=True)
class _Ink:
    """Ink as light on dark, and how it was found."""

    ink: Floats
    level: float  # what is fainter does not count when it is cropped
    inverted: bool
    glyphs: int
    exact: bool
    clutter: float = 0.0


def is_drawing(picture: Bytes) -> bool:
    """Whether a picture's ground is one exact value, as of a drawing and of MNIST's digits.

    A photograph's never is, nor is that of a drawing that was kept as JPEG: it ripples by a few
    levels, which are then more frequent than the levels of soft edges.

    Parameters
    ----------
    picture
        uint8, (h, w) or (h, w, 3).
    """
    import cv2

    from vae_core import ink

    every = math.ceil(max(picture.shape[:2]) / INK_SIDE)
    size = tuple(math.ceil(side / every) for side in picture.shape[1::-1])
    coarse = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    levels = ink.brightness_levels(coarse).astype(np.int16)
    ground = int(np.bincount(levels.ravel()).argmax())
    distance = np.abs(levels - ground)
    strong = distance > distance.max() // 2
    nearly = np.count_nonzero((distance > 0) & (distance <= RIPPLE))
    edges = np.count_nonzero((distance > RIPPLE) & ~strong)
    if np.mean(distance == 0) < 0.2 or nearly > edges:
        return False
    # Soft edges are narrow. What is faint and far from ink is light, or a pattern of the ground.
    reach = 2 * max(20, math.ceil(max(levels.shape) / 8)) + 1
    around = cv2.dilate(strong.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    return bool(np.mean((distance > 0) & ~around) < 0.005)


def _drawn(
    picture: Bytes, steps: list[Step], *, invert: bool | None, clean: bool, glyph: int | None
) -> _Ink:
    """Find the ink of a drawing: all that is not its ground."""
    from vae_core import ink

    values = grey(picture)
    if picture.ndim == 3:
        steps.append(Step("Grey", to_bytes(values), COLOURS_LEFT_OUT))
    if max(values.shape) > INK_SIDE:
        values = fitted(values, INK_SIDE, INK_SIDE)
    ground = background(values)
    contrast = values - ground
    inverted = ink_is_dark(contrast) if invert is None else invert
    if inverted:
        values, contrast = 1 - values, -contrast / np.maximum(ground, 1 / 255)
        steps.append(Step("Light on dark", to_bytes(values), EXCHANGED))
    if clean:
        peak = float(contrast.max())
        if peak < MIN_CONTRAST:
            raise ImageError(NO_INK)
        values = np.clip(contrast / peak, 0, 1)
        steps.append(Step("Background removed", to_bytes(values), INK_ALONE))
    glyphs = ink.separated(np.asarray(np.clip(contrast, 0, 1), dtype=np.float32))
    values = _one_glyph(values, glyphs, glyph, steps)
    return _Ink(values, FAINTEST, inverted, glyphs.count, exact=True)


def _photographed(
    picture: Bytes,
    steps: list[Step],
    *,
    invert: bool | None,
    clean: bool,
    page: bool,
    lines: bool,
    glyph: int | None,
) -> _Ink:
    """Find the ink of a photographed note."""
    from vae_core import ink

    small = ink.reduced(picture, INK_SIDE)
    seen = ink.brightness(small)
    if picture.ndim == 3:
        steps.append(Step("Grey", to_bytes(seen), COLOURS_LEFT_OUT))
    corners = ink.page_corners(seen) if page else None
    if corners is not None:
        scale = np.array(picture.shape[1::-1]) / small.shape[1::-1]
        flat = ink.straightened(picture, (corners + 0.5) * scale - 0.5)
        seen = ink.brightness(ink.reduced(flat, INK_SIDE))
        sentence = "A page with four straight sides was cut out."
        steps.append(Step("Page straightened", to_bytes(seen), sentence))
    inverted = ink.is_dark(seen) if invert is None else invert
    if inverted:
        steps.append(Step("Light on dark", to_bytes(1 - seen), EXCHANGED))
    if not clean:
        kept = 1 - seen if inverted else seen
        return _Ink(kept.astype(np.float64), INK_LEVEL, inverted, 1, exact=False)
    contrast = ink.contrast_of(seen, inverted)
    noise = ink.noise_of(contrast)
    if lines:
        contrast, count = ink.without_lines(contrast, noise)
        if count:
            sentence = f"{count} straight lines from edge to edge were divided out."
            steps.append(Step("Printed lines removed", to_bytes(contrast), sentence))
    contrast = ink.undrained(seen, contrast, inverted)
    found = ink.found(contrast, noise)
    if found is None:
        raise ImageError(NO_INK)
    result = found.ink.astype(np.float64)
    steps.append(Step("Background removed", to_bytes(result), INK_ALONE))
    result = _one_glyph(result, found.glyphs, glyph, steps)
    return _Ink(result, INK_LEVEL, inverted, found.glyphs.count, False, found.clutter)


def _one_glyph(values: Floats, glyphs: "Glyphs", glyph: int | None, steps: list[Step]) -> Floats:
    """Keep one glyph of several, where one is asked for."""
    if glyph is None:
        return values
    if not 0 <= glyph < glyphs.count:
        raise ImageError(f"glyph {glyph}: the picture holds {glyphs.count}, counted from 0.")
    if glyphs.count == 1:
        return values
    alone = np.where(glyphs.of(glyph), values, 0.0)
    name, sentence = f"Glyph {glyph + 1} of {glyphs.count}", "The others were left out."
    steps.append(Step(name, to_bytes(alone), sentence))
    return alone


def _usual_strokes(
    values: Floats, box: int, usual: tuple[float, float], steps: list[Step]
) -> Floats:
    """Bring strokes to a usual width, where they are thinner or thicker than any of the data's."""
    from vae_core import ink

    side = box * ink.FINE
    fine = ink.resized(np.asarray(values, dtype=np.float32), side)
    # Coarse pixels look thinner than they are seen, and a thin pen's line is lost among them.
    seen = ink.resized(fitted(values, box, box).astype(np.float32), side)
    width = max(ink.stroke_width(fine), ink.stroke_width(seen)) / ink.FINE
    wanted = min(max(width, usual[0]), usual[1])
    if width == 0 or STROKE_TOLERANCE <= width / wanted <= 1 / STROKE_TOLERANCE:
        return values
    # A wider stroke also widens the box that is fitted again.
    grown = (wanted - width) * box / (box - (wanted - width))
    changed = cropped(ink.widened(fine, grown * ink.FINE).astype(np.float64), INK_LEVEL)
    name = "Strokes thickened" if grown > 0 else "Strokes thinned"
    sentence = f"Strokes of {width:.1f} pixels were brought to {wanted:.1f}."
    steps.append(Step(name, to_bytes(changed), sentence))
    return changed


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
        steps.append(Step("Grey", to_bytes(values), COLOURS_LEFT_OUT))
    if invert:
        values = 1 - values
        steps.append(Step("Light and dark exchanged", to_bytes(values), "As you chose."))
    if crop:
        values = centre_crop(values, height, width)
        sentence = "The largest area of the model's proportions was cut out of the middle."
        steps.append(Step(f"Cropped to {height} : {width}", to_bytes(values), sentence))
        values = resample(values, height, width)
    else:
        margin = np.median(_border(values), axis=0)
        values = placed(fitted(values, height, width), height, width, margin=margin)
    steps.append(Step(f"Fitted in {height} × {width}", to_bytes(values)))
    return Prepared(_tensor(values, channels), tuple(steps), invert)


# Steps: float64 pictures (h, w) or (h, w, 3) in [0, 1] --------------------------------------------

MIN_CONTRAST = 0.06  # of full range: the faintest pencil
MAD_TO_SD = 1.4826  # median absolute deviation → standard deviation, for Gaussian noise
NO_INK = "The image is blank: no ink stands out from its background."


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
