"""Trainings of the runs folder: statuses, models in training, replays, maps."""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from app.resources import assets as routes
from app.resources import datasets
from app.resources.assets import Asset
from app.resources.cache import TimedCache
from app.resources.datasets import FEWER_POINTS, LIVE_POINTS
from app.resources.opened_model import Opened
from vae_core import evaluation, runs
from vae_core.formats import bundles
from vae_core.model_folder import Codes, ModelCard, Saved


def positions_address(ids: torch.Tensor, points: torch.Tensor) -> str:
    """Return the address of examples' places (n, 2) on a map."""
    return routes.publish(Asset(bundles.positions_bundle(ids, points), "positions.bin"))


def maps_root() -> Path:
    """Return the folder of the maps that were computed here."""
    return runs.runs_dir() / "maps"


# Trainings


@dataclass(frozen=True)
class Trainings:
    """How all trainings stand.

    Attributes
    ----------
    all : mapping of str to RunStatus
        By the folder's name, oldest first.
    trouble : str
        Why nobody could be given a turn, in a sentence; empty where all is well.
    """

    all: Mapping[str, runs.RunStatus]
    trouble: str


def trainings(root: Path) -> Trainings:
    """Read how all trainings stand, and give those that wait turns; shared by all sessions."""
    return _trainings(root)


def look_again() -> None:
    """Let the next look at the trainings be a new one: something has been done to one."""
    _trainings.clear()


def _stand(root: Path) -> Trainings:
    trouble = runs.tend(root)
    return Trainings({one.folder.name: one for one in runs.stands(root)}, trouble)


_trainings = TimedCache(_stand)


#: Seconds for which all who watch a training see the same map and manifold: each costs the server
#: as much as some twenty looks at the curves.
NEW_PICTURES = 2.0


def in_training(folder: Path, *, is_still: bool = False) -> Opened | None:
    """Open the model of a run as a checkpoint of the last seconds has it; None before the first.

    Parameters
    ----------
    is_still
        Whether nobody trains it any more: its last checkpoint then, which is waited for.
    """
    return _at_last(folder) if is_still else _lately(folder)


@st.cache_resource(
    ttl=NEW_PICTURES,
    refresh_mode="background",  # whoever looks is given the last one while the next is made
    validate=lambda opened: opened is not None,
    show_spinner=False,
    max_entries=8,
)
def _lately(folder: Path) -> Opened | None:
    return _at_last(folder)


def _at_last(folder: Path) -> Opened | None:
    version = _version(folder)
    if version is None:
        return None
    opened = _in_training(folder, version)
    if opened is not None:
        # Made here, so that nobody who looks has to wait for it.
        _ = (opened.decoder.digest, opened.bundle.digest, opened.kl)
    return opened


def _version(folder: Path) -> int | None:
    for name in (runs.CHECKPOINT, runs.PREVIOUS):  # the one before serves where there is no last
        with contextlib.suppress(FileNotFoundError):
            return (folder / name).stat().st_mtime_ns
    return None


@st.cache_resource(show_spinner=False, max_entries=8)
def _in_training(folder: Path, version: int) -> Opened | None:
    found = runs.read_model(folder)
    if found is None:
        return None
    model, step = found
    config = runs.read_config(folder)
    name = config.training.dataset
    first = datasets.first_pictures(name).first(
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
        classes=datasets.outline(name).classes,
        model=config.model,
        training=config.training,
    )
    key = f"{folder.name}-{step}-{version:x}"
    saved = Saved(card=card, model=model, codes=codes)
    return Opened(name=folder.name, hash=key, saved=saved, in_training=True)


@dataclass(frozen=True)
class Film:
    """The replay of a run as browsers are given it.

    Attributes
    ----------
    told : mapping
        What `runs.replay_bundles.describe` tells.
    addresses : tuple of str
        Of each frame's bundle.
    """

    told: Mapping[str, Any]
    addresses: tuple[str, ...]


def film(folder: Path) -> Film | None:
    """Publish the frames of a run that there are by now; None where there is none."""
    try:
        found = (folder / runs.REPLAY).stat()
    except FileNotFoundError:
        return None
    frames = _frames(folder, found.st_mtime_ns, found.st_size)
    if frames is None:
        return None
    told, assets = frames
    return Film(told, tuple(map(routes.publish, assets)))


@st.cache_resource(show_spinner=False, max_entries=8)
def _frames(
    folder: Path, modified: int, size: int
) -> tuple[Mapping[str, Any], tuple[Asset, ...]] | None:
    replay = runs.read_replay(folder)
    if replay is None:
        return None
    contents = map(runs.replay_bundles.frame_bundle, replay.frames)
    told = runs.replay_bundles.describe(replay, runs.read_config(folder).model)
    return told, tuple(Asset(content, "frame.bin") for content in contents)
