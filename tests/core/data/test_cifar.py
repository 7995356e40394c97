"""CIFAR-10: records in the official binary layout, complete or an excerpt."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_core import data
from vae_core.data import ImageDataset, cifar
from vae_core.errors import DatasetError


def records(count: int, label: int = 3) -> bytes:
    """Return records whose red, green and blue are 10, 20 and 30."""
    planes = np.repeat(np.array([10, 20, 30], dtype=np.uint8), 1024).tobytes()
    return (bytes([label]) + planes) * count


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder with an excerpt of 4 records in each file."""
    batches = tmp_path / "cifar-10" / cifar.FOLDER
    batches.mkdir(parents=True)
    for number, file in enumerate((*cifar.TRAIN_FILES, cifar.TEST_FILE)):
        (batches / file).write_bytes(records(4, label=number))
    return tmp_path


def test_an_excerpt_is_read(folder: Path):
    """Planes become channels; ids are those of the complete set."""
    dataset = data.load_dataset("cifar-10", data_dir=folder)
    assert dataset.image_shape == (3, 32, 32)
    assert dataset.train.images[0, :, 5, 6].tolist() == [10, 20, 30]
    assert dataset.train.labels is not None
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4
    assert dataset.train.ids[:6].tolist() == [0, 1, 2, 3, 10_000, 10_001]
    assert dataset.train.ids.unique().numel() == 20
    assert len(dataset.classes) == 10


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", "0 bytes", id="empty"),
        pytest.param(records(4)[:-1], "12,291 bytes", id="truncated"),
        pytest.param(records(4) + b"\0", "12,293 bytes", id="too long"),
        pytest.param((b"\0" + records(1)) * 4, "12,296 bytes", id="two label bytes (CIFAR-100)"),
        pytest.param(records(4, label=10), "label 10 in record 0", id="label"),
        pytest.param(records(3), "3 records", id="truncated between records"),
    ],
)
def test_anything_else_is_refused(folder: Path, content: bytes, found: str):
    """The sentence names the file, what was found and what was expected."""
    (folder / "cifar-10" / cifar.FOLDER / "data_batch_2.bin").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"data_batch_2\.bin: found .*{found}.*expected"):
        data.load_dataset("cifar-10", data_dir=folder)


def test_more_than_10000_records_are_refused_unread(folder: Path):
    """A file may be as long as the original and no longer."""
    path = folder / "cifar-10" / cifar.FOLDER / "test_batch.bin"
    with path.open("wb") as file:
        file.truncate(10_001 * cifar.RECORD)
    with pytest.raises(DatasetError, match="1 to 10,000 records"):
        data.load_dataset("cifar-10", data_dir=folder)


@given(st.binary(max_size=7000))
def test_any_bytes_are_records_or_refused(content: bytes):
    """No content crashes the parser."""
    try:
        split = cifar.parse(content, name="file")
    except DatasetError:
        return
    assert len(split) * cifar.RECORD == len(content)


@pytest.mark.cifar
def test_cifar_is_in_colour_and_balanced(cifar: ImageDataset):
    """All ten classes occur; skies and ships are bluer than deer and frogs."""
    assert cifar.test.labels is not None
    counts = cifar.test.labels.bincount(minlength=10)
    assert (counts > 0.05 * len(cifar.test)).all()
    blueness = (cifar.test.images[:, 2].float() - cifar.test.images[:, 0].float()).mean((1, 2))
    by_class = [blueness[cifar.test.labels == label].mean().item() for label in range(10)]
    assert min(by_class[0], by_class[8]) > max(by_class[4], by_class[6])
