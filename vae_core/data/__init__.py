"""Datasets of images: by name from a registry, from files of many formats, or from arrays.

Known datasets have a line each in ``SOURCES``; one without files, such as simulated data, is a
``Source`` without files. Formats of people's own data have a line each in ``opening.FORMATS``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae_core.config import TrainConfig
from vae_core.data import bundled, cache, choices, cifar, frey, graphs, idx, preparing
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
    "load_for",
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
    source: str | Path | Any,
    *,
    labels: Any = None,
    data_dir: str | Path | None = None,
    image_shape: tuple[int, int, int] | None = None,
    pictures: str | None = None,
    transpose: bool = False,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageDataset:
    """Load a dataset; nothing is downloaded.

    Parameters
    ----------
    source
        A name in the registry; the path of a folder or zip file of pictures, of a ``.npy``,
        ``.npz``, CSV, Parquet or IDX file; or an array or tensor of pictures, in any order of axes
        and any range, which is said; :func:`vae_core.dataset` refuses what is not certain.
    labels
        Of an array: a label for each picture. Of an ``.npz`` file: the name of the labels.
    data_dir
        Folder of the registry's files; see :func:`data_dir`.
    image_shape
        (c, h, w) of the result; by default what is found, reduced to at most 64 a side.
    pictures
        Of an ``.npz`` file: the name of the array of pictures.
    transpose
        Exchange rows and columns, as EMNIST's files need.
    limit, seed
        Most pictures that are taken, at random by the seed, which also draws the test images where
        no split is given: one tenth.
    progress
        Called with the pictures decoded and their number.

    Raises
    ------
    DatasetMissingError
        If the dataset is known but not on this host.
    DatasetError
        If a file is damaged, in no format that is read, or not certain to be read rightly.
    """
    if not isinstance(source, str | Path):
        return preparing.from_array(source, labels=labels, image_shape=image_shape, seed=seed)
    if source and source not in SOURCES and Path(source).expanduser().exists():
        said = choices.Choices(image_shape, pictures, labels, transpose)
        return preparing.load(
            Path(source).expanduser().absolute(), said, seed=seed, limit=limit, progress=progress
        ).dataset
    known = _source(str(source))
    if image_shape is not None:
        raise DatasetError(
            f"image_shape = {image_shape}: the shape of {known.title} is fixed; "
            "it can be chosen only for own data."
        )
    root = cache.data_dir(data_dir)
    missing = known.missing(root)
    if missing:
        raise DatasetMissingError(
            f"{_reason(known, missing)}: {known.megabytes} MB, "
            f"run `python -m vae_core download {known.name}`.",
            name=known.name,
            megabytes=known.megabytes,
            url=known.files[0].url,
        )
    return known.load(root)


def load_for(
    training: TrainConfig,
    *,
    image_shape: tuple[int, int, int] | None = None,
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> ImageDataset:
    """Load the dataset of a training as it was read for it; errors as of :func:`load_dataset`.

    ``image_shape`` is that of the model, which own data is brought to.
    """
    own = training.dataset not in SOURCES
    return load_dataset(
        training.dataset,
        labels=training.labels,
        data_dir=data_dir,
        image_shape=image_shape if own else None,
        pictures=training.pictures,
        transpose=training.transpose,
        progress=progress,
    )


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
            "or the path of your own data."
        ) from None


def _reason(source: Source, missing: list[Path]) -> str:
    total = sum(len(file.provides()) for file in source.files)
    if len(missing) == total:
        return f"{source.title} has not been downloaded"
    return f"{source.title} is incomplete: {missing[0]} is missing"
