"""Linear-Gaussian models (probabilistic PCA), whose likelihood is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.models import Inference, Observed
from vae_core.models.distributions import DiagonalGaussian, StandardNormal
from vae_core.models.likelihoods import Gaussian

SHAPE = (1, 3, 3)
NOISE_LOGVAR = math.log(0.05)


class LinearModel:
    """p(z) = N(0, I), p(x|z) = N(Wz + b, s²I); subclasses have W (9, latent_dim) and q(z|x)."""

    latent_dim: int
    loadings: Tensor

    @property
    def config(self) -> ModelConfig:
        """The sizes alone: there are no hidden layers."""
        return ModelConfig(image_shape=SHAPE, latent_dim=self.latent_dim, hidden=(9,))

    @property
    def prior(self) -> StandardNormal:
        """p(z) = N(0, I)."""
        return StandardNormal(self.latent_dim)

    def prior_given(self, y: Tensor | None) -> StandardNormal:
        """p(z): there are no labels."""
        return self.prior

    def encode(self, x: Tensor, y: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x)."""
        raise NotImplementedError

    def decode(self, z: Tensor, y: Tensor | None = None) -> Gaussian:
        """p(x|z)."""
        mu = z @ self.loadings.T + 0.5
        return Gaussian(mu, torch.full_like(mu, NOISE_LOGVAR), SHAPE)

    def observe(self, x: Tensor, y: Tensor | None = None) -> Observed:
        """Encode."""
        return Observed(x, None, self.encode(x), self.prior)

    def draw(self, observed: Observed, *, samples: int, generator: torch.Generator) -> Inference:
        """Draw, decode."""
        z = observed.q.sample(samples, generator=generator)
        return Inference(x=observed.x, q=observed.q, z=z, p=self.decode(z), prior=observed.prior)

    def __call__(
        self,
        x: Tensor,
        *,
        y: Tensor | None = None,
        samples: int = 1,
        generator: torch.Generator,
    ) -> Inference:
        """Encode, draw, decode."""
        return self.draw(self.observe(x), samples=samples, generator=generator)

    def exact_nll(self, images: Tensor) -> Tensor:
        """−log N(x; b, WWᵀ + s²I) in nats, (n,)."""
        covariance = self.loadings @ self.loadings.T + math.exp(NOISE_LOGVAR) * torch.eye(9)
        marginal = torch.distributions.MultivariateNormal(
            torch.full((9,), 0.5, dtype=torch.float64), covariance.double()
        )
        return -marginal.log_prob(images.flatten(1).double() / 255)


@dataclass(frozen=True)
class CorrelatedPCA(LinearModel):
    """A linear model with columns of W that are not orthogonal.

    So the exact posterior is a Gaussian of full covariance, and the encoder, a diagonal one with
    a mean that is ``shift`` off, can only be wrong.
    """

    latent_dim: int = 2
    shift: float = 0.1

    @property
    def loadings(self) -> Tensor:  # type: ignore[override]
        """W, (9, latent_dim)."""
        generator = torch.Generator().manual_seed(1)
        return 0.4 * torch.randn(9, self.latent_dim, generator=generator) + 0.3

    @property
    def posterior_covariance(self) -> Tensor:
        """(I + WᵀW / s²)⁻¹."""
        w = self.loadings
        precision = torch.eye(self.latent_dim) + w.T @ w / math.exp(NOISE_LOGVAR)
        return torch.linalg.inv(precision)

    def posterior_mean(self, x: Tensor) -> Tensor:
        """Mean of the exact p(z|x), (n, latent_dim)."""
        scaled = (x.flatten(1) - 0.5) @ self.loadings / math.exp(NOISE_LOGVAR)
        return scaled @ self.posterior_covariance

    def encode(self, x: Tensor, y: Tensor | None = None) -> DiagonalGaussian:
        """Return a q(z|x) that is wrong."""
        logvar = self.posterior_covariance.diagonal().log().expand(len(x), self.latent_dim)
        return DiagonalGaussian(self.posterior_mean(x) + self.shift, logvar)


def pictures(n: int, model: CorrelatedPCA) -> Tensor:
    """Draws of the model, rounded to levels: uint8 (n, 1, 3, 3)."""
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(n, model.latent_dim, generator=generator)
    x = model.decode(z).sample(generator=generator)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
