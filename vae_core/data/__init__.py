"""Datasets of images: by name from a registry, or from a folder or zip file of pictures.

Each module defines datasets of one kind, each with a line in ``SOURCES``. A dataset without files,
such as simulated data, is a ``Source`` without files.
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
    """Whether a dataset is on this host, and the size of its download.

    Attributes
    ----------
    name, title, home, licence, megabytes
        Those of its :class:`Source`.
    present
        Whether all files exist; they are checked when they are read.
    reason
        Sentence that says what is missing; empty if nothing is.
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
    """Load a dataset into memory; nothing is downloaded.

    Parameters
    ----------
    name
        A name in the registry, or the path of a folder or zip file of pictures.
    data_dir
        Folder of the registry's files; see :func:`data_dir`.
    image_shape
        (c, h, w) of the result, for a folder of pictures; see :func:`vae_core.data.folder.load`.

    Raises
    ------
    DatasetMissingError
        If the dataset is known but not on this host.
    DatasetError
        If a file is damaged or not the expected one, or the name is unknown.
    """
    if name and name not in SOURCES and Path(name).expanduser().exists():
        return folder.load(Path(name).expanduser(), image_shape=image_shape)
    source = _source(str(name))
    if image_shape is not None:
        raise DatasetError(
            f"image_shape = {image_shape}: the shape of {source.title} is fixed; "
            "it can be chosen only for a folder or zip file of pictures."
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
    """Return the status of each dataset in the registry, without reading any."""
    root = cache.data_dir(data_dir)
    found = [(source, source.missing(root)) for source in SOURCES.values()]
    return [
        DatasetStatus(
            name=source.name,
            title=source.title,
            home=source.home,
            licence=source.licence,
            present=not missing,
            megabytes=source.megabytes,
            reason=f"{_reason(source, missing)}." if missing else "",
        )
        for source, missing in found
    ]


def download(
    name: str, *, data_dir: str | Path | None = None, progress: Progress | None = None
) -> Path:
    """Download the missing files of a dataset.

    Parameters
    ----------
    name
        A name in the registry.
    progress
        Called with the bytes done and the bytes in total, over all files; it may raise to stop
        the download.

    Returns
    -------
    Path
        The data folder.

    Raises
    ------
    DatasetError
        If the name is unknown, the dataset has no files, the server cannot be reached, or a file
        is not the original one. The data folder is then unchanged.
    """
    return cache.download(_source(name), cache.data_dir(data_dir), progress)


def _source(name: str) -> Source:
    try:
        return SOURCES[name]
    except KeyError:
        raise DatasetError(
            f"There is no dataset {name!r}: expected one of {', '.join(SOURCES)}, "
            "or the path of a folder or zip file of pictures."
        ) from None


def _reason(source: Source, missing: list[Path]) -> str:
    total = sum(len(file.provides()) for file in source.files)
    if len(missing) == total:
        return f"{source.title} has not been downloaded"
    return f"{source.title} is incomplete: {missing[0]} is missing"
