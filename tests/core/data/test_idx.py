"""IDX files: parsing of the original files, and errors for others."""

import gzip
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_core import data
from vae_core.data import ImageDataset, idx
from vae_core.errors import DatasetError

SHAPE = (6, 4, 3)
VALUES = bytes(range(72))


def packed_idx(shape: tuple[int, ...], values: bytes, *, type_code: int = 8) -> bytes:
    """Write a gzipped IDX file."""
    header = struct.pack(f">HBB{len(shape)}I", 0, type_code, len(shape), *shape)
    return gzip.compress(header + values, mtime=0)


def test_values_come_out_in_order():
    """The last dimension is the fastest."""
    parsed = idx.parse(packed_idx(SHAPE, VALUES), SHAPE, name="file")
    assert parsed.dtype == torch.uint8
    assert parsed.equal(torch.arange(72, dtype=torch.uint8).view(SHAPE))


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        pytest.param(b"", "0 bytes", id="empty file"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "complete gzip", id="not gzip"),
        pytest.param(packed_idx(SHAPE, VALUES)[:-20], "complete gzip", id="truncated gzip"),
        pytest.param(packed_idx(SHAPE, VALUES) + b"junk", "complete gzip", id="junk after gzip"),
        pytest.param(gzip.compress(b""), "0 bytes", id="empty content"),
        pytest.param(gzip.compress(b"\0\0\x08\x03\0\0"), "header of 6 bytes", id="half a header"),
        pytest.param(gzip.compress(b"hello, world"), "no IDX data", id="foreign content"),
        pytest.param(packed_idx((6,), b"\0" * 6), "labels.*2049", id="labels for images"),
        pytest.param(packed_idx((5, 4, 3), VALUES[:60]), "5 images of 4 × 3", id="other count"),
        pytest.param(packed_idx((6, 3, 4), VALUES), "6 images of 3 × 4", id="other size"),
        pytest.param(packed_idx(SHAPE, VALUES[:-1]), "only 87", id="one value too few"),
        pytest.param(packed_idx(SHAPE, VALUES + b"\0"), "found more", id="one value too many"),
        pytest.param(packed_idx(SHAPE, VALUES, type_code=13), "no IDX data", id="floats"),
    ],
)
def test_anything_else_is_refused(packed: bytes, found: str):
    """The sentence names the file, what was found and what was expected."""
    with pytest.raises(DatasetError, match=rf"my-file.*{found}.*expected.*6 images of 4 × 3"):
        idx.parse(packed, SHAPE, name="my-file")


def test_file_that_unpacks_to_far_too_much_costs_no_memory():
    """A gzip bomb is read up to one byte more than there should be."""
    bomb = gzip.compress(packed_header(SHAPE) + bytes(200 * 2**20), compresslevel=1)
    with pytest.raises(DatasetError, match="found more"):
        idx.parse(bomb, SHAPE, name="bomb")


def packed_header(shape: tuple[int, ...]) -> bytes:
    """Return an IDX header, not packed."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_of_the_gzip_file_never_changes_the_values(position: int, change: int):
    """Either the checksum notices, or the byte was none of the content (a date, say)."""
    packed = bytearray(packed_idx(SHAPE, VALUES))
    packed[position % len(packed)] ^= change
    try:
        parsed = idx.parse(bytes(packed), SHAPE, name="file")
    except DatasetError:
        return
    assert parsed.flatten().tolist() == list(VALUES)


@given(st.integers(0, 15), st.integers(1, 255))
def test_a_changed_byte_of_the_header_is_refused(position: int, change: int):
    """Magic number and every dimension are checked."""
    content = bytearray(packed_header(SHAPE) + VALUES)
    content[position] ^= change
    with pytest.raises(DatasetError, match="file: found"):
        idx.parse(gzip.compress(bytes(content)), SHAPE, name="file")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes):
    """No content that is too short crashes the parser, packed or not."""
    for packed in (content, gzip.compress(content)):
        with pytest.raises(DatasetError):
            idx.parse(packed, (1000, 28, 28), name="file")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with four sound files of 6 and 5 images."""
    monkeypatch.setattr(idx, "COUNTS", {"train": 6, "t10k": 5})
    folder = tmp_path / "mnist"
    folder.mkdir()
    for prefix, count in idx.COUNTS.items():
        images = packed_idx((count, 28, 28), bytes(count * 784))
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(images)
        labels = packed_idx((count,), bytes(range(count)))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(labels)
    return tmp_path


def test_four_files_make_a_dataset(small: Path):
    """Images get a channel, labels become int64, ids are rows of the file."""
    dataset = data.load_dataset("mnist", data_dir=small)
    assert dataset.image_shape == (1, 28, 28)
    assert dataset.train.images.shape == (6, 1, 28, 28)
    assert dataset.test.labels is not None
    assert dataset.test.labels.tolist() == [0, 1, 2, 3, 4]
    assert dataset.test.ids.tolist() == [0, 1, 2, 3, 4]
    assert len(dataset.checksums) == 4


@pytest.mark.parametrize("separator", ["-", "."])
def test_files_already_unzipped_are_read(small: Path, separator: str):
    """Under the names that unpacking and other sites give; the values are the same."""
    packed = data.load_dataset("mnist", data_dir=small)
    for path in sorted((small / "mnist").iterdir()):
        name = path.name.removesuffix(".gz").replace("-idx", f"{separator}idx")
        path.with_name(name).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert next(one.present for one in data.available(small) if one.name == "mnist")
    read = data.load_dataset("mnist", data_dir=small)
    assert read.train.images.equal(packed.train.images)
    assert read.test.labels is not None
    assert packed.test.labels is not None
    assert read.test.labels.equal(packed.test.labels)
    labels = small / "mnist" / f"train-labels{separator}idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(DatasetError, match=r"train-labels.*only 13 bytes.*expected"):
        data.load_dataset("mnist", data_dir=small)
    labels.unlink()
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte\.gz is missing"):
        data.load_dataset("mnist", data_dir=small)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
        ("train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    ],
)
def test_exchanged_files_are_noticed(small: Path, one: str, other: str):
    """Images for labels, or test for training files: the first of them is named."""
    first, second = small / "mnist" / one, small / "mnist" / other
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    with pytest.raises(DatasetError, match=rf"{one}: found .*, expected"):
        data.load_dataset("mnist", data_dir=small)


def test_label_beyond_nine_is_refused(small: Path):
    """A label must be one of ten."""
    path = small / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(packed_idx((5,), bytes([0, 1, 2, 10, 4])))
    with pytest.raises(DatasetError, match=r"t10k-labels.*found the label 10.*0 to 9"):
        data.load_dataset("mnist", data_dir=small)


@pytest.mark.mnist
def test_mnist_is_the_original(mnist: ImageDataset):
    """Counts, known first labels, known mean intensity, the original files' checksums."""
    assert (len(mnist.train), len(mnist.test)) == (60_000, 10_000)
    assert mnist.train.labels is not None
    assert mnist.test.labels is not None
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.float().mean().item() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert mnist.checksums == {
        file.path.removeprefix("mnist/"): file.md5 for file in idx.MNIST.files
    }
