"""Deleted runs, which come back until they are purged: ``.trash`` in the folder of runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from vae_core import files
from vae_core.errors import ConfigError
from vae_core.runs import folders
from vae_core.runs.folders import CONFIG

FOLDER = ".trash"
#: Deleted runs are purged after this many seconds.
RETENTION_SECONDS = 24 * 3600.0


def put(folder: Path) -> str:
    """Put a run into the trash, as its writer; returns the name by which it comes back."""
    trash = folder.parent / FOLDER
    trash.mkdir(exist_ok=True)
    name, number = folder.name, 2
    while (trash / name).exists():
        name, number = f"{folder.name}-{number}", number + 1
    os.utime(folder)  # when it was deleted, for the purge
    folder.rename(trash / name)
    files.flush(folder.parent)
    return name


def restore(root: Path, name: str) -> Path:
    """Take a run out of the trash again; returns its folder, with a new name if it was taken.

    Raises
    ------
    ConfigError
        If the trash holds no such run.
    """
    if name not in deleted(root):
        held = ", ".join(deleted(root)) or "nothing"
        raise ConfigError(f"no run {name!r} was deleted; the trash holds {held}")
    folder = root / name
    if folder.exists():
        folder = folders.new_folder(root, name)
    (root / FOLDER / name).rename(folder)
    files.flush(root)
    return folder


def deleted(root: Path) -> list[str]:
    """Names of the runs in the trash."""
    return sorted(path.parent.name for path in (root / FOLDER).glob(f"*/{CONFIG}"))


def purge(root: Path, *, older_than: float = RETENTION_SECONDS) -> list[str]:
    """Remove what has been in the trash for so many seconds; returns the names."""
    gone = []
    for path in sorted((root / FOLDER).glob("*/")):
        with contextlib.suppress(FileNotFoundError):  # another server is at it too
            if time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path, ignore_errors=True)
                gone.append(path.name)
    return gone
