"""Datasets in memory: images, labels and permanent ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import DatasetError


@dataclass(frozen=True)
class Split:
    """Examples of a dataset, in a fixed order.

    Attributes
    ----------
    images
        uint8, (n, c, h, w).
    labels
        int64, (n,), each an index into the dataset's ``classes``; None without labels.
    ids
        int64, (n,): the example's row in the original file, which it keeps in subsets.
    columns
        Further values of each example, (n,), numbers or text, by name.
    """

    images: Tensor
    labels: Tensor | None
    ids: Tensor
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.images.dtype == torch.uint8, self.images.dtype
        assert self.images.ndim == 4, self.images.shape
        assert self.ids.dtype == torch.int64, self.ids.dtype
        assert self.ids.shape == (len(self.images),), self.ids.shape
        assert self.labels is None or self.labels.dtype == torch.int64, self.labels
        assert self.labels is None or self.labels.shape == self.ids.shape, self.labels

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Tensor) -> "Split":
        """Return the examples at ``rows``, int64 (m,), in that order."""
        labels = None if self.labels is None else self.labels[rows]
        columns = {name: values[rows.numpy()] for name, values in self.columns.items()}
        return Split(self.images[rows], labels, self.ids[rows], columns)

    def first(self, n: int) -> "Split":
        """Return the first ``n`` examples, or all if there are fewer, without a copy."""
        labels = None if self.labels is None else self.labels[:n]
        columns = {name: values[:n] for name, values in self.columns.items()}
        return Split(self.images[:n], labels, self.ids[:n], columns)

    def spread(self, n: int | None) -> "Split":
        """Return ``n`` examples, evenly spread; all if ``n`` is None or not smaller.

        The order of a dataset may matter: the first half of MNIST's test set is the easier one.
        """
        if n is None or n >= len(self):
            return self
        return self.take(torch.linspace(0, len(self) - 1, n, dtype=torch.float64).round().long())


@dataclass(frozen=True)
class ImageDataset:
    """Dataset in memory.

    Attributes
    ----------
    name, title
        ``"mnist"`` and ``"MNIST"``; for a folder of pictures its path and its name.
    train, test
        Splits; if they come from one file, no id is in both.
    classes
        Names of the labels in order; empty without labels.
    validation
        Third split, if the usual protocol has one.
    checksums
        MD5 of each file by name. They are recorded and not compared, so that a re-packed copy
        can be read.
    notes
        Sentences about what was guessed, chosen and left out.
    """

    name: str
    title: str
    train: Split
    test: Split
    classes: tuple[str, ...] = ()
    validation: Split | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, h, w) of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def permutation(n: int, seed: int) -> Tensor:
    """Return the numbers 0 to n − 1 in random order, int64 (n,)."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def subset(split: Split, n: int, seed: int = 0) -> Split:
    """Return ``n`` random examples of a split, without replacement, in the split's order.

    With the same seed, a larger subset contains each smaller one.

    Raises
    ------
    DatasetError
        If ``n`` is not between 1 and the number of examples.
    """
    if not 1 <= n <= len(split):
        raise DatasetError(
            f"n = {n:,}: the split has {len(split):,} examples; "
            f"n must be between 1 and {len(split):,}."
        )
    return split.take(permutation(len(split), seed)[:n].sort().values)
