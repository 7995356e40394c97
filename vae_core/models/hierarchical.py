"""VAE with two stochastic layers (Burda et al. 2016, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_core import pixels
from vae_core.config import ModelConfig
from vae_core.models import networks
from vae_core.models.dense import Dense
from vae_core.models.distributions import DiagonalGaussian, UpperLayer
from vae_core.models.likelihoods import Likelihood
from vae_core.models.vae import VAE, Inference, Labels, Latent, Observed, gaussian_of
from vae_core.pixels import Images


class HierarchicalVAE(VAE):
    """VAE with posterior q(z1|x) q(z2|z1) and model p(z2) p(z1|z2) p(x|z1).

    Its methods are those of :class:`VAE`, with the upper layer z2 as the code z: ``latent_dim`` is
    its size and ``prior`` its prior. ``encode`` and ``decode`` pass the mean of z1 on: q(z2|z1) at
    the mean of q(z1|x), and p(x|z1) at the mean of p(z1|z2). Bounds come from ``forward``, which
    samples both layers.
    """

    def __init__(self, config: ModelConfig) -> None:
        assert config.first_latent_dim is not None
        super().__init__(config)
        widths, top = config.upper_hidden, config.latent_dim
        self.upper_encoder = networks.mlp((config.first_latent_dim, *widths), config.activation)
        self.upper_posterior = Dense(widths[-1], 2 * top)
        self.upper_decoder = networks.mlp(
            (top, *widths[::-1]), config.decoder_activation or config.activation
        )
        self.lower_prior = Dense(widths[0], 2 * config.first_latent_dim)

    @property
    def generative_networks(self) -> tuple[nn.Module, ...]:
        """Networks of p(x|z1) and p(z1|z2)."""
        return *super().generative_networks, self.upper_decoder, self.lower_prior

    @property
    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Networks of q(z1|x) and q(z2|z1)."""
        return *super().inference_networks, self.upper_encoder, self.upper_posterior

    def encode_first(self, x: Images, y: Labels | None = None) -> DiagonalGaussian:
        """q(z1|x)."""
        return super().encode(x, y)

    def encode_second(self, z1: Tensor) -> DiagonalGaussian:
        """q(z2|z1) of codes (..., first_latent_dim)."""
        return gaussian_of(self.upper_posterior(self.upper_encoder(z1)))

    def decode_second(self, z2: Tensor) -> DiagonalGaussian:
        """p(z1|z2) of codes (..., latent_dim)."""
        return gaussian_of(self.lower_prior(self.upper_decoder(z2)))

    def decode_first(self, z1: Tensor, y: Labels | None = None) -> Likelihood:
        """p(x|z1)."""
        return super().decode(z1, y)

    def encode(self, x: Images, y: Labels | None = None) -> DiagonalGaussian:
        """q(z2|z1) at the mean z1 of q(z1|x), of images ``x`` (batch, c, h, w)."""
        return self.encode_second(self.encode_first(x, y).mu)

    def decode(self, z: Tensor, y: Labels | None = None) -> Likelihood:
        """p(x|z1) at the mean z1 of p(z1|z2), for codes z2 ``z`` (..., latent_dim)."""
        return self.decode_first(self.decode_second(z).mu, y)

    def observe(self, x: Images, y: Labels | None = None) -> Observed:
        """Compute q(z1|x) of images, for any number of :meth:`draw` calls."""
        x, y = pixels.as_input(x, self.config.image_shape), self._checked(y)
        return Observed(x, y, self.encode_first(x, y), self.prior_given(y))

    def draw(self, observed: Observed, *, samples: int, generator: torch.Generator) -> Inference:
        """Draw and decode ``samples`` pairs (z1, z2) for each image."""
        q1, prior = observed.q, observed.prior
        z1 = q1.sample(samples, generator=generator)
        q2 = self.encode_second(z1)
        z2 = q2.sample(generator=generator)
        return Inference(
            x=observed.x,
            q=self.encode_second(q1.mu),
            z=z2,
            p=self.decode_first(z1, observed.y),
            prior=prior,
            hierarchy=(
                Latent(q1, z1, UpperLayer(self.decode_second(z2))),
                Latent(q2, z2, prior),
            ),
        )

    def sample(self, n: int, *, generator: torch.Generator, y: Labels | None = None) -> Tensor:
        """Mean images of ``n`` codes z1, each drawn given a z2 drawn from the prior."""
        if y is None and self.config.takes_labels:
            y = torch.arange(n) % self.config.classes
        z2 = self.prior_given(y).sample(n, generator=generator)
        z1 = self.decode_second(z2).sample(generator=generator)
        return self.decode_first(z1, y).mean
