"""Pictures of examples: originals, reconstructions, sprites, nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.resources import assets, datasets, opened_model
from app.resources.assets import Asset
from app.resources.opened_model import Floats, Ids, Opened
from vae_core import data, evaluation, latents
from vae_core.errors import DatasetError
from vae_core.formats import bundles

ORIGINAL, RECONSTRUCTION = "originals", "reconstructions"


@dataclass(frozen=True)
class Pictures:
    """Images of some examples, and what they are.

    Attributes
    ----------
    images : uint8 (n, c, h, w)
    kind : str
        `ORIGINAL` or `RECONSTRUCTION`.
    """

    images: NDArray[np.uint8]
    kind: str


@dataclass(frozen=True)
class Neighbours:
    """The examples nearest to one point in one space, nearest first."""

    ids: Ids
    distances: Floats
    space: str


@st.cache_resource(show_spinner=False, max_entries=4)
def _test_images(dataset: str) -> tuple[NDArray[np.uint8], dict[int, int]]:
    split = data.load_dataset(dataset).test
    return split.images.numpy(), {int(i): row for row, i in enumerate(split.ids.tolist())}


def originals(opened: Opened) -> tuple[NDArray[np.uint8], dict[int, int]] | None:
    """Load the original test images and the row of each id; None without the dataset."""
    known = {status.name: status.present for status in datasets.datasets()}
    name = opened.card.dataset
    if not known.get(name, False):
        return None
    try:
        loaded = _test_images(name)
    except DatasetError:  # a damaged file: reconstructions are shown, and say so
        return None
    if loaded[0].shape[1:] != opened.card.model.image_shape:
        return None
    return loaded if opened.row.keys() <= loaded[1].keys() else None


def pictures(opened: Opened, ids: Sequence[int] | Ids) -> Pictures:
    """Images of examples, in the order of `ids`."""
    found = originals(opened)
    if found is None:
        rows = opened.rows(ids)
        images = decoded(opened, opened.codes.mu[rows], opened.given(rows))
        return Pictures(images, RECONSTRUCTION)
    all_images, row = found
    return Pictures(all_images[[row[int(i)] for i in ids]], ORIGINAL)


@torch.inference_mode()
def decoded(
    opened: Opened, z: torch.Tensor | Floats, y: torch.Tensor | int | None = None
) -> NDArray[np.uint8]:
    """Mean images of codes (n, latent_dim), uint8 (n, c, h, w).

    `y`, one label or one for each code, is for a model that takes labels.
    """
    codes = torch.as_tensor(z)
    if isinstance(y, int):
        y = torch.full((len(codes),), y)
    mean = opened.model.decode(codes, y).mean
    levels: NDArray[np.uint8] = mean.mul(255).round().to(torch.uint8).numpy()
    return levels


def sprite_address(opened: Opened) -> str | None:
    """Return the address of the original pictures, None where they are not at hand."""
    return None if originals(opened) is None else assets.publish(_sprite(opened))


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Opened: opened_model.cache_key})
def _sprite(opened: Opened) -> Asset:
    originals = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return Asset(bundles.sprite_bundle(opened.codes.ids, originals), "originals.bin")


# Neighbours


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: opened_model.cache_key})
def neighbours(opened: Opened, example: int, k: int) -> tuple[Neighbours, Neighbours]:
    """Return the `k` examples nearest to one of them, in latent and in pixel space."""
    everyone = opened.codes.ids.numpy()
    mu: Floats = opened.codes.mu.numpy()
    row = opened.row[example]
    seen, norms = _all_pictures(opened, originals(opened) is not None)
    pixels = evaluation.nearest_images(seen[row : row + 1] / 255, seen, k=k + 1, norms=norms)
    spaces = {
        "latent space": latents.nearest(mu[row], mu, k + 1),
        "pixel space": (pixels.rows[0].numpy(), pixels.distances[0].numpy()),
    }
    found = []
    for space, (rows, distances) in spaces.items():
        others = rows != row
        found.append(Neighbours(everyone[rows[others]][:k], distances[others][:k], space))
    return found[0], found[1]


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Opened: opened_model.cache_key})
def _all_pictures(opened: Opened, originals: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of the encoded set, (n, c, h, w), and what every search of them needs."""
    seen = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return seen, evaluation.squared_norms(seen)


def nearest_codes(opened: Opened, mu: Floats, k: int) -> Neighbours:
    """Return the `k` examples whose codes are nearest to `mu`."""
    rows, distances = latents.nearest(mu, opened.codes.mu.numpy(), k)
    return Neighbours(opened.codes.ids.numpy()[rows], distances, "latent space")


@dataclass(frozen=True)
class TrainingPictures:
    """The training pictures nearest to one, nearest first, and their distances to it."""

    images: NDArray[np.uint8]
    distances: Floats


def training_at_hand(opened: Opened) -> bool:
    """Whether the pictures that the model learnt from are on this machine."""
    name = opened.card.dataset
    return any(status.name == name and status.present for status in datasets.datasets())


def nearest_training(opened: Opened, z: Floats, y: int | None, k: int) -> TrainingPictures | None:
    """Return the `k` training pictures nearest to the decoded one; None where the data is unfit."""
    try:
        return _nearest_training(opened, tuple(z.tolist()), y, k)
    except DatasetError:  # a damaged file
        return None


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: opened_model.cache_key})
def _nearest_training(
    opened: Opened, z: tuple[float, ...], y: int | None, k: int
) -> TrainingPictures | None:
    size, seed = opened.card.training.train_size, opened.card.training.seed
    known, norms = _training_pictures(opened.card.dataset, size, 0 if size is None else seed)
    if tuple(known.shape[1:]) != opened.card.model.image_shape:
        return None
    picture = decoded(opened, np.array([z], dtype=np.float32), y)
    query = torch.from_numpy(picture).float() / 255
    found = evaluation.nearest_images(query, known, k=k, norms=norms)
    return TrainingPictures(known[found.rows[0]].numpy(), found.distances[0].numpy())


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_pictures(name: str, size: int | None, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures that a model learnt from, (n, c, h, w), and what every search of them needs."""
    split = data.load_dataset(name).train
    known = (split if size is None else data.subset(split, size, seed=seed)).images
    return known, evaluation.squared_norms(known)


@torch.inference_mode()
def reconstructions(
    opened: Opened, x: Floats, labels: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """Reconstruct prepared pictures (n, c, h, w) by their posterior means, uint8."""
    y = None if labels is None else torch.tensor(labels)
    return decoded(opened, opened.model.encode(torch.from_numpy(x), y).mu, y)
