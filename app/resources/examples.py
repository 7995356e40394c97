"""Images of examples: originals, reconstructions, sprites and nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.figures import raster
from app.resources import assets, datasets
from app.resources.assets import Asset
from app.resources.datasets import Reading
from app.resources.opened_model import HASH_FUNCS, Floats, Ids, Opened
from vae_core import analogies, data, evaluation, latents
from vae_core.errors import DatasetError
from vae_core.formats import bundles

ORIGINAL, RECONSTRUCTION, DECODED = "originals", "reconstructions", "decoded codes"


@dataclass(frozen=True)
class Pictures:
    """Images of some examples.

    Attributes
    ----------
    images : uint8 (n, c, h, w)
    kind : str
        `ORIGINAL`, `RECONSTRUCTION`, or `DECODED` for a model without an encoder.
    """

    images: NDArray[np.uint8]
    kind: str


@dataclass(frozen=True)
class Neighbours:
    """The examples nearest to one point in one space, nearest first."""

    ids: Ids
    distances: Floats
    space: str


@dataclass(frozen=True)
class TrainingImages:
    """The training images nearest to one image, uint8 (n, c, h, w), and their distances (n,)."""

    images: NDArray[np.uint8]
    distances: Floats


def originals(opened: Opened) -> tuple[NDArray[np.uint8], dict[int, int]] | None:
    """Return the original test images and the row of each id, or None if they do not fit.

    A missing or damaged dataset, images of another shape and unknown ids do not fit.
    """
    if opened.saved.pictures is not None:
        return opened.saved.pictures.numpy(), dict(opened.row)
    if not datasets.is_present(opened.card.dataset, trusted=opened.names_data):
        return None
    try:
        images, row = _test_images(_reading(opened))
    except DatasetError:
        return None
    fits = images.shape[1:] == opened.card.model.image_shape and opened.row.keys() <= row.keys()
    return (images, row) if fits else None


def _reading(opened: Opened) -> Reading:
    training = opened.card.measured_as.model_copy(update={"dataset": opened.card.dataset})
    return Reading.of(training, opened.card.model.image_shape)


@st.cache_resource(show_spinner=False, max_entries=4)
def _test_images(reading: Reading) -> tuple[NDArray[np.uint8], dict[int, int]]:
    split = reading.load().test
    return split.images.numpy(), {int(i): row for row, i in enumerate(split.ids.tolist())}


def pictures(opened: Opened, ids: Sequence[int] | Ids) -> Pictures:
    """Return the originals of examples in the order of `ids`, else their reconstructions."""
    found = originals(opened)
    if found is None:
        rows = opened.rows(ids)
        images = decode(opened, opened.codes.mu[rows], opened.conditions(rows))
        return Pictures(images, RECONSTRUCTION if opened.has_encoder else DECODED)
    images, row = found
    return Pictures(images[[row[int(i)] for i in ids]], ORIGINAL)


@torch.inference_mode()
def decode(
    opened: Opened, z: torch.Tensor | Floats, y: torch.Tensor | int | None = None
) -> NDArray[np.uint8]:
    """Return the mean images of codes (n, latent_dim), uint8 (n, c, h, w).

    `y`, one label for all codes or one for each, is for a conditional model.
    """
    codes = torch.as_tensor(z)
    if isinstance(y, int):
        y = torch.full((len(codes),), y)
    return raster.to_levels(opened.model.decode(codes, y).mean.numpy())


@torch.inference_mode()
def reconstruct(
    opened: Opened, x: Floats, labels: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """Return the reconstructions of prepared images (n, c, h, w) from posterior means, uint8."""
    y = None if labels is None else torch.tensor(labels)
    return decode(opened, opened.model.encode(torch.from_numpy(x), y).mu, y)


def sprite_address(opened: Opened) -> str | None:
    """Return the address of the original images, or None without them."""
    return None if originals(opened) is None else assets.publish(_sprite(opened))


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=HASH_FUNCS)
def _sprite(opened: Opened) -> Asset:
    images = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return Asset(bundles.sprite_bundle(opened.codes.ids, images), "originals.bin")


def typical(opened: Opened, label: int) -> int:
    """Return the row of the example of a class whose code is nearest to the class's mean."""
    assert opened.codes.labels is not None, "classes come with labels"
    return analogies.typical(opened.codes.mu, (opened.codes.labels == label).nonzero()[:, 0])


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=HASH_FUNCS)
def analogy(opened: Opened) -> tuple[int, int, int] | None:
    """Return the rows of an example of A − B + C, if there is one that is seen to be right.

    The codes of a conditional model do not separate classes: those of one label are tried.
    """
    labels, rows, y = opened.codes.labels, torch.arange(len(opened.codes.mu)), None
    if opened.card.model.conditional and labels is not None:
        y = int(labels[0])
        rows = torch.eq(labels, y).nonzero()[:, 0]
        labels = None

    @torch.inference_mode()
    def decode(codes: torch.Tensor) -> torch.Tensor:
        label = None if y is None else torch.full((len(codes),), y)
        return opened.model.decode(codes, label).mean

    found = analogies.find(opened.codes.mu[rows], labels, decode)
    return (
        None if found is None else (int(rows[found[0]]), int(rows[found[1]]), int(rows[found[2]]))
    )


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=HASH_FUNCS)
def neighbours(opened: Opened, example: int, k: int) -> tuple[Neighbours, Neighbours]:
    """Return the `k` examples nearest to one of them, in latent and in pixel space."""
    ids = opened.codes.ids.numpy()
    mu: Floats = opened.codes.mu.numpy()
    row = opened.row[example]
    images, norms = _all_images(opened, originals(opened) is not None)
    pixels = evaluation.nearest_images(images[row : row + 1] / 255, images, k=k + 1, norms=norms)
    spaces = {
        "latent space": latents.nearest(mu[row], mu, k + 1),
        "pixel space": (pixels.rows[0].numpy(), pixels.distances[0].numpy()),
    }
    found = []
    for space, (rows, distances) in spaces.items():
        others = rows != row
        found.append(Neighbours(ids[rows[others]][:k], distances[others][:k], space))
    return found[0], found[1]


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=HASH_FUNCS)
def _all_images(opened: Opened, has_originals: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images of the test set, (n, c, h, w), and their squared norms."""
    images = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return images, evaluation.squared_norms(images)


def nearest_codes(opened: Opened, mu: Floats, k: int) -> Neighbours:
    """Return the `k` examples whose codes are nearest to `mu`."""
    rows, distances = latents.nearest(mu, opened.codes.mu.numpy(), k)
    return Neighbours(opened.codes.ids.numpy()[rows], distances, "latent space")


def nearest_training_images(
    opened: Opened, z: Floats, y: int | None, k: int
) -> TrainingImages | None:
    """Return the `k` training images nearest to the decoded one, or None if the data is unfit."""
    try:
        return _nearest_training_images(opened, tuple(z.tolist()), y, k)
    except DatasetError:
        return None


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=HASH_FUNCS)
def _nearest_training_images(
    opened: Opened, z: tuple[float, ...], y: int | None, k: int
) -> TrainingImages | None:
    size, seed = opened.card.measured_as.train_size, opened.card.measured_as.seed
    images, norms = _training_images(_reading(opened), size, 0 if size is None else seed)
    if tuple(images.shape[1:]) != opened.card.model.image_shape:
        return None
    query = torch.from_numpy(decode(opened, np.array([z], dtype=np.float32), y)).float() / 255
    found = evaluation.nearest_images(query, images, k=k, norms=norms)
    return TrainingImages(images[found.rows[0]].numpy(), found.distances[0].numpy())


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_images(
    reading: Reading, size: int | None, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images that a model learnt from, (n, c, h, w), and their squared norms."""
    split = reading.load().train
    images = (split if size is None else data.subset(split, size, seed=seed)).images
    return images, evaluation.squared_norms(images)
