"""Encode uploaded pictures: preparation, posterior, distortion, labels."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from app.figures import raster
from app.resources import opened_model
from app.resources.opened_model import Floats, Opened
from vae_core import images, model_folder, objectives
from vae_core.images import Prepared

#: Pixels of a step's picture, on its longer side.
STEP_SIDE = 112
#: Draws of z for an uploaded picture's distortion.
DISTORTION_SAMPLES = 64
#: A model of more labels is not asked which of them explains a picture best.
MOST_COMPARED = 32


@dataclass(frozen=True)
class Encoding:
    """What a model makes of one picture.

    Attributes
    ----------
    x, reconstruction : float32 (c, h, w)
    mu, logvar : float32 (latent_dim,)
    rate, distortion : float
        In nats; the distortion is a mean over `DISTORTION_SAMPLES` draws of z.
    y : int or None
        The label that the model was given with it.
    share_below : float
        Share of the encoded test set with a smaller distortion.
    """

    x: Floats
    reconstruction: Floats
    mu: Floats
    logvar: Floats
    rate: float
    distortion: float
    share_below: float
    y: int | None = None

    @property
    def loss(self) -> float:
        """−ELBO in nats."""
        return self.rate + self.distortion


# Uploads: in memory, for as long as the run that shows them


def encode(opened: Opened, x: Floats, *, seed: int, y: int | None = None) -> Encoding:
    """Encode one prepared picture (c, h, w) in [0, 1].

    `y` is the label that a model is given which takes one.
    """
    generator = torch.Generator().manual_seed(seed)
    batch = torch.from_numpy(x)[None]
    label = None if y is None else torch.tensor([y])
    with torch.inference_mode():
        inference = opened.model(batch, y=label, samples=DISTORTION_SAMPLES, generator=generator)
        bound = objectives.elbo(inference)
        reconstruction = opened.model.decode(inference.q.mu, label).mean[0]
    distortion = float(bound.distortion[0])
    return Encoding(
        x=x,
        reconstruction=reconstruction.numpy(),
        mu=inference.q.mu[0].numpy(),
        logvar=inference.q.logvar[0].numpy(),
        rate=float(bound.rate[0]),
        distortion=distortion,
        share_below=float((opened.codes.distortion < distortion).float().mean()),
        y=y,
    )


def by_label(opened: Opened, x: Floats, *, seed: int) -> tuple[Encoding, ...]:
    """Encode one prepared picture under every label that the model is given.

    Empty for a model that takes none, or more than `MOST_COMPARED`.
    """
    digest = model_folder.content_hash(x.tobytes())
    return _by_label(opened, digest, seed, x)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: opened_model.cache_key})
def _by_label(opened: Opened, digest: str, seed: int, _x: Floats) -> tuple[Encoding, ...]:
    labels = range(len(opened.given_names))
    if len(labels) > MOST_COMPARED:
        return ()
    # one seed for all, so that they differ by the label alone
    return tuple(encode(opened, _x, seed=seed, y=label) for label in labels)


def best_label(opened: Opened, x: Floats, *, seed: int) -> int | None:
    """Return the label under which a picture's ELBO is highest; None where `by_label` is empty."""
    best = min(by_label(opened, x, seed=seed), key=lambda one: one.loss, default=None)
    return None if best is None else best.y


def prior_draws(opened: Opened, n: int, *, seed: int) -> Floats:
    """Draw `n` codes from p(z), or from p(z|y) of the first label, (n, latent_dim)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        y = torch.zeros(n, dtype=torch.int64) if opened.given_names else None
        draws: Floats = opened.model.prior_given(y).sample(n, generator=generator).numpy()
    return draws


def posterior_draws(opened: Opened, encoding: Encoding, n: int, *, seed: int) -> Floats:
    """Draw `n` codes from q(z|x), (n, latent_dim)."""
    eps = np.random.default_rng(seed).standard_normal((n, len(encoding.mu)), dtype=np.float32)
    draws: Floats = encoding.mu + np.exp(0.5 * encoding.logvar) * eps
    return draws


def prepared(opened: Opened, content: bytes, **switches: bool | None) -> Prepared:
    """Read a picture file and prepare it as the model's data was; steps are of `STEP_SIDE`.

    Raises
    ------
    ImageError
        If it is no picture, too large, or blank.
    """
    shape, dataset = opened.card.model.image_shape, opened.card.dataset
    digest = model_folder.content_hash(content)
    return _prepared(digest, shape, dataset, tuple(sorted(switches.items())), content)


@st.cache_resource(show_spinner=False, max_entries=64, scope="session")
def _prepared(
    digest: str,
    shape: tuple[int, int, int],
    dataset: str,
    switches: tuple[tuple[str, bool | None], ...],
    _content: bytes,
) -> Prepared:
    picture = images.read_picture(_content)
    found = images.prepare(picture, shape, dataset=dataset, **dict(switches))  # type: ignore[arg-type]
    steps = (
        dataclasses.replace(step, picture=raster.thumbnail(step.picture, STEP_SIDE))
        for step in found.steps
    )
    return dataclasses.replace(found, steps=tuple(steps))  # a hundredth of a photograph's bytes
