"""Datasets from a folder or zip file of pictures, optionally with a subfolder for each class.

Nothing is unpacked to the disk, no link is followed, and each size is checked before reading.
"""

import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
import torch

from vae_core import images
from vae_core.data.dataset import ImageDataset, Split, permutation
from vae_core.errors import DatasetError, ImageError
from vae_core.files import UNZIP_ERRORS, is_link

MAX_PICTURES = 20_000
MAX_ENTRIES = 100_000
MAX_TOTAL_BYTES = 2**30  # of picture files
MAX_VALUES = 2**29  # of the dataset in memory, in bytes
#: Allowed compression methods of a zip; with LZMA a few bytes could use gigabytes of memory.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
DEFAULT_MAX_SIDE = 64
TEST_SHARE = 0.1

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """Picture file: its path inside the folder or zip, its size and a function that reads it."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


def load(
    path: Path, *, image_shape: tuple[int, int, int] | None = None, seed: int = 0
) -> ImageDataset:
    """Load pictures and split them into 90 % training and 10 % test images.

    Parameters
    ----------
    path
        Folder or zip file. Hidden files and files without a suffix of pictures are ignored. If all
        pictures are in subfolders, those are the classes.
    image_shape
        (c, h, w), where c is 1 or 3. By default the most common size, reduced to at most 64
        pixels on the longer side, and one channel if all pictures are grey. Pictures are cropped
        around their centre to its proportions and resized.
    seed
        Seed of the split.

    Returns
    -------
    ImageDataset
        The ids number the pictures in the order of their paths.

    Raises
    ------
    DatasetError
        If there are fewer than 2 or more than 20,000 pictures, one is damaged, a limit is exceeded,
        or a name or link leads out of the folder.
    """
    if image_shape is not None and (
        len(image_shape) != 3 or image_shape[0] not in {1, 3} or min(image_shape) < 1
    ):
        raise DatasetError(
            f"image_shape = {image_shape}: expected (1 or 3, height, width), each at least 1."
        )
    if path.is_dir():
        classes, labels, pixels = _read(_folder_entries(path), path, image_shape)
    else:
        with _zip(path) as archive:
            classes, labels, pixels = _read(_zip_entries(archive, path), path, image_shape)

    order = permutation(len(pixels), seed)
    test_count = max(1, round(TEST_SHARE * len(pixels)))
    everything = Split(torch.from_numpy(pixels), labels, torch.arange(len(pixels)))
    return ImageDataset(
        name=str(path),
        title=path.stem,
        train=everything.take(order[test_count:].sort().values),
        test=everything.take(order[:test_count].sort().values),
        classes=classes,
    )


def _read(
    entries: list[Entry], path: Path, image_shape: tuple[int, int, int] | None
) -> tuple[tuple[str, ...], torch.Tensor | None, images.Bytes]:
    """Return the classes, each picture's label, and the pixels (n, c, h, w), sorted by path."""
    entries = sorted(entries, key=lambda entry: entry.path)
    _check_amount(entries, path)
    classes, labels = _classes([entry.path for entry in entries], path)

    height, width = image_shape[1:] if image_shape else _common_size(entries, path)
    channels = image_shape[0] if image_shape else 3
    if len(entries) * channels * height * width > MAX_VALUES:
        raise DatasetError(
            f"{path}: {len(entries):,} pictures of {channels} × {height} × {width} take more than "
            f"{MAX_VALUES // 2**20} MB of memory: choose a smaller image_shape."
        )

    pixels = np.empty((len(entries), channels, height, width), dtype=np.uint8)
    for row, entry in enumerate(entries):
        picture = _decoded(entry, path, images.read_picture)
        pixels[row] = images.to_bytes(
            images.photograph(picture, (channels, height, width)).image.numpy()
        )
    if image_shape is None and (pixels == pixels[:, :1]).all():
        pixels = np.ascontiguousarray(pixels[:, :1])
    return classes, labels, pixels


def _folder_entries(path: Path) -> list[Entry]:
    """List the pictures in a folder and its subfolders."""
    files = list(islice(path.rglob("*"), MAX_ENTRIES + 1))
    if len(files) > MAX_ENTRIES:
        raise DatasetError(f"{path}: found more than {MAX_ENTRIES:,} files and folders.")
    entries = []
    for file in files:
        name = PurePosixPath(file.relative_to(path).as_posix())
        if file.is_symlink() and not _is_hidden(name):
            raise DatasetError(
                f"{path}: {name} is a link; a dataset must hold the files themselves."
            )
        if _is_picture(name) and file.is_file():
            entries.append(Entry(name, file.stat().st_size, file.read_bytes))
    return entries


def _zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DatasetError(
            f"{path}: found no complete zip file ({error}), expected a folder or zip of pictures."
        ) from error


def _zip_entries(archive: zipfile.ZipFile, path: Path) -> list[Entry]:
    """List the pictures in a zip file, without the folder that contains all of them."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise DatasetError(
            f"{path}: found {len(infos):,} entries, at most {MAX_ENTRIES:,} are read."
        )
    entries = []
    for info in infos:
        name = PurePosixPath(info.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in info.orig_filename:
            raise DatasetError(
                f"{path}: the name {info.orig_filename!r} leads out of the zip file."
            )
        if is_link(info):
            raise DatasetError(
                f"{path}: {name} is a link; a dataset must hold the files themselves."
            )
        if _is_picture(name) and not info.is_dir():
            if info.compress_type not in METHODS:
                raise DatasetError(
                    f"{path}: {name} has an unsupported compression: stored, deflated or bzip2 "
                    "is needed."
                )
            entries.append(Entry(name, info.file_size, partial(_unzipped, archive, info)))
    return _unwrapped(entries)


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack an entry in memory; the caller puts the entry's name before an error's sentence."""
    try:
        with archive.open(info) as stream:
            # One byte more than is allowed limits the memory and detects larger files.
            return stream.read(images.MAX_BYTES + 1)
    except UNZIP_ERRORS as error:
        raise ImageError(f"it cannot be unpacked ({error}).") from error


def _unwrapped(entries: list[Entry]) -> list[Entry]:
    """Drop a single top folder, which many programs add to a zip file."""
    tops = {entry.path.parts[0] for entry in entries}
    if len(tops) != 1 or any(len(entry.path.parts) == 1 for entry in entries):
        return entries
    return [
        Entry(PurePosixPath(*entry.path.parts[1:]), entry.size, entry.read) for entry in entries
    ]


def _is_picture(name: PurePosixPath) -> bool:
    return name.suffix.lower() in images.SUFFIXES and not _is_hidden(name)


def _is_hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _check_amount(entries: list[Entry], path: Path) -> None:
    if not 2 <= len(entries) <= MAX_PICTURES:
        raise DatasetError(
            f"{path}: found {len(entries):,} pictures, expected 2 to {MAX_PICTURES:,} "
            f"({', '.join(sorted(images.SUFFIXES))})."
        )
    total = sum(entry.size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise DatasetError(
            f"{path}: found {total / 2**20:,.0f} MB of pictures, "
            f"at most {MAX_TOTAL_BYTES // 2**20:,} MB are read."
        )


def _classes(names: list[PurePosixPath], path: Path) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Return the subfolders' names, and each picture's position among them."""
    loose = [name for name in names if len(name.parts) == 1]
    if len(loose) == len(names):
        return (), None
    if loose:
        raise DatasetError(
            f"{path}: {loose[0]} is beside subfolders; "
            "expected all pictures in subfolders, one for each class, or none."
        )
    classes = tuple(sorted({name.parts[0] for name in names}))
    position = {name: number for number, name in enumerate(classes)}
    return classes, torch.tensor([position[name.parts[0]] for name in names])


def _common_size(entries: list[Entry], path: Path) -> tuple[int, int]:
    """Return the most common (height, width), reduced to at most DEFAULT_MAX_SIDE."""
    sizes = Counter(_decoded(entry, path, images.picture_size) for entry in entries)
    height, width = min(sizes, key=lambda size: (-sizes[size], size))
    scale = min(1.0, DEFAULT_MAX_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _decoded(entry: Entry, path: Path, decode: Callable[[bytes], T]) -> T:
    """Apply a function to a picture's bytes; add dataset and picture to its errors."""
    try:
        if entry.size > images.MAX_BYTES:
            raise ImageError(
                f"it has {entry.size / 2**20:.0f} MB, at most {images.MAX_BYTES // 2**20} are read."
            )
        return decode(entry.read())
    except (ImageError, OSError) as error:
        raise DatasetError(f"{path}: {entry.path}: {error}") from error
