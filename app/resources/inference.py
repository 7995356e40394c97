"""Encode uploaded images: preparation, posterior, distortion and best label."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from app.figures import raster
from app.resources.opened_model import HASH_FUNCS, Floats, Opened
from vae_core import familiarity, images, model_folder, objectives
from vae_core.familiarity import Familiarity, Known
from vae_core.images import Prepared

#: Glyphs of one image that are offered.
MAX_GLYPHS = 12
#: Longer side of a preparation step's image, in pixels.
STEP_SIDE = 112
#: Samples of z for the distortion of an uploaded image.
DISTORTION_SAMPLES = 64
#: Labels are compared only by models of at most this many.
MAX_COMPARED_LABELS = 32


@dataclass(frozen=True)
class Encoding:
    """One encoded image.

    Attributes
    ----------
    x, reconstruction : float32 (c, h, w)
    mu, logvar : float32 (latent_dim,)
    rate, distortion : float
        In nats; the distortion is a mean over `DISTORTION_SAMPLES` samples of z. The rate is NaN
        for a model without a bound.
    share_below : float
        Share of the test set with a smaller distortion.
    y : int or None
        The label that a conditional model was given.
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
        """−ELBO in nats; the distortion where there is no rate."""
        return self.distortion + (0.0 if math.isnan(self.rate) else self.rate)


def encode(opened: Opened, x: Floats, *, seed: int, y: int | None = None) -> Encoding:
    """Encode one prepared image (c, h, w) in [0, 1], with the label for a conditional model."""
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
        rate=float(bound.rate[0]) if opened.has_bound else math.nan,
        distortion=distortion,
        share_below=float((opened.codes.distortion < distortion).float().mean()),
        y=y,
    )


def by_label(opened: Opened, x: Floats, *, seed: int) -> tuple[Encoding, ...]:
    """Encode one prepared image under every label of a conditional model.

    Empty for an unconditional model, or one of more than `MAX_COMPARED_LABELS`.
    """
    return _by_label(opened, model_folder.content_hash(x.tobytes()), seed, x)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=HASH_FUNCS)
def _by_label(opened: Opened, digest: str, seed: int, _x: Floats) -> tuple[Encoding, ...]:
    labels = range(len(opened.condition_names))
    if len(labels) > MAX_COMPARED_LABELS:
        return ()
    # One seed for all, so that only the label differs.
    return tuple(encode(opened, _x, seed=seed, y=label) for label in labels)


def best_label(opened: Opened, x: Floats, *, seed: int) -> int | None:
    """Return the label with the highest ELBO, or None where `by_label` is empty."""
    best = min(by_label(opened, x, seed=seed), key=lambda one: one.loss, default=None)
    return None if best is None else best.y


def sample_prior(opened: Opened, n: int, *, seed: int) -> Floats:
    """Sample `n` codes from p(z), or from p(z|y) of the first label, (n, latent_dim)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        y = torch.zeros(n, dtype=torch.int64) if opened.condition_names else None
        codes: Floats = opened.model.prior_given(y).sample(n, generator=generator).numpy()
    return codes


def sample_posterior(encoding: Encoding, n: int, *, seed: int) -> Floats:
    """Sample `n` codes from q(z|x), (n, latent_dim)."""
    eps = np.random.default_rng(seed).standard_normal((n, len(encoding.mu)), dtype=np.float32)
    codes: Floats = encoding.mu + np.exp(0.5 * encoding.logvar) * eps
    return codes


def prepare(opened: Opened, content: bytes, **switches: bool | None) -> tuple[Prepared, ...]:
    """Read an image file and prepare each of its glyphs as the training data was.

    Images of the steps are reduced to `STEP_SIDE`.

    Raises
    ------
    ImageError
        If the file is not a readable image, or is too large or blank.
    """
    shape, dataset = opened.card.model.image_shape, opened.card.prepared_as
    digest = model_folder.content_hash(content)
    return _prepare(digest, shape, dataset, tuple(sorted(switches.items())), content)


def judge(opened: Opened, encoding: Encoding, prepared: Prepared | None) -> Familiarity:
    """Return whether an encoded image is anything that the model knows."""
    y = None if encoding.y is None else torch.tensor([encoding.y])
    x = torch.from_numpy(encoding.x)[None]
    made = () if prepared is None else (prepared,)
    (found,) = familiarity.judged(_known(opened), opened.model, x, y=y, prepared=made)
    return found


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=HASH_FUNCS)
def _known(opened: Opened) -> Known:
    return familiarity.calibrated(opened.model, opened.codes, dataset=opened.card.prepared_as)


@st.cache_resource(show_spinner=False, max_entries=64, scope="session")
def _prepare(
    digest: str,
    shape: tuple[int, int, int],
    dataset: str | images.Frame,
    switches: tuple[tuple[str, bool | None], ...],
    _content: bytes,
) -> tuple[Prepared, ...]:
    picture = images.read_picture(_content)
    each = images.prepare_each(picture, shape, dataset=dataset, **dict(switches))
    return tuple(_small_steps(one) for one in each[:MAX_GLYPHS])


def _small_steps(prepared: Prepared) -> Prepared:
    steps = (
        dataclasses.replace(step, picture=raster.thumbnail(step.picture, STEP_SIDE))
        for step in prepared.steps
    )
    return dataclasses.replace(prepared, steps=tuple(steps))
