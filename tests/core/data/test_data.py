"""The registry of datasets: names, missing files, splits, subsets, import cost."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_core import data
from vae_core.errors import DatasetError, DatasetMissingError


def split_of(n: int, first_id: int = 0) -> data.Split:
    """Return n single-pixel images whose pixel and label follow from their id."""
    ids = torch.arange(first_id, first_id + n)
    return data.Split(images=(ids % 256).to(torch.uint8).view(n, 1, 1, 1), labels=ids % 10, ids=ids)


def test_importing_is_light():
    """Importing the data and image modules loads no library that only one source needs."""
    code = (
        "import sys; import vae_core.data, vae_core.images; "
        "print([m for m in ('scipy', 'sklearn', 'pooch', 'requests', 'PIL') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_registry_keys_are_the_sources_names():
    """A source is registered under its own name, and knows where its files belong."""
    for name, source in data.SOURCES.items():
        assert source.name == name
        assert all(file.path.startswith(f"{name}/") for file in source.files)


def test_unknown_name_is_refused_with_what_is_allowed():
    """The sentence names the value and lists the datasets."""
    with pytest.raises(DatasetError, match=r"'mnst'.*mnist.*fashion-mnist.*digits.*your own data"):
        data.load_dataset("mnst")


def test_empty_name_is_not_the_current_folder():
    """An empty name is unknown, although the empty path exists."""
    with pytest.raises(DatasetError, match="''"):
        data.load_dataset("")


@pytest.mark.parametrize(
    ("name", "title", "megabytes"),
    [
        ("mnist", "MNIST", 11),
        ("fashion-mnist", "Fashion-MNIST", 29),
        ("frey-face", "Frey Face", 1),
        ("cifar-10", "CIFAR-10", 162),
    ],
)
def test_missing_dataset_is_an_invitation(tmp_path: Path, name: str, title: str, megabytes: int):
    """A missing dataset says its size and the command that fetches it, and carries both."""
    with pytest.raises(DatasetMissingError) as caught:
        data.load_dataset(name, data_dir=tmp_path)
    assert str(caught.value) == (
        f"{title} has not been downloaded: {megabytes} MB, "
        f"run `python -m vae_core download {name}`."
    )
    assert (caught.value.name, caught.value.megabytes) == (name, megabytes)
    assert caught.value.url.startswith("http")


def test_incomplete_dataset_names_the_missing_file(tmp_path: Path):
    """When some files are there, the sentence says which one is not."""
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(DatasetMissingError, match=r"incomplete.*train-labels-idx1-ubyte\.gz"):
        data.load_dataset("mnist", data_dir=tmp_path)


def test_available_reads_nothing(tmp_path: Path):
    """The status of each dataset: the bundled one is there, the others say why not."""
    statuses = {status.name: status for status in data.available(tmp_path)}
    assert list(statuses) == list(data.SOURCES)
    assert statuses["digits"].present
    assert statuses["digits"].reason == ""
    assert statuses["digits"].megabytes == 0
    assert not statuses["mnist"].present
    assert statuses["mnist"].reason == "MNIST has not been downloaded."
    assert all(
        status.licence and status.home.startswith("https://") for status in statuses.values()
    )


def test_data_dir_prefers_the_argument_then_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The given folder wins over VAE_DATA_DIR, which wins over the user's cache folder."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "environment"))
    assert data.data_dir(tmp_path / "given") == tmp_path / "given"
    assert data.data_dir() == tmp_path / "environment"
    monkeypatch.setenv("VAE_DATA_DIR", "")
    assert "latent-explorer" in str(data.data_dir())


def test_image_shape_is_refused_for_the_registry():
    """The registry's images have a shape of their own."""
    with pytest.raises(DatasetError, match="image_shape"):
        data.load_dataset("digits", image_shape=(1, 28, 28))


def test_examples_are_spread_from_the_first_to_the_last():
    """The number is n or all, and no example is repeated."""
    split = split_of(21, first_id=100)
    assert split.spread(5).ids.tolist() == [100, 105, 110, 115, 120]
    assert split.spread(1).ids.tolist() == [100]
    assert len(set(split.spread(20).ids.tolist())) == 20
    assert split.spread(21) is split.spread(None) is split.spread(99) is split


def test_take_keeps_images_labels_and_ids_together():
    """Rows are taken from all three tensors alike, in the order given."""
    taken = split_of(20, first_id=100).take(torch.tensor([7, 3]))
    assert taken.ids.tolist() == [107, 103]
    assert taken.images.flatten().tolist() == [107, 103]
    assert taken.labels is not None
    assert taken.labels.tolist() == [7, 3]


@given(st.integers(1, 50), st.integers(0, 2**31), st.data())
def test_subset_is_drawn_by_seed_and_keeps_ids(total: int, seed: int, draw: st.DataObject):
    """A subset holds n different examples with their own ids, the same for the same seed."""
    n = draw.draw(st.integers(1, total))
    split = split_of(total, first_id=1000)
    drawn = data.subset(split, n, seed)
    assert drawn.ids.unique().tolist() == drawn.ids.tolist()
    assert len(drawn) == n
    assert drawn.images.flatten().tolist() == (drawn.ids % 256).tolist()
    assert data.subset(split, n, seed).ids.equal(drawn.ids)


@given(st.integers(2, 50), st.integers(0, 2**31))
def test_smaller_subset_lies_within_a_larger_one(total: int, seed: int):
    """A curve over n adds examples and exchanges none."""
    split = split_of(total)
    smaller, larger = data.subset(split, total // 2, seed), data.subset(split, total - 1, seed)
    assert set(smaller.ids.tolist()) <= set(larger.ids.tolist())


def test_different_seeds_draw_different_subsets():
    """The seed matters."""
    split = split_of(1000)
    assert not data.subset(split, 100, 0).ids.equal(data.subset(split, 100, 1).ids)


@pytest.mark.parametrize("n", [0, -1, 21])
def test_subset_beyond_the_data_is_refused(n: int):
    """The sentence has n and the size of the split."""
    with pytest.raises(DatasetError, match=rf"n = {n}: .*has 20.*between 1 and 20"):
        data.subset(split_of(20), n, 0)
