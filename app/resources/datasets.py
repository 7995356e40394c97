"""Datasets on this host: their status, their metadata and their first test images.

A dataset is named as in a training's settings: by its name in the registry, or by a path. A path of
data that a visitor brought leads below the folder of runs; pages show its title, never the path.
"""

import dataclasses
import hashlib
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from app import words
from app.resources import assets
from app.resources.cache import TimedCache
from vae_core import data, runs
from vae_core.config import TrainConfig
from vae_core.data import own, preparing, served
from vae_core.data import survey as surveys
from vae_core.data.choices import Choices
from vae_core.data.preparing import Loaded
from vae_core.data.survey import Survey
from vae_core.errors import DatasetError
from vae_core.formats import bundles
from vae_core.images import Frame

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

    @property
    def is_own(self) -> bool:
        """Whether it is data of one's own, which no registry knows."""
        return self.name not in data.SOURCES

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

    def look(self) -> Loaded:
        """Load own data, with what was found on the way; errors are those of :meth:`load`."""
        pictures, labels, transpose = self.said
        if not Path(self.name).exists():
            raise DatasetError(f"The data {title(self.name)} is no longer on this host.")
        return preparing.load(
            Path(self.name), Choices(self.image_shape, pictures, labels, transpose)
        )


#: Test images on the map of a model in training: dense networks encode 2,000 within a second,
#: others about 500.
LIVE_POINTS, FEWER_POINTS = 2_000, 500
#: Test images whose codes move while a page trains.
SHOWN_IN_THE_PAGE = 360
#: Training images of it at most.
TRAINED_IN_THE_PAGE = 10_000

_statuses = TimedCache(data.available)


def statuses() -> dict[str, data.DatasetStatus]:
    """Return the status of every known dataset by its name."""
    return {status.name: status for status in _statuses(data.data_dir())}


def title(name: str) -> str:
    """Return the title of a dataset, such as MNIST; of own data the name of its file."""
    status = statuses().get(name)
    if status is not None:
        return status.title
    return own.title_of(name)


def without_path(text: str, name: str) -> str:
    """Return a command or sentence with a dataset's title in place of its path on this host."""
    if name in data.SOURCES:
        return text
    quoted = shlex.quote(name), shlex.quote(title(name))
    named = text.replace(f"{Path(name) / own.FILES}/", "").replace(f"{name}/", "")
    return words.without_paths(named.replace(*quoted).replace(name, title(name)))


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


def on_server() -> list[str]:
    """Return the names of what a visitor may choose from the data folder; none where it is off."""
    return served.listed() if served.is_offered() else []


def choose_on_server(name: str, owner: str) -> own.Kept:
    """Return data of the data folder as a session's own.

    Raises
    ------
    DatasetError
        If it is not there, or not offered.
    """
    if not served.is_offered():
        raise DatasetError("Data of this server is not offered to visitors.")
    root = runs.runs_dir()
    own.purge(root, needed=needed())
    return own.keep_source(root, served.find(name), title=name, owner=owner)


def needed() -> set[Path]:
    """Return the folders of kept datasets that runs are trained on."""
    configs = (runs.read_config(folder) for folder in runs.list_runs())
    return {Path(config.training.dataset) for config in configs}


def survey(name: str) -> Survey:
    """Count what own data holds.

    Raises
    ------
    DatasetError
        If it cannot be read, or not with certainty.
    """
    return _look(Reading(name))[0]


def frame(reading: Reading) -> Frame | None:
    """Return how own data places its ink; None for known datasets, and for data that is no ink."""
    return _look(reading)[0].frame if reading.is_own else None


@st.cache_resource(show_spinner="Reading the pictures…", max_entries=8)
def _look(reading: Reading) -> tuple[Survey, data.ImageDataset]:
    """Decode own data once: what it holds, and the dataset with blank images."""
    loaded = reading.look()
    return surveys.describe(loaded), _blank(loaded.dataset)


@st.cache_resource(show_spinner=False, max_entries=4)
def first_test_images(reading: Reading) -> data.Split:
    """Return the first `LIVE_POINTS` test images, copied so that the full set is freed."""
    test = reading.load().test
    return test.take(torch.arange(min(LIVE_POINTS, len(test))))


#: Datasets that the Learn page trains on in the browser, if they are on this host.
IN_THE_PAGE = ("digits", "mnist")


def training_address(name: str) -> str:
    """Publish the images that a page trains on, and return their address.

    Raises
    ------
    DatasetError
        If the dataset is not on this host, or damaged.
    """
    return assets.publish(_training_asset(name))


@st.cache_resource(show_spinner=False, max_entries=len(IN_THE_PAGE))
def _training_asset(name: str) -> assets.Asset:
    content = bundles.training_bundle(
        data.load_dataset(name), train=TRAINED_IN_THE_PAGE, shown=SHOWN_IN_THE_PAGE
    )
    return assets.Asset(content, f"{name}.training")


def without_pixels(reading: Reading) -> data.ImageDataset:
    """Return a dataset whose images are blank and take no memory.

    Raises
    ------
    DatasetError
        If it is not on this host, or damaged.
    """
    return _look(reading)[1] if reading.is_own else _known_without_pixels(reading)


@st.cache_resource(show_spinner=False, max_entries=16)
def _known_without_pixels(reading: Reading) -> data.ImageDataset:
    return _blank(reading.load())


def _blank(dataset: data.ImageDataset) -> data.ImageDataset:
    parts = {}
    for part in ("train", "test"):
        split = getattr(dataset, part)
        blank = torch.zeros(1, dtype=torch.uint8).expand(split.images.shape)
        parts[part] = dataclasses.replace(split, images=blank)
    return dataclasses.replace(dataset, validation=None, **parts)
