"""Open whatever people have: the formats of datasets, and how each is told."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vae_core.data import arrays, folder, idx_files, own, parquet, table
from vae_core.data.choices import NOTHING_SAID, Choices
from vae_core.data.collection import Collection, TransposedPictures
from vae_core.errors import DatasetError


@dataclass(frozen=True)
class Format:
    """Format of datasets: its name, how a path is known to have it, and what opens it."""

    name: str
    is_one: Callable[[Path], bool]
    open: Callable[[Path, Choices], Collection]


def _has_suffix(*suffixes: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and path.suffix.lower() in suffixes


def _holds(*patterns: str) -> Callable[[Path], bool]:
    return lambda path: path.is_dir() and any(next(path.glob(one), None) for one in patterns)


def _open_npz(path: Path, said: Choices) -> Collection:
    return arrays.open_npz(
        path, image_shape=said.image_shape, pictures=said.pictures, labels=said.labels
    )


def _shaped(read: Callable[..., Collection]) -> Callable[[Path, Choices], Collection]:
    """Pass on the shape of the pictures alone."""
    return lambda path, said: read(path, image_shape=said.image_shape)


def _plain(read: Callable[[Path], Collection]) -> Callable[[Path, Choices], Collection]:
    return lambda path, said: read(path)


def _is_idx_folder(path: Path) -> bool:
    return path.is_dir() and bool(idx_files.pictures_in(path))


def _is_idx_file(path: Path) -> bool:
    return path.is_file() and idx_files.is_idx(path)


def _is_zip(path: Path) -> bool:
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


def _open_kept(path: Path, said: Choices) -> Collection:
    """Open what a visitor brought, by the choices that are kept with it."""
    kept = own.read(path)
    if kept is None:
        raise DatasetError(f"{path.name} is a damaged dataset; bring it again.")
    found = open_path(kept.path, kept.said)
    return replace(found, image_shape=kept.said.image_shape, title=kept.title)


#: Formats in the order in which they are tried; a zip is the last, since others are zips too.
FORMATS = (
    Format("kept", own.is_kept, _open_kept),
    Format("npy", _has_suffix(".npy"), _shaped(arrays.open_npy)),
    Format("npz", _has_suffix(".npz"), _open_npz),
    Format("csv", _has_suffix(".csv"), _shaped(table.open_csv)),
    Format("parquet", _has_suffix(".parquet"), _shaped(parquet.open_files)),
    Format("parquet files", _holds("*.parquet", "*/*.parquet"), _shaped(parquet.open_files)),
    Format("idx files", _is_idx_folder, _plain(idx_files.open_folder)),
    Format("idx", _is_idx_file, _plain(idx_files.open_file)),
    Format("folder", Path.is_dir, _plain(folder.open_folder)),
    Format("zip", _is_zip, _plain(folder.open_zip)),
)


def open_path(path: Path, said: Choices = NOTHING_SAID) -> Collection:
    """Open a file or folder of pictures, without decoding any.

    Raises
    ------
    DatasetError
        If it has none of the formats, or is damaged.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DatasetError(f"{path} is neither a file nor a folder.")
    format_ = next((one for one in FORMATS if one.is_one(path)), None)
    if format_ is None:
        raise DatasetError(
            f"{path} is no dataset that is read: a folder or zip of pictures, .npy, .npz, IDX, "
            "CSV and Parquet are."
        )
    found = format_.open(path, said)
    if said.transpose:
        return replace(found, pictures=TransposedPictures(found.pictures))
    return found
