"""CIFAR-10: 32 × 32 colour photographs in ten classes (www.cs.toronto.edu/~kriz/cifar.html).

The binary version has six files of 10,000 records: one label byte, then 3,072 bytes, the red,
green and blue planes row by row. Excerpts with fewer records in each file can be read too.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import RemoteFile, Source, md5, read_file
from vae_core.errors import DatasetError

FOLDER = "cifar-10-batches-bin"
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
RECORDS = 10_000  # in each file of the complete set
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def load(root: Path) -> ImageDataset:
    """Read the six files; all must hold the same number of records, as the original's do.

    The id of a training example is 10,000 times the index of its file plus its row in the file, in
    an excerpt too. Training and test files have the same layout, so exchanged files are not
    detected.
    """
    checksums: dict[str, str] = {}

    def read(file: str, first_id: int) -> Split:
        path = root / "cifar-10" / FOLDER / file
        content = read_file(path, partial(_check_size, name=str(path)))
        checksums[file] = md5(content)
        return parse(content, first_id=first_id, name=str(path))

    batches = [read(file, RECORDS * position) for position, file in enumerate(TRAIN_FILES)]
    test = read(TEST_FILE, 0)
    for file, batch in zip(TRAIN_FILES, batches, strict=True):
        if len(batch) != len(test):
            raise DatasetError(
                f"{root / 'cifar-10' / FOLDER / file}: found {len(batch):,} records, "
                f"expected {len(test):,}, as many as {TEST_FILE} holds."
            )
    return ImageDataset(
        name="cifar-10",
        title="CIFAR-10",
        train=Split(
            images=torch.cat([batch.images for batch in batches]),
            labels=torch.cat([batch.labels for batch in batches if batch.labels is not None]),
            ids=torch.cat([batch.ids for batch in batches]),
        ),
        test=test,
        classes=CLASSES,
        checksums=checksums,
    )


def parse(content: bytes, *, first_id: int = 0, name: str) -> Split:
    """Parse the records of a file; ``first_id`` is the id of the first.

    Raises
    ------
    DatasetError
        If the length is not that of 1 to 10,000 records, or a label is not 0 to 9.
    """
    _check_size(len(content), name=name)
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)
    labels = records[:, 0]
    if labels.max() >= len(CLASSES):
        row = int(labels.argmax())
        raise DatasetError(
            f"{name}: found the label {labels[row]} in record {row:,}, "
            f"expected labels from 0 to {len(CLASSES) - 1}."
        )
    return Split(
        images=torch.from_numpy(records[:, 1:].copy()).view(-1, *SHAPE),
        labels=torch.from_numpy(labels.astype(np.int64)),
        ids=torch.arange(first_id, first_id + len(records)),
    )


def _check_size(size: int, *, name: str) -> None:
    if size == 0 or size % RECORD or size > RECORDS * RECORD:
        raise DatasetError(
            f"{name}: found {size:,} bytes, expected 1 to {RECORDS:,} records of {RECORD:,} bytes."
        )


CIFAR_10 = Source(
    name="cifar-10",
    title="CIFAR-10",
    load=load,
    home="https://www.cs.toronto.edu/~kriz/cifar.html",
    licence="none stated; cite Krizhevsky (2009)",
    files=(
        RemoteFile(
            path="cifar-10/cifar-10-binary.tar.gz",
            url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            md5="c32a1d4ab5d03f1284b67883e8d87530",
            size=170_052_171,
            members={f"{FOLDER}/{file}": RECORDS * RECORD for file in (*TRAIN_FILES, TEST_FILE)},
        ),
    ),
)
