"""The variational auto-encoder: q(z|x) and p(x|z) put together (Kingma & Welling 2014)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_core import networks
from vae_core.config import ModelConfig
from vae_core.distributions import (
    LIKELIHOODS,
    POSTERIOR_LOGVAR,
    DiagonalGaussian,
    Likelihood,
    StandardNormal,
    soft_clamp,
)


@dataclass(frozen=True)
class Inference:
    """Everything that one pass over a batch yields; the objectives are functions of it."""

    x: Tensor  # (batch, c, h, w) in [0, 1]
    q: DiagonalGaussian  # parameters (batch, latent_dim)
    z: Tensor  # (k, batch, latent_dim), drawn from q
    p: Likelihood  # p(x|z) for each of them
    prior: StandardNormal


class VAE(nn.Module):
    """A VAE with diagonal-Gaussian posterior, MLP trunks and a standard normal prior.

    Parameters
    ----------
    config
        Shapes, activation and likelihood.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        head = LIKELIHOODS[config.likelihood]
        first, last = config.hidden[0], config.hidden[-1]
        self.encoder = networks.mlp((config.pixels, *config.hidden), config.activation)
        self.posterior = nn.Linear(last, 2 * config.latent_dim)
        self.decoder = networks.mlp((config.latent_dim, *config.hidden[::-1]), config.activation)
        self.likelihood = nn.Linear(first, head.values_per_pixel * config.pixels)
        self.prior = StandardNormal(config.latent_dim)
        self._read_head = head.from_head

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """q(z|x) of images ``x`` (batch, c, h, w) in [0, 1]."""
        mu, logvar = self.posterior(self.encoder(x.flatten(1))).float().chunk(2, dim=-1)
        return DiagonalGaussian(mu, soft_clamp(logvar, *POSTERIOR_LOGVAR))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) of codes ``z`` (..., latent_dim)."""
        values = self.likelihood(self.decoder(z)).float()
        return self._read_head(values, self.config.image_shape, self.config.logvar_floor)

    def forward(self, x: Tensor, *, samples: int = 1, generator: torch.Generator) -> Inference:
        """Encode, draw ``samples`` codes for each image, decode them."""
        q = self.encode(x)
        z = q.sample(samples, generator=generator)
        return Inference(x=x, q=q, z=z, p=self.decode(z), prior=self.prior)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Decode the posterior mean: (batch, c, h, w) → (batch, c, h, w)."""
        return self.decode(self.encode(x).mu).mean

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Mean images of ``n`` codes drawn from the prior, (n, c, h, w)."""
        return self.decode(self.prior.sample(n, generator=generator)).mean


def initialise(model: VAE, *, mean_image: Tensor, scheme: str, generator: torch.Generator) -> None:
    """Draw the first weights and start the output at the data's mean.

    Parameters
    ----------
    mean_image
        (c, h, w) in [0, 1]; the output bias becomes its logit, clipped to [.001, .999] (Burda
        et al. 2016, section 5).
    scheme
        ``"default"``: Glorot uniform weights and zero biases; ``"paper"``: every parameter from
        N(0, 0.01) (Kingma & Welling 2014, section 5), 0.01 read as a standard deviation.
    """
    pixels = model.config.pixels
    with torch.no_grad():
        for layer in model.modules():
            if not isinstance(layer, nn.Linear):
                continue
            if scheme == "paper":
                layer.weight.normal_(0.0, 0.01, generator=generator)
                layer.bias.normal_(0.0, 0.01, generator=generator)
            else:
                bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()
        clipped = mean_image.flatten().clamp(0.001, 0.999)
        model.likelihood.bias[:pixels] = torch.logit(clipped)
