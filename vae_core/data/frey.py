"""Frey Face: 1,965 frames of one face, 28 × 20 pixels, from a short video (Brendan Frey).

The original file is a MATLAB 5 file with one variable, ``ff``: uint8, one column per frame.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split, permutation
from vae_core.data.source import RemoteFile, Source, md5, read_file
from vae_core.errors import DatasetError

FILE = "frey-face/frey_rawface.mat"
VARIABLE = "ff"
COUNT, HEIGHT, WIDTH = 1_965, 28, 20
MAX_BYTES = 16 * 2**20  # the original has 1.1 MB; no larger file is read

TRAIN, VALIDATION, TEST = 1_565, 200, 200  # as in VampPrior (arXiv 1705.07120)
SPLIT_SEED = 0


def load(root: Path) -> ImageDataset:
    """Read the faces and split them.

    The usual protocol shuffles the frames, which are in order of time, and uses the first 1,565
    for training, the next 200 for validation and the last 200 as the test set. The seed of the
    shuffle was never published; it is fixed here.
    """
    path = root / FILE

    def check_size(size: int) -> None:
        if size > MAX_BYTES:
            raise DatasetError(f"{path}: found {size:,} bytes, expected at most {MAX_BYTES:,}.")

    packed = read_file(path, check_size)
    images = parse(packed, name=str(path)).unsqueeze(1)
    order = permutation(COUNT, SPLIT_SEED)

    def split(rows: torch.Tensor) -> Split:
        ids = rows.sort().values
        return Split(images=images[ids], labels=None, ids=ids)

    return ImageDataset(
        name="frey-face",
        title="Frey Face",
        train=split(order[:TRAIN]),
        validation=split(order[TRAIN : TRAIN + VALIDATION]),
        test=split(order[TRAIN + VALIDATION :]),
        checksums={path.name: md5(packed)},
    )


def parse(packed: bytes, *, name: str) -> torch.Tensor:
    """Parse the MATLAB 5 file into uint8 (1965, 28, 20).

    ``scipy.io.loadmat`` is not used: with some damaged bytes in a file, it ends the process with a
    segmentation fault.

    Raises
    ------
    DatasetError
        If the file is not a MATLAB 5 file, is damaged, or has other variables.
    """
    shape = (HEIGHT * WIDTH, COUNT)
    expected = f"expected one variable {VARIABLE!r}, uint8, {shape[0]} × {shape[1]}"
    try:
        matrices = [_matrix(content, order) for content, order in _variables(packed)]
    except (ValueError, struct.error, zlib.error) as error:
        raise DatasetError(
            f"{name}: found no complete MATLAB 5 file ({error}), {expected}."
        ) from error
    for matrix in matrices:
        if matrix.name == VARIABLE and matrix.sides == shape and matrix.is_bytes:
            columns = np.frombuffer(matrix.values, dtype=np.uint8).reshape(COUNT, HEIGHT, WIDTH)
            return torch.from_numpy(columns.copy())  # a copy, since bytes are read-only
    listing = ", ".join(map(str, matrices)) or "no variable"
    raise DatasetError(f"{name}: found {listing}, {expected}.")


# The MATLAB 5 format: a header of 128 bytes, then elements. An element is its type, its length and
# its content, filled up to 8 bytes; a matrix is an element that consists of elements, its values
# column by column ("MAT-File Format", The MathWorks).

HEADER = 128
UINT8, MATRIX, COMPRESSED = 2, 14, 15  # types of elements
UINT8_CLASS = 9  # the class of a matrix


@dataclass(frozen=True)
class _Matrix:
    name: str
    sides: tuple[int, ...]
    is_bytes: bool
    values: bytes

    def __str__(self) -> str:
        kind = "uint8" if self.is_bytes else "another type"
        return f"{self.name!r}, {kind}, {' × '.join(map(str, self.sides))}"


def _variables(packed: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the content of each matrix and the byte order of the file."""
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(packed[HEADER - 4 : HEADER])
    if order is None:
        raise ValueError("the header names no version 5")
    for kind, content in _elements(packed[HEADER:], order):
        if kind == COMPRESSED:
            # The result is limited in size; a truncated one is refused by its length.
            content = zlib.decompressobj().decompress(content, MAX_BYTES)
            kind, content = next(_elements(content, order))
        if kind == MATRIX:
            yield content, order


def _matrix(content: bytes, order: str) -> _Matrix:
    (_, flags), (_, sides), (_, name), (kind, values), *_ = _elements(content, order)
    matrix = _Matrix(
        name=name.decode("ascii", errors="replace"),
        sides=struct.unpack(f"{order}{len(sides) // 4}i", sides),
        is_bytes=kind == UINT8 and struct.unpack_from(f"{order}I", flags)[0] == UINT8_CLASS,
        values=values,
    )
    if matrix.is_bytes and len(values) != math.prod(matrix.sides):
        raise ValueError(f"{len(values):,} values in {matrix}")
    return matrix


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield (type, content) of each element."""
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from(f"{order}II", content, at)
        start = at + 8
        if kind >> 16:  # short content follows type and length within the same 8 bytes
            kind, length, start = kind & 0xFFFF, kind >> 16, at + 4
        if start + length > len(content) or (start == at + 4 and length > 4):
            raise ValueError(f"an element of {length:,} bytes is cut off")
        yield kind, content[start : start + length]
        at = start + length
        if kind != COMPRESSED:
            at += -at % 8


FREY_FACE = Source(
    name="frey-face",
    title="Frey Face",
    load=load,
    home="https://cs.nyu.edu/~roweis/data.html",
    licence="none stated; collected by Brendan Frey",
    files=(
        RemoteFile(
            path=FILE,
            url="https://cs.nyu.edu/~roweis/data/frey_rawface.mat",
            md5="5aeb024d42b8a6091f30e5eb18c8a48d",
            size=1_100_584,
        ),
    ),
)
