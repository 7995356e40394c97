"""Folders and zip files of pictures: classes, sizes, and what is refused."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from vae_core import data, images
from vae_core.data import folder, preparing
from vae_core.errors import DatasetError


def png(height: int = 12, width: int = 10, colour: tuple[int, ...] | int = 100) -> bytes:
    """Return a PNG file of one colour."""
    shape = (height, width) if isinstance(colour, int) else (height, width, len(colour))
    stream = io.BytesIO()
    PIL.Image.fromarray(np.broadcast_to(np.array(colour, np.uint8), shape).copy()).save(
        stream, "PNG"
    )
    return stream.getvalue()


Make = Callable[[dict[str, bytes]], Path]


@pytest.fixture(params=["folder", "zip"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return a function that writes files as a folder, or as a zip, and gives its path."""

    def as_folder(files: dict[str, bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / "mine" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "mine"

    def as_zip(files: dict[str, bytes]) -> Path:
        return zipped(tmp_path / "mine.zip", files)

    return as_folder if request.param == "folder" else as_zip


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_loose_pictures_have_no_labels(make: Make):
    """Nine to one, ids in the order of the names, other files passed over."""
    files = {f"{number:02}.png": png(colour=number) for number in range(20)}
    dataset = data.load_dataset(make({**files, "notes.txt": b"hello", ".hidden.png": b"x"}))
    assert dataset.title == "mine"
    assert dataset.classes == ()
    assert dataset.image_shape == (1, 12, 10)
    assert (len(dataset.train), len(dataset.test)) == (18, 2)
    for split in (dataset.train, dataset.test):
        assert split.labels is None
        assert (split.images.flatten(1) == split.ids[:, None]).all()
    assert torch.cat([dataset.train.ids, dataset.test.ids]).sort().values.equal(torch.arange(20))


def test_jfif_is_a_jpeg(make: Make):
    """As Windows calls JPEG files that a browser saved."""
    stream = io.BytesIO()
    PIL.Image.new("L", (10, 12), 90).save(stream, "JPEG")
    dataset = data.load_dataset(make({f"{i}.jfif": stream.getvalue() for i in range(4)}))
    assert len(dataset.train) + len(dataset.test) == 4


def test_subfolders_are_classes(make: Make):
    """Each picture's label is the position of its subfolder's name."""
    files = {
        f"{name}/{number}.png": png(colour=50 * position + number)
        for position, name in enumerate(["cats", "dogs", "owls"])
        for number in range(10)
    }
    dataset = data.load_dataset(str(make({**files, "__MACOSX/cats/._1.png": b"x"})))
    assert dataset.classes == ("cats", "dogs", "owls")
    for split in (dataset.train, dataset.test):
        assert split.labels is not None
        assert split.labels.tolist() == (split.images[:, 0, 0, 0] // 50).tolist()


def test_the_folder_around_a_zip_is_dropped(tmp_path: Path):
    """What a program puts around everything it zips is no class."""
    files = {f"holiday/{name}/{n}.png": png(colour=n) for name in "ab" for n in range(3)}
    assert data.load_dataset(zipped(tmp_path / "x.zip", files)).classes == ("a", "b")


def test_the_split_depends_on_the_seed_alone(make: Make):
    """The same pictures are split alike each time, and otherwise with another seed."""
    path = make({f"{number:03}.png": png(2, 2, number) for number in range(100)})
    first, second, other = (data.load_dataset(path, seed=seed).test.ids for seed in (0, 0, 1))
    assert first.equal(second)
    assert not first.equal(other)


def test_colour_is_kept_where_there_is_any(make: Make):
    """One picture in colour makes the dataset one in colour; the grey ones fill all channels."""
    dataset = data.load_dataset(
        make({"a.png": png(colour=(200, 10, 30)), "b.png": png(colour=70), "c.png": png()})
    )
    assert dataset.image_shape == (3, 12, 10)
    values = torch.cat([dataset.train.images, dataset.test.images])
    ids = torch.cat([dataset.train.ids, dataset.test.ids])
    assert values[ids == 0][0, :, 0, 0].tolist() == [200, 10, 30]
    assert values[ids == 1][0, :, 0, 0].tolist() == [70, 70, 70]


def test_grey_pictures_saved_in_colour_are_grey(make: Make):
    """What counts is what is seen, not how it was saved."""
    dataset = data.load_dataset(make({f"{n}.png": png(colour=(9, 9, 9)) for n in range(3)}))
    assert dataset.image_shape == (1, 12, 10)


def test_the_most_common_size_is_used_and_capped(make: Make):
    """By default at most 64 a side, with the proportions kept."""
    sizes = [(200, 100), (200, 100), (50, 50)]
    dataset = data.load_dataset(make({f"{n}.png": png(*size) for n, size in enumerate(sizes)}))
    assert dataset.image_shape == (1, 64, 32)


def test_a_given_shape_is_obeyed(make: Make):
    """Size and colour can be chosen."""
    path = make({f"{n}.png": png(20 + n, 30, (0, 0, 250)) for n in range(4)})
    assert data.load_dataset(path, image_shape=(3, 16, 16)).image_shape == (3, 16, 16)
    grey = data.load_dataset(path, image_shape=(1, 7, 5))
    assert grey.image_shape == (1, 7, 5)
    assert (grey.train.images == round(0.114 * 250)).all()


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 0, 8), (1, 8)])
def test_an_impossible_shape_is_refused(make: Make, shape: tuple[int, int, int]):
    """The sentence names the shape."""
    with pytest.raises(DatasetError, match="image_shape"):
        data.load_dataset(make({"a.png": png(), "b.png": png()}), image_shape=shape)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "found 0 pictures"),
        ({"notes.txt": b"hello"}, "found 0 pictures"),
        ({"a.png": png()}, "found 1 pictures that can be read, at least 2"),
        ({"a.png": png(), "b.png": b""}, "b.png: .*empty"),
        ({"a.png": png(), "b.png": b"hello"}, "b.png: .*not a picture"),
        ({"a.png": png(), "b.png": png(200, 200)[:60]}, "b.png: "),
        ({"a.png": png(), "cats/b.png": png()}, "a.png is beside subfolders"),
    ],
)
def test_what_is_no_dataset_is_refused(make: Make, files: dict[str, bytes], sentence: str):
    """The sentence names the dataset and the picture."""
    path = make({"readme.md": b"", **files})
    with pytest.raises(DatasetError, match=rf"mine.*{sentence}"):
        data.load_dataset(path)


@pytest.mark.parametrize("limit", ["MAX_ENTRIES"])
def test_limits_hold(make: Make, monkeypatch: pytest.MonkeyPatch, limit: str):
    """The number of files is bounded."""
    monkeypatch.setattr(folder, limit, 3)
    with pytest.raises(DatasetError, match="3"):
        data.load_dataset(make({f"{number}.png": png() for number in range(4)}))


def test_of_too_many_pictures_a_subset_is_drawn_and_said(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    """By the limit that is asked for, or by the size of the array; the seed decides which."""
    path = make({f"{number:02}.png": png(colour=number) for number in range(40)})
    first, again, other = (data.load_dataset(path, limit=10, seed=seed) for seed in (0, 0, 1))
    ids = [torch.cat([one.train.ids, one.test.ids]).sort().values for one in (first, again, other)]
    assert len(ids[0]) == 10
    assert ids[0].equal(ids[1])
    assert not ids[0].equal(ids[2])
    assert "Of 40 pictures 10 were drawn at random (seed 0)." in first.notes
    assert (first.train.images.flatten(1) == first.train.ids[:, None]).all()
    monkeypatch.setattr(preparing, "MAX_BYTES", 20 * 12 * 10)
    assert "Of 40 pictures 20 were drawn at random (seed 0)." in data.load_dataset(path).notes


def test_what_cannot_be_read_is_left_out_and_said(make: Make):
    """Damaged pictures, and files that are none, with their reason."""
    files = {f"{number}.png": png(colour=number) for number in range(6)}
    dataset = data.load_dataset(
        make({**files, "cut.png": png(200, 200)[:60], "empty.png": b"", "notes.txt": b"hello"})
    )
    said = " ".join(dataset.notes)
    pixels = torch.cat([dataset.train.images, dataset.test.images])
    assert pixels.flatten(1)[:, 0].unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert "cut.png" in said
    assert "empty.png" in said
    assert "1 × not a picture (.txt)" in said


def test_a_picture_over_20_mb_is_refused_unread(make: Make, monkeypatch: pytest.MonkeyPatch):
    """The size is checked first."""
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    with pytest.raises(DatasetError, match=r"big\.png"):
        data.load_dataset(make({"a.png": png(), "big.png": bytes(2000)}))


def test_a_zip_bomb_is_refused(tmp_path: Path):
    """A member that claims to be small unpacks to no more than a picture may have."""
    path = zipped(tmp_path / "x.zip", {"a.png": png(), "b.png": bytes(60 * 2**20)})
    with pytest.raises(DatasetError, match=r"b\.png: it has 60 MB"):
        data.load_dataset(path)
    packed = path.read_bytes()
    claimed = (60 * 2**20).to_bytes(4, "little")
    path.write_bytes(packed.replace(claimed, (1000).to_bytes(4, "little")))
    with pytest.raises(DatasetError, match=r"b\.png"):
        data.load_dataset(path)


@pytest.mark.parametrize("name", ["../b.png", "/etc/b.png", "cats/../../b.png", "..\\b.png"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str):
    """Although nothing is written, such a file is an attack or an accident."""
    path = zipped(tmp_path / "x.zip", {"a.png": png(), name: png()})
    with pytest.raises(DatasetError, match="leads out of the zip file"):
        data.load_dataset(path)


def test_links_are_refused(tmp_path: Path):
    """Neither a folder nor a zip may point elsewhere."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png").write_bytes(png())
    (tmp_path / "mine" / "b.png").symlink_to("/etc/hostname")
    with pytest.raises(DatasetError, match=r"b\.png is a link"):
        data.load_dataset(tmp_path / "mine")

    path = zipped(tmp_path / "x.zip", {"a.png": png()})
    link = zipfile.ZipInfo("b.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/hostname")
    with pytest.raises(DatasetError, match=r"b\.png is a link"):
        data.load_dataset(path)


@pytest.mark.parametrize("content", [b"", b"hello", png()])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes):
    """Nor is a truncated one."""
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"mine\.zip: found no complete zip file"):
        data.load_dataset(path)


def test_a_damaged_or_locked_member_is_named(tmp_path: Path):
    """Damage and encryption show when the member is unpacked."""
    path = zipped(tmp_path / "x.zip", {"a.png": png(), "b.png": png(40, 40)})
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"b.png") + 20] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(DatasetError, match=r"b\.png: it cannot be unpacked"):
        data.load_dataset(path)

    path = zipped(tmp_path / "y.zip", {"a.png": png(), "b.png": png()})
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # the first member's flag "encrypted"
    path.write_bytes(packed)
    with pytest.raises(DatasetError, match=r"a\.png: it cannot be unpacked.*encrypted"):
        data.load_dataset(path)


def test_a_folder_that_holds_one_folder_of_classes(tmp_path: Path):
    """As a zip that was unpacked: the classes are what it holds."""
    for i in range(6):
        place = tmp_path / "unpacked" / "mine" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i}.png").write_bytes(png(8, 8, 40 * i))
    assert data.load_dataset(tmp_path / "unpacked").classes == ("a", "b")
    assert data.load_dataset(tmp_path / "unpacked" / "mine" / "a").classes == ()
