"""What a dataset is once it is in memory: images, labels, and ids that never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vae_core.errors import DatasetError


@dataclass(frozen=True)
class Split:
    """Some of a dataset's examples, in a fixed order.

    Attributes
    ----------
    images
        uint8, (n, c, h, w).
    labels
        int64, (n,), each an index into the dataset's ``classes``; None when there are none.
    ids
        int64, (n,): the example's row in the original file. A subset keeps its ids, so anything
        keyed by them survives filtering.
    """

    images: Tensor
    labels: Tensor | None
    ids: Tensor

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
        """Return the examples at the given rows (int64, (m,)), in that order."""
        labels = None if self.labels is None else self.labels[rows]
        return Split(images=self.images[rows], labels=labels, ids=self.ids[rows])

    def first(self, n: int) -> "Split":
        """Return the first ``n`` examples, or all where there are fewer; nothing is copied."""
        labels = None if self.labels is None else self.labels[:n]
        return Split(images=self.images[:n], labels=labels, ids=self.ids[:n])

    def spread(self, n: int | None) -> "Split":
        """Return ``n`` examples, evenly spread over all of them; all where ``n`` is None or more.

        Datasets lie in some order: the first half of MNIST's test set is the easier one.
        """
        if n is None or n >= len(self):
            return self
        return self.take(torch.linspace(0, len(self) - 1, n, dtype=torch.float64).round().long())


@dataclass(frozen=True)
class ImageDataset:
    """A dataset in memory.

    Attributes
    ----------
    name, title
        ``"mnist"`` and ``"MNIST"``; for pictures of one's own the path and the folder's name.
    train, test
        The two splits; no id lies in both when they come from one file.
    classes
        The labels' names in order; empty when the dataset has no labels.
    validation
        A third split where the field's protocol has one, else None.
    checksums
        MD5 of each file that was read, by file name: what the data really were. They are
        recorded, not compared, so that a re-packed copy can be read.
    """

    name: str
    title: str
    train: Split
    test: Split
    classes: tuple[str, ...] = ()
    validation: Split | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, h, w) of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def permutation(n: int, seed: int) -> Tensor:
    """Return the numbers 0 to n − 1 in an order that depends on the seed alone: int64, (n,)."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def subset(split: Split, n: int, seed: int = 0) -> Split:
    """Return n examples of a split, drawn without replacement by seed, in the split's order.

    For one seed a smaller subset lies within every larger one, so a curve over n adds examples
    and exchanges none.

    Raises
    ------
    DatasetError
        If ``n`` is not between 1 and the number of examples.
    """
    if not 1 <= n <= len(split):
        raise DatasetError(
            f"n = {n:,} examples were asked for, but the split holds {len(split):,}: "
            f"n must lie between 1 and {len(split):,}."
        )
    return split.take(permutation(len(split), seed)[:n].sort().values)
