"""Pictures as they were found, before they are brought to one size and range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.data import quick
from vae_core.errors import DatasetError, ImageError
from vae_core.value_range import Extremes, Range

#: Parts of a given split, by the number that ``Collection.split`` has for them.
TRAIN, TEST, VALIDATION = 0, 1, 2
#: Names that people give to the parts of a split.
SPLIT_NAMES = {
    "train": TRAIN, "training": TRAIN,
    "test": TEST, "testing": TEST,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION,
}  # fmt: skip
#: Examples read at once when all are looked at.
CHUNK = 2_048

Shape = tuple[int, int, int]


class Pictures(Protocol):
    """Pictures of some format, read by their position."""

    def __len__(self) -> int:
        """Return how many there are."""

    def shapes(self) -> tuple[Counter[Shape], dict[int, str]]:
        """Count the (c, h, w) of all pictures, and say why which cannot be read."""

    def extremes(self) -> Extremes:
        """Find the smallest and largest value of all pictures."""

    def decode(
        self, start: int, stop: int, shape: Shape, values: Range
    ) -> tuple[images.Bytes, dict[int, str]]:
        """Decode ``start`` to ``stop`` as uint8 (n, c, h, w); say why which cannot be read."""


@dataclass(frozen=True)
class Collection:
    """What a file or folder of pictures holds.

    Attributes
    ----------
    title, form
        Name of the dataset, and of its format for a sentence: "a folder of pictures".
    pictures
        Reads them.
    key
        Changes whenever the content does.
    labels, classes
        Index of each picture's class, int64 (n,), and the names of the classes; None and empty
        without labels.
    columns
        Further values of each picture, (n,), numbers or text, by name.
    split
        Part of each picture, int8 (n,), ``TRAIN``, ``TEST`` or ``VALIDATION``, or None.
    left_out
        Why what was not read, in words, with its number: "no picture (.txt)": 3.
    notes
        Sentences about what was guessed.
    image_shape
        (c, h, w) that was chosen before; None if nothing was.
    parallel
        Whether a picture takes so long to decode that a second process pays.
    name_of
        Returns the name of the picture at a position, for a sentence.
    """

    title: str
    form: str
    pictures: Pictures
    key: str
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    split: NDArray[np.int8] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    image_shape: Shape | None = None
    parallel: bool = False
    name_of: Callable[[int], str] = "picture {}".format

    def __len__(self) -> int:
        return len(self.pictures)


class EncodedPictures:
    """Picture files (PNG, JPEG and so on), each read when it is wanted.

    Parameters
    ----------
    count
        Number of files.
    read
        Yields the bytes of files ``start`` to ``stop``, one after another.
    """

    def __init__(
        self, count: int, read: Callable[[int, int], Iterable[bytes | ImageError]]
    ) -> None:
        self._count = count
        self._read = read
        self._deep = False

    def __len__(self) -> int:
        return self._count

    def shapes(self) -> tuple[Counter[Shape], dict[int, str]]:
        """Read the headers of all files."""
        found: Counter[Shape] = Counter()
        wrong: dict[int, str] = {}
        for row, content in self._all():
            try:
                given = _content(content)
                header = quick.header(given) or images.picture_header(given)
            except ImageError as error:
                wrong[row] = str(error)
                continue
            found[header.channels, header.height, header.width] += 1
            self._deep |= header.deep
        return found, wrong

    def extremes(self) -> Extremes:
        """Return 0 to 255, or the extremes of all files if any has more than 8 bits."""
        if not self._deep:
            return Extremes("u", 8, 0, 255)
        found = None
        for _, content in self._all():
            try:
                one = Extremes.of(images.deep_values(_content(content)))
            except ImageError:
                continue
            found = one if found is None else found | one
        return found or Extremes("u", 8, 0, 255)

    def decode(
        self, start: int, stop: int, shape: Shape, values: Range
    ) -> tuple[images.Bytes, dict[int, str]]:
        """Decode files ``start`` to ``stop``; those that are damaged stay black."""
        pixels = np.zeros((stop - start, *shape), dtype=np.uint8)
        wrong: dict[int, str] = {}
        for place, content in enumerate(self._read(start, stop)):
            try:
                given = _content(content)
                plain = quick.decode(given)
                if plain is None:
                    pixels[place] = images.decoded(given, shape, deep=values.to_bytes)
                else:
                    pixels[place] = images.fitted_bytes(plain, shape)
            except ImageError as error:
                wrong[start + place] = str(error)
        return pixels, wrong

    def _all(self) -> Iterator[tuple[int, bytes | ImageError]]:
        return enumerate(self._read(0, self._count))


def _content(content: bytes | ImageError) -> bytes:
    if isinstance(content, ImageError):
        raise content
    return content


class ArrayPictures:
    """Pictures in one array (n, h, w, c) of any real type, which may lie on the disk.

    Parameters
    ----------
    slices
        Returns pictures ``start`` to ``stop``, (m, h, w, c).
    count, shape
        Number of pictures, and (c, h, w) of each.
    """

    def __init__(
        self, slices: Callable[[int, int], NDArray[Any]], count: int, shape: Shape
    ) -> None:
        self._slices = slices
        self._count = count
        self._shape = shape

    def __len__(self) -> int:
        return self._count

    def shapes(self) -> tuple[Counter[Shape], dict[int, str]]:
        """Return the one shape; two channels (grey and opacity) count as grey, four as colour."""
        channels, height, width = self._shape
        return Counter({({2: 1, 4: 3}.get(channels, channels), height, width): self._count}), {}

    def extremes(self) -> Extremes:
        """Look at every value."""
        found = None
        for start in range(0, self._count, CHUNK):
            one = Extremes.of(self._slices(start, min(start + CHUNK, self._count)))
            found = one if found is None else found | one
        return found or Extremes("u", 8, 0, 255)

    def decode(
        self, start: int, stop: int, shape: Shape, values: Range
    ) -> tuple[images.Bytes, dict[int, str]]:
        """Bring pictures ``start`` to ``stop`` to 0–255, and to a size."""
        pixels = values.to_bytes(self._slices(start, stop))
        channels, height, width = shape
        if pixels.shape[3] in {2, 4}:
            pixels = _without_opacity(pixels)
        if (height, width) == pixels.shape[1:3] and channels == pixels.shape[3]:
            return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), {}
        fitted = np.zeros((stop - start, *shape), dtype=np.uint8)
        for place, one in enumerate(pixels):
            fitted[place] = images.fitted_bytes(one[..., 0] if one.shape[2] == 1 else one, shape)
        return fitted, {}


class TransposedPictures:
    """Pictures with rows and columns exchanged."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.extremes = pictures.extremes

    def __len__(self) -> int:
        return len(self._pictures)

    def shapes(self) -> tuple[Counter[Shape], dict[int, str]]:
        """Exchange height and width."""
        found, wrong = self._pictures.shapes()
        return Counter({(c, w, h): count for (c, h, w), count in found.items()}), wrong

    def decode(
        self, start: int, stop: int, shape: Shape, values: Range
    ) -> tuple[images.Bytes, dict[int, str]]:
        """Decode in the given order of axes, then exchange rows and columns."""
        channels, height, width = shape
        pixels, wrong = self._pictures.decode(start, stop, (channels, width, height), values)
        return np.ascontiguousarray(pixels.swapaxes(2, 3)), wrong


def _without_opacity(pixels: images.Bytes) -> images.Bytes:
    """Put pictures with an opacity channel on white."""
    opacity = pixels[..., -1:].astype(np.float32) / 255
    return np.rint(pixels[..., :-1] * opacity + 255 * (1 - opacity)).astype(np.uint8)


def as_labels(values: NDArray[Any], name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the index of each value among the sorted values, int64 (n,), and their names.

    Raises
    ------
    DatasetError
        If there are more than :data:`MAX_CLASSES` different values.
    """
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    found, positions = np.unique(values, return_inverse=True)
    if len(found) > MAX_CLASSES:
        raise DatasetError(
            f"{name} has {len(found):,} different labels; at most {MAX_CLASSES} are classes."
        )
    return positions.astype(np.int64).reshape(-1), tuple(str(one) for one in found.tolist())


MAX_CLASSES = 1_000
