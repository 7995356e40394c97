"""What x is: datasets of images, by name or from a folder of one's own.

One file per family of sources, and one line here for each. A dataset that needs no file, such as
simulated data, is a ``Source`` without files.
"""

from dataclasses import dataclass
from pathlib import Path

from vae_core.data import bundled, cache, cifar, folder, frey, graphs, idx
from vae_core.data.cache import Progress, data_dir
from vae_core.data.dataset import ImageDataset, Split, subset
from vae_core.data.source import Source
from vae_core.errors import DatasetError, DatasetMissingError

__all__ = [
    "SOURCES",
    "DatasetStatus",
    "ImageDataset",
    "Progress",
    "Source",
    "Split",
    "available",
    "data_dir",
    "download",
    "load_dataset",
    "subset",
]

SOURCES: dict[str, Source] = {
    "mnist": idx.MNIST,
    "fashion-mnist": idx.FASHION_MNIST,
    "frey-face": frey.FREY_FACE,
    "cifar-10": cifar.CIFAR_10,
    "digits": bundled.DIGITS,
    "graphs": graphs.GRAPHS,
    "graphs-symmetric": graphs.GRAPHS_SYMMETRIC,
}


@dataclass(frozen=True)
class DatasetStatus:
    """Whether a dataset is on this machine, and what it would take.

    Attributes
    ----------
    name, title, home, licence
        As in the registry.
    present
        Whether every file is there; whether they are sound shows when they are read.
    megabytes
        What a download fetches; 0 for a dataset that needs no file.
    reason
        Why it is missing, in one sentence; empty when it is present.
    """

    name: str
    title: str
    home: str
    licence: str
    present: bool
    megabytes: int
    reason: str


def load_dataset(
    name: str | Path,
    *,
    data_dir: str | Path | None = None,
    image_shape: tuple[int, int, int] | None = None,
) -> ImageDataset:
    """Load a dataset into memory; nothing is ever downloaded here.

    Parameters
    ----------
    name
        A name of the registry, else the path of a folder or zip file of pictures of one's own.
    data_dir
        Where the registry's files are; see :func:`data_dir`.
    image_shape
        (c, h, w) to bring pictures of one's own to; see :func:`vae_core.data.folder.load`.

    Raises
    ------
    DatasetMissingError
        If the dataset is known but not on this machine.
    DatasetError
        If a file is damaged, swapped or foreign, or the name is unknown.
    """
    if name and name not in SOURCES and Path(name).expanduser().exists():
        return folder.load(Path(name).expanduser(), image_shape=image_shape)
    source = _source(str(name))
    if image_shape is not None:
        raise DatasetError(
            f"image_shape = {image_shape}: {source.title} has one of its own; "
            "it can be chosen for a folder or zip file of pictures only."
        )
    root = cache.data_dir(data_dir)
    missing = source.missing(root)
    if missing:
        raise DatasetMissingError(
            f"{_reason(source, missing)}: {source.megabytes} MB, "
            f"run `python -m vae_core download {source.name}`.",
            name=source.name,
            megabytes=source.megabytes,
            url=source.files[0].url,
        )
    return source.load(root)


def available(data_dir: str | Path | None = None) -> list[DatasetStatus]:
    """Return what each dataset of the registry would take, without reading any."""
    root = cache.data_dir(data_dir)
    return [_status(source, source.missing(root)) for source in SOURCES.values()]


def download(
    name: str, *, data_dir: str | Path | None = None, progress: Progress | None = None
) -> Path:
    """Fetch a dataset's files that are not there yet; see :func:`cache.download`.

    Parameters
    ----------
    name
        A name of the registry.
    progress
        Called with the bytes done and the bytes in total, over all of the dataset's files. It may
        raise in order to stop the download.

    Returns
    -------
    Path
        The data folder that now holds the dataset.

    Raises
    ------
    DatasetError
        If the name is unknown, the dataset needs no download, the server cannot be reached, or a
        file is not the original one. The data folder is then as it was.
    """
    return cache.download(_source(name), cache.data_dir(data_dir), progress)


def _source(name: str) -> Source:
    try:
        return SOURCES[name]
    except KeyError:
        raise DatasetError(
            f"There is no dataset called {name!r}: expected one of {', '.join(SOURCES)}, "
            "or the path of a folder or zip file of pictures."
        ) from None


def _status(source: Source, missing: list[Path]) -> DatasetStatus:
    return DatasetStatus(
        name=source.name,
        title=source.title,
        home=source.home,
        licence=source.licence,
        present=not missing,
        megabytes=source.megabytes,
        reason=f"{_reason(source, missing)}." if missing else "",
    )


def _reason(source: Source, missing: list[Path]) -> str:
    total = sum(len(file.provides()) for file in source.files)
    if len(missing) == total:
        return f"{source.title} is not on this machine"
    return f"{source.title} is not complete on this machine, {missing[0]} is missing"
