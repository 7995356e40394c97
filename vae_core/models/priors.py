"""Trainable priors p(z) and p(z|y): modules that return a distribution.

A new prior is a class here and a line in ``PRIORS``.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from vae_core.config import ModelConfig
from vae_core.errors import ConfigError
from vae_core.models.distributions import (
    DiagonalGaussian,
    GaussianMixture,
    LabelGaussian,
    Prior,
    StandardNormal,
    soft_clamp,
)

#: Bounds of a learned prior's log-variance.
LOGVAR = (-8.0, 4.0)
#: Standard deviation of a mixture's initial means: large enough for components to specialise.
SPREAD = 1.0
#: Bounds of an initial pseudo-input, between which the hard sigmoid has a slope.
PSEUDO_RANGE = (0.02, 0.98)
#: Standard deviation of the noise that distinguishes pseudo-inputs from one mean image.
PSEUDO_NOISE = 0.1

Encode = Callable[[Tensor, Tensor | None], DiagonalGaussian]


class PriorModule(nn.Module, abc.ABC):
    """Interface of a prior with weights."""

    #: Whether the prior is a mixture, whose KL has no closed form in each dimension.
    is_mixture: ClassVar[bool] = False

    @abc.abstractmethod
    def forward(self, y: Tensor | None, encode: Encode) -> Prior:
        """Return p(z|y) of labels ``y`` (batch,), or p(z); ``encode`` is the model's q(z|x)."""

    def start(self, pictures: Tensor, *, generator: torch.Generator) -> None:
        """Draw the initial weights, given images (n, c, h, w) in [0, 1]; keep zeros by default."""


class Standard(PriorModule):
    """N(0, I): no weights."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.latent_dim = config.latent_dim

    def forward(self, y: Tensor | None, encode: Encode) -> StandardNormal:
        """p(z) = N(0, I)."""
        return StandardNormal(self.latent_dim)


class Mixture(PriorModule):
    """Mixture of K learned diagonal Gaussians with learned weights."""

    is_mixture = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = (config.components, config.latent_dim)
        self.mu = nn.Parameter(torch.zeros(size))
        self.logvar = nn.Parameter(torch.zeros(size))
        self.logits = nn.Parameter(torch.zeros(config.components))

    def forward(self, y: Tensor | None, encode: Encode) -> GaussianMixture:
        """p(z) = Σ share_k · N(mu_k, diag(exp(logvar_k)))."""
        return GaussianMixture(self.mu, soft_clamp(self.logvar, *LOGVAR), self.logits)

    def start(self, pictures: Tensor, *, generator: torch.Generator) -> None:
        """Draw the means from N(0, SPREAD²); variances and weights start equal."""
        self.mu.normal_(0.0, SPREAD, generator=generator)


class Vamp(PriorModule):
    """VampPrior: the mean of q(z|u_k) over K learned pseudo-inputs u_k.

    Tomczak & Welling (2018), equation (9). In a conditional model, pseudo-input k has the label
    k mod classes.
    """

    is_mixture = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.classes = config.classes if config.conditional else 0
        self.pseudo_inputs = nn.Parameter(torch.zeros(config.components, *config.image_shape))

    def forward(self, y: Tensor | None, encode: Encode) -> GaussianMixture:
        """p(z) = (1/K) Σ q(z|u_k)."""
        u = nn.functional.hardsigmoid(self.pseudo_inputs)
        labels = torch.arange(len(u)) % self.classes if self.classes else None
        q = encode(u, labels)
        return GaussianMixture(q.mu, q.logvar, u.new_zeros(len(u)))

    def start(self, pictures: Tensor, *, generator: torch.Generator) -> None:
        """Copy examples to the pseudo-inputs; add noise if there are fewer examples."""
        k = len(self.pseudo_inputs)
        first = pictures[torch.arange(k) % len(pictures)]
        if len(pictures) < k:
            first = first + PSEUDO_NOISE * torch.randn(first.shape, generator=generator)
        self.pseudo_inputs.copy_(6 * (first.clamp(*PSEUDO_RANGE) - 0.5))  # hardsigmoid's inverse


class Label(PriorModule):
    """Learned diagonal Gaussian for each label."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = (config.classes, config.latent_dim)
        self.mu = nn.Parameter(torch.zeros(size))
        self.logvar = nn.Parameter(torch.zeros(size))

    def forward(self, y: Tensor | None, encode: Encode) -> LabelGaussian:
        """p(z|y) = N(mu_y, diag(exp(logvar_y)))."""
        if y is None:
            raise ConfigError(
                f"prior 'label' needs y, the labels (batch,) from 0 to {len(self.mu) - 1}"
            )
        return LabelGaussian(DiagonalGaussian(self.mu[y], soft_clamp(self.logvar[y], *LOGVAR)))


def is_mixture(name: str) -> bool:
    """Whether a prior is a mixture, whose KL has no closed form in each dimension."""
    return name in PRIORS and PRIORS[name].is_mixture


PRIORS: dict[str, type[PriorModule]] = {
    "standard": Standard,
    "mixture": Mixture,
    "vamp": Vamp,
    "label": Label,
}
