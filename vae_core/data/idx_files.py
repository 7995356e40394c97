"""IDX files of any size and type, as MNIST, EMNIST, KMNIST and QMNIST come in.

An IDX file is a big-endian header (two zero bytes, the type, the number of dimensions, then each
dimension as a 32-bit integer) followed by the values, last dimension fastest
(yann.lecun.com/exdb/mnist).
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.data import arrays
from vae_core.data.collection import (
    TEST,
    TRAIN,
    VALIDATION,
    ArrayPictures,
    Collection,
    as_labels,
)
from vae_core.errors import DatasetError

#: NumPy's types of the values, by IDX's codes.
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_BYTES = 2**33
MAX_DIMENSIONS = 4
#: What stands in the names of files for the parts of a split.
PARTS = {"train": TRAIN, "t10k": TEST, "test": TEST, "val": VALIDATION}
#: QMNIST's columns of labels (Yadav & Bottou 2019), of which the first is the digit.
QMNIST_COLUMNS = (
    "class", "series", "writer", "example", "global class", "global example",
    "duplicate", "reserved",
)  # fmt: skip


def is_idx(path: Path) -> bool:
    """Return whether a file begins as IDX, gzipped or not."""
    try:
        with _stream(path) as stream:
            head = stream.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in TYPES and 1 <= head[3] <= 4


def read(path: Path) -> NDArray[Any]:
    """Read an IDX file, gzipped or not.

    Raises
    ------
    DatasetError
        If it is no IDX file, promises more than 8 GB, or has another length than it promises.
    """
    try:
        with _stream(path) as stream:
            head = stream.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
                raise DatasetError(f"{path} is no IDX file: it begins with {head.hex(' ')}.")
            dimensions = head[3]
            if not 1 <= dimensions <= MAX_DIMENSIONS:
                raise DatasetError(
                    f"{path} has {dimensions} dimensions; 1 to {MAX_DIMENSIONS} are read."
                )
            sides = stream.read(4 * dimensions)
            if len(sides) < 4 * dimensions:
                raise DatasetError(f"{path}: its header is cut off.")
            shape = struct.unpack(f">{dimensions}I", sides)
            dtype = np.dtype(TYPES[head[2]])
            size = math.prod(shape) * dtype.itemsize
            if size > MAX_BYTES:
                raise DatasetError(
                    f"{path} promises {size / 2**30:,.0f} GB; at most {MAX_BYTES // 2**30} GB "
                    "are read."
                )
            arrays.check_ratio(size, path.stat().st_size, str(path))
            content = _read_exactly(stream, size)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is damaged ({error}).") from error
    if len(content) != size:
        found = "more" if len(content) > size else f"only {len(content):,}"
        raise DatasetError(f"{path} has {found} bytes of values where it promises {size:,}.")
    array: NDArray[Any] = np.frombuffer(content, dtype=dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_exactly(stream: Any, size: int) -> bytearray:
    """Read in pieces, so that a promise alone takes no memory; one byte more if there is one."""
    content = bytearray()
    while len(content) <= size:
        piece = stream.read(min(2**24, size + 1 - len(content)))
        if not piece:
            break
        content += piece
    return content


def _stream(path: Path) -> Any:
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def open_file(path: Path) -> Collection:
    """Open a file of pictures, with the labels that lie beside it if there are any."""
    return _collection(path.name.split("-images")[0], {TRAIN: path})


def open_folder(path: Path) -> Collection:
    """Open a folder of IDX files: one file of pictures for each part of a split.

    Raises
    ------
    DatasetError
        If there are no files of pictures, or several for one part.
    """
    found: dict[int, Path] = {}
    for file in pictures_in(path):
        part = next((part for word, part in PARTS.items() if word in file.name), TRAIN)
        if part in found:
            raise DatasetError(
                f"{path}: {found[part].name} and {file.name} are both pictures to train on; name "
                "one of them."
            )
        found[part] = file
    return _collection(path.resolve().name, dict(sorted(found.items())))


def pictures_in(path: Path) -> list[Path]:
    """Return the IDX files of pictures in a folder; of a file and its gzipped copy the first."""
    files = [one for one in sorted(path.iterdir()) if one.is_file() and _is_images(one.name)]
    names = {one.name for one in files}
    plain = [one for one in files if one.name.removesuffix(".gz") not in names - {one.name}]
    return [one for one in plain if is_idx(one)]


def _is_images(name: str) -> bool:
    return bool(re.search(r"image|idx[34]", name)) and "label" not in name


def _collection(title: str, files: dict[int, Path]) -> Collection:
    pictures, labels, notes = [], [], []
    for path in files.values():
        values = read(path)
        if values.ndim not in {3, 4}:
            raise DatasetError(
                f"{path} has {values.ndim} dimensions; pictures have 3, or 4 with colour."
            )
        pictures.append(arrays.shaped(values, str(path)))
        beside = _labels_of(path)
        labels.append(None if beside is None else _read_labels(beside, len(values)))
    shapes = {one.shape for one in pictures}
    if len(shapes) > 1:
        raise DatasetError(f"{title}: the parts have pictures of different sizes, {shapes}.")
    whole = arrays.joined([one.array for one in pictures])
    columns: dict[str, NDArray[Any]] = {}
    positions: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    if all(one is not None for one in labels):
        table = np.concatenate([one for one in labels if one is not None])
        positions, classes = as_labels(table[:, 0], title)
        if table.shape[1] == len(QMNIST_COLUMNS):
            columns = dict(zip(QMNIST_COLUMNS[1:], table.T[1:], strict=True))
    if any("emnist" in path.name.lower() for path in files.values()):
        notes.append(
            "EMNIST's files hold their pictures with rows and columns exchanged: turn them with "
            "transpose (--transpose)."
        )
    split = None
    if len(files) > 1:
        lengths = [len(one.array) for one in pictures]
        split = np.repeat(np.array(list(files), dtype=np.int8), lengths)
    return Collection(
        title=title,
        form="IDX files",
        pictures=ArrayPictures(lambda a, b: whole[a:b], len(whole), pictures[0].shape),
        key=" ".join(arrays.key_of_file(path) for path in files.values()),
        labels=positions,
        classes=classes,
        columns=columns,
        split=split,
        notes=tuple(notes),
    )


def _labels_of(path: Path) -> Path | None:
    """Return the file of labels that belongs to a file of pictures, by its name."""
    stem = re.split(r"[-_.]?images", path.name)[0]
    beside = [
        one
        for one in sorted(path.parent.iterdir())
        if one.name.startswith(stem) and "labels" in one.name and one.is_file() and is_idx(one)
    ]
    return beside[0] if beside else None


def _read_labels(path: Path, count: int) -> NDArray[Any]:
    """Read labels, (n, columns)."""
    labels = read(path)
    if labels.ndim > 2 or len(labels) != count:
        raise DatasetError(
            f"{path} has labels of shape {labels.shape} for {count:,} pictures; ({count}) or "
            f"({count}, columns) is needed."
        )
    return labels.reshape(count, -1)
