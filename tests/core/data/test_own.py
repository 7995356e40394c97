"""Datasets that visitors brought: kept once, bounded, forgotten when no run needs them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from vae_core import data
from vae_core.data import own
from vae_core.data.choices import Choices
from vae_core.errors import ConfigError, DatasetError

VALUES = np.random.default_rng(1).integers(0, 256, (30, 12, 10), dtype=np.uint8)


def npy(values: np.ndarray = VALUES) -> bytes:
    """Return an array as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def test_a_kept_dataset_opens_by_its_folder(tmp_path: Path):
    """With its own title, the choices that were made, and no word of where it lies."""
    kept = own.keep(tmp_path, {"my digits.npy": npy()}, owner="me")
    dataset = data.load_dataset(kept.folder)
    assert (dataset.title, dataset.image_shape) == ("my digits", (1, 12, 10))
    smaller = own.choose(kept, needed=(), image_shape=(1, 6, 6))
    assert data.load_dataset(smaller.folder).image_shape == (1, 6, 6)
    assert own.in_folder(tmp_path) == [smaller]
    assert smaller.said == Choices(image_shape=(1, 6, 6))


def test_the_same_data_is_kept_once(tmp_path: Path):
    """By its content and choices, whatever it is called."""
    first = own.keep(tmp_path, {"a.npy": npy()}, owner="me")
    again = own.keep(tmp_path, {"b.npy": npy()}, owner="you")
    other = own.keep(tmp_path, {"a.npy": npy()}, owner="me", said=Choices(transpose=True))
    assert first == again
    assert other.folder != first.folder
    assert own.choose(first, needed=(), transpose=False) == first


def test_several_files_belong_together(tmp_path: Path):
    """A folder of them is one dataset."""
    from PIL import Image

    files = {}
    for i in range(5):
        stream = io.BytesIO()
        Image.fromarray(VALUES[i]).save(stream, "PNG")
        files[f"../{i}.png"] = stream.getvalue()
    kept = own.keep(tmp_path, files, owner="me")
    dataset = data.load_dataset(kept.folder)
    assert len(dataset.train) + len(dataset.test) == 5
    assert {path.name for path in kept.path.iterdir()} == {f"{i}.png" for i in range(5)}


@pytest.mark.parametrize("variable", ["VAE_MAX_DATA_MB", "VAE_MAX_DATA_MB_PER_SESSION"])
def test_space_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str):
    """Of a session and of all; nothing is written when it is full, and others may go on."""
    monkeypatch.setenv(variable, "1")
    own.keep(tmp_path, {"a.npy": bytes(2**20 - 10)}, owner="me")
    with pytest.raises(DatasetError, match="at most 1 MB may be: forget"):
        own.keep(tmp_path, {"b.npy": bytes(100)}, owner="me")
    assert len(own.in_folder(tmp_path)) == 1
    if variable.endswith("SESSION"):
        own.keep(tmp_path, {"c.npy": bytes(2**19)}, owner="you")
    monkeypatch.setenv(variable, "many")
    with pytest.raises(ConfigError, match=variable):
        own.keep(tmp_path, {"d.npy": bytes(10)}, owner="me")


def test_what_a_run_needs_is_not_forgotten(tmp_path: Path):
    """On request and by age: only what nobody needs."""
    needed = own.keep(tmp_path, {"a.npy": npy()}, owner="me")
    spare = own.keep(tmp_path, {"b.npy": npy(VALUES[:9])}, owner="me")
    with pytest.raises(ConfigError, match="a is what a training learns from"):
        own.forget(needed, needed=[needed.folder])
    assert own.purge(tmp_path, needed=[needed.folder]) == []
    for one in (needed, spare):
        os.utime(one.folder, (0, 0))
    assert own.purge(tmp_path, needed=[needed.folder]) == ["b"]
    own.forget(needed, needed=())
    assert own.in_folder(tmp_path) == []


def test_damaged_ones_are_passed_over(tmp_path: Path):
    """A file that is torn does not stop the others; opened by name it says so."""
    kept = own.keep(tmp_path, {"a.npy": npy()}, owner="me")
    for torn in (b"{", b"[]", json.dumps({"title": "x", "said": {"no": 1}}).encode()):
        (kept.folder / own.FILE).write_bytes(torn)
        assert own.in_folder(tmp_path) == []
        with pytest.raises(DatasetError, match="damaged dataset"):
            data.load_dataset(kept.folder)


@pytest.mark.parametrize("name", ["../../etc/x.npy", "a\\b\\x.npy", "...x.npy", "x\n.npy"])
def test_names_stay_in_their_folder(tmp_path: Path, name: str):
    """Whatever a browser sends."""
    kept = own.keep(tmp_path, {name: npy()}, owner="me")
    assert kept.path.parent == kept.folder / own.FILES
    assert kept.path.name == "x.npy"
