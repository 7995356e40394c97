"""Make bundles of a replay for the browser: one for each frame, or a small one of all frames."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core import latents, projection
from vae_core.config import ModelConfig
from vae_core.formats import bundles
from vae_core.runs.replay import Frame, Replay

#: Numbers of grey levels to try for the images of a small bundle, and its largest compressed size
#: in bytes: an exported page of mnist-2d with 45 frames then has less than 4 MB.
LEVELS = (256, 64, 32, 16)
SMALL = 420_000

PCA_AXES = ("1st principal component", "2nd principal component")

Bytes = NDArray[np.uint8]


def describe(replay: Replay, config: ModelConfig) -> dict[str, Any]:
    """Describe a replay as JSON, which replay.js reads as part of its ``ReplayData``.

    Returns
    -------
    dict
        ``frames``: step, epoch and ELBO of each. ``labels``: (n,) or None. ``plane``: mean and
        components of the PCA of the last frame, by which the codes of all frames are projected,
        for more than two latent dimensions, else None. ``heights``: (n,) vertical coordinates of
        codes of one dimension, else None. ``axes``: the names of both axes. ``prior``: the mean of
        a standard normal prior on the map, else None.
    """
    last = replay.frames[-1].codes.numpy()
    n, d = last.shape
    plane = heights = None
    axes: tuple[str, str | None] = ("z₁", "z₂")
    if d == 1:
        labels = None if replay.labels is None else replay.labels.numpy()
        heights = latents.along_line(last, replay.ids.numpy(), labels)[:, 1]
        axes = ("z₁", None)
    elif d > 2 and n > 1:
        plane = projection.pca(last)
        axes = PCA_AXES
    origin = np.zeros((1, d), dtype=np.float32)
    middle = origin[0] if plane is None else plane.project(origin)[0]
    return {
        "frames": [
            {"step": frame.step, "epoch": round(frame.epoch, 4), "elbo": frame.elbo}
            for frame in replay.frames
        ],
        "labels": None if replay.labels is None else replay.labels.tolist(),
        "plane": None
        if plane is None
        else {"mean": plane.mean.tolist(), "components": plane.components.ravel().tolist()},
        "heights": None if heights is None else heights.tolist(),
        "axes": list(axes),
        "prior": middle[:2].tolist() if config.prior == "standard" and d > 1 else None,
    }


def frame_bundle(frame: Frame) -> bytes:
    """Bundle one frame: ``codes`` (n, d), ``samples`` and ``grid``, as recorded."""
    return bundles.bundle({}, _arrays(frame))


def small_bundle(replay: Replay, config: ModelConfig) -> bytes:
    """Bundle all frames in little space, for an exported page.

    ``codes`` (frames, n, 2) are coordinates on the map. ``samples`` and ``grid`` (frames, …) uint8
    have the most grey levels of ``LEVELS`` with which the bundle is at most ``SMALL`` bytes. Each
    frame is stored as the difference to the previous one, modulo 256.
    """
    described = describe(replay, config)
    frames = [_arrays(frame) for frame in replay.frames]
    if described["plane"] is not None:
        mean = np.array(described["plane"]["mean"], dtype=np.float32)
        components = np.array(described["plane"]["components"], dtype=np.float32).reshape(2, -1)
        for frame in frames:
            places = (frame["codes"].astype(np.float32) - mean) @ components.T
            frame["codes"] = places.astype(np.float16)
    whole = {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}
    for levels in LEVELS:
        found = bundles.bundle(
            described | {"plane": None, "levels": levels}, _quantised(whole, levels)
        )
        if len(gzip.compress(found, mtime=0)) <= SMALL:
            break
    return found


def _arrays(frame: Frame) -> dict[str, NDArray[Any]]:
    pictures = {"samples": frame.samples, "grid": frame.grid}
    return {"codes": frame.codes.numpy().astype(np.float16)} | {
        name: one.numpy() for name, one in pictures.items() if one is not None
    }


def _quantised(whole: Mapping[str, NDArray[Any]], levels: int) -> dict[str, NDArray[Any]]:
    return {
        name: values if name == "codes" else _differences(_level(values, levels))
        for name, values in whole.items()
    }


def _level(values: Bytes, levels: int) -> Bytes:
    return np.round(values * ((levels - 1) / 255)).astype(np.uint8)


def _differences(values: Bytes) -> Bytes:
    return np.diff(values, axis=0, prepend=np.zeros_like(values[:1]))
