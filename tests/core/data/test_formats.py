"""Other people's files: arrays, IDX, CSV and Parquet as their libraries write them."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from vae_core import data
from vae_core.data import ImageDataset, arrays, preparing
from vae_core.data.collection import EncodedPictures
from vae_core.errors import DatasetError

N = 40
GREY = np.random.default_rng(7).integers(0, 256, (N, 12, 10), dtype=np.uint8)
#: Smooth pictures in colour, so that the order of their values can be told.
RAMP = np.linspace(0, 200, 16)[:, None] + np.linspace(0, 50, 16)
COLOUR = np.stack([RAMP / (1 + k) + 3 * i for i in range(N) for k in (0, 1, 4)])
COLOUR = COLOUR.reshape(N, 3, 16, 16).clip(0, 255).astype(np.uint8)
LABELS = np.arange(N) % 4


def everything(dataset: ImageDataset) -> tuple[np.ndarray, np.ndarray | None]:
    """Return all pictures and labels in the order of their ids."""
    ids = torch.cat([dataset.train.ids, dataset.test.ids])
    order = ids.argsort()
    pixels = torch.cat([dataset.train.images, dataset.test.images])[order].numpy()
    if dataset.train.labels is None or dataset.test.labels is None:
        return pixels, None
    return pixels, torch.cat([dataset.train.labels, dataset.test.labels])[order].numpy()


def png(picture: np.ndarray) -> bytes:
    """Return a PNG file of a picture."""
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def idx(values: np.ndarray) -> bytes:
    """Return an array as an IDX file."""
    codes = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
    code = codes[values.dtype.str[1:]]
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, code, values.ndim, *values.shape)
    return head + values.astype(values.dtype.newbyteorder(">")).tobytes()


# Arrays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (lambda: GREY, GREY[:, None]),
        (lambda: GREY[..., None], GREY[:, None]),
        (lambda: GREY[:, None], GREY[:, None]),
        (lambda: COLOUR, COLOUR),
        (lambda: COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (lambda: COLOUR[:, 0].reshape(N, -1), COLOUR[:, :1]),
        (lambda: COLOUR.reshape(N, -1), COLOUR),
        (lambda: COLOUR.transpose(0, 2, 3, 1).reshape(N, -1), COLOUR),
        (lambda: np.dstack([COLOUR.transpose(0, 2, 3, 1)] * 1), COLOUR),
        (lambda: torch.from_numpy(COLOUR), COLOUR),
    ],
    ids=["nhw", "nhw1", "n1hw", "nchw", "nhwc", "rows", "rows of planes", "rows of pixels",
         "copy", "tensor"],
)  # fmt: skip
def test_axes_of_arrays_are_found(tmp_path: Path, layout: Callable[[], Any], expected: np.ndarray):
    """In memory, as ``.npy`` and as ``.npz``, whatever order the axes have."""
    values = layout()
    assert np.array_equal(everything(data.load_dataset(values))[0], expected)
    values = np.asarray(values)
    np.save(tmp_path / "one.npy", values)
    np.savez_compressed(tmp_path / "two.npz", images=values, labels=LABELS)
    assert np.array_equal(everything(data.load_dataset(tmp_path / "one.npy"))[0], expected)
    pixels, labels = everything(data.load_dataset(tmp_path / "two.npz"))
    assert np.array_equal(pixels, expected)
    assert np.array_equal(labels, LABELS)


def test_labels_of_arrays_are_classes():
    """Numbers with gaps, and words; their sorted values are the names."""
    dataset = data.load_dataset(GREY, labels=LABELS * 10 + 5)
    assert dataset.classes == ("5", "15", "25", "35")
    assert np.array_equal(everything(dataset)[1], LABELS)
    words = np.array(["cat", "ant", "dog", "bee"])[LABELS]
    assert data.load_dataset(GREY, labels=words).classes == ("ant", "bee", "cat", "dog")


def test_a_given_split_of_an_archive_is_kept(tmp_path: Path):
    """As Keras writes mnist.npz, and with the names the other way round."""
    for names in (("x_train", "y_train", "x_test", "y_test"),
                  ("train_images", "train_labels", "test_images", "test_labels")):  # fmt: skip
        values = (GREY[:30], LABELS[:30], GREY[30:], LABELS[30:])
        np.savez(tmp_path / "mine.npz", **dict(zip(names, values, strict=True)))
        dataset = data.load_dataset(tmp_path / "mine.npz")
        assert np.array_equal(dataset.train.images.numpy()[:, 0], GREY[:30])
        assert np.array_equal(dataset.test.images.numpy()[:, 0], GREY[30:])
        assert dataset.test.labels is not None
        assert np.array_equal(dataset.test.labels.numpy(), LABELS[30:])


def test_what_is_not_certain_is_requested(tmp_path: Path):
    """Two arrays that could be pictures or labels; a shape with channels on both sides."""
    np.savez(tmp_path / "two.npz", a=GREY, b=GREY[:, ::-1], one=LABELS, two=LABELS[::-1])
    with pytest.raises(DatasetError, match=r"which array holds the pictures.*a \(40, 12, 10\)"):
        data.load_dataset(tmp_path / "two.npz")
    with pytest.raises(DatasetError, match="which array holds the labels"):
        data.load_dataset(tmp_path / "two.npz", pictures="b")
    dataset = data.load_dataset(tmp_path / "two.npz", pictures="b", labels="two")
    assert np.array_equal(everything(dataset)[1], LABELS[::-1])
    noise = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 3), dtype=np.uint8)
    with pytest.raises(DatasetError, match=r"\(20, 3, 8, 3\).*which axis is the channels"):
        data.load_dataset(noise)
    assert data.load_dataset(noise, image_shape=(3, 8, 3)).image_shape == (3, 8, 3)
    with pytest.raises(DatasetError, match=r"rows of 1,000 values.*no square"):
        data.load_dataset(np.zeros((20, 1000)))
    assert data.load_dataset(np.ones((20, 1000)), image_shape=(1, 20, 50)).image_shape == (
        1,
        20,
        50,
    )


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        (GREY / 255, GREY, "0 to 1"),
        (GREY / np.float32(255), GREY, "0 to 1"),
        (GREY / 127.5 - 1, GREY, "-1 to 1"),
        (GREY.astype(np.float64), GREY, None),
        (GREY.astype(np.int64), GREY, None),
        (GREY.astype(np.uint16) * 4, GREY, "10 bits"),
        (GREY.astype(np.uint16) * 257, GREY, "16 bits"),
        (GREY > 127, np.where(GREY > 127, 255, 0), "black and white"),
        ((GREY > 127).astype(np.uint8), np.where(GREY > 127, 255, 0), "black and white"),
        (GREY.astype(np.int16) - 300, GREY, "the smallest and the largest"),
    ],
    ids=["unit", "float32", "signed unit", "float 255", "int64", "10 bits", "16 bits", "bool",
         "0 and 1", "negative"],
)  # fmt: skip
def test_a_dataset_has_one_range_which_is_said(
    values: np.ndarray, expected: np.ndarray, said: str | None
):
    """Taken from the type or the extremes of all pictures, never of each."""
    values = values.copy()
    dataset = data.load_dataset(values)
    found = everything(dataset)[0][:, 0].astype(int)
    assert np.abs(found - expected).max() <= 1
    assert any("become 0 to 255" in note for note in dataset.notes) == (said is not None)
    assert said is None or said in " ".join(dataset.notes)


def test_constant_pictures_stay_finite():
    """A single value has no range; what is not a number is black."""
    dataset = data.load_dataset(np.full((10, 6, 6), 1e9))
    assert (everything(dataset)[0] == 0).all()
    values = np.zeros((10, 6, 6))
    values[0, 0] = np.nan
    values[1] = 1
    assert everything(data.load_dataset(values))[0][0].max() == 0


@pytest.mark.parametrize("values", [np.array(["a"] * 10), np.zeros((4, 2, 2), complex)])
def test_arrays_of_other_things_are_refused(values: np.ndarray):
    """Text and complex numbers are no pictures."""
    with pytest.raises(DatasetError, match="holds values of type"):
        data.load_dataset(values)


def test_objects_are_never_unpickled(tmp_path: Path):
    """Neither from .npy nor from .npz."""
    objects = np.array([{"a": 1}, None], dtype=object)
    np.save(tmp_path / "one.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "two.npz", images=objects)
    for name in ("one.npy", "two.npz"):
        with pytest.raises(DatasetError, match="Python objects"):
            data.load_dataset(tmp_path / name)


def test_promises_of_an_archive_are_checked_first(tmp_path: Path):
    """A header that promises terabytes takes no memory."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 2000, 2000)}
    )
    (tmp_path / "one.npy").write_bytes(stream.getvalue())
    with zipfile.ZipFile(tmp_path / "two.npz", "w") as archive:
        archive.writestr("images.npy", stream.getvalue())
    with pytest.raises(DatasetError, match="cannot be read"):
        data.load_dataset(tmp_path / "one.npy")
    with pytest.raises(DatasetError, match="takes 3,725 GB"):
        data.load_dataset(tmp_path / "two.npz")


# IDX ---------------------------------------------------------------------------------------------


def test_idx_pairs_of_any_size(tmp_path: Path):
    """A folder as KMNIST's: gzipped, with a split; and one file alone."""
    for prefix, part in (("train", slice(0, 30)), ("t10k", slice(30, N))):
        images, labels = idx(GREY[part]), idx(LABELS[part].astype(np.uint8))
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    dataset = data.load_dataset(tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (30, 10)
    assert np.array_equal(dataset.test.images.numpy()[:, 0], GREY[30:])
    assert np.array_equal(everything(dataset)[1], LABELS)
    alone = data.load_dataset(tmp_path / "t10k-images-idx3-ubyte.gz")
    assert np.array_equal(everything(alone)[0][:, 0], GREY[30:])
    assert np.array_equal(everything(alone)[1], LABELS[30:])


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4", "f8"])
def test_every_type_of_idx_is_read(tmp_path: Path, dtype: str):
    """Whole numbers and floating point, big-endian."""
    (tmp_path / "x-images.idx3").write_bytes(idx(GREY.astype(dtype)))
    assert np.array_equal(everything(data.load_dataset(tmp_path / "x-images.idx3"))[0][:, 0], GREY)


def test_qmnists_columns_are_read(tmp_path: Path):
    """32-bit labels in eight columns, of which the first is the class."""
    table = np.stack([LABELS, *(np.arange(N) + k for k in range(7))], axis=1).astype(np.int32)
    (tmp_path / "qmnist-test-images-idx3-ubyte").write_bytes(idx(GREY))
    (tmp_path / "qmnist-test-labels-idx2-int").write_bytes(idx(table))
    dataset = data.load_dataset(tmp_path / "qmnist-test-images-idx3-ubyte")
    assert np.array_equal(everything(dataset)[1], LABELS)
    assert list(dataset.train.columns) == [
        "series", "writer", "example", "global class", "global example", "duplicate", "reserved",
    ]  # fmt: skip
    assert np.array_equal(dataset.train.columns["writer"], dataset.train.ids.numpy() + 1)


def test_emnist_is_recognised_and_turned(tmp_path: Path):
    """Its files hold rows and columns exchanged; nothing is turned unasked."""
    path = tmp_path / "emnist-letters-train-images-idx3-ubyte"
    path.write_bytes(idx(GREY))
    dataset = data.load_dataset(path)
    assert "transpose" in " ".join(dataset.notes)
    assert np.array_equal(everything(dataset)[0][:, 0], GREY)
    turned = data.load_dataset(path, transpose=True)
    assert turned.image_shape == (1, 10, 12)
    assert np.array_equal(everything(turned)[0][:, 0], GREY.swapaxes(1, 2))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\x08\x03" + struct.pack(">3I", 10**6, 10**4, 10**4), "promises 93,132 GB"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 10, 4, 4) + bytes(20), "only 20 bytes"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2, 2, 2) + bytes(9), "more bytes"),
        (b"\0\0\x08\x03\0\0", "cut off"),
        (b"\0\0\x08\x02" + struct.pack(">2I", 2, 2) + bytes(4), "2 dimensions"),
    ],
    ids=["terabytes", "short", "long", "cut", "flat"],
)
def test_damaged_idx_is_refused(tmp_path: Path, content: bytes, said: str):
    """The sentence says what was promised."""
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        data.load_dataset(tmp_path / "x")


# CSV ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("labelled", [True, False])
def test_rows_of_pixels(tmp_path: Path, header: bool, labelled: bool):
    """Kaggle's layout, with and without names and labels."""
    square = GREY[:, :10]
    rows = [[*([LABELS[i]] if labelled else []), *square[i].reshape(-1)] for i in range(N)]
    names = [*(["label"] if labelled else []), *(f"pixel{k}" for k in range(100))]
    lines = [",".join(map(str, row)) for row in ([names] if header else []) + rows]
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    dataset = data.load_dataset(tmp_path / "train.csv")
    pixels, labels = everything(dataset)
    assert np.array_equal(pixels[:, 0], square)
    assert np.array_equal(labels, LABELS) if labelled else labels is None


def test_rows_of_paths_and_columns(tmp_path: Path):
    """Pictures by their paths, relative to the table; other columns stay with them."""
    (tmp_path / "pictures").mkdir()
    for i in range(N):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(png(GREY[i]))
    rows = [f"pictures\\{i}.png,{'ab'[i % 2]},{i * 0.5},writer {i % 3}" for i in range(N)]
    (tmp_path / "all.csv").write_text("\n".join(["file_name,label,slant,writer", *rows]))
    dataset = data.load_dataset(tmp_path / "all.csv")
    assert np.array_equal(everything(dataset)[0][:, 0], GREY)
    assert dataset.classes == ("a", "b")
    train = dataset.train
    assert np.array_equal(train.columns["slant"], train.ids.numpy() * 0.5)
    assert train.columns["writer"].tolist() == [f"writer {i % 3}" for i in train.ids.tolist()]
    assert set(dataset.train.take(torch.tensor([3, 1])).columns) == {"slant", "writer"}


def test_a_table_beside_pictures(tmp_path: Path):
    """Hugging Face's metadata.csv, or labels.csv: by path or by name, with what is missing said."""
    for i in range(N):
        (tmp_path / f"{i:02}.png").write_bytes(png(GREY[i]))
    rows = [f"{i:02}.png,{'xyz'[i % 3]},{i}" for i in range(N - 2)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label,age", *rows]))
    dataset = data.load_dataset(tmp_path)
    assert dataset.classes == ("", "x", "y", "z")
    assert "2 pictures have no row in" in " ".join(dataset.notes)
    known = dataset.train.ids < N - 2
    assert np.array_equal(dataset.train.columns["age"][known], dataset.train.ids[known])


def test_a_path_that_leads_out_is_refused(tmp_path: Path):
    """A table may name no file outside its folder."""
    (tmp_path / "x.csv").write_text("path\n../a.png\n/etc/hostname\n")
    with pytest.raises(DatasetError, match="leads out of the folder"):
        data.load_dataset(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty first line"),
        (b"\xff\xfe\x00", "not text"),
        (b"a,b\n1,2\n1,2\n", "no square"),
        (b"label,pixel0\n1,2,3\n", "cannot be read as a CSV"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, content: bytes, said: str):
    """In a sentence."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        data.load_dataset(tmp_path / "x.csv")


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first line is read to a limit, and so is every other."""
    monkeypatch.setattr("vae_core.data.table.MAX_LINE", 1000)
    (tmp_path / "x.csv").write_bytes(b"1," * 1000)
    with pytest.raises(DatasetError, match="first line has more than 1,000 bytes"):
        data.load_dataset(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_bytes(b"label,pixel0\n" + b"1," * 5000)
    with pytest.raises(DatasetError, match="cannot be read as a CSV"):
        data.load_dataset(tmp_path / "y.csv")


# Parquet -----------------------------------------------------------------------------------------


def as_hugging_face(part: slice) -> pa.Table:
    """Return a table as the library ``datasets`` writes it."""
    struct_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pictures = [{"bytes": png(one), "path": f"{i}.png"} for i, one in enumerate(GREY[part])]
    features = {"label": {"names": ["zero", "one", "two", "three"], "_type": "ClassLabel"}}
    table = pa.table(
        {
            "image": pa.array(pictures, struct_type),
            "label": pa.array(LABELS[part], pa.int64()),
            "age": pa.array(np.arange(N)[part] / 2),
        }
    )
    return table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )


def test_hugging_faces_layout(tmp_path: Path):
    """Shards with a split, in groups of rows; names of classes from the metadata."""
    pq.write_table(as_hugging_face(slice(0, 20)), tmp_path / "train-00000-of-00002.parquet",
                   row_group_size=7)  # fmt: skip
    pq.write_table(as_hugging_face(slice(20, 30)), tmp_path / "train-00001-of-00002.parquet")
    pq.write_table(as_hugging_face(slice(30, N)), tmp_path / "test-00000-of-00001.parquet")
    dataset = data.load_dataset(tmp_path)
    assert dataset.classes == ("zero", "one", "two", "three")
    assert np.array_equal(dataset.train.images.numpy()[:, 0], GREY[:30])
    assert np.array_equal(dataset.test.images.numpy()[:, 0], GREY[30:])
    assert dataset.train.labels is not None
    assert np.array_equal(dataset.train.labels.numpy(), LABELS[:30])
    assert np.array_equal(dataset.train.columns["age"], np.arange(30) / 2)


@pytest.mark.parametrize("nested", [True, False])
def test_lists_of_pixels(tmp_path: Path, nested: bool):
    """Rows of lists, or one flat list a picture."""
    square = GREY[:, :10]
    values = square.tolist() if nested else square.reshape(N, -1).tolist()
    pq.write_table(pa.table({"pixels": values, "label": LABELS}), tmp_path / "x.parquet")
    pixels, labels = everything(data.load_dataset(tmp_path / "x.parquet"))
    assert np.array_equal(pixels[:, 0], square)
    assert np.array_equal(labels, LABELS)


def test_other_parquet_is_refused(tmp_path: Path):
    """Damaged files, and tables without pictures."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        data.load_dataset(tmp_path / "x.parquet")
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "y.parquet")
    with pytest.raises(DatasetError, match=r"no column could hold pictures: a \(int64\)"):
        data.load_dataset(tmp_path / "y.parquet")
    pq.write_table(pa.table({"pixels": [[1, 2], [1]]}), tmp_path / "z.parquet")
    with pytest.raises(DatasetError, match="different lengths"):
        data.load_dataset(tmp_path / "z.parquet")


# Folders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "Testing"), ("train", "val")])
def test_folders_of_a_split_are_no_classes(tmp_path: Path, names: tuple[str, str]):
    """Classes lie below them, and the split is kept."""
    for i in range(N):
        folder = tmp_path / names[int(i % 4 == 0)] / "xyz"[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(png(GREY[i]))
    dataset = data.load_dataset(tmp_path)
    assert dataset.classes == ("x", "y", "z")
    assert (len(dataset.train), len(dataset.test)) == (30, 10)


def test_a_validation_split_is_kept(tmp_path: Path):
    """Three folders are three parts."""
    for i in range(N):
        folder = tmp_path / ("train", "val", "test")[i % 3]
        folder.mkdir(exist_ok=True)
        (folder / f"{i}.png").write_bytes(png(GREY[i]))
    dataset = data.load_dataset(tmp_path)
    assert dataset.classes == ()
    assert dataset.validation is not None
    assert [len(one) for one in (dataset.train, dataset.validation, dataset.test)] == [14, 13, 13]


def test_backslashes_in_a_zip_are_folders(tmp_path: Path):
    """As PowerShell 5 writes them."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for i in range(12):
            info = zipfile.ZipInfo("x")
            info.filename = f"mine\\{'ab'[i % 2]}\\{i}.png"
            archive.writestr(info, png(GREY[i]))
    assert data.load_dataset(tmp_path / "x.zip").classes == ("a", "b")


# What is kept ------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every dataset in a file; return the folder of a Parquet dataset."""
    monkeypatch.setenv("VAE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(preparing, "KEPT_FROM", 0)
    monkeypatch.setattr(preparing, "CHUNK", 8)
    monkeypatch.setattr(preparing, "SAVED_EVERY", 1)
    (tmp_path / "mine").mkdir()
    for i in range(N):
        (tmp_path / "mine" / f"{i:02}.png").write_bytes(png(GREY[i]))
    return tmp_path / "mine"


def test_a_second_start_decodes_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch):
    """The array is mapped from the cache folder; a changed file is decoded again."""
    first = everything(data.load_dataset(kept))[0]
    assert np.array_equal(first[:, 0], GREY)
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "decode_rows", None)
        assert np.array_equal(everything(data.load_dataset(kept))[0], first)
    (kept / "03.png").write_bytes(png(GREY[4]))
    assert np.array_equal(everything(data.load_dataset(kept))[0][3, 0], GREY[4])


def test_a_second_start_looks_at_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch):
    """Of many pictures, sizes and values are known from the first one; not of a changed file."""
    monkeypatch.setattr(preparing, "PARALLEL_FROM", 10)
    first = data.load_dataset(kept)
    with monkeypatch.context() as patched:
        patched.setattr(EncodedPictures, "shapes", None)
        patched.setattr(EncodedPictures, "extremes", None)
        again = data.load_dataset(kept)
    assert again.notes == first.notes
    assert again.train.images.equal(first.train.images)
    (kept / "03.png").write_bytes(b"no picture")
    assert "03.png" in " ".join(data.load_dataset(kept).notes)


def test_without_a_place_to_keep_it_the_array_is_in_memory(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A file stands where the folder should be, or the user has no home."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("VAE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert np.array_equal(everything(data.load_dataset(kept))[0][:, 0], GREY)


def test_an_interrupted_build_goes_on(kept: Path):
    """What was decoded before is not decoded again."""

    def stop(done: int, total: int) -> None:
        if done >= 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.load_dataset(kept, progress=stop)
    seen: list[int] = []
    dataset = data.load_dataset(kept, progress=lambda done, total: seen.append(done))
    assert seen[0] > 16
    assert np.array_equal(everything(dataset)[0][:, 0], GREY)


def test_processes_decode_as_one_does(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With a second process, in the same order, damaged ones told alike.

    It does not run the main script, which may be a page of the app.
    """
    page = types.ModuleType("__main__")
    page.__file__ = str(tmp_path / "page.py")
    (tmp_path / "page.py").write_text("raise SystemExit('the page ran')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    (kept / "17.png").write_bytes(png(GREY[17])[:-30])
    alone = data.load_dataset(kept)
    monkeypatch.setattr(preparing, "VERSION", 2)
    monkeypatch.setattr(preparing, "PARALLEL_FROM", 0)
    together = data.load_dataset(kept)
    assert alone.notes == together.notes
    assert "17.png" in " ".join(together.notes)
    for one, other in ((alone.train, together.train), (alone.test, together.test)):
        assert one.images.equal(other.images)
        assert one.ids.equal(other.ids)


def test_layout_of_rows_is_found_by_smoothness():
    """Values of 3 × 16 × 16 are planes or pixels, whichever is smoother; the note says which."""
    planes = arrays.shaped(COLOUR.reshape(N, -1), "x")
    assert "one plane for each colour" in " ".join(planes.notes)
    pixels = arrays.shaped(COLOUR.transpose(0, 2, 3, 1).reshape(N, -1), "x")
    assert "the colours of each pixel together" in " ".join(pixels.notes)


def test_what_a_few_bytes_unpack_to_is_refused(tmp_path: Path):
    """Zeros packed in a .npz and a gzipped IDX file, before they are unpacked."""
    zeros = bytes(2**27 + 4096)
    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (len(zeros) // 4096, 64, 64)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + zeros)
    idx = struct.pack(">HBB3I", 0, 8, 3, len(zeros) // 4096, 64, 64) + zeros
    (tmp_path / "x-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx, 6))
    for name in ("x.npz", "x-images-idx3-ubyte.gz"):
        with pytest.raises(DatasetError, match="made to fill a memory"):
            data.load_dataset(tmp_path / name)


def test_a_device_is_no_dataset():
    """It would never end."""
    with pytest.raises(DatasetError, match="neither a file nor a folder"):
        data.load_dataset("/dev/zero")


def test_lists_with_gaps_are_refused(tmp_path: Path):
    """Rows of other lengths, and rows or numbers that are missing; floats may be missing."""
    path = tmp_path / "x.parquet"
    for rows in ([[1, 2, 3, 4], [1, 2]], [[1, 2, 3, 4], None], [[1, 2, 3, 4], [1, 2, 3, None]]):
        pq.write_table(pa.table({"image": rows}), path)
        with pytest.raises(DatasetError, match=r"lengths|gaps"):
            data.load_dataset(path)
    pq.write_table(pa.table({"image": [[0.0, 0.5, 1.0, 1.0], [1.0, None, 0.0, 0.0]] * 2}), path)
    assert data.load_dataset(path).image_shape == (1, 2, 2)
