"""MNIST and Fashion-MNIST: four gzipped IDX files each (yann.lecun.com/exdb/mnist).

An IDX file is a big-endian header (two zero bytes, the type, the number of dimensions, then each
dimension as a 32-bit integer) followed by the values, last dimension fastest.
"""

import gzip
import hashlib
import io
import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import RemoteFile, Source
from vae_core.errors import DatasetError

UNSIGNED_BYTE = 0x08  # the type code of every file here
KINDS = {1: "labels", 3: "images"}
MAGICS = {(UNSIGNED_BYTE << 8) + ndim: kind for ndim, kind in KINDS.items()}  # 2049 and 2051
CLASSES = 10
SIDE = 28
COUNTS = {"train": 60_000, "t10k": 10_000}


def parse(packed: bytes, shape: tuple[int, ...], *, name: str) -> torch.Tensor:
    """Read a gzipped IDX file that must hold exactly the given shape.

    Parameters
    ----------
    packed
        The file's bytes.
    shape
        (n,) for labels or (n, h, w) for images.
    name
        How errors call the file.

    Returns
    -------
    Tensor
        uint8, of the given shape.

    Raises
    ------
    DatasetError
        If the file is not gzip, not IDX, of another kind or shape, truncated or too long.
    """
    magic = (UNSIGNED_BYTE << 8) + len(shape)
    expected = f"expected {_describe(shape)} (magic number {magic})"
    header = 4 + 4 * len(shape)
    length = header + int(np.prod(shape))
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            # One byte more than there should be: shows what is too long, checks gzip's own
            # checksum at the end, and bounds the memory whatever the file unpacks to.
            content = stream.read(length + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name}: found no complete gzip file ({error}), {expected}.") from error

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
    return torch.from_numpy(values.copy())  # a buffer of its own: the bytes are read-only


def load(root: Path, *, name: str, title: str, classes: tuple[str, ...]) -> ImageDataset:
    """Read the four files in the data folder's subfolder ``name``."""
    checksums: dict[str, str] = {}

    def read(file: str, shape: tuple[int, ...]) -> torch.Tensor:
        path = root / name / file
        try:
            packed = path.read_bytes()
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
        checksums[file] = hashlib.md5(packed, usedforsecurity=False).hexdigest()
        return parse(packed, shape, name=str(path))

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


def _describe(shape: tuple[int, ...]) -> str:
    """Say what a shape holds: "60,000 images of 28 × 28" or "60,000 labels"."""
    count, *sides = shape
    size = f" of {' × '.join(map(str, sides))}" if sides else ""
    return f"{count:,} {KINDS[len(shape)]}{size}"


def _files(name: str, url: str, files: dict[str, tuple[int, str]]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(path=f"{name}/{file}", url=url + file, md5=md5, size=size)
        for file, (size, md5) in files.items()
    )


MNIST_CLASSES = tuple("0123456789")
MNIST = Source(
    name="mnist",
    title="MNIST",
    load=partial(load, name="mnist", title="MNIST", classes=MNIST_CLASSES),
    home="https://yann.lecun.com/exdb/mnist/",
    licence="CC BY-SA 3.0",
    files=_files(
        "mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        },
    ),
)

FASHION_CLASSES = (
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
)
FASHION_MNIST = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    load=partial(load, name="fashion-mnist", title="Fashion-MNIST", classes=FASHION_CLASSES),
    home="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    files=_files(
        "fashion-mnist",
        # Served without TLS only; the checksums stand in for it.
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            "train-labels-idx1-ubyte.gz": (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            "t10k-images-idx3-ubyte.gz": (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            "t10k-labels-idx1-ubyte.gz": (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        },
    ),
)
