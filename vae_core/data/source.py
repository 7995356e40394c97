"""Description of a dataset in the registry: its files, how to load them, its licence."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vae_core.data.dataset import ImageDataset
from vae_core.errors import DatasetError

MEBIBYTE = 2**20


@dataclass(frozen=True)
class RemoteFile:
    """File to download.

    Attributes
    ----------
    path
        Path relative to the data folder.
    url, md5, size
        Address, checksum and length in bytes.
    members
        Of a tar archive: lengths of its files by their path inside it. They are unpacked into the
        archive's folder, and the archive is deleted. Empty for a plain file.
    unpacked
        Of a compressed file: paths at which its content is read too, relative to the data folder.
    """

    path: str
    url: str
    md5: str
    size: int
    members: Mapping[str, int] = field(default_factory=dict)
    unpacked: tuple[str, ...] = ()

    def provides(self) -> tuple[str, ...]:
        """Return the paths, relative to the data folder, that a download creates."""
        folder = Path(self.path).parent
        return tuple((folder / member).as_posix() for member in self.members) or (self.path,)


@dataclass(frozen=True)
class Source:
    """Dataset in the registry.

    Attributes
    ----------
    name, title
        Name in code, and on pages.
    load
        Loads the dataset from the data folder, which has all files.
    home, licence
        Web page and terms of use.
    files
        Files to download; empty for a dataset that needs none.
    """

    name: str
    title: str
    load: Callable[[Path], ImageDataset]
    home: str
    licence: str
    files: tuple[RemoteFile, ...] = ()

    @property
    def megabytes(self) -> int:
        """Size of the download, rounded; 0 without files."""
        return max(1, round(sum(file.size for file in self.files) / MEBIBYTE)) if self.files else 0

    def missing(self, root: Path) -> list[Path]:
        """Return the files that are in the data folder neither as they are nor unpacked."""
        return [
            root / path
            for file in self.files
            for path in file.provides()
            if not any((root / place).is_file() for place in (path, *file.unpacked))
        ]


def md5(content: bytes) -> str:
    """Return the checksum of a file's content, as hexadecimal digits."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read_file(path: Path, check_size: Callable[[int], None] = lambda size: None) -> bytes:
    """Read a file, after a check of its size in bytes; raise DatasetError if that fails."""
    try:
        check_size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
