"""The digits of scikit-learn: complete, with a stratified split."""

from pathlib import Path

import torch

from vae_core import data
from vae_core.data import ImageDataset


def test_digits_need_no_file(tmp_path: Path):
    """They load from an empty data folder."""
    assert data.load_dataset("digits", data_dir=tmp_path).image_shape == (1, 8, 8)


def test_every_digit_is_in_exactly_one_split(digits: ImageDataset):
    """The ids of both splits together are the rows of scikit-learn's array."""
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    ids = torch.cat([digits.train.ids, digits.test.ids])
    assert ids.sort().values.equal(torch.arange(1797))


def test_images_and_labels_are_those_of_the_ids(digits: ImageDataset):
    """Grey values are scikit-learn's, scaled from 0–16 to 0–255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    for split in (digits.train, digits.test):
        assert split.labels is not None
        assert (split.labels.numpy() == bunch.target[split.ids]).all()
        scaled = split.images[:, 0].double() * 16 / 255
        assert (
            scaled - torch.from_numpy(bunch.images[split.ids])
        ).abs().max() < 0.5 * 16 / 255 + 1e-9
    assert digits.train.images.max() == 255


def test_classes_are_evenly_split(digits: ImageDataset):
    """Each class has a fifth of its examples in the test split."""
    assert digits.train.labels is not None
    assert digits.test.labels is not None
    train, test = digits.train.labels.bincount(), digits.test.labels.bincount()
    assert (test / (train + test) - 0.2).abs().max() < 0.01


def test_the_split_never_changes(digits: ImageDataset):
    """Models in the repository were trained on this split."""
    assert digits.test.ids[:8].tolist() == [21, 24, 28, 34, 35, 37, 39, 42]
