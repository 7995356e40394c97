"""Trainings in the runs folder: their statuses, models in training and replays."""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from app.resources import assets, datasets
from app.resources.assets import Asset
from app.resources.cache import TimedCache
from app.resources.datasets import FEWER_POINTS, LIVE_POINTS
from app.resources.opened_model import Opened
from vae_core import evaluation, runs
from vae_core.model_folder import Codes, InkFrame, ModelCard, Saved

#: Seconds for which sessions share the map and manifold of a training: each takes the server as
#: long as about twenty reads of its curves.
REFRESH_SECONDS = 2.0


@dataclass(frozen=True)
class Statuses:
    """Statuses of all trainings.

    Attributes
    ----------
    by_name : mapping of str to RunStatus
        By the folder's name, oldest first.
    error : str
        Why the queue did not advance, or empty.
    """

    by_name: Mapping[str, runs.RunStatus]
    error: str


def _advance_and_read(root: Path) -> Statuses:
    error = runs.try_advance(root)
    return Statuses({one.folder.name: one for one in runs.statuses(root)}, error)


_statuses = TimedCache(_advance_and_read)


def statuses() -> Statuses:
    """Start the trainings whose turn it is and return all statuses, shared by all sessions."""
    return _statuses(runs.runs_dir())


def clear_statuses() -> None:
    """Make the next call of `statuses` read them again."""
    _statuses.clear()


def open_checkpoint(folder: Path, *, ended: bool = False) -> Opened | None:
    """Open the model of a run at a checkpoint of the last seconds, or None before the first.

    Parameters
    ----------
    ended
        Whether the training has ended: then waits for the last checkpoint to be encoded.
    """
    return _open_checkpoint(folder) if ended else _open_recent_checkpoint(folder)


@st.cache_resource(
    ttl=REFRESH_SECONDS,
    refresh_mode="background",  # returns the previous one while the next is computed
    validate=lambda opened: opened is not None,
    show_spinner=False,
    max_entries=8,
)
def _open_recent_checkpoint(folder: Path) -> Opened | None:
    return _open_checkpoint(folder)


def _open_checkpoint(folder: Path) -> Opened | None:
    version = _checkpoint_version(folder)
    opened = None if version is None else _encode_checkpoint(folder, version)
    if opened is not None:
        # Computed here, in the background, so that no session waits for them.
        _ = (opened.decoder_address, opened.codes_address, opened.kl_per_dim)
    return opened


def _checkpoint_version(folder: Path) -> int | None:
    for name in (runs.CHECKPOINT, runs.PREVIOUS):
        with contextlib.suppress(FileNotFoundError):
            return (folder / name).stat().st_mtime_ns
    return None


@st.cache_resource(show_spinner=False, max_entries=8)
def _encode_checkpoint(folder: Path, version: int) -> Opened | None:
    found = runs.read_model(folder)
    if found is None:
        return None
    model, step = found
    config = runs.read_config(folder)
    name, reading = (
        config.training.dataset,
        datasets.Reading.of(config.training, config.model.image_shape),
    )
    first = datasets.first_test_images(reading).first(
        LIVE_POINTS if config.model.network == "mlp" else FEWER_POINTS
    )
    labels = first.labels if config.model.takes_labels else None
    q = evaluation.posteriors(model, first.images, labels=labels)
    unmeasured = torch.full((len(first),), math.nan)
    codes = Codes(
        ids=first.ids,
        labels=first.labels,
        mu=q.mu,
        logvar=q.logvar,
        rate=unmeasured,
        distortion=unmeasured,
    )
    card = ModelCard(
        name=config.name,
        dataset=name,
        classes=datasets.without_pixels(reading).classes,
        model=config.model,
        training=config.training,
        ink=InkFrame.from_frame(datasets.frame(reading)),
    )
    key = f"{folder.name}-{step}-{version:x}"
    saved = Saved(card=card, model=model, codes=codes)
    return Opened(name=folder.name, hash=key, saved=saved, in_training=True)


@dataclass(frozen=True)
class Replay:
    """The published replay of a run.

    Attributes
    ----------
    description : mapping
        What `runs.replay_bundles.describe` returns.
    addresses : tuple of str
        Address of each frame's bundle.
    """

    description: Mapping[str, Any]
    addresses: tuple[str, ...]


def replay(folder: Path) -> Replay | None:
    """Publish the frames recorded so far, or return None without any."""
    try:
        found = (folder / runs.REPLAY).stat()
    except FileNotFoundError:
        return None
    frames = _frames(folder, found.st_mtime_ns, found.st_size)
    if frames is None:
        return None
    description, contents = frames
    return Replay(description, tuple(map(assets.publish, contents)))


@st.cache_resource(show_spinner=False, max_entries=8)
def _frames(
    folder: Path, modified: int, size: int
) -> tuple[Mapping[str, Any], tuple[Asset, ...]] | None:
    recorded = runs.read_replay(folder)
    if recorded is None:
        return None
    description = runs.replay_bundles.describe(recorded, runs.read_config(folder).model)
    contents = map(runs.replay_bundles.frame_bundle, recorded.frames)
    return description, tuple(Asset(content, "frame.bin") for content in contents)
