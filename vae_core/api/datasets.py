"""Datasets from arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vae_core import pixels
from vae_core.api import given
from vae_core.data import ImageDataset, Split, preparing
from vae_core.errors import DatasetError, ImageError
from vae_core.models.vae import Labels
from vae_core.pixels import Images

#: Channels that a picture can have.
CHANNELS = (1, 3)


def dataset(
    images: Images,
    labels: Labels | Sequence[str] | None = None,
    *,
    test_images: Images | None = None,
    test_labels: Labels | Sequence[str] | None = None,
    classes: Sequence[str] = (),
    name: str = "arrays",
    seed: int = 0,
) -> ImageDataset:
    """Make a dataset of arrays, exactly as they are.

    :func:`vae_core.load_dataset` takes arrays too, of any layout and range, and says in ``notes``
    what it took them for; the two agree on what this one accepts.

    Parameters
    ----------
    images
        (n, c, h, w) with 1 or 3 channels, or (n, h, w), as NumPy or torch: uint8, bool, or floats
        in [0, 1], which are rounded to 256 levels.
    labels
        (n,), integers or names.
    test_images, test_labels
        The test set. By default it is a tenth of the images, chosen by ``seed``.
    classes
        Names of the labels 0, 1, …; by default the labels that occur, in order, are the names.
    name
        Name of the dataset on cards and pages.

    Returns
    -------
    ImageDataset
        The ids are the rows of ``images``, then those of ``test_images``.

    Raises
    ------
    ImageError
        If the images are others.
    DatasetError
        If there are fewer than two, or the labels do not fit.
    """
    levels = as_pictures(images)
    n = len(levels)
    if not name:
        raise DatasetError("name '': a dataset needs a name")
    tests = None if test_images is None else _matching_levels(test_images, levels)
    if test_labels is not None and tests is None:
        raise DatasetError("test_labels without test_images")
    if tests is not None and (labels is None) != (test_labels is None):
        raise DatasetError("labels and test_labels: both or neither are needed")
    total = n if tests is None else n + len(tests)
    if total < 2 or n == 0 or (tests is not None and len(tests) == 0):
        raise DatasetError(f"{total} images: a dataset needs one or more to train, and to test")
    parts = [_column(labels, n, "labels")]
    if tests is not None:
        parts.append(_column(test_labels, len(tests), "test_labels"))
    numbers, names = _numbered(parts, tuple(map(str, classes)))
    if tests is not None:
        levels = torch.cat([levels, tests])
        train_rows, test_rows = torch.arange(n), torch.arange(n, total)
    else:
        test_rows = preparing.test_rows(n, seed)
        is_train = torch.ones(n, dtype=torch.bool)
        is_train[test_rows] = False
        train_rows = is_train.nonzero()[:, 0]
    everything = Split(levels, numbers, torch.arange(total))
    return ImageDataset(
        name=name,
        title=name,
        train=everything.take(train_rows),
        test=everything.take(test_rows),
        classes=names,
    )


def as_pictures(images: Images) -> Tensor:
    """Return images as uint8 (n, 1 or 3, h, w); raise ImageError for others."""
    found = pixels.as_tensor(images)
    if found.ndim == 3:
        found = found[:, None]
    if found.ndim != 4 or found.shape[1] not in CHANNELS or 0 in found.shape[2:]:
        last = found.ndim == 4 and found.shape[3] in CHANNELS
        hint = "; channels come first: images.transpose(0, 3, 1, 2) in NumPy" if last else ""
        raise ImageError(
            f"images of shape {tuple(found.shape)}: allowed are (n, 1, h, w), (n, 3, h, w) and "
            f"(n, h, w){hint}"
        )
    given.check_levels(found)
    _, c, h, w = found.shape
    return pixels.as_levels(found, (c, h, w))


def _matching_levels(test_images: Images, levels: Tensor) -> Tensor:
    """Return test images as levels; raise ImageError if their shape is not that of ``levels``."""
    tests = as_pictures(test_images)
    if tests.shape[1:] != levels.shape[1:]:
        raise ImageError(
            f"test_images of shape {tuple(tests.shape[1:])} each: allowed is that of images, "
            f"{tuple(levels.shape[1:])}"
        )
    return tests


def as_numbers(
    labels: Labels | Sequence[str] | None, n: int, classes: tuple[str, ...] = ()
) -> tuple[Tensor | None, tuple[str, ...]]:
    """Return labels (n,) as numbers of classes, and the names of the classes.

    Raises
    ------
    DatasetError
        If they are neither integers nor names, or none of ``classes``.
    """
    return _numbered([_column(labels, n, "labels")], classes)


def _column(
    labels: Labels | Sequence[str] | None, n: int, name: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None:
    if labels is None:
        return None
    found = np.asarray(labels)
    if found.dtype.kind == "O" and all(isinstance(one, str) for one in found.flat):
        found = found.astype(str)
    if found.shape != (n,) or found.dtype.kind not in "iuUb":
        raise DatasetError(
            f"{name} of shape {found.shape} and type {found.dtype}: allowed are {n} integers or "
            "names, one an image"
        )
    return found


def _numbered(
    parts: list[np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None], classes: tuple[str, ...]
) -> tuple[Tensor | None, tuple[str, ...]]:
    """Return the labels of all parts as numbers of classes, and the names of the classes."""
    columns = [part for part in parts if part is not None]
    if not columns:
        if classes:
            raise DatasetError("classes without labels")
        return None, ()
    column = np.concatenate(columns)
    if column.dtype.kind == "U" or not classes:
        values, numbers = np.unique(column, return_inverse=True)
        names = tuple(map(str, values.tolist()))
        if not classes:
            return torch.from_numpy(numbers.astype(np.int64)), names
        if unknown := sorted(set(names) - set(classes)):
            raise DatasetError(f"label {unknown[0]!r}: allowed are the classes {classes}")
        places = np.array([classes.index(name) for name in names], dtype=np.int64)
        return torch.from_numpy(places[numbers]), classes
    numbers = column.astype(np.int64)
    if numbers.min() < 0 or numbers.max() >= len(classes):
        raise DatasetError(
            f"labels from {numbers.min()} to {numbers.max()}: allowed are 0 to {len(classes) - 1}, "
            f"for {len(classes)} classes"
        )
    return torch.from_numpy(numbers), classes
