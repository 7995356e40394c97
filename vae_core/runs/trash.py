"""Delete runs by moving them to ``.trash``, from which they can be restored until purged."""

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
#: Seconds after which deleted runs are purged.
RETENTION_SECONDS = 24 * 3600.0


def put(folder: Path) -> str:
    """Move a run to the trash and return its name there; the caller holds the run's lock."""
    trash = folder.parent / FOLDER
    trash.mkdir(exist_ok=True)
    name, number = folder.name, 2
    while (trash / name).exists():
        name, number = f"{folder.name}-{number}", number + 1
    os.utime(folder)  # the purge counts from this time
    folder.rename(trash / name)
    files.flush(folder.parent)
    return name


def restore(root: Path, name: str) -> Path:
    """Restore a run from the trash and return its folder, renamed if its name is in use.

    Raises
    ------
    ConfigError
        If the trash has no such run.
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
    """Return the names of the runs in the trash, sorted."""
    return sorted(path.parent.name for path in (root / FOLDER).glob(f"*/{CONFIG}"))


def purge(root: Path, *, older_than: float = RETENTION_SECONDS) -> list[str]:
    """Remove runs that were deleted at least ``older_than`` seconds ago; return their names."""
    gone = []
    for path in sorted((root / FOLDER).glob("*/")):
        with contextlib.suppress(FileNotFoundError):  # another server purges too
            if time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path, ignore_errors=True)
                gone.append(path.name)
    return gone
