"""The datasets on this host, and the points and pictures taken from them."""

import dataclasses
from collections.abc import Callable

import streamlit as st
import torch

from app.resources.cache import TimedCache
from vae_core import data

# Pictures: originals where the data is at hand, reconstructions where it is not.


def missing_dataset(name: str) -> data.DatasetStatus | None:
    """Return the status of a known dataset that is not here; None when it is, or is unknown."""
    for status in datasets():
        if status.name == name:
            return None if status.present else status
    return None


def download(name: str, progress: Callable[[int, int], None]) -> None:
    """Fetch a dataset and forget that it was missing."""
    data.download(name, progress=progress)
    _datasets.clear()


#: Test pictures that the map of a model in training shows: dense layers encode that many in a
#: second, other networks a few.
LIVE_POINTS, FEWER_POINTS = 2_000, 500


@st.cache_resource(show_spinner=False, max_entries=4)
def first_pictures(name: str) -> data.Split:
    """Load the first test images of a dataset."""
    test = data.load_dataset(name).test
    return test.take(torch.arange(min(LIVE_POINTS, len(test))))  # a copy: the whole set can go


@st.cache_resource(show_spinner=False, max_entries=16)
def outline(name: str) -> data.ImageDataset:
    """Return a dataset as it is but for its pixels, which take no memory.

    Raises
    ------
    DatasetError
        If it is not on this machine, or damaged.
    """
    dataset = data.load_dataset(name)
    parts = {}
    for part in ("train", "test"):
        split = getattr(dataset, part)
        blank = torch.zeros(1, dtype=torch.uint8).expand(split.images.shape)
        parts[part] = dataclasses.replace(split, images=blank)
    return dataclasses.replace(dataset, validation=None, **parts)


def datasets() -> list[data.DatasetStatus]:
    """State which datasets are on this machine."""
    return _datasets(data.data_dir())


_datasets = TimedCache(data.available)
