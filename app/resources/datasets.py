"""Datasets on this host: their status, their metadata and their first test images."""

import dataclasses
from collections.abc import Callable

import streamlit as st
import torch

from app.resources.cache import TimedCache
from vae_core import data

#: Test images on the map of a model in training: dense networks encode 2,000 within a second,
#: others about 500.
LIVE_POINTS, FEWER_POINTS = 2_000, 500

_statuses = TimedCache(data.available)


def statuses() -> dict[str, data.DatasetStatus]:
    """Return the status of every known dataset by its name."""
    return {status.name: status for status in _statuses(data.data_dir())}


def title(name: str) -> str:
    """Return the title of a dataset, such as MNIST; the name itself for an unknown one."""
    status = statuses().get(name)
    return name if status is None else status.title


def is_present(name: str) -> bool:
    """Whether a dataset is known and on this host."""
    status = statuses().get(name)
    return status is not None and status.present


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


@st.cache_resource(show_spinner=False, max_entries=4)
def first_test_images(name: str) -> data.Split:
    """Return the first `LIVE_POINTS` test images, copied so that the full set is freed."""
    test = data.load_dataset(name).test
    return test.take(torch.arange(min(LIVE_POINTS, len(test))))


@st.cache_resource(show_spinner=False, max_entries=16)
def without_pixels(name: str) -> data.ImageDataset:
    """Return a dataset whose images are blank and take no memory.

    Raises
    ------
    DatasetError
        If it is not on this host, or damaged.
    """
    dataset = data.load_dataset(name)
    parts = {}
    for part in ("train", "test"):
        split = getattr(dataset, part)
        blank = torch.zeros(1, dtype=torch.uint8).expand(split.images.shape)
        parts[part] = dataclasses.replace(split, images=blank)
    return dataclasses.replace(dataset, validation=None, **parts)
