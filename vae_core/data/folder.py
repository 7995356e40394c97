"""Folders and zip files of pictures: subfolders for classes, and for the parts of a given split.

Nothing is unpacked to the disk, no link is followed, and each size is checked before reading.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vae_core import images
from vae_core.data import table
from vae_core.data.collection import (
    SPLIT_NAMES,
    TRAIN,
    Collection,
    EncodedPictures,
    as_labels,
)
from vae_core.errors import DatasetError, ImageError
from vae_core.files import UNZIP_ERRORS, is_link

MAX_ENTRIES = 2_000_000
#: Allowed compression methods of a zip; with LZMA a few bytes could use gigabytes of memory.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
#: Tables beside pictures with further columns: ours, and Hugging Face's.
TABLES = ("labels.csv", "metadata.csv")
#: Names of files that are passed over without a word.
IGNORED = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Entry:
    """File: its path inside the folder or zip, its size, and a function that reads it."""

    path: str
    size: int
    read: Callable[[], bytes]


def open_folder(path: Path) -> Collection:
    """Open a folder of pictures.

    Raises
    ------
    DatasetError
        If there are no pictures, a limit is exceeded, or a name or link leads out of the folder.
    """
    entries = list(_folder_entries(path))
    if all(entry.path.count("/") > 1 for entry in entries):  # one folder alone holds the classes
        entries = _unwrapped(iter(entries))
    return _collection(path, entries, "a folder of pictures")


def open_zip(path: Path) -> Collection:
    """Open a zip file of pictures; errors are those of :func:`open_folder`."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DatasetError(
            f"{path}: found no complete zip file ({error}), expected a folder or zip of pictures."
        ) from error
    return _collection(path, _unwrapped(_zip_entries(archive, path)), "a zip file of pictures")


def _collection(path: Path, entries: list[Entry], form: str) -> Collection:
    entries.sort(key=lambda entry: entry.path)
    pictures = [entry for entry in entries if is_picture(entry.path)]
    if not pictures:
        raise DatasetError(f"{path}: found 0 pictures ({', '.join(images.readable())}).")
    parts = [PurePosixPath(entry.path).parts for entry in pictures]
    split, parts = _split(parts)
    labels, classes = _classes(parts, path)
    columns, notes = _columns(path, entries, pictures)
    if labels is None and (label := next((n for n in columns if n in table.LABELS), None)):
        labels, classes = as_labels(columns[label], f"{path}: the column {label!r}")
    left_out = Counter(_why(entry.path) for entry in entries if not is_picture(entry.path))
    left_out.pop("", None)
    return Collection(
        title=path.stem if path.is_file() else path.resolve().name,
        form=form,
        pictures=EncodedPictures(len(pictures), partial(_read, pictures)),
        key=_key(entries),
        labels=labels,
        classes=classes,
        columns=columns,
        split=split,
        left_out=left_out,
        notes=notes,
        parallel=True,
        name_of=lambda row: pictures[row].path,
    )


def _read(pictures: Sequence[Entry], start: int, stop: int) -> Iterator[bytes | ImageError]:
    return map(_content, pictures[start:stop])


def _content(entry: Entry) -> bytes | ImageError:
    if entry.size > images.MAX_BYTES:
        return ImageError(
            f"it has {entry.size / 2**20:.0f} MB, at most {images.MAX_BYTES // 2**20} are read."
        )
    try:
        return entry.read()
    except OSError as error:
        return ImageError(f"it cannot be read: {error.strerror}.")
    except ImageError as error:
        return error


def _folder_entries(path: Path) -> Iterator[Entry]:
    """List the files in a folder and its subfolders."""
    waiting, count = [""], 0
    while waiting:
        prefix = waiting.pop()
        with os.scandir(path / prefix) as found:
            for one in found:
                count += 1
                if count > MAX_ENTRIES:
                    raise DatasetError(f"{path}: found more than {MAX_ENTRIES:,} files.")
                name = prefix + one.name
                if is_hidden(name):
                    continue
                if one.is_symlink():
                    raise DatasetError(
                        f"{path}: {name} is a link; a dataset must hold the files themselves."
                    )
                if one.is_dir():
                    waiting.append(name + "/")
                elif one.is_file():
                    yield Entry(name, one.stat().st_size, Path(one.path).read_bytes)


def _zip_entries(archive: zipfile.ZipFile, path: Path) -> Iterator[Entry]:
    """List the files in a zip file."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise DatasetError(
            f"{path}: found {len(infos):,} entries, at most {MAX_ENTRIES:,} are read."
        )
    lock = threading.Lock()
    for info in infos:
        # Windows writes backslashes, which Python keeps in names on other systems.
        name = info.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
            raise DatasetError(
                f"{path}: the name {info.orig_filename!r} leads out of the zip file."
            )
        if is_link(info):
            raise DatasetError(
                f"{path}: {name} is a link; a dataset must hold the files themselves."
            )
        if name.endswith("/") or is_hidden(name):
            continue
        if info.compress_type not in METHODS:
            raise DatasetError(
                f"{path}: {name} has an unsupported compression: stored, deflated or bzip2 "
                "is needed."
            )
        yield Entry(name, info.file_size, partial(_unzipped, archive, info, lock))


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, lock: threading.Lock) -> bytes:
    """Unpack an entry in memory; the caller puts the entry's name before an error's sentence."""
    try:
        with lock, archive.open(info) as stream:
            # One byte more than is allowed limits the memory and detects larger files.
            return stream.read(images.MAX_BYTES + 1)
    except UNZIP_ERRORS as error:
        raise ImageError(f"it cannot be unpacked ({error}).") from error


def _unwrapped(entries: Iterator[Entry]) -> list[Entry]:
    """Drop top folders that hold everything, which many programs add to a zip file."""
    listed = list(entries)
    while True:
        tops = {entry.path.partition("/")[0] for entry in listed}
        if len(tops) != 1 or any("/" not in entry.path for entry in listed):
            return listed
        if all(_is_class_folder(entry.path) for entry in listed):
            return listed
        listed = [Entry(entry.path.partition("/")[2], entry.size, entry.read) for entry in listed]


def _is_class_folder(name: str) -> bool:
    return name.count("/") == 1 and name.partition("/")[0].lower() in SPLIT_NAMES


def is_picture(name: str) -> bool:
    """Return whether a file's name ends as one of a picture that can be read here."""
    return PurePosixPath(name).suffix.lower() in images.readable()


def is_hidden(name: str) -> bool:
    """Return whether a name, or a folder that it lies in, is hidden or of macOS's own."""
    return (
        name.startswith(".")
        or "/." in name
        or name.startswith("__MACOSX/")
        or ("/__MACOSX/" in name)
    )


def _why(name: str) -> str:
    """Return why a file is not read, in words; nothing for files that nobody means."""
    base = name.rpartition("/")[2].lower()
    suffix = PurePosixPath(base).suffix
    if base in IGNORED or base in TABLES:
        return ""
    if suffix in images.HEIC_SUFFIXES:
        return f"{suffix} needs the package pillow-heif"
    return f"not a picture ({suffix or 'no suffix'})"


def _split(
    parts: list[tuple[str, ...]],
) -> tuple[NDArray[np.int8] | None, list[tuple[str, ...]]]:
    """Take top folders as the parts of a split if all are called train, test or val."""
    tops = {one[0].lower() if len(one) > 1 else "" for one in parts}
    known = {SPLIT_NAMES.get(top) for top in tops}
    if None in known or TRAIN not in known or len(known) < 2:
        return None, parts
    split = np.array([SPLIT_NAMES[one[0].lower()] for one in parts], dtype=np.int8)
    return split, [one[1:] for one in parts]


def _classes(
    parts: list[tuple[str, ...]], path: Path
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return each picture's position among the subfolders, and their names."""
    loose = [one for one in parts if len(one) == 1]
    if len(loose) == len(parts):
        return None, ()
    if loose:
        raise DatasetError(
            f"{path}: {loose[0][0]} is beside subfolders; "
            "expected all pictures in subfolders, one for each class, or none."
        )
    return as_labels(np.array([one[0] for one in parts]), str(path))


def _columns(
    path: Path, entries: list[Entry], pictures: list[Entry]
) -> tuple[dict[str, NDArray[np.generic]], tuple[str, ...]]:
    """Read the columns of a table beside the pictures, in their order."""
    beside = [entry for entry in entries if entry.path.rpartition("/")[2].lower() in TABLES]
    if not beside:
        return {}, ()
    if len(beside) > 1:
        listed = ", ".join(entry.path for entry in beside)
        return {}, (f"There are several tables ({listed}); none was read.",)
    found = beside[0]
    if found.size > table.MAX_BYTES:
        raise DatasetError(
            f"{path}: {found.path} has {found.size / 2**20:.0f} MB; a table of at most "
            f"{table.MAX_BYTES // 2**20} MB is read."
        )
    below = found.path.rpartition("/")[0]
    return table.beside_pictures(
        found.read(), [entry.path for entry in pictures], below, name=f"{path}: {found.path}"
    )


def _key(entries: list[Entry]) -> str:
    """Hash names, sizes, and what tells a changed file of the same size."""
    digest = hashlib.blake2b(digest_size=16)
    for entry in entries:
        digest.update(f"{entry.path}\0{entry.size}\0{_version(entry)}\n".encode())
    return digest.hexdigest()


def _version(entry: Entry) -> int:
    """Return a zip entry's checksum, or the time at which a file was last changed."""
    if isinstance(entry.read, partial):
        info = entry.read.args[1]
        return int(info.CRC)
    file: Path = entry.read.__self__  # type: ignore[attr-defined]
    return file.stat().st_mtime_ns
