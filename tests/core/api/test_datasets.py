"""Datasets from arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vae_core
from vae_core.errors import DatasetError, ImageError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (40, 6, 5), dtype=np.uint8)
COLOUR = RANDOM.random((40, 3, 6, 5))


def test_a_tenth_is_the_test_set() -> None:
    """Chosen by the seed; ids are rows of the array, and none is in both."""
    data = vae_core.dataset(GREY, name="mine")
    assert (data.name, data.title, data.image_shape) == ("mine", "mine", (1, 6, 5))
    assert (len(data.train), len(data.test), data.classes) == (36, 4, ())
    assert sorted([*data.train.ids.tolist(), *data.test.ids.tolist()]) == list(range(40))
    for split in (data.train, data.test):
        assert torch.equal(split.images[:, 0], torch.from_numpy(GREY)[split.ids])
    other = vae_core.dataset(GREY, seed=1)
    assert not torch.equal(data.test.ids, other.test.ids)


def test_floats_become_levels() -> None:
    """Rounded to 256 of them, in any number of channels that a picture has."""
    data = vae_core.dataset(torch.from_numpy(COLOUR))
    expected = np.round(255 * COLOUR).astype(np.uint8)[data.train.ids]
    assert np.array_equal(data.train.images.numpy(), expected)


def test_a_test_set_of_ones_own() -> None:
    """Its ids follow those of the training images."""
    data = vae_core.dataset(
        GREY[:30], ["b", "a"] * 15, test_images=GREY[30:], test_labels=["a", "c"] * 5
    )
    assert data.test.ids.tolist() == list(range(30, 40))
    assert data.classes == ("a", "b", "c")
    assert data.train.labels is not None
    assert data.test.labels is not None
    assert data.train.labels.tolist() == [1, 0] * 15
    assert data.test.labels.tolist() == [0, 2] * 5


@pytest.mark.parametrize(
    ("labels", "classes", "names", "numbers"),
    [
        ([3, 7] * 20, (), ("3", "7"), [0, 1]),
        (np.array([True, False] * 20), (), ("False", "True"), [1, 0]),
        (torch.tensor([1, 0] * 20), ("cat", "dog"), ("cat", "dog"), [1, 0]),
        (["dog", "cat"] * 20, ("cat", "dog"), ("cat", "dog"), [1, 0]),
        (np.array(["x", "y"] * 20, dtype=object), (), ("x", "y"), [0, 1]),
    ],
)
def test_labels_are_numbers_or_names(
    labels: Any, classes: tuple[str, ...], names: tuple[str, ...], numbers: list[int]
) -> None:
    """Of the classes that are named, or of those that occur."""
    data = vae_core.dataset(GREY, labels, classes=classes, test_images=GREY, test_labels=labels)
    assert data.classes == names
    assert data.train.labels is not None
    assert data.train.labels[:2].tolist() == numbers


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"images": GREY[..., None]}, ImageError, "channels come first"),
        ({"images": GREY.reshape(40, 30)}, ImageError, r"shape \(40, 30\): allowed are"),
        ({"images": np.zeros((9, 2, 6, 5))}, ImageError, r"shape \(9, 2, 6, 5\): allowed are"),
        ({"images": 255.0 * GREY}, ImageError, "values from 0 to"),
        ({"images": GREY[:1]}, DatasetError, "1 images: a dataset needs"),
        ({"images": GREY, "name": ""}, DatasetError, "needs a name"),
        ({"images": GREY, "labels": [1, 2]}, DatasetError, "allowed are 40 integers or names"),
        ({"images": GREY, "labels": [0.5] * 40}, DatasetError, "type float64"),
        ({"images": GREY, "classes": ("a",)}, DatasetError, "classes without labels"),
        (
            {"images": GREY, "labels": [0, 2] * 20, "classes": ("a", "b")},
            DatasetError,
            "labels from 0 to 2: allowed are 0 to 1",
        ),
        (
            {"images": GREY, "labels": ["a", "z"] * 20, "classes": ("a", "b")},
            DatasetError,
            "label 'z': allowed are the classes",
        ),
        ({"images": GREY, "test_images": COLOUR}, ImageError, "allowed is that of images"),
        ({"images": GREY, "test_labels": [1]}, DatasetError, "test_labels without test_images"),
        (
            {"images": GREY, "labels": [1] * 40, "test_images": GREY},
            DatasetError,
            "both or neither",
        ),
        ({"images": GREY, "test_images": GREY[:0]}, DatasetError, "one or more"),
    ],
)
def test_what_does_not_fit_is_refused(
    settings: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """By a sentence with the value and what is allowed."""
    with pytest.raises(error, match=sentence):
        vae_core.dataset(**settings)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_arrays_are_the_same_dataset_by_either_name(dtype: type) -> None:
    """What ``dataset`` accepts, ``load_dataset`` reads alike: images, labels, split and classes."""
    images = np.random.default_rng(2).integers(0, 256, (30, 3, 9, 7)).astype(dtype)
    images = images / np.float32(255) if dtype == np.float32 else images
    labels = [("cat", "dog")[row % 2] for row in range(30)]
    one = vae_core.dataset(images, labels, seed=4)
    other = vae_core.load_dataset(images, labels=labels, seed=4)
    assert one.classes == other.classes
    for a, b in ((one.train, other.train), (one.test, other.test)):
        assert a.images.equal(b.images)
        assert a.ids.equal(b.ids)
        assert a.labels is not None
        assert b.labels is not None
        assert a.labels.equal(b.labels)
