"""Arrays of pictures: ``.npy`` and ``.npz`` files, NumPy arrays and tensors in memory."""

from __future__ import annotations

import hashlib
import math
import tokenize
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.data.collection import (
    SPLIT_NAMES,
    TEST,
    TRAIN,
    ArrayPictures,
    Collection,
    Shape,
    as_labels,
)
from vae_core.errors import DatasetError
from vae_core.files import UNZIP_ERRORS
from vae_core.value_range import check_numeric

#: Largest array, in bytes, and most arrays in a file.
MAX_BYTES = 2**34
MAX_ARRAYS = 1_000
CHANNELS = (1, 2, 3, 4)
#: Names of arrays of pictures and of labels, without the part of a split.
PICTURES = (
    "x",
    "images",
    "image",
    "imgs",
    "data",
    "pictures",
    "arr",
    "arr_0",
    "features",
    "inputs",
)
LABELS = ("y", "labels", "label", "targets", "target", "classes", "class", "arr_1")
#: By how much neighbouring pixels must be closer in one layout than in another.
DECISIVE = 1.3
HASHED_BYTES = 2**20
#: What NumPy raises where the text of a header is none.
HEADER_ERRORS = (SyntaxError, TypeError, KeyError, tokenize.TokenError, RecursionError)
#: Bytes that may be unpacked whatever they were packed to; of more, a packed byte gives at most so
#: many: pictures that people make give some dozens, a bomb hundreds.
UNPACKED, PACKED_TO = 2**27, 100


@dataclass(frozen=True)
class Shaped:
    """Array of pictures (n, h, w, c), their (c, h, w), and sentences about what was guessed."""

    array: NDArray[Any]
    shape: Shape
    notes: tuple[str, ...] = ()


def shaped(array: NDArray[Any], name: str, *, image_shape: Shape | None = None) -> Shaped:
    """Find which axes of an array are rows, columns and channels.

    Parameters
    ----------
    array
        (n, h, w), (n, h, w, c), (n, c, h, w) or (n, pixels).
    image_shape
        (c, h, w), which decides where the array's own shape does not.

    Raises
    ------
    DatasetError
        If the array cannot be pictures, or could be in more than one way.
    """
    check_numeric(array.dtype, name)
    if array.ndim == 2:
        return _from_rows(array, name, image_shape)
    if array.ndim == 3:
        return Shaped(array[..., None], (1, array.shape[1], array.shape[2]))
    if array.ndim != 4:
        raise DatasetError(
            f"{name} has the shape {array.shape}; pictures are (n, h, w), (n, h, w, c), "
            "(n, c, h, w) or (n, pixels)."
        )
    _, a, _, c = array.shape
    first, last = a in CHANNELS, c in CHANNELS
    if image_shape is not None and first == last:
        first, last = array.shape[1:] == image_shape, array.shape[1:] == _channels_last(image_shape)
    elif first and last:
        first, last = _by_smoothness(array)
    if first == last:
        raise DatasetError(
            f"{name} has the shape {array.shape}; it is not certain which axis is the channels, "
            "so name image_shape = (c, h, w)."
        )
    moved = np.moveaxis(array, 1, 3) if first else array
    return Shaped(moved, (moved.shape[3], moved.shape[1], moved.shape[2]))


def shape_of_pixels(width: int) -> tuple[int, int] | None:
    """Return (channels, side) of a square picture of ``width`` values, or None."""
    for channels in (1, 3):
        side = math.isqrt(width // channels)
        if side > 1 and channels * side * side == width:
            return channels, side
    return None


def _from_rows(array: NDArray[Any], name: str, image_shape: Shape | None) -> Shaped:
    """Shape rows of pixels: squares, grey or in colour, unless ``image_shape`` says otherwise."""
    width = array.shape[1]
    if image_shape is None:
        found = shape_of_pixels(width)
        if found is None:
            raise DatasetError(
                f"{name} has rows of {width:,} values, which form no square picture: name "
                "image_shape = (c, h, w)."
            )
        channels, side = found
        image_shape = (channels, side, side)
        note = f"Rows of {width:,} values were read as {channels} × {side} × {side}."
    else:
        if math.prod(image_shape) != width:
            sides = " × ".join(map(str, image_shape))
            raise DatasetError(
                f"{name} has rows of {width:,} values; {sides} are {math.prod(image_shape):,}."
            )
        note = ""
    channels, height, side = image_shape
    planes = array.reshape(-1, channels, height, side)
    notes = (note,) if note else ()
    if channels == 1:
        return Shaped(planes[:, 0, :, :, None], image_shape, notes)
    pixels = array.reshape(-1, height, side, channels)
    as_planes = _roughness(planes, 2, 3) <= _roughness(pixels, 1, 2)
    how = "one plane for each colour" if as_planes else "the colours of each pixel together"
    return Shaped(
        np.moveaxis(planes, 1, 3) if as_planes else pixels,
        image_shape,
        (*notes, f"Their order was taken as {how}, which is smoother."),
    )


def _by_smoothness(array: NDArray[Any]) -> tuple[bool, bool]:
    """Return whether the first or the last axis is the channels; neither if it is not certain."""
    first, last = _roughness(array, 2, 3), _roughness(array, 1, 2)
    return first * DECISIVE < last, last * DECISIVE < first


def _roughness(array: NDArray[Any], *axes: int) -> float:
    """Mean difference of neighbouring values along two axes, of pictures spread over all."""
    sample = array[:: max(1, len(array) // 64)][:64].astype(np.float32)
    steps = [np.abs(np.diff(sample, axis=axis)).mean() for axis in axes if sample.shape[axis] > 1]
    return float(np.mean(steps)) if steps else math.inf


def _channels_last(shape: Shape) -> tuple[int, int, int]:
    return shape[1], shape[2], shape[0]


def collection(
    array: NDArray[Any],
    *,
    labels: NDArray[Any] | None = None,
    classes: tuple[str, ...] = (),
    title: str = "arrays",
    image_shape: Shape | None = None,
) -> Collection:
    """Return arrays in memory as a collection.

    Raises
    ------
    DatasetError
        If they are no pictures, or labels have another length.
    """
    found = shaped(array, title, image_shape=image_shape)
    positions, names = _labels(labels, len(array), title)
    return Collection(
        title=title,
        form="an array",
        pictures=ArrayPictures(lambda a, b: found.array[a:b], len(array), found.shape),
        key="",
        labels=positions,
        classes=classes or names,
        notes=found.notes,
    )


def open_npy(path: Path, *, image_shape: Shape | None = None) -> Collection:
    """Open a ``.npy`` file, which stays on the disk."""
    array = _mapped(path)
    found = shaped(array, str(path), image_shape=image_shape)
    return Collection(
        title=path.stem,
        form="a NumPy array",
        pictures=ArrayPictures(lambda a, b: found.array[a:b], len(array), found.shape),
        key=key_of_file(path),
        notes=found.notes,
    )


def open_npz(
    path: Path,
    *,
    image_shape: Shape | None = None,
    pictures: str | None = None,
    labels: str | None = None,
) -> Collection:
    """Open a ``.npz`` file: arrays of pictures, labels and columns, by their shapes and names.

    Parameters
    ----------
    pictures, labels
        Names of the arrays, where they are not certain.

    Raises
    ------
    DatasetError
        If there is no array of pictures, or more than one could be.
    """
    read = _Npz(path)
    shapes = read.shapes()
    parts = _parts(shapes, pictures, path)
    found = {
        part: shaped(read(key), f"{path}: {key}", image_shape=image_shape)
        for part, key in parts.items()
    }
    counts = {part: len(one.array) for part, one in found.items()}
    whole = joined([one.array for one in found.values()])
    split = None
    if len(found) > 1:
        split = np.concatenate([np.full(counts[part], part, dtype=np.int8) for part in found])
    label_arrays = _label_arrays(read, shapes, parts, counts, labels, path)
    positions, classes = _labels(label_arrays, len(whole), str(path))
    used = {*parts.values(), labels}
    columns = {
        key: read(key)
        for key, (shape, dtype) in shapes.items()
        if key not in used and shape == (len(whole),) and dtype.kind in "buifU"
    }
    first = next(iter(found.values()))
    return Collection(
        title=path.stem,
        form="a NumPy archive",
        pictures=ArrayPictures(lambda a, b: whole[a:b], len(whole), first.shape),
        key=key_of_file(path),
        labels=positions,
        classes=classes,
        columns={key: values for key, values in columns.items() if not _is_label(key)},
        split=split,
        notes=first.notes,
    )


class _Npz:
    """Arrays of an archive by name; headers are read before values, and nothing is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DatasetError(f"{path} is no complete .npz file ({error}).") from error
        if len(self._archive.namelist()) > MAX_ARRAYS:
            raise DatasetError(f"{path} has more than {MAX_ARRAYS:,} arrays.")

    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Return shape and type of each array from its header."""
        return {
            key.removesuffix(".npy"): self._header(key)
            for key in self._archive.namelist()
            if key.endswith(".npy")
        }

    def __call__(self, name: str) -> NDArray[Any]:
        """Read an array."""
        shape, dtype = self._header(f"{name}.npy")
        _check_bytes(shape, dtype, f"{self._path}: {name}")
        packed = self._archive.getinfo(f"{name}.npy").compress_size
        check_ratio(math.prod(shape) * dtype.itemsize, packed, f"{self._path}: {name}")
        try:
            with self._archive.open(f"{name}.npy") as stream:
                array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
                return array
        except UNZIP_ERRORS as error:
            raise DatasetError(f"{self._path}: {name} cannot be read ({error}).") from error

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        try:
            with self._archive.open(key) as stream:
                shape, _, dtype = _read_header(stream)
        except (*UNZIP_ERRORS, *HEADER_ERRORS) as error:
            raise DatasetError(f"{self._path}: {key} is no NumPy array ({error}).") from error
        if dtype.hasobject:
            raise DatasetError(
                f"{self._path}: {key.removesuffix('.npy')} holds Python objects, which are never "
                "read; save numbers instead."
            )
        return shape, dtype


def _read_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _parts(
    shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]], named: str | None, path: Path
) -> dict[int, str]:
    """Choose the arrays of pictures: one, or one for each part of a split."""
    able = {
        key: shape
        for key, (shape, dtype) in shapes.items()
        if dtype.kind in "buif" and 2 <= len(shape) <= 4 and shape[0] > 1
    }
    if named is not None:
        if named not in able:
            raise DatasetError(f"{path} has no array of pictures {named!r}: {_listed(shapes)}.")
        return {TRAIN: named}
    split = {key: _part(key) for key in able}
    known = {key: part for key, part in split.items() if part is not None and not _is_label(key)}
    deepest = {key: part for key, part in known.items() if len(able[key]) > 2} or known
    if set(deepest.values()) >= {TRAIN, TEST} and len(set(deepest.values())) == len(deepest):
        return {part: key for key, part in sorted(deepest.items(), key=lambda item: item[1])}
    candidates = (
        [key for key in able if key.lower() in PICTURES]
        or [key for key, shape in able.items() if len(shape) > 2]
        or [key for key, shape in able.items() if not _is_label(key)]
    )
    if len(candidates) != 1:
        raise DatasetError(
            f"{path}: it is not certain which array holds the pictures ({_listed(shapes)}); "
            "name it (pictures=…, --pictures)."
        )
    return {TRAIN: candidates[0]}


def _part(key: str) -> int | None:
    """Return the part of a split that a name speaks of: "x_train", "test_images"."""
    words = key.lower().replace("-", "_").split("_")
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _is_label(key: str) -> bool:
    words = [word for word in key.lower().replace("-", "_").split("_") if word not in SPLIT_NAMES]
    return "_".join(words) in LABELS


def _label_arrays(
    read: _Npz,
    shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]],
    parts: Mapping[int, str],
    counts: Mapping[int, int],
    named: str | None,
    path: Path,
) -> NDArray[Any] | None:
    """Find the labels that belong to the arrays of pictures."""
    chosen = []
    for part, pictures in parts.items():
        able = [
            key
            for key, (shape, dtype) in shapes.items()
            if key != pictures
            and shape in {(counts[part],), (counts[part], 1)}
            and dtype.kind in "buiU"
            and (len(parts) == 1 or _part(key) == part)
        ]
        if named is not None:
            able = [key for key in able if key == named]
            if not able:
                raise DatasetError(f"{path} has no labels {named!r}: {_listed(shapes)}.")
        likely = [key for key in able if _is_label(key)] or able
        if not likely:
            return None
        if len(likely) > 1:
            raise DatasetError(
                f"{path}: it is not certain which array holds the labels ({', '.join(likely)}); "
                "name it (labels=…, --labels)."
            )
        chosen.append(read(likely[0]).reshape(-1))
    return np.concatenate(chosen)


def _labels(
    values: NDArray[Any] | None, count: int, name: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    if values is None:
        return None, ()
    values = np.asarray(values)
    if values.shape not in {(count,), (count, 1)}:
        raise DatasetError(
            f"{name}: labels of shape {values.shape} for {count:,} pictures; (n,) is needed."
        )
    return as_labels(values.reshape(-1), name)


def joined(found: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays of pictures; one alone is not copied."""
    return found[0] if len(found) == 1 else np.concatenate(found)


def _listed(shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    return ", ".join(f"{key} {shape}" for key, (shape, _) in list(shapes.items())[:10]) or "none"


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, OverflowError, *HEADER_ERRORS) as error:
        text = str(error)
        why = "it holds Python objects, which are never read" if "Python objects" in text else text
        raise DatasetError(f"{path} cannot be read as a NumPy array: {why}.") from error
    _check_bytes(array.shape, array.dtype, str(path))
    return array


def _check_bytes(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_BYTES:
        raise DatasetError(
            f"{name} takes {size / 2**30:,.0f} GB; at most {MAX_BYTES // 2**30} GB are read."
        )


def check_ratio(unpacked: int, packed: int, name: str) -> None:
    """Refuse what a few bytes unpack to.

    Raises
    ------
    DatasetError
        If more than :data:`UNPACKED` bytes were packed to less than a :data:`PACKED_TO`-th.
    """
    if unpacked > UNPACKED and unpacked > PACKED_TO * packed:
        raise DatasetError(
            f"{name} promises {unpacked / 2**20:,.0f} MB in {packed / 2**20:.1f} MB, as only a "
            "file that is made to fill a memory does."
        )


def key_of_file(path: Path) -> str:
    """Hash a file's size, time of change, beginning and end."""
    status = path.stat()
    digest = hashlib.blake2b(f"{status.st_size} {status.st_mtime_ns}".encode(), digest_size=16)
    with path.open("rb") as stream:
        digest.update(stream.read(HASHED_BYTES))
        stream.seek(max(0, status.st_size - HASHED_BYTES))
        digest.update(stream.read(HASHED_BYTES))
    return digest.hexdigest()
