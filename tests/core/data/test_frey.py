"""Frey Face: parsing of the MATLAB file, and errors for other files."""

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core import data
from vae_core.data import ImageDataset, frey
from vae_core.errors import DatasetError

SHAPE = (560, 1965)
FACES = (np.arange(560)[:, None] + np.arange(1965)[None]).astype(np.uint8)


def matlab(compress: bool = False, **variables: np.ndarray) -> bytes:
    """Write a MATLAB 5 file."""
    stream = io.BytesIO()
    scipy.io.savemat(stream, variables, do_compression=compress)
    return stream.getvalue()


SOUND = matlab(ff=FACES)


@pytest.mark.parametrize("compress", [False, True])
def test_values_are_those_that_scipy_reads(compress: bool):
    """An independent reader finds the same faces, in a compressed file too."""
    packed = matlab(compress=compress, other=np.zeros((3, 3)), ff=FACES)
    reference = scipy.io.loadmat(io.BytesIO(packed))["ff"].T.reshape(1965, 28, 20)
    assert (frey.parse(packed, name="file").numpy() == reference).all()


def test_a_column_is_a_face_row_by_row():
    """Pixel (y, x) of face i is element 20 y + x of column i."""
    images = frey.parse(SOUND, name="file")
    assert images.shape == (1965, 28, 20)
    assert images[7, 3, 5].item() == FACES[20 * 3 + 5, 7]


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        pytest.param(b"", "no complete MATLAB", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n" * 40, "no complete MATLAB", id="foreign"),
        pytest.param(SOUND[:200_000], "no complete MATLAB", id="truncated"),
        pytest.param(matlab(gg=FACES), "'gg', uint8, 560 × 1965", id="other variable"),
        pytest.param(matlab(ff=FACES.T), "'ff', uint8, 1965 × 560", id="transposed"),
        pytest.param(matlab(ff=FACES.astype(float)), "'ff', another type", id="other type"),
        pytest.param(matlab(), "no variable", id="nothing"),
        pytest.param(
            matlab(compress=True, ff=np.zeros((6000, 6000), np.uint8)), "is cut off", id="bomb"
        ),
    ],
)
def test_anything_else_is_refused(packed: bytes, found: str):
    """The sentence names the file, what was found and what was expected."""
    with pytest.raises(DatasetError, match=rf"(?s)my-file: found .*{found}.*expected.*560 × 1965"):
        frey.parse(packed, name="my-file")


@settings(max_examples=300)
@given(st.integers(0, 300), st.integers(1, 255))
def test_a_changed_byte_of_the_header_never_crashes(position: int, change: int):
    """Either the file is refused, or it still holds faces of the right shape."""
    packed = bytearray(SOUND)
    packed[position] ^= change
    try:
        images = frey.parse(bytes(packed), name="file")
    except DatasetError:
        return
    assert images.shape == (1965, 28, 20)


@given(st.binary(max_size=300))
def test_any_bytes_after_the_header_are_refused(content: bytes):
    """No content crashes the parser."""
    with pytest.raises(DatasetError):
        frey.parse(SOUND[:128] + content, name="file")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder with a sound file."""
    (tmp_path / "frey-face").mkdir()
    (tmp_path / frey.FILE).write_bytes(SOUND)
    return tmp_path


def test_the_three_splits_share_no_face(folder: Path):
    """1,565 + 200 + 200 faces, each in one split, with the picture of its id."""
    dataset = data.load_dataset("frey-face", data_dir=folder)
    assert dataset.image_shape == (1, 28, 20)
    assert dataset.classes == ()
    assert dataset.validation is not None
    splits = (dataset.train, dataset.validation, dataset.test)
    assert [len(split) for split in splits] == [1565, 200, 200]
    ids = torch.cat([split.ids for split in splits])
    assert ids.sort().values.equal(torch.arange(1965))
    for split in splits:
        assert split.labels is None
        assert split.images[:, 0, 0, 0].tolist() == (split.ids % 256).tolist()


def test_the_split_never_changes(folder: Path):
    """Figures in the repository were measured on this split."""
    dataset = data.load_dataset("frey-face", data_dir=folder)
    assert dataset.test.ids[:8].tolist() == [5, 22, 27, 39, 62, 70, 84, 98]


def test_a_far_larger_file_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The size is checked first."""
    monkeypatch.setattr(frey, "MAX_BYTES", 1000)
    with pytest.raises(DatasetError, match="expected at most 1,000"):
        data.load_dataset("frey-face", data_dir=folder)


@pytest.mark.frey
def test_frey_face_is_the_original(frey: ImageDataset):
    """The file's checksum, and a face that follows the one before it as film frames do."""
    assert frey.checksums == {"frey_rawface.mat": "5aeb024d42b8a6091f30e5eb18c8a48d"}
    faces = torch.empty(1965, 560)
    assert frey.validation is not None
    for split in (frey.train, frey.validation, frey.test):
        faces[split.ids] = split.images.flatten(1).float()
    step = (faces[1:] - faces[:-1]).abs().mean()
    apart = (faces[500:] - faces[:-500]).abs().mean()
    assert step < 0.5 * apart
    # Rows of a face are alike, as they would not be if width and height were exchanged.
    images = faces.view(-1, 28, 20)
    wrong = faces.view(-1, 20, 28)
    assert (images[:, 1:] - images[:, :-1]).abs().mean() < 0.7 * (
        wrong[:, 1:] - wrong[:, :-1]
    ).abs().mean()
