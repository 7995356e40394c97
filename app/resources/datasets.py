"""Datasets on this host: their status, their metadata and their first test images.

A dataset is named as in a training's settings: by its name in the registry, or by a path. A path of
data that a visitor brought leads below the folder of runs; pages show its title, never the path.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from app.resources.cache import TimedCache
from vae_core import data, runs
from vae_core.config import TrainConfig
from vae_core.data import own
from vae_core.data import survey as surveys
from vae_core.data.survey import Survey

Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Reading:
    """A dataset as a model read it: the key of what is cached of it."""

    name: str
    image_shape: Shape | None = None
    said: tuple[str | None, str | None, bool] = (None, None, False)

    @classmethod
    def of(cls, training: TrainConfig, image_shape: Shape) -> "Reading":
        """Return how the dataset of a training was read; known datasets are read in one way."""
        if training.dataset in data.SOURCES:
            return cls(training.dataset)
        said = (training.pictures, training.labels, training.transpose)
        return cls(training.dataset, image_shape, said)

    def load(self) -> data.ImageDataset:
        """Load it; errors are those of :func:`vae_core.data.load_dataset`."""
        pictures, labels, transpose = self.said
        return data.load_dataset(
            self.name,
            labels=labels,
            image_shape=self.image_shape,
            pictures=pictures,
            transpose=transpose,
        )


#: Test images on the map of a model in training: dense networks encode 2,000 within a second,
#: others about 500.
LIVE_POINTS, FEWER_POINTS = 2_000, 500

_statuses = TimedCache(data.available)


def statuses() -> dict[str, data.DatasetStatus]:
    """Return the status of every known dataset by its name."""
    return {status.name: status for status in _statuses(data.data_dir())}


def title(name: str) -> str:
    """Return the title of a dataset, such as MNIST; of own data the name of its file."""
    status = statuses().get(name)
    if status is not None:
        return status.title
    kept = own.read(Path(name))
    return Path(name).stem if kept is None else kept.title


def is_present(name: str, *, trusted: bool = True) -> bool:
    """Whether a dataset is on this host and may be read.

    A card that a visitor uploaded is not ``trusted``: it may name any path of this host, of which
    only data that visitors brought is read.
    """
    status = statuses().get(name)
    if status is not None:
        return status.present
    return own.is_kept(Path(name)) if not trusted or not Path(name).exists() else True


def tag(name: str) -> str:
    """Return a short name for keys of widgets, which the browser sees: a path is hashed."""
    if name in data.SOURCES:
        return name
    return hashlib.blake2b(name.encode(), digest_size=4).hexdigest()


def missing(name: str) -> data.DatasetStatus | None:
    """Return the status of a known dataset that is not on this host, else None."""
    status = statuses().get(name)
    return None if status is None or status.present else status


def download(name: str, progress: Callable[[int, int], None]) -> None:
    """Download a dataset.

    Raises
    ------
    DatasetError
        If it cannot be downloaded.
    """
    data.download(name, progress=progress)
    _statuses.clear()


def kept(owner: str) -> list[own.Kept]:
    """Return the datasets that a session brought, or that its trainings need."""
    return [one for one in own.in_folder(runs.runs_dir()) if one.owner == owner]


def choose(kept: own.Kept, **choices: Any) -> own.Kept:
    """Keep own data with other choices, as another dataset."""
    return own.choose(kept, needed=needed(), **choices)


def forget(kept: own.Kept) -> None:
    """Delete own data; refused while a training needs it."""
    own.forget(kept, needed=needed())


def keep(files: Mapping[str, bytes], owner: str) -> own.Kept:
    """Keep dropped files beside the runs; errors are those of :func:`vae_core.data.own.keep`."""
    root = runs.runs_dir()
    own.purge(root, needed=needed())
    return own.keep(root, files, owner=owner)


def needed() -> set[Path]:
    """Return the folders of kept datasets that runs are trained on."""
    configs = (runs.read_config(folder) for folder in runs.list_runs())
    return {Path(config.training.dataset) for config in configs}


@st.cache_resource(show_spinner="Reading the pictures…", max_entries=8)
def survey(name: str) -> Survey:
    """Count what own data holds.

    Raises
    ------
    DatasetError
        If it cannot be read, or not with certainty.
    """
    return surveys.survey(Path(name))


def is_ink(name: str) -> bool:
    """Whether own pictures are strokes on a ground."""
    return survey(name).is_ink


@st.cache_resource(show_spinner=False, max_entries=4)
def first_test_images(reading: Reading) -> data.Split:
    """Return the first `LIVE_POINTS` test images, copied so that the full set is freed."""
    test = reading.load().test
    return test.take(torch.arange(min(LIVE_POINTS, len(test))))


@st.cache_resource(show_spinner=False, max_entries=16)
def without_pixels(reading: Reading) -> data.ImageDataset:
    """Return a dataset whose images are blank and take no memory.

    Raises
    ------
    DatasetError
        If it is not on this host, or damaged.
    """
    dataset = reading.load()
    parts = {}
    for part in ("train", "test"):
        split = getattr(dataset, part)
        blank = torch.zeros(1, dtype=torch.uint8).expand(split.images.shape)
        parts[part] = dataclasses.replace(split, images=blank)
    return dataclasses.replace(dataset, validation=None, **parts)
