"""CSV files: pictures as rows of numbers or as paths, and columns beside pictures."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.data import arrays
from vae_core.data.collection import (
    SPLIT_NAMES,
    ArrayPictures,
    Collection,
    EncodedPictures,
    as_labels,
)
from vae_core.errors import DatasetError, ImageError

if TYPE_CHECKING:
    import pyarrow

#: Largest table beside pictures, and largest file of pixels, in bytes.
MAX_BYTES = 2**28
MAX_PIXEL_BYTES = 2**31
#: Longest line, in bytes.
MAX_LINE = 2**24
#: Columns that name a picture's class, its file and its part of a split.
LABELS = ("label", "labels", "class", "target", "category", "y")
FILES = ("file_name", "filename", "file", "path", "filepath", "image", "image_path", "image_id")
SPLITS = ("split", "set", "subset")

Columns = dict[str, NDArray[Any]]


def read_columns(content: bytes, *, name: str) -> Columns:
    """Read a CSV file of columns with names, as numbers or text.

    Raises
    ------
    DatasetError
        If the content is no such table.
    """
    return to_columns(_parse(content, name, header=True))


def to_columns(found: pyarrow.Table) -> Columns:
    """Return the columns of a table that are numbers, truth values or text; others are dropped."""
    import pyarrow.types as types

    columns: Columns = {}
    for key, column in zip(found.column_names, found.columns, strict=True):
        kind = column.type
        if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
            columns[key] = column.to_numpy()
        elif types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
            columns[key] = np.array(["" if one is None else str(one) for one in column.to_pylist()])
        elif types.is_temporal(kind):
            columns[key] = np.array([str(one) for one in column.to_pylist()])
    return columns


def beside_pictures(
    content: bytes, pictures: Sequence[str], below: str, *, name: str
) -> tuple[Columns, tuple[str, ...]]:
    """Bring the columns of a table beside pictures into the pictures' order.

    Parameters
    ----------
    content
        The CSV file; one column has the pictures' paths or names.
    pictures
        Paths of the pictures, and ``below`` the folder of the table.

    Returns
    -------
    tuple
        The columns, and sentences about what was not found. Where a picture has no row, numbers
        are NaN and texts empty.
    """
    columns = read_columns(content, name=name)
    key = next((key for key in columns if key.lower() in FILES), None)
    if key is None:
        found = ", ".join(columns)
        return {}, (f"{name} has no column of file names, only {found}; it was not read.",)
    rows = {str(file).replace("\\", "/"): row for row, file in enumerate(columns.pop(key))}
    start = len(below) + 1 if below else 0
    order = np.array([_row(rows, picture[start:]) for picture in pictures], dtype=np.int64)
    missing = int((order < 0).sum())
    notes = (f"{missing:,} pictures have no row in {name}.",) if missing else ()
    if missing == len(pictures):
        return {}, (f"{name} names none of the pictures; it was not read.",)
    return {key: _ordered(values, order) for key, values in columns.items()}, notes


def _row(rows: Mapping[str, int], picture: str) -> int:
    """Find a picture by its path, its name, or its name without a suffix."""
    base = picture.rpartition("/")[2]
    for candidate in (picture, base, base.rpartition(".")[0]):
        if candidate in rows:
            return rows[candidate]
    return -1


def _ordered(values: NDArray[Any], order: NDArray[np.int64]) -> NDArray[Any]:
    missing = order < 0
    taken: NDArray[Any] = values[order.clip(0)]
    if not missing.any():
        return taken
    if taken.dtype.kind in "biuf":
        taken = taken.astype(np.float64)
        taken[missing] = math.nan
    else:
        taken[missing] = ""
    return taken


def open_csv(path: Path, *, image_shape: tuple[int, int, int] | None = None) -> Collection:
    """Open a CSV file of pictures.

    Either a row has the values of a picture's pixels, with a label or without and with names in
    the first line or without (Kaggle's layout), or it has the path of a picture file, relative to
    the CSV file, and further columns.

    Raises
    ------
    DatasetError
        If the file is no such table, or its numbers form no pictures.
    """
    size = path.stat().st_size
    if size > MAX_PIXEL_BYTES:
        raise DatasetError(
            f"{path} has {size / 2**30:.1f} GB; at most {MAX_PIXEL_BYTES // 2**30} GB are read."
        )
    first = _first_line(path)
    named = not all(_is_number(one) for one in first)
    if named and any(one.lower() in FILES for one in first):
        return _of_paths(path)
    return _of_pixels(path, first if named else [], len(first), image_shape)


def _of_pixels(
    path: Path, names: list[str], width: int, image_shape: tuple[int, int, int] | None
) -> Collection:
    """Read rows of pixels; without names, a first column too many is the label."""
    found = _parse(path, str(path), header=bool(names))
    columns = to_columns(found)
    lowered = {key.lower(): key for key in columns}
    label = next((lowered[one] for one in LABELS if one in lowered), None)
    split = next((lowered[one] for one in SPLITS if one in lowered), None)
    if not names and arrays.shape_of_pixels(width - 1) and not arrays.shape_of_pixels(width):
        label = found.column_names[0]
    other = {label, split}
    pixels = [key for key in columns if key not in other and columns[key].dtype.kind in "buif"]
    if names:  # pixels are named alike, other numbers by words of their own
        stem = _commonest_stem(pixels)
        pixels = [key for key in pixels if _stem(key) == stem]
    values = np.stack([columns[key] for key in pixels], axis=1) if pixels else np.empty((0, 0))
    shaped = arrays.shaped(values, str(path), image_shape=image_shape)
    rest = {k: v for k, v in columns.items() if k not in pixels and k != label}
    labels, classes = (None, ()) if label is None else as_labels(columns[label], f"{path}: {label}")
    return Collection(
        title=path.stem,
        form="a CSV file of pixels",
        pictures=ArrayPictures(lambda a, b: shaped.array[a:b], len(shaped.array), shaped.shape),
        key=arrays.key_of_file(path),
        labels=labels,
        classes=classes,
        columns=rest,
        split=None if split is None else as_split(columns[split]),
        notes=shaped.notes,
    )


def _of_paths(path: Path) -> Collection:
    """Read a table of paths of picture files."""
    columns = to_columns(_parse(path, str(path), header=True))
    file = next(key for key in columns if key.lower() in FILES)
    folder = path.parent.resolve()
    files = [_inside(folder, str(one), path) for one in columns.pop(file)]
    lowered = {key.lower(): key for key in columns}
    label = next((lowered[one] for one in LABELS if one in lowered), None)
    split = next((lowered[one] for one in SPLITS if one in lowered), None)
    labels, classes = (None, ()) if label is None else as_labels(columns[label], f"{path}: {label}")
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16)
    for one in files:
        if one.is_file():
            digest.update(f"{one.stat().st_size} {one.stat().st_mtime_ns}".encode())
    return Collection(
        title=path.stem,
        form="a CSV file of paths",
        pictures=EncodedPictures(len(files), partial(_read_files, files)),
        key=digest.hexdigest(),
        labels=labels,
        classes=classes,
        columns={key: values for key, values in columns.items() if key != label},
        split=None if split is None else as_split(columns[split]),
        parallel=True,
        name_of=lambda row: files[row].name,
    )


def _inside(folder: Path, name: str, path: Path) -> Path:
    file = (folder / name.replace("\\", "/")).resolve()
    if not file.is_relative_to(folder):
        raise DatasetError(f"{path}: {name!r} leads out of the folder of the CSV file.")
    return file


def _read_files(files: Sequence[Path], start: int, stop: int) -> Iterator[bytes | ImageError]:
    return map(_content, files[start:stop])


def _content(file: Path) -> bytes | ImageError:
    try:
        if file.stat().st_size > images.MAX_BYTES:
            return ImageError(f"it has more than {images.MAX_BYTES // 2**20} MB.")
        return file.read_bytes()
    except OSError as error:
        return ImageError(f"{file.name} cannot be read: {error.strerror}.")


def as_split(values: NDArray[Any]) -> NDArray[np.int8] | None:
    """Return the parts of a split by their names, int8 (n,); None if any name is another."""
    found = [SPLIT_NAMES.get(str(one).lower()) for one in values]
    if any(one is None for one in found):
        return None
    return np.array(found, dtype=np.int8)


def _first_line(path: Path) -> list[str]:
    import csv

    with path.open("rb") as stream:
        line = stream.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise DatasetError(f"{path}: its first line has more than {MAX_LINE:,} bytes.")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not text in UTF-8: a CSV file is needed.") from None
    if not text.strip():
        raise DatasetError(f"{path} has an empty first line: a CSV file is needed.")
    return [one.strip() for one in next(csv.reader([text]))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _stem(name: str) -> str:
    """Return a column's name without its numbers: "pixel12", "1x3" and "p_0_1" are numbered."""
    return "".join(one for one in name if not one.isdigit())


def _commonest_stem(names: list[str]) -> str:
    from collections import Counter

    return max(Counter(map(_stem, names)).items(), key=lambda item: item[1])[0] if names else ""


def _parse(source: Path | bytes, name: str, *, header: bool) -> pyarrow.Table:
    import pyarrow
    from pyarrow import csv

    try:
        return csv.read_csv(
            io.BytesIO(source) if isinstance(source, bytes) else source,
            read_options=csv.ReadOptions(
                block_size=MAX_LINE, autogenerate_column_names=not header, use_threads=False
            ),
        )
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0][:200]
        raise DatasetError(f"{name} cannot be read as a CSV file: {first}") from error
