"""Own data in the server's data folder, that visitors may choose where its operator says so.

``VAE_SERVER_DATA=on`` offers what lies in the data folder to whoever opens the app. It is off
unless it is set: a server cannot know who its visitors are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vae_core import images
from vae_core.data import SOURCES, cache, idx_files
from vae_core.errors import ConfigError, DatasetError

VARIABLE = "VAE_SERVER_DATA"
#: Folders between the data folder and what is offered, most names offered, most entries looked at.
DEPTH, MOST, LOOKED_AT = 3, 200, 20_000
#: Endings of files that hold many pictures.
SUFFIXES = (".npy", ".npz", ".csv", ".parquet", ".zip")


def is_offered() -> bool:
    """Return whether visitors may choose from the data folder.

    Raises
    ------
    ConfigError
        If the variable has another value than on and off.
    """
    value = os.environ.get(VARIABLE, "off").strip().lower() or "off"
    if value not in {"on", "off"}:
        raise ConfigError(f"{VARIABLE} {value!r}: allowed are on and off")
    return value == "on"


def listed(root: Path | None = None) -> list[str]:
    """Return the names, relative to the data folder, of what can be read there, in order.

    Folders with pictures, and files of many; links that lead out and the files of known datasets
    are left out. At most :data:`MOST`, up to :data:`DEPTH` folders deep.
    """
    root = (root or cache.data_dir()).absolute()
    known = {Path(file.path).parts[0] for source in SOURCES.values() for file in source.files}
    budget = iter(range(LOOKED_AT))
    found: list[str] = []
    for path in _datasets(root, root, DEPTH, budget):
        if path.relative_to(root).parts[0] not in known:
            found.append(path.relative_to(root).as_posix())
        if len(found) == MOST:
            break
    return found


def find(name: str, root: Path | None = None) -> Path:
    """Return the path of what lies in the data folder by its relative name.

    Raises
    ------
    DatasetError
        If there is nothing, or it lies outside.
    """
    root = (root or cache.data_dir()).absolute()
    path = root / name
    if not _is_inside(path, root) or not path.exists():
        raise DatasetError(f"The data folder has no {name!r}.")
    return path


def _datasets(folder: Path, root: Path, depth: int, budget: Iterator[int]) -> Iterator[Path]:
    for entry in _entries(folder, root, budget):
        if not entry.is_dir():
            if entry.suffix.lower() in SUFFIXES or _is_pair_of_idx(entry):
                yield entry
        elif _holds_pictures(entry, root, 2, budget):
            yield entry
        elif depth > 1:
            yield from _datasets(entry, root, depth - 1, budget)


def _entries(folder: Path, root: Path, budget: Iterator[int]) -> list[Path]:
    """Return what a folder holds, in order; nothing hidden, and no link that leads out."""
    found = []
    try:
        for entry in folder.iterdir():
            if next(budget, None) is None:
                break
            if not entry.name.startswith(".") and (
                not entry.is_symlink() or _is_inside(entry, root)
            ):
                found.append(entry)
    except OSError:
        return []
    return sorted(found)


def _holds_pictures(folder: Path, root: Path, depth: int, budget: Iterator[int]) -> bool:
    """Return whether a folder, or one below it, holds pictures, IDX or Parquet files."""
    entries = _entries(folder, root, budget)
    endings = {entry.suffix.lower() for entry in entries}
    if endings & {*images.readable(), ".parquet"} or idx_files.pictures_in(folder):
        return True
    folders = [entry for entry in entries if entry.is_dir()]
    return depth > 0 and any(_holds_pictures(one, root, depth - 1, budget) for one in folders)


def _is_pair_of_idx(path: Path) -> bool:
    return "ubyte" in path.name and "labels" not in path.name and idx_files.is_idx(path)


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):  # a name that no file has, or a circle of links
        return False
