"""What an expert expects to find measured: bounds, their parts, and what the codes hold.

Every function works in chunks of bounded memory and returns values per example or per dimension;
:class:`Estimate` alone reduces them, with a standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import objectives, pixels
from vae_core.distributions import DiagonalGaussian
from vae_core.models import VAE, Inference

#: Images encoded at once.
BATCH = 500
#: Codes decoded at once: 2,000 · 784 logits in float32 are 6 MB, which stays in the cache.
CODES_AT_ONCE = 2_000
#: A unit is active when the variance over data of its posterior mean is above this (Burda et
#: al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True)
class Estimate:
    """A mean over examples and its standard error, in the unit of the values."""

    mean: float
    se: float

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """Estimate from one value per example, (n,)."""
        values = values.double()
        se = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
        return cls(mean=float(values.mean()), se=se)


@dataclass(frozen=True)
class Encoded:
    """The posterior of every image of a set, with its bound: mu and logvar (n, latent_dim)."""

    mu: Tensor
    logvar: Tensor
    rate: Tensor  # (n,)
    distortion: Tensor  # (n,), one sample of z for each image


@torch.inference_mode()
def encode(model: VAE, images: Tensor, *, kind: str, seed: int = 0) -> Encoded:
    """Encode uint8 images (n, c, h, w) as pixels of ``kind``, with a single-sample bound."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for batch in torch.split(images, BATCH):
        x = pixels.view(batch, kind, generator=generator)
        inference = model(x, generator=generator)
        bound = objectives.elbo(inference)
        parts.append((inference.q.mu, inference.q.logvar, bound.rate, bound.distortion))
    return Encoded(*(torch.cat(column) for column in zip(*parts, strict=True)))


def bounds(model: VAE, images: Tensor, *, kind: str, seed: int = 0) -> objectives.Bound:
    """Single-sample ELBO with rate and distortion of uint8 images, (n,) each."""
    encoded = encode(model, images, kind=kind, seed=seed)
    rate, distortion = encoded.rate, encoded.distortion
    return objectives.Bound(elbo=-(rate + distortion), rate=rate, distortion=distortion)


@dataclass(frozen=True)
class Importance:
    """Importance-weighted estimates per example.

    ``nll`` is minus the k-sample bound, ``ess`` the effective sample size (Σw)² / Σw² in 1 … k.
    """

    nll: Tensor
    ess: Tensor


@torch.inference_mode()
def nll_iw(model: VAE, images: Tensor, *, k: int, kind: str, seed: int = 0) -> Importance:
    """Minus the k-sample bound of each image, by streaming over samples.

    Burda et al. (2016), equation (8). Weights are folded into a running maximum and two running
    sums, so memory does not grow with ``k``.

    Parameters
    ----------
    images
        uint8 (n, c, h, w).
    k
        Importance samples per image.
    """
    generator = torch.Generator().manual_seed(seed)
    per_image = min(k, 100)
    nll, ess = [], []
    for batch in torch.split(images, max(1, CODES_AT_ONCE // per_image)):
        x = pixels.view(batch, kind, generator=generator)
        q = model.encode(x)
        top = torch.full((len(x),), -math.inf)
        total = torch.zeros(len(x))
        squares = torch.zeros(len(x))
        left = k
        while left:
            z = q.sample(min(left, per_image), generator=generator)
            left -= len(z)
            log_w = objectives.log_weights(
                Inference(x=x, q=q, z=z, p=model.decode(z), prior=model.prior)
            )
            new_top = torch.maximum(top, log_w.amax(0))
            shrink, w = torch.exp(top - new_top), torch.exp(log_w - new_top)
            total = total * shrink + w.sum(0)
            squares = squares * shrink.square() + w.square().sum(0)
            top = new_top
        nll.append(-(top + total.log() - math.log(k)))
        ess.append(total.square() / squares)
    return Importance(nll=torch.cat(nll), ess=torch.cat(ess))


def kl_per_dim(mu: Tensor, logvar: Tensor) -> Tensor:
    """Mean over images of each dimension's KL to N(0, 1): (n, d) → (d,), in nats."""
    return DiagonalGaussian(mu, logvar).kl_per_dim().mean(0)


def active_units(mu: Tensor) -> Tensor:
    """Which dimensions carry information: posterior means (n, d) → bool (d,)."""
    return mu.var(0, correction=0) > ACTIVE_VARIANCE


def knn_labels(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    *,
    k: int = 10,
) -> NDArray[np.int64]:
    """Return the majority label of the k nearest training codes (n, d) of each test code.

    With fewer than ``k`` training codes, all of them vote.
    """
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = KNeighborsClassifier(n_neighbors=min(k, len(train)))
    predicted = neighbours.fit(train, train_labels).predict(test)
    return np.asarray(predicted, dtype=np.int64)
