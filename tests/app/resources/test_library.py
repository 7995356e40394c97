"""Models by name: bundled, trained and uploaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from app.resources import library
from app.resources.cache import LRUCache
from vae_core import model_folder, runs
from vae_core.errors import CheckpointError


def test_an_unknown_model_is_named_with_those_that_exist(no_data: Path) -> None:
    """Nor can a name climb out of the models' folder."""
    for name in ("nothing", "../pretrained/digits-2d", ".."):
        with pytest.raises(CheckpointError, match="digits-2d"):
            library.open_model(name)


def test_an_opened_file_is_found_by_its_content(no_data: Path) -> None:
    """The same zip has the same name, and equals the folder that it was packed from."""
    content = model_folder.zip_folder("digits-2d")
    opened = library.open_zip(content)
    assert library.open_zip(content).name == opened.name
    assert library.open_model(opened.name) is library.open_zip(content)
    original = library.open_model("digits-2d")
    assert torch.equal(opened.codes.mu, original.codes.mu)


def test_opened_files_are_bounded(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes when they are too large together, and opening it says that it is gone."""
    saved = model_folder.open_zip(model_folder.zip_folder("digits-2d"))
    monkeypatch.setattr(model_folder, "open_zip", lambda content: saved)
    monkeypatch.setattr(model_folder, "open_machine_zip", lambda content: None)
    weights = sum(tensor.nbytes for tensor in saved.model.state_dict().values())
    monkeypatch.setattr(library, "_uploads", LRUCache(5 * weights, size=library._size))
    names = [library.open_zip(bytes([i])).name for i in range(6)]
    assert library.open_model(names[-1]).name == names[-1]
    with pytest.raises(CheckpointError, match=names[0]):
        library.open_model(names[0])


def test_folders_are_listed_once_a_second(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls within a second share one listing; a model written since is found all the same."""
    listed, looks = model_folder.list_models, []

    def counted(*folder: Path) -> list[str]:
        looks.append(folder)
        return listed(*folder)

    monkeypatch.setattr(model_folder, "list_models", counted)
    for _ in range(5):
        library.open_model("digits-2d")
        library.machine_names()
    assert len(looks) == 2
    shutil.copytree(model_folder.PRETRAINED / "digits-2d", runs.runs_dir() / "another")
    assert library.open_model("another").name == "another"
