"""Evidence lower bounds in plain NumPy, independent of vae_core.

A picture x has the bound E[log p(x|z)] - KL(q(z|x) || N(0, I)), Kingma & Welling (2013), eq. 3,
estimated with ``samples`` codes for each picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Bound:
    """Means over pictures in nats, and the standard errors that come of drawing codes alone."""

    elbo: float
    rate: float
    distortion: float
    error: float  # of the mean over all samples
    error_of_one: float  # of a mean with one sample a picture


def rate(mu: Array, logvar: Array) -> Array:
    """Return KL(N(mu, exp(logvar)) || N(0, I)) of each picture, (n,)."""
    mu, logvar = (value.reshape(len(value), -1).astype(np.float64) for value in (mu, logvar))
    return 0.5 * np.sum(np.exp(logvar) + mu**2 - 1 - logvar, axis=1)


def distortion(x: Array, output: Array, likelihood: str) -> Array:
    """Return -log p(x|z) of pictures in [0, 1], (n,), from a decoder's output.

    Likelihoods: ``bernoulli`` of probabilities (logarithms at least -100, as in PyTorch),
    ``bernoulli of logits``, and ``gaussian:SIGMA`` of means in [0, 1].
    """
    x, y = (value.reshape(len(value), -1).astype(np.float64) for value in (x, output))
    if likelihood == "bernoulli":
        with np.errstate(divide="ignore"):
            logs = np.maximum(np.log(y), -100), np.maximum(np.log1p(-y), -100)
        return -np.sum(x * logs[0] + (1 - x) * logs[1], axis=1)
    if likelihood == "bernoulli of logits":
        return np.sum(np.logaddexp(0, y) - x * y, axis=1)
    variance = float(likelihood.removeprefix("gaussian:")) ** 2
    return 0.5 * np.sum((x - y) ** 2 / variance + np.log(2 * np.pi * variance), axis=1)


def bound(
    x: Array,
    mu: Array,
    logvar: Array,
    decode: Callable[[Array], Array],
    *,
    likelihood: str,
    samples: int = 16,
    seed: int = 0,
) -> Bound:
    """Estimate the bound of pictures x in [0, 1], (n, ...); ``decode`` gives their likelihood."""
    draw = np.random.default_rng(seed)
    found = np.empty((samples, len(x)))
    for sample in found:
        noise = draw.standard_normal(mu.shape)
        z = (mu + np.exp(0.5 * logvar.astype(np.float64)) * noise).astype(np.float32)
        sample[:] = distortion(x, decode(z), likelihood)
    of_one = float(np.sqrt(np.mean(found.var(axis=0, ddof=1)) / len(x)))
    terms = float(rate(mu, logvar).mean()), float(found.mean())
    return Bound(-sum(terms), *terms, of_one / float(np.sqrt(samples)), of_one)
