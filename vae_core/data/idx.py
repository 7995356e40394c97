"""MNIST and Fashion-MNIST: four gzipped IDX files each (yann.lecun.com/exdb/mnist).

An IDX file is a big-endian header (two zero bytes, the type, the number of dimensions, then each
dimension as a 32-bit integer) followed by the values, last dimension fastest.
"""

import gzip
import io
import struct
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import RemoteFile, Source, md5, read_file
from vae_core.errors import DatasetError

UNSIGNED_BYTE = 0x08  # the type code of every file here
KINDS = {1: "labels", 3: "images"}
MAGICS = {(UNSIGNED_BYTE << 8) + ndim: kind for ndim, kind in KINDS.items()}  # 2049 and 2051
CLASSES = 10
SIDE = 28
COUNTS = {"train": 60_000, "t10k": 10_000}


def parse(packed: bytes, shape: tuple[int, ...], *, name: str) -> torch.Tensor:
    """Parse a gzipped IDX file of labels (n,) or images (n, h, w) into uint8 of this shape.

    Raises
    ------
    DatasetError
        If the file is not gzip, not IDX, has another kind or shape, or a wrong length.
    """
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            # One byte more than expected: detects longer content, makes gzip compare its checksum
            # at the end, and limits the memory.
            content = stream.read(_length(shape) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{name}: found no complete gzip file ({error}), {_expected(shape)}."
        ) from error
    return parse_unpacked(content, shape, name=name)


def parse_unpacked(content: bytes, shape: tuple[int, ...], *, name: str) -> torch.Tensor:
    """Parse an IDX file that is not gzipped; parameters and errors are those of `parse`."""
    magic, expected = _magic(shape), _expected(shape)
    length = _length(shape)
    header = length - int(np.prod(shape))
    if len(content) < 4:
        raise DatasetError(f"{name}: found {len(content)} bytes of content, {expected}.")
    (found_magic,) = struct.unpack(">I", content[:4])
    if found_magic != magic:
        kind = MAGICS.get(found_magic, "no IDX data")
        raise DatasetError(f"{name}: found {kind} (magic number {found_magic}), {expected}.")
    if len(content) < header:
        raise DatasetError(f"{name}: found a header of {len(content)} bytes, {expected}.")
    found_shape = struct.unpack(f">{len(shape)}I", content[4:header])
    if found_shape != shape:
        raise DatasetError(f"{name}: found {_describe(found_shape)}, {expected}.")
    if len(content) != length:
        found = "more" if len(content) > length else f"only {len(content):,}"
        raise DatasetError(
            f"{name}: found {found} bytes after unpacking, "
            f"expected {length:,} for {_describe(shape)}."
        )
    values = np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
    return torch.from_numpy(values.copy())  # a copy, since bytes are read-only


def load(root: Path, *, name: str, title: str, classes: tuple[str, ...]) -> ImageDataset:
    """Load the four files in the subfolder ``name`` of the data folder."""
    checksums: dict[str, str] = {}

    def read(file: str, shape: tuple[int, ...]) -> torch.Tensor:
        places = [root / name / other for other in _names(file)]
        path = next((one for one in places if one.is_file()), places[0])
        content = read_file(path)
        checksums[path.name] = md5(content)
        is_packed = path.name == file
        return (parse if is_packed else parse_unpacked)(content, shape, name=str(path))

    def split(prefix: str) -> Split:
        count = COUNTS[prefix]
        images = read(f"{prefix}-images-idx3-ubyte.gz", (count, SIDE, SIDE))
        labels_file = f"{prefix}-labels-idx1-ubyte.gz"
        labels = read(labels_file, (count,))
        if labels.max() >= CLASSES:
            raise DatasetError(
                f"{root / name / labels_file}: found the label {labels.max()}, "
                f"expected labels from 0 to {CLASSES - 1}."
            )
        return Split(images=images.unsqueeze(1), labels=labels.long(), ids=torch.arange(count))

    return ImageDataset(
        name=name,
        title=title,
        train=split("train"),
        test=split("t10k"),
        classes=classes,
        checksums=checksums,
    )


def _names(file: str) -> tuple[str, ...]:
    """Return the names of a gzipped file: its own, and the usual ones once it is unpacked."""
    unpacked = file.removesuffix(".gz")
    return file, unpacked, unpacked.replace("-idx", ".idx")


def _magic(shape: tuple[int, ...]) -> int:
    return (UNSIGNED_BYTE << 8) + len(shape)


def _length(shape: tuple[int, ...]) -> int:
    return 4 + 4 * len(shape) + int(np.prod(shape))


def _expected(shape: tuple[int, ...]) -> str:
    return f"expected {_describe(shape)} (magic number {_magic(shape)})"


def _describe(shape: tuple[int, ...]) -> str:
    """Return "60,000 images of 28 × 28" or "60,000 labels"."""
    count, *sides = shape
    size = f" of {' × '.join(map(str, sides))}" if sides else ""
    return f"{count:,} {KINDS[len(shape)]}{size}"


def _source(
    name: str,
    title: str,
    classes: tuple[str, ...],
    *,
    home: str,
    licence: str,
    url: str,
    files: Mapping[str, tuple[int, str]],  # size and MD5 by name
) -> Source:
    return Source(
        name=name,
        title=title,
        load=partial(load, name=name, title=title, classes=classes),
        home=home,
        licence=licence,
        files=tuple(
            RemoteFile(
                path=f"{name}/{file}",
                url=url + file,
                md5=checksum,
                size=size,
                unpacked=tuple(f"{name}/{other}" for other in _names(file)[1:]),
            )
            for file, (size, checksum) in files.items()
        ),
    )


MNIST = _source(
    "mnist",
    "MNIST",
    tuple("0123456789"),
    home="https://yann.lecun.com/exdb/mnist/",
    licence="CC BY-SA 3.0",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    files={
        "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    },
)
FASHION_MNIST = _source(
    "fashion-mnist",
    "Fashion-MNIST",
    (
        "T-shirt",
        "Trousers",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Trainer",
        "Bag",
        "Ankle boot",
    ),
    home="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    # Served without TLS only; the checksums verify the content.
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    files={
        "train-images-idx3-ubyte.gz": (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        "train-labels-idx1-ubyte.gz": (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        "t10k-images-idx3-ubyte.gz": (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        "t10k-labels-idx1-ubyte.gz": (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    },
)
