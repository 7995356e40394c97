"""Pictures for an import: of a known dataset, a file, a folder, or arrays in memory."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_core import data
from vae_core.data import ImageDataset, Split, arrays, idx_files, opening, preparing
from vae_core.data.choices import Choices
from vae_core.data.collection import Collection, as_labels
from vae_core.errors import ConfigError, DatasetError
from vae_core.images import FRAMES
from vae_core.imports.meanings import ImageShape
from vae_core.model_folder import ImportedCard, ImportedData, Saved

#: Most pictures that are encoded, and most bytes of them.
LIMIT, MAX_BYTES = 10_000, 2**29
#: Pictures that are looked at to tell ink from photographs.
LOOKED_AT = 500
#: Pictures of ink: at least this share is ground; of the rest, at most this share is half-way.
GROUND, HALF_WAY = 0.4, 0.35
#: Datasets whose preparation suits ink of these sides.
INK = {(28, 28): "mnist", (8, 8): "digits"}


@dataclass(frozen=True)
class Source:
    """Pictures that exist.

    Attributes
    ----------
    name
        Name of a known dataset, else that of the file or folder, without its path.
    find_shape
        Returns (c, h, w) as the pictures have it; None where it is not certain.
    load
        Reads them, given the shape that the model needs and the most that are taken: a dataset
        whose test set is encoded. Without a given split, that is all of them, and its training set
        is empty.
    path, labels
        Absolute paths of own pictures, and of a file of their labels.
    """

    name: str
    find_shape: Callable[[], ImageShape | None]
    load: Callable[[ImageShape, int], ImageDataset]
    path: Path | None = None
    labels: Path | None = None

    def kept(self, limit: int) -> ImportedData | None:
        """Return where the pictures are, for a card; None where they are no file or folder."""
        if self.path is None:
            return None
        labels = None if self.labels is None else str(self.labels)
        return ImportedData(path=str(self.path), labels=labels, limit=limit)

    @property
    def shape(self) -> ImageShape | None:
        """(c, h, w) of the pictures; None where it is not certain."""
        return self.find_shape()


def open_source(pictures: Any, labels: Any = None, *, data_dir: str | Path | None = None) -> Source:
    """Open pictures.

    Parameters
    ----------
    pictures
        Whatever :func:`vae_core.data.load_dataset` reads: a known dataset's name, a path, or an
        array.
    labels
        Path of a .npy or IDX file, or an array; by default those beside the pictures.

    Raises
    ------
    DatasetError
        If there are none.
    """
    if not isinstance(pictures, str | Path):
        return _of_array(pictures, labels)
    path = Path(pictures).expanduser()
    if str(pictures) in data.SOURCES or not path.exists():
        return _known(data.load_dataset(str(pictures), data_dir=data_dir))
    return _of_path(path, labels)


def reread(saved: Saved) -> ImageDataset:
    """Return the pictures that an imported model was imported with.

    Those that its card names are read again where they are still there; else those that its folder
    keeps are taken.

    Raises
    ------
    DatasetError
        If neither exists; the sentence says what to state.
    """
    card = saved.card
    assert isinstance(card, ImportedCard)
    if card.dataset in data.SOURCES:
        return data.load_dataset(card.dataset)
    shape, codes = card.model.image_shape, saved.codes
    if card.data is not None and Path(card.data.path).exists():
        source = open_source(card.data.path, card.data.labels)
        dataset = source.load(shape, card.data.limit)
        if card.classes and dataset.test.labels is not None:
            dataset = with_classes(dataset, card.classes)
        found, before = len(dataset.test), len(codes.ids)
        if found == before:
            return dataset
        note = f"{card.dataset} has {found:,} pictures today, and had {before:,} at the import."
        return dataclasses.replace(dataset, notes=(*dataset.notes, note))
    if saved.pictures is None:
        raise DatasetError(
            f"The pictures that {card.name} was imported with ({card.dataset}) are neither where "
            "they were nor in its folder: state data (--dataset)."
        )
    test = Split(saved.pictures, codes.labels, codes.ids)
    return ImageDataset(
        name=card.dataset,
        title=card.dataset,
        train=test.take(torch.arange(0)),
        test=test,
        classes=card.classes,
        notes=("These are the pictures that the model folder keeps.",),
    )


def like(dataset: ImageDataset) -> str | None:
    """Return the known dataset whose preparation suits pictures like these; None for photographs.

    Pictures of one channel in which most pixels are black, and few are half-way, are ink.
    """
    if dataset.name in data.SOURCES:
        return dataset.name if dataset.name in FRAMES else None
    channels, height, width = dataset.test.images.shape[1:]
    if channels != 1:
        return None
    some = dataset.test.spread(LOOKED_AT).images
    ink = 1 - float((some < 32).float().mean())
    half_way = float(((some >= 64) & (some < 192)).float().mean())
    if not 0 < ink <= 1 - GROUND or half_way > HALF_WAY * ink:
        return None
    return INK.get((height, width))


def _known(dataset: ImageDataset) -> Source:
    def load(shape: ImageShape, limit: int) -> ImageDataset:
        if dataset.image_shape != shape:
            raise DatasetError(
                f"{dataset.title} has pictures of {sides(dataset.image_shape)}, and the model "
                f"reads {sides(shape)}."
            )
        return dataset

    return Source(dataset.name, lambda: dataset.image_shape, load)


def _of_path(path: Path, labels: Any) -> Source:
    def find_shape() -> ImageShape | None:
        try:
            return _common_shape(opening.open_path(path))
        except DatasetError:  # not certain without a shape that is stated
            return None

    def load(shape: ImageShape, limit: int) -> ImageDataset:
        loaded = preparing.load(path, Choices(image_shape=shape), limit=_most(shape, limit))
        dataset, found = loaded.dataset, _common_shape(loaded.collection)
        if loaded.collection.split is None:
            dataset = _all_tested(dataset)
        if labels is not None:
            dataset = _labelled(dataset, _read_labels(labels))
        notes = dataset.notes
        if found is not None and found != shape:
            notes = (*notes, f"Pictures of {sides(found)} were brought to {sides(shape)}.")
        return dataclasses.replace(dataset, name=path.name, title=path.name, notes=notes)

    file = Path(labels).expanduser().resolve() if isinstance(labels, str | Path) else None
    # Labels in memory are not there again.
    own = None if labels is not None and file is None else path.resolve()
    return Source(path.name, find_shape, load, own, file)


def _of_array(pictures: Any, labels: Any) -> Source:
    array = np.asarray(pictures.detach().cpu() if isinstance(pictures, torch.Tensor) else pictures)

    def find_shape() -> ImageShape | None:
        try:
            return arrays.shaped(array, "data").shape
        except DatasetError:
            return None

    def load(shape: ImageShape, limit: int) -> ImageDataset:
        rows = np.arange(len(array))
        if len(array) > (most := _most(shape, limit)):
            rows = np.linspace(0, len(array) - 1, most).round().astype(np.int64)
        loaded = preparing.from_array(array[rows], image_shape=shape)
        dataset = _all_tested(loaded)
        if labels is not None:
            dataset = _labelled(dataset, _read_labels(labels)[rows])
        return dataclasses.replace(dataset, name="arrays", title="arrays")

    return Source("arrays", find_shape, load)


def _most(shape: ImageShape, limit: int) -> int:
    return max(2, min(limit, MAX_BYTES // math.prod(shape)))


def _common_shape(collection: Collection) -> ImageShape | None:
    sizes, _ = collection.pictures.shapes()
    return sizes.most_common(1)[0][0] if sizes else None


def _all_tested(dataset: ImageDataset) -> ImageDataset:
    """Return a dataset whose test set are all its pictures, in their order."""
    train, test = dataset.train, dataset.test
    images, ids = torch.cat([train.images, test.images]), torch.cat([train.ids, test.ids])
    labels = None
    if train.labels is not None and test.labels is not None:
        labels = torch.cat([train.labels, test.labels])
    columns = {
        name: np.concatenate([values, test.columns[name]]) for name, values in train.columns.items()
    }
    whole = Split(images, labels, ids, columns).take(ids.argsort())
    return dataclasses.replace(dataset, train=whole.take(torch.arange(0)), test=whole)


def _read_labels(labels: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return labels (n,) of a file or an array."""
    if not isinstance(labels, str | Path):
        return np.asarray(labels.detach().cpu() if isinstance(labels, torch.Tensor) else labels)
    path = Path(labels).expanduser()
    if path.is_file() and idx_files.is_idx(path):
        return idx_files.read(path)
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise DatasetError(f"{path.name} holds no labels that can be read ({error}).") from error


def _labelled(dataset: ImageDataset, labels: np.ndarray[Any, np.dtype[Any]]) -> ImageDataset:
    """Return a dataset with other labels, in the order of the ids."""
    test = dataset.test
    if labels.shape not in {(len(test),), (len(test), 1)} or len(dataset.train):
        raise DatasetError(
            f"labels of shape {labels.shape} for {len(test):,} pictures: one for each is needed."
        )
    positions, names = as_labels(labels.reshape(-1), "labels")
    split = dataclasses.replace(test, labels=torch.from_numpy(positions))
    return dataclasses.replace(dataset, test=split, classes=names)


def with_classes(dataset: ImageDataset, classes: int | Sequence[str] | None) -> ImageDataset:
    """Return a dataset whose labels count from 0 to the stated number, with the stated names.

    Some of the numbers may have no picture; without this, the others would move up.
    """
    if classes is None or dataset.test.labels is None:
        return dataset
    names = tuple(map(str, range(classes))) if isinstance(classes, int) else tuple(classes)
    found = dataset.classes
    if all(name.isdecimal() and int(name) < len(names) for name in found):
        numbers = torch.tensor([int(name) for name in found])
    elif set(found) <= set(names):
        numbers = torch.tensor([names.index(name) for name in found])
    else:
        raise ConfigError(f"classes {', '.join(names)}: the labels are {', '.join(found)}")
    test = dataclasses.replace(dataset.test, labels=numbers[dataset.test.labels])
    train = dataset.train
    if train.labels is not None:
        train = dataclasses.replace(train, labels=numbers[train.labels])
    return dataclasses.replace(dataset, train=train, test=test, classes=names)


def sides(shape: ImageShape) -> str:
    """Write a shape: "28 × 28", "64 × 64 × 3"."""
    channels, height, width = shape
    return f"{height} × {width}" + (f" × {channels}" if channels > 1 else "")
