"""Distributions over codes: posteriors and priors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
#: Bounds of the posterior's log-variance.
POSTERIOR_LOGVAR = (-12.0, 4.0)
#: Samples that quantiles of a prior without a closed form are estimated from.
SPAN_SAMPLES = 20_000
#: Halvings of the interval in which a mixture's quantile lies.
HALVINGS = 40


def soft_clamp(value: Tensor, low: float, high: float) -> Tensor:
    """Limit values smoothly to (low, high); close to the identity away from the bounds."""
    value = high - F.softplus(high - value)
    return low + F.softplus(value - low)


@dataclass(frozen=True)
class DiagonalGaussian:
    """Posterior q(z|x) = N(mu, diag(exp(logvar))), both (batch, latent_dim)."""

    mu: Tensor
    logvar: Tensor

    @property
    def mean(self) -> Tensor:
        """Posterior mean, (batch, latent_dim)."""
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
        return self.log_prob_per_dim(z).sum(-1)

    def log_prob_per_dim(self, z: Tensor) -> Tensor:
        """Log density of each coordinate, (..., batch, latent_dim)."""
        squared = (z - self.mu).square() * torch.exp(-self.logvar)
        return -0.5 * (squared + self.logvar + LOG_2PI)

    def kl_per_dim(self) -> Tensor:
        """KL(q ‖ N(0, I)) of each dimension, (batch, latent_dim).

        Closed form of Kingma & Welling (2014), appendix B.
        """
        return 0.5 * (self.mu.square() + self.logvar.exp() - self.logvar - 1)

    def kl_per_dim_to(self, other: DiagonalGaussian) -> Tensor:
        """KL(q ‖ other) of each dimension, (..., batch, latent_dim), in closed form."""
        ratio = self.logvar - other.logvar
        squared = (self.mu - other.mu).square() * torch.exp(-other.logvar)
        return 0.5 * (squared + ratio.exp() - ratio - 1)


class Prior(Protocol):
    """Distribution p(z) of codes, or p(z|y) of codes with labels."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., latent_dim) → (...)."""

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` codes (n, latent_dim)."""

    def kl(self, q: DiagonalGaussian, z: Tensor) -> Tensor:
        """KL(q ‖ p): exact (batch,), or estimated (k, batch).

        Without a closed form, it is log q(z|x) − log p(z) of each sample ``z`` (k, batch,
        latent_dim) of q; the mean over k is an unbiased estimate.
        """
        return q.log_prob(z) - self.log_prob(z)

    @property
    def mean(self) -> Tensor:
        """Mean, (latent_dim,); of the first label or code if there are several.

        Estimated from samples by default.
        """
        return self.sample(SPAN_SAMPLES, generator=torch.Generator().manual_seed(0)).mean(0)

    def span(self, deviations: float) -> tuple[Tensor, Tensor]:
        """Return the quantiles Φ(∓deviations) of each dimension, (latent_dim,) each.

        The lowest and the highest ones where the prior depends on labels. Estimated from samples
        by default.
        """
        z = self.sample(SPAN_SAMPLES, generator=torch.Generator().manual_seed(0))
        tails = torch.special.ndtr(torch.tensor([-deviations, deviations]))
        low, high = z.quantile(tails, dim=0)
        return low, high


@runtime_checkable
class FactorisedPrior(Prior, Protocol):
    """Prior for which the KL is a sum over latent dimensions."""

    def kl_per_dim(self, q: DiagonalGaussian) -> Tensor:
        """KL(q ‖ p) of each dimension, (..., batch, latent_dim)."""

    def kl(self, q: DiagonalGaussian, z: Tensor) -> Tensor:
        """KL(q ‖ p), (..., batch), in closed form."""
        return self.kl_per_dim(q).sum(-1)


@dataclass(frozen=True)
class StandardNormal(FactorisedPrior):
    """Prior p(z) = N(0, I)."""

    latent_dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., latent_dim) → (...)."""
        return -0.5 * (z.square() + LOG_2PI).sum(-1)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` codes (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, generator=generator)

    def kl_per_dim(self, q: DiagonalGaussian) -> Tensor:
        """KL(q ‖ p) of each dimension, in closed form."""
        return q.kl_per_dim()

    @property
    def mean(self) -> Tensor:
        """Zeros, (latent_dim,)."""
        return torch.zeros(self.latent_dim)

    def span(self, deviations: float) -> tuple[Tensor, Tensor]:
        """Return −deviations and deviations for each dimension."""
        high = torch.full((self.latent_dim,), deviations)
        return -high, high


@dataclass(frozen=True)
class _ConditionalGaussian(Prior):
    """Gaussian with parameters (..., batch, latent_dim) that depend on a label or a code."""

    gaussian: DiagonalGaussian

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., batch, latent_dim) → (..., batch)."""
        return self.gaussian.log_prob(z)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw one code for each of the ``n`` labels or codes."""
        assert n == len(self.gaussian.mu), (n, self.gaussian.mu.shape)
        return self.gaussian.sample(generator=generator)

    @property
    def mean(self) -> Tensor:
        """Mean of the first label or code, (latent_dim,)."""
        return self.gaussian.mu[0]

    def span(self, deviations: float) -> tuple[Tensor, Tensor]:
        """Return the lowest and the highest quantiles of all labels or codes."""
        mu, reach = self.gaussian.mu, deviations * torch.exp(0.5 * self.gaussian.logvar)
        return (mu - reach).amin(0), (mu + reach).amax(0)


class LabelGaussian(_ConditionalGaussian, FactorisedPrior):
    """Prior p(z|y) = N(mu_y, diag(exp(logvar_y))), with mu and logvar (batch, latent_dim)."""

    def kl_per_dim(self, q: DiagonalGaussian) -> Tensor:
        """KL(q ‖ p) of each dimension, in closed form."""
        return q.kl_per_dim_to(self.gaussian)


class UpperLayer(_ConditionalGaussian):
    """Prior p(z1|z2) of the lower layer, with parameters (k, batch, latent_dim).

    z2 is drawn from q(z2|z1), so z1 and z2 are dependent under q and the KL has no closed form.
    """


@dataclass(frozen=True)
class GaussianMixture(Prior):
    """Mixture of K diagonal Gaussians: ``mu``, ``logvar`` (K, latent_dim), ``logits`` (K,)."""

    mu: Tensor
    logvar: Tensor
    logits: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of ``z`` (..., latent_dim) → (...), by two matrix products."""
        # (z − mu)² / sigma² is expanded, so that no array (..., K, latent_dim) is formed; values
        # are centred, which keeps rounding errors small.
        centre = self.mu.mean(0)
        z, mu, precision = z - centre, self.mu - centre, torch.exp(-self.logvar)
        squared = z.square() @ precision.T - 2 * (z @ (mu * precision).T)
        constant = (mu.square() * precision + self.logvar + LOG_2PI).sum(-1)
        return torch.logsumexp(self._log_share - 0.5 * (squared + constant), dim=-1)

    def log_prob_per_dim(self, z: Tensor) -> Tensor:
        """Log density of each coordinate under its own marginal, (n, latent_dim) → the same."""
        squared = (z[:, None] - self.mu).square() * torch.exp(-self.logvar)
        log_normal = -0.5 * (squared + self.logvar + LOG_2PI)
        return torch.logsumexp(self._log_share[:, None] + log_normal, dim=1)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` codes (n, latent_dim), each from a random component."""
        chosen = torch.multinomial(self._log_share.exp(), n, replacement=True, generator=generator)
        return DiagonalGaussian(self.mu[chosen], self.logvar[chosen]).sample(generator=generator)

    @property
    def mean(self) -> Tensor:
        """Mean of all components, (latent_dim,)."""
        return self._log_share.exp() @ self.mu

    def span(self, deviations: float) -> tuple[Tensor, Tensor]:
        """Return the quantiles of each dimension's marginal, by bisection of its cdf."""
        sigma = torch.exp(0.5 * self.logvar)
        reach = deviations * sigma
        ends = []
        for deviation in (-deviations, deviations):
            target = torch.special.ndtr(torch.tensor(deviation))
            low, high = (self.mu - reach).amin(0), (self.mu + reach).amax(0)
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                shares = self._log_share.exp()[:, None]
                cdf = (shares * torch.special.ndtr((middle - self.mu) / sigma)).sum(0)
                low = torch.where(cdf < target, middle, low)
                high = torch.where(cdf < target, high, middle)
            ends.append((low + high) / 2)
        return ends[0], ends[1]

    @property
    def _log_share(self) -> Tensor:
        return torch.log_softmax(self.logits, dim=-1)
