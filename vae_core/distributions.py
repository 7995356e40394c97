"""Posterior, likelihoods and prior: each owns its mean, its samples and its log-probability.

Shapes: ``z`` is (..., latent_dim), ``x`` is (..., c, h, w). Log-probabilities are in nats,
summed over latent dimensions or pixels, never averaged over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
#: Bounds between which the posterior's log-variance moves freely.
POSTERIOR_LOGVAR = (-12.0, 4.0)


def soft_clamp(value: Tensor, low: float, high: float) -> Tensor:
    """Bend ``value`` smoothly into (low, high); close to the identity away from the bounds."""
    value = high - F.softplus(high - value)
    return low + F.softplus(value - low)


@dataclass(frozen=True)
class StandardNormal:
    """The prior p(z) = N(0, I)."""

    latent_dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., latent_dim) → (...)."""
        return -0.5 * (z.square() + LOG_2PI).sum(-1)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` codes (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, generator=generator)


@dataclass(frozen=True)
class DiagonalGaussian:
    """The posterior q(z|x) = N(mu, diag(exp(logvar))), both (batch, latent_dim)."""

    mu: Tensor
    logvar: Tensor

    @property
    def mean(self) -> Tensor:
        """The posterior mean, (batch, latent_dim)."""
        return self.mu

    def sample(self, k: int | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw z = mu + sigma · eps, reparameterised (Kingma & Welling 2014, section 2.4).

        Returns (batch, latent_dim), or (k, batch, latent_dim) when ``k`` is given.
        """
        shape = self.mu.shape if k is None else (k, *self.mu.shape)
        eps = torch.randn(shape, generator=generator, device=self.mu.device)
        return self.mu + torch.exp(0.5 * self.logvar) * eps

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., batch, latent_dim) → (..., batch)."""
        squared = (z - self.mu).square() * torch.exp(-self.logvar)
        return -0.5 * (squared + self.logvar + LOG_2PI).sum(-1)

    def kl_per_dim(self) -> Tensor:
        """KL(q ‖ N(0, I)) of each dimension, (batch, latent_dim).

        Closed form of Kingma & Welling (2014), appendix B.
        """
        return 0.5 * (self.mu.square() + self.logvar.exp() - self.logvar - 1)


class Likelihood(Protocol):
    """p(x|z) over images; ``mean`` is what is shown."""

    @property
    def mean(self) -> Tensor:
        """Expected image in [0, 1], (..., c, h, w)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of ``x`` (..., c, h, w) → (...), summed over pixels."""

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw an image, (..., c, h, w)."""


def _flat(images: Tensor) -> Tensor:
    return images.flatten(-3)


def _as_images(values: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    return values.reshape(*values.shape[:-1], *image_shape)


@dataclass(frozen=True)
class Bernoulli:
    """Independent Bernoulli pixels from ``logits`` (..., c · h · w).

    With grey targets ``log_prob`` is a negative cross-entropy, not a density.
    """

    logits: Tensor
    image_shape: tuple[int, int, int]

    @classmethod
    def from_head(
        cls, values: Tensor, image_shape: tuple[int, int, int], logvar_floor: float
    ) -> Bernoulli:
        """Read the decoder's last layer (..., c · h · w)."""
        return cls(values, image_shape)

    @property
    def mean(self) -> Tensor:
        """Pixel probabilities, (..., c, h, w)."""
        return _as_images(torch.sigmoid(self.logits), self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Σ x·log p + (1 − x)·log(1 − p), from logits: x·l − softplus(l)."""
        logits, x = self.logits, _flat(x)
        if logits.dim() == 3 and logits.shape[0] > 1 and logits.shape[1:] == x.shape:
            # Many samples for one image: a product with it spares an array as large as theirs.
            return torch.einsum("kbp,bp->kb", logits, x) - F.softplus(logits).sum(-1)
        return (x * logits - F.softplus(logits)).sum(-1)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw binary pixels."""
        return torch.bernoulli(self.mean, generator=generator)


@dataclass(frozen=True)
class Gaussian:
    """Independent Gaussian pixels: ``mu`` in (0, 1) and ``logvar``, both (..., c · h · w)."""

    mu: Tensor
    logvar: Tensor
    image_shape: tuple[int, int, int]

    @classmethod
    def from_head(
        cls, values: Tensor, image_shape: tuple[int, int, int], logvar_floor: float
    ) -> Gaussian:
        """Read the decoder's last layer (..., 2 · c · h · w).

        The mean is squashed by a sigmoid (Kingma & Welling 2014, section 5); the log-variance
        bends smoothly away from its floor.
        """
        mu, logvar = values.chunk(2, dim=-1)
        bounded = logvar_floor + F.softplus(logvar - logvar_floor)
        return cls(torch.sigmoid(mu), bounded, image_shape)

    @property
    def mean(self) -> Tensor:
        """Expected image, (..., c, h, w)."""
        return _as_images(self.mu, self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, summed over pixels."""
        squared = (_flat(x) - self.mu).square() * torch.exp(-self.logvar)
        return -0.5 * (squared + self.logvar + LOG_2PI).sum(-1)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw an image; values may leave [0, 1] by a few sigma."""
        noise = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        return _as_images(self.mu + torch.exp(0.5 * self.logvar) * noise, self.image_shape)


@dataclass(frozen=True)
class LikelihoodSpec:
    """A likelihood by name: how many values a pixel takes in the last layer, how to read them."""

    values_per_pixel: int
    from_head: Callable[[Tensor, tuple[int, int, int], float], Likelihood]


LIKELIHOODS: dict[str, LikelihoodSpec] = {
    "bernoulli": LikelihoodSpec(1, Bernoulli.from_head),
    "gaussian": LikelihoodSpec(2, Gaussian.from_head),
}
