"""Put the files of a site into a folder: all of them, or none."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from vae_core.errors import ConfigError

#: Lists the files of a site, so that a later export knows which ones it may replace.
MANIFEST = "site.json"
FORMAT = "latent-explorer-site"


def write(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a site; one that was written before is replaced.

    Parameters
    ----------
    out
        A folder that does not exist, is empty, or has a site that was written before.
    files
        Contents by path, with "/" between folders.

    Raises
    ------
    ConfigError
        If the folder has other files, or cannot be written; nothing is changed then.
    """
    if foreign := foreign_file(out):
        raise ConfigError(refusal(out, foreign))
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"--site {out}: folder {out.absolute().parent} does not exist")
    whole = dict(files) | {MANIFEST: manifest(files)}
    try:
        _replace(out.absolute(), whole)
    except OSError as error:
        raise ConfigError(f"--site {out}: cannot be written: {error.strerror or error}") from error


def refusal(out: Path, foreign: str) -> str:
    """Say why a folder with a file that is of no site is not written to."""
    return (
        f"--site {out}: {foreign} is no part of a site, and would be lost; choose a folder that is "
        "new, empty, or has a site"
    )


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the list of a site's files."""
    listed = {"format": FORMAT, "version": 1, "files": sorted(files)}
    return (json.dumps(listed, indent=1) + "\n").encode()


def foreign_file(out: Path) -> str | None:
    """Return a file of a folder that is of no site, by its path in it; None if there is none."""
    if not out.exists():
        return None
    if not out.is_dir():
        return out.name
    known = _files_of(out / MANIFEST)
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name not in known:
            return name
    return None


def _files_of(path: Path) -> set[str]:
    """Return the files that a manifest lists, with itself; none without one."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        is_ours = listed["format"] == FORMAT
        return {*map(str, listed["files"]), MANIFEST} if is_ours else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _replace(out: Path, files: Mapping[str, bytes]) -> None:
    """Write beside the folder, then put the new folder in its place."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        fresh, old = Path(temporary) / "new", Path(temporary) / "old"
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if out.exists():
            shutil.copystat(out, fresh)
            out.rename(old)
        try:
            fresh.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
