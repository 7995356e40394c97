"""Datasets that visitors of the dashboard brought: kept beside the runs that are trained on them.

Each is a folder, named by a hash of its content and of what was chosen: the files as they were
dropped, and ``kept.json`` with their names, the choices and the session that brought them. Data of
the server's own data folder stays where it is; the folder then has its path alone.

=================================  ========================================================
``VAE_MAX_DATA_MB``                all kept datasets together, in megabytes
``VAE_MAX_DATA_MB_PER_SESSION``    those of one session
=================================  ========================================================
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vae_core.data.choices import NOTHING_SAID, Choices
from vae_core.errors import ConfigError, DatasetError
from vae_core.files import write_atomically

FOLDER, FILE, FILES = ".data", "kept.json", "files"
MAX_MB, MAX_MB_PER_SESSION = 4_096, 1_024
#: Seconds for which a dataset is kept that no run is trained on.
RETENTION_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """Kept dataset: its folder, its title, its size in bytes, its owner's session and choices.

    ``source`` is where data that was not dropped lies.
    """

    folder: Path
    title: str
    size: int
    owner: str
    said: Choices
    source: Path | None = None

    @property
    def path(self) -> Path:
        """The file, or the folder of several files."""
        if self.source is not None:
            return self.source
        files = list((self.folder / FILES).iterdir())
        return files[0] if len(files) == 1 else self.folder / FILES


def keep(
    root: Path,
    files: Mapping[str, bytes],
    *,
    owner: str,
    said: Choices = NOTHING_SAID,
) -> Kept:
    """Keep dropped files in the folder ``root`` of all runs; the same ones again are found.

    Parameters
    ----------
    files
        Content by name: one file, or several that belong together (an IDX pair, pictures).
    owner
        Session that brought them.

    Raises
    ------
    DatasetError
        If they are larger than the session or this host may keep.
    """
    digest = hashlib.blake2b(json.dumps(asdict(said)).encode(), digest_size=12)
    for name, content in sorted(files.items()):
        digest.update(hashlib.blake2b(content).digest() + Path(name).suffix.encode())
    folder = root / FOLDER / digest.hexdigest()
    same = read(folder)
    if same is not None:
        os.utime(folder)
        return same
    size = sum(map(len, files.values()))
    _check_space(in_folder(root), size, owner)
    names = [_safe(name) for name in files]
    title = Path(names[0]).stem if len(names) == 1 else f"{len(names)} files"
    (folder / FILES).mkdir(parents=True, exist_ok=True)
    for name, content in zip(names, files.values(), strict=True):
        write_atomically(folder / FILES / name, content)
    return _written(Kept(folder, title, size, owner, said))


def keep_source(
    root: Path, source: Path, *, title: str, owner: str, said: Choices = NOTHING_SAID
) -> Kept:
    """Keep data that lies on this host, by its path; nothing is copied.

    Parameters
    ----------
    source
        Absolute path of a file or folder, which the caller has found to be allowed.
    owner
        Session that chose it; its key makes the folder's name one that nobody can guess.
    """
    words = json.dumps([str(source), owner, asdict(said)])
    digest = hashlib.blake2b(words.encode(), digest_size=12).hexdigest()
    folder = root / FOLDER / digest
    folder.mkdir(parents=True, exist_ok=True)
    return _written(Kept(folder, title, 0, owner, said, source))


def _written(kept: Kept) -> Kept:
    described = {"title": kept.title, "owner": kept.owner, "said": asdict(kept.said)}
    if kept.source is not None:
        described["source"] = str(kept.source)
    write_atomically(kept.folder / FILE, json.dumps(described, ensure_ascii=False).encode())
    return kept


def _check_space(kept: list[Kept], size: int, owner: str) -> None:
    mine = sum(one.size for one in kept if one.owner == owner)
    total = sum(one.size for one in kept)
    for variable, most, used, whose in (
        ("VAE_MAX_DATA_MB_PER_SESSION", MAX_MB_PER_SESSION, mine, "of yours "),
        ("VAE_MAX_DATA_MB", MAX_MB, total, ""),
    ):
        limit = _megabytes(variable, most)
        if used + size > limit * 2**20:
            raise DatasetError(
                f"This data has {size / 2**20:,.0f} MB. {used / 2**20:,.0f} MB {whose}are kept "
                f"already, and at most {limit:,} MB may be: forget data that you need no longer."
            )


def choose(kept: Kept, *, needed: Names[Path], **choices: Any) -> Kept:
    """Keep the same files with other choices, as another dataset."""
    said = replace(kept.said, **choices)
    if said == kept.said:
        return kept
    root, source = kept.folder.parent.parent, kept.source
    files = {}
    if source is None:
        files = {one.name: one.read_bytes() for one in (kept.folder / FILES).iterdir()}
    if kept.folder not in needed:
        shutil.rmtree(kept.folder, ignore_errors=True)
    if source is not None:
        return keep_source(root, source, title=kept.title, owner=kept.owner, said=said)
    return keep(root, files, owner=kept.owner, said=said)


def is_kept(path: Path) -> bool:
    """Return whether a folder is a kept dataset."""
    return (path / FILE).is_file() and path.parent.name == FOLDER


def in_folder(root: Path) -> list[Kept]:
    """Return the datasets that are kept beside the runs in ``root``."""
    return [one for path in sorted((root / FOLDER).glob(f"*/{FILE}")) if (one := read(path.parent))]


def read(folder: Path) -> Kept | None:
    """Read what is kept in a folder; None if it is not a kept dataset, or a damaged one."""
    try:
        described = json.loads((folder / FILE).read_bytes())
        said = dict(described["said"])
        shape = said.pop("image_shape")
        choices = Choices(image_shape=tuple(shape) if shape else None, **said)
        title, owner = str(described["title"]), str(described["owner"])
        if "source" in described:
            source = Path(described["source"])
            return Kept(folder, title, 0, owner, choices, source) if source.is_absolute() else None
        size = sum(one.stat().st_size for one in (folder / FILES).iterdir())
        return Kept(folder, title, size, owner, choices)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def title_of(dataset: str) -> str:
    """Return how to call a dataset: its name, a kept one's title, or the last part of a path."""
    path = Path(dataset)
    if len(path.parts) == 1:
        return dataset
    if path.parent.name != FOLDER:
        return path.name
    kept = read(path)
    return "data that was forgotten" if kept is None else kept.title


def forget(kept: Kept, *, needed: Names[Path]) -> None:
    """Delete a kept dataset.

    Raises
    ------
    ConfigError
        If a run needs it: its folder is in ``needed``.
    """
    if kept.folder in needed:
        raise ConfigError(f"{kept.title} is what a training learns from; delete the training first")
    shutil.rmtree(kept.folder, ignore_errors=True)


def purge(root: Path, *, needed: Names[Path], older_than: float = RETENTION_SECONDS) -> list[str]:
    """Delete the kept datasets that no run needs and nobody used lately; return their titles."""
    gone = []
    for one in in_folder(root):
        with contextlib.suppress(FileNotFoundError):
            age = time.time() - one.folder.stat().st_mtime
            if one.folder not in needed and age >= older_than:
                shutil.rmtree(one.folder, ignore_errors=True)
                gone.append(one.title)
    return gone


def most_megabytes() -> int:
    """Return the most megabytes that one dataset may have: what is allowed to one session.

    Raises
    ------
    ConfigError
        If the variable has an invalid value.
    """
    return min(
        _megabytes("VAE_MAX_DATA_MB_PER_SESSION", MAX_MB_PER_SESSION),
        _megabytes("VAE_MAX_DATA_MB", MAX_MB),
    )


def _safe(name: str) -> str:
    """Return a file's name without folders or control characters, its suffix kept."""
    base = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in base if one.isprintable() and one not in '<>:"|?*').strip(". ")
    return (plain or "data")[-100:]


def _megabytes(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= 10**6:
        raise ConfigError(f"{variable} {text!r}: allowed are 1 to 1000000")
    return int(text)
