"""Where a dataset comes from: its files, how they are read, and what a person should know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vae_core.data.dataset import ImageDataset

MEBIBYTE = 2**20


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes
    ----------
    path
        Where it belongs, relative to the data folder.
    url, md5, size
        Its address, checksum and length in bytes.
    members
        For a tar archive: the lengths of the files it holds, by their path inside it. They are
        unpacked beside ``path`` and the archive itself is not kept. Empty for a plain file.
    """

    path: str
    url: str
    md5: str
    size: int
    members: Mapping[str, int] = field(default_factory=dict)

    def provides(self) -> tuple[str, ...]:
        """Return what is in the data folder after a download, as paths relative to it."""
        folder = Path(self.path).parent
        return tuple((folder / member).as_posix() for member in self.members) or (self.path,)


@dataclass(frozen=True)
class Source:
    """A dataset in the registry.

    Attributes
    ----------
    name, title
        What it is called in code, and by people.
    load
        Data folder → dataset; called only when every file is there.
    home, licence
        Where it comes from, and on what terms.
    files
        What a download fetches; empty for a dataset that needs no file.
    """

    name: str
    title: str
    load: Callable[[Path], ImageDataset]
    home: str
    licence: str
    files: tuple[RemoteFile, ...] = ()

    @property
    def megabytes(self) -> int:
        """What a download fetches, rounded; 0 for a dataset that needs no file."""
        return max(1, round(sum(file.size for file in self.files) / MEBIBYTE)) if self.files else 0

    def missing(self, root: Path) -> list[Path]:
        """Return the files that are not in the data folder."""
        wanted = [root / path for file in self.files for path in file.provides()]
        return [path for path in wanted if not path.is_file()]
